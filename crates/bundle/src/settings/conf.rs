//! `flyway.conf`: properties that begin with `flyway.`.

use serde_json::Value;

use super::{Read, Written};
use crate::properties;
use crate::rejected::show;

pub(super) fn read<'a>(file: &'a str, text: &str) -> Read<'a> {
    let mut read = Read::default();
    for property in properties::read(text) {
        let Some(key) = property.key.strip_prefix("flyway.") else {
            // Flyway reads over them, too.
            read.notes.push(format!(
                "`{file}`: line {} has no effect: `{}` does not begin with `flyway.`",
                property.line,
                show(&property.key)
            ));
            continue;
        };
        let in_environment = key.strip_prefix("environments.").and_then(|rest| rest.split_once('.'));
        let (environment, key) = match in_environment {
            Some((name, key)) => (Some(name.to_owned()), key.strip_prefix("flyway.").unwrap_or(key)),
            None => (None, key),
        };
        read.environments.extend(environment.clone());
        if says_something(key, &property.value) {
            read.written.push(Written {
                file,
                line: property.line,
                environment,
                key: key.to_owned(),
                value: Value::String(property.value),
            });
        }
    }
    read
}

/// Nothing after the `=` is as if the key were not there, but where an empty text is one that is meant.
fn says_something(key: &str, value: &str) -> bool {
    let may_be_empty = ["Prefix", "Suffix", "Separator"].iter().any(|end| key.ends_with(end));
    !value.is_empty() || may_be_empty || key.starts_with("placeholders.")
}
