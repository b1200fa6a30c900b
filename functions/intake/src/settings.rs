//! A flywayRequest's settings as a flyway.conf.

use std::collections::BTreeMap;

use belay_model::{FlywayKey, KeyEffect, KeyShape};
use serde_json::{Map, Value};

use crate::refused::{Refused, refused};

/// What a payload's settings come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    /// Lines of a flyway.conf, each ended.
    pub(crate) lines: String,
    /// What has no effect, each in a sentence. Never a value.
    pub(crate) notes: Vec<String>,
}

/// Names of placeholders whose values could be secrets.
const SECRETS: [&str; 4] = ["password", "passwd", "secret", "token"];

/// The settings under Flyway's names. Where the SQL is, is not among them: that is what the bundle says.
pub(crate) fn written(request: &Map<String, Value>) -> Result<Settings, Refused> {
    let mut settings = Settings::default();
    for (name, value) in in_order(request) {
        let key = FlywayKey::find(name).filter(|key| key.name == name);
        let effect = key.map(|key| key.effect).ok_or_else(|| unknown(name))?;
        match effect {
            _ if name == "locations" => settings
                .notes
                .push("flywayRequest.locations has no effect: all files of the folder are in one bundle".to_owned()),
            KeyEffect::Nothing(why) => settings
                .notes
                .push(format!("flywayRequest.{name} has no effect: {why}")),
            KeyEffect::Setting(KeyShape::Map) => placeholders(name, value, &mut settings)?,
            KeyEffect::Setting(_) | KeyEffect::Ignores(_) => {
                let text = text(value).ok_or_else(|| wrong(name))?;
                settings.lines.push_str(&line(name, &text)?);
            }
        }
    }
    Ok(settings)
}

fn placeholders(name: &str, value: &Value, settings: &mut Settings) -> Result<(), Refused> {
    for (placeholder, value) in in_order(value.as_object().ok_or_else(|| wrong(name))?) {
        let text = text(value).ok_or_else(|| wrong(name))?;
        settings.lines.push_str(&line(&format!("{name}.{placeholder}"), &text)?);
        let lower = placeholder.to_lowercase();
        if SECRETS.iter().any(|secret| lower.contains(secret)) {
            settings.notes.push(format!(
                "placeholder {placeholder} sounds like a secret, and its value can be read in the payload and in the \
                 bundle; the target's placeholders can come from Secrets Manager"
            ));
        }
    }
    Ok(())
}

/// By name: one request is one bundle, however it is ordered.
fn in_order(map: &Map<String, Value>) -> BTreeMap<&String, &Value> {
    map.iter().collect()
}

/// A value as flyway.conf has it: what is in a list is separated by commas.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(values) => values
            .iter()
            .map(text)
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.join(",")),
        Value::Null | Value::Object(_) => None,
    }
}

/// A line of a flyway.conf, in which nothing is escaped: Flyway takes every backslash as one, trims each line, and reads
/// `${NAME}` as an environment variable.
fn line(name: &str, value: &str) -> Result<String, Refused> {
    let ends_a_name = |c: char| c <= ' ' || matches!(c, '=' | ':');
    let is_variable = value.split_once("${").is_some_and(|(_, behind)| behind.contains('}'));
    let is_trimmed = value.starts_with(|c| c <= ' ') || value.ends_with(|c| c <= ' ' || c == '\\');
    if name.contains(ends_a_name) || value.contains(['\n', '\r']) || is_trimmed || is_variable {
        return Err(refused(
            format!("flywayRequest.{name:.60} can't be written into a flyway.conf as it is"),
            "say it in the target's flyway or its placeholders, which can hold any text",
        ));
    }
    Ok(format!("flyway.{name}={value}\n"))
}

fn unknown(name: &str) -> Refused {
    let short: String = name.chars().take(60).collect();
    let next = match FlywayKey::nearest(name) {
        Some(near) => format!("did you mean {near}? Otherwise leave it out"),
        None => "leave it out".to_owned(),
    };
    refused(
        format!("flywayRequest has {short:?}, which is no setting of Flyway's"),
        next,
    )
}

fn wrong(name: &str) -> Refused {
    refused(
        format!("flywayRequest.{name} is of another type than that setting"),
        "send it as flyway-lambda took it",
    )
}

#[cfg(test)]
mod tests {
    use belay_model::Failure;
    use serde_json::json;

    use super::*;

    fn of(json: &Value) -> Result<Settings, Refused> {
        written(json.as_object().unwrap())
    }

    #[test]
    fn settings_become_lines_of_a_flyway_conf() {
        let request = json!({
            "schemas": ["flyway", "app"], "outOfOrder": true, "connectRetries": 3, "target": "2.1",
            "placeholders": {"path": "C:\\x y", "db_password": "x"}, "ignoreMissingMigrations": true,
            "locations": ["filesystem:/x"],
        });
        let settings = of(&request).unwrap();
        assert_eq!(
            settings.lines.lines().collect::<Vec<_>>(),
            [
                "flyway.ignoreMissingMigrations=true",
                "flyway.outOfOrder=true",
                "flyway.placeholders.db_password=x",
                "flyway.placeholders.path=C:\\x y",
                "flyway.schemas=flyway,app",
                "flyway.target=2.1",
            ]
        );
        for (note, about) in settings
            .notes
            .iter()
            .zip(["connectRetries", "locations", "db_password"])
        {
            assert!(note.contains(about), "{note}");
        }
        assert_eq!(settings.notes.len(), 3);
    }

    #[test]
    fn what_is_no_setting_is_refused_with_the_near_one() {
        for (request, told) in [
            (json!({"outoforder": true}), "outOfOrder"),
            (json!({"somethingElseEntirely": 1}), "leave it out"),
            (json!({"target": {"version": 1}}), "flywayRequest.target"),
            (json!({"placeholders": ["a"]}), "flywayRequest.placeholders"),
            (json!({"jdbcProperties.accessToken": "x"}), "no setting"),
            (json!({"placeholders": {"a key": "x"}}), "target's flyway"),
            (json!({"placeholders": {"a": "two\nlines"}}), "target's flyway"),
            (json!({"placeholders": {"a": " x"}}), "target's flyway"),
            (json!({"placeholders": {"a": "${HOME}"}}), "target's flyway"),
            (json!({"installedBy": "x\\"}), "target's flyway"),
        ] {
            let failure = Failure::from(of(&request).unwrap_err());
            assert!(
                failure.to_string().contains(told) || failure.next.unwrap().contains(told),
                "{told}"
            );
        }
    }
}
