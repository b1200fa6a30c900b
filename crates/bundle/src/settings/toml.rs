//! `flyway.toml`: `[flyway]`, and `[environments.NAME]` with a `flyway` of its own.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use serde_json::Value;

use super::{Read, Written, invalid};
use crate::rejected::show;

/// What Flyway Desktop keeps beside `flyway` and `environments`.
const DESKTOP: [&str; 6] = [
    "id",
    "name",
    "databaseType",
    "flywayDesktop",
    "redgateCompare",
    "redgateMonitor",
];

pub(super) fn read<'a>(file: &'a str, text: &str) -> Read<'a> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        file,
        text,
        read: Read::default(),
    };
    match DeTable::parse(text) {
        Ok(root) => reader.root(root.get_ref()),
        Err(error) => {
            let line = reader.line(error.span().map_or(0, |span| span.start));
            let message = format!("it is not TOML: {}", show(error.message()));
            reader.read.flaws.push(invalid(message, line));
        }
    }
    reader.read
}

struct Reader<'a, 't> {
    file: &'a str,
    text: &'t str,
    read: Read<'a>,
}

impl Reader<'_, '_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (name, value) in root {
            let line = self.line(name.span().start);
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("flyway", DeValue::Table(table)) => self.keys(None, "", table),
                ("environments", DeValue::Table(environments)) => self.environments(environments),
                (known @ ("flyway" | "environments"), _) => {
                    self.read
                        .flaws
                        .push(invalid(format!("`{known}` must be a table"), line));
                }
                (desktop, _) if DESKTOP.contains(&desktop) => self.read.notes.push(format!(
                    "`{}`: `{desktop}` has no effect here: it is Flyway Desktop's",
                    self.file
                )),
                (unknown, _) => {
                    let message = format!("unknown `{}`; it is `[flyway]` or `[environments.NAME]`", show(unknown));
                    self.read.flaws.push(invalid(message, line));
                }
            }
        }
    }

    fn environments(&mut self, environments: &DeTable<'_>) {
        for (name, value) in environments {
            let environment = name.get_ref().as_ref();
            let DeValue::Table(table) = value.get_ref() else {
                let line = self.line(name.span().start);
                let message = format!("environment `{}` must be a table", show(environment));
                self.read.flaws.push(invalid(message, line));
                continue;
            };
            self.read.environments.push(environment.to_owned());
            for (key, value) in table {
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("flyway", DeValue::Table(table)) => self.keys(Some(environment), "", table),
                    (key, _) => self.key(Some(environment), key.to_owned(), value),
                }
            }
        }
    }

    fn keys(&mut self, environment: Option<&str>, above: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            self.key(environment, format!("{above}{}", name.get_ref()), value);
        }
    }

    fn key(&mut self, environment: Option<&str>, key: String, value: &Spanned<DeValue<'_>>) {
        if let DeValue::Table(table) = value.get_ref() {
            return self.keys(environment, &format!("{key}."), table);
        }
        self.read.written.push(Written {
            file: self.file,
            line: self.line(value.span().start),
            environment: environment.map(str::to_owned),
            key,
            value: plain(value.get_ref()),
        });
    }

    fn line(&self, at: usize) -> u32 {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let ends = before.iter().filter(|&&byte| byte == b'\n').count();
        u32::try_from(ends).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// The value; a number as it was written, as 1.10 is another version than 1.1.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => Value::String(number.to_string()),
        DeValue::Float(number) => Value::String(number.to_string()),
        DeValue::Boolean(on) => Value::Bool(*on),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect(),
        DeValue::Table(_) => Value::Null,
    }
}
