//! Flyway's settings from options and environment, as they are laid over the bundle's own.

use std::env;

use belay_model::{FlywayKey, FlywayKeys};
use serde_json::Value;

use crate::arguments::SettingOptions;
use crate::error::CliError;

/// What Flyway has as settings, and Belay as who logs in, and where.
const LOGIN: [&str; 3] = ["url", "user", "password"];

/// What was said outside the bundle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Options, and below them the environment.
    pub(crate) keys: FlywayKeys,
    /// Variables that look like settings and are none, each in a sentence.
    pub(crate) notes: Vec<String>,
}

impl Said {
    /// # Errors
    /// [`CliError::Usage`] for a setting that Flyway does not have, or that can't have this value.
    pub(crate) fn of(options: &SettingOptions) -> Result<Self, CliError> {
        Self::over_environment(&options.flyway, options.named())
    }

    /// The same for a command that has only `--flyway`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn of_pairs(pairs: &[String]) -> Result<Self, CliError> {
        Self::over_environment(pairs, std::iter::empty())
    }

    fn over_environment<'a>(
        pairs: &[String],
        named: impl Iterator<Item = (&'static str, &'a str)>,
    ) -> Result<Self, CliError> {
        let mut said = Self::of_variables(env::vars())?;
        let mut keys = FlywayKeys::default();
        for pair in pairs {
            let (key, value) = pair
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                // Not echoed: without the =, it may be the value.
                .ok_or_else(|| CliError::Usage("--flyway: it must be KEY=VALUE".to_owned()))?;
            set(&mut keys, "--flyway", key, value)?;
        }
        for (key, value) in named {
            set(&mut keys, "options", key, value)?;
        }
        said.keys = keys.over(&said.keys);
        Ok(said)
    }

    /// Flyway passes over a variable that is no setting; here that is told.
    fn of_variables(variables: impl Iterator<Item = (String, String)>) -> Result<Self, CliError> {
        let mut said = Self::default();
        let mut variables: Vec<_> = variables.filter(|(name, _)| name.starts_with("FLYWAY_")).collect();
        variables.sort_unstable();
        for (name, value) in variables {
            match key_of(&name) {
                Some(key) if LOGIN.contains(&key.as_str()) => {}
                Some(key) => set(&mut said.keys, &format!("{name} in the environment"), &key, &value)?,
                None => said
                    .notes
                    .push(format!("{name} in the environment is none of Flyway's settings")),
            }
        }
        Ok(said)
    }
}

fn set(keys: &mut FlywayKeys, whence: &str, key: &str, value: &str) -> Result<(), CliError> {
    keys.set(key, Value::String(value.to_owned()))
        .map_err(|error| CliError::Usage(format!("{whence}: {error}")))
}

/// `FLYWAY_OUT_OF_ORDER` is `outOfOrder`, `FLYWAY_PLACEHOLDERS_NAME` is `placeholders.name`.
fn key_of(variable: &str) -> Option<String> {
    if let Some(placeholder) = variable.strip_prefix("FLYWAY_PLACEHOLDERS_") {
        return Some(format!("placeholders.{}", placeholder.to_lowercase()));
    }
    let key = FlywayKey::ALL.iter().find(|key| variable_of(key.name) == variable);
    key.map(|key| key.name.to_owned())
}

fn variable_of(key: &str) -> String {
    let mut variable = "FLYWAY_".to_owned();
    for letter in key.chars() {
        match letter {
            '.' => variable.push('_'),
            letter if letter.is_ascii_uppercase() => variable.extend(['_', letter]),
            letter => variable.push(letter.to_ascii_uppercase()),
        }
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_a_variable_is_named_after_its_key() {
        for (variable, key) in [
            ("FLYWAY_TABLE", Some("table")),
            ("FLYWAY_OUT_OF_ORDER", Some("outOfOrder")),
            ("FLYWAY_SQL_MIGRATION_SUFFIXES", Some("sqlMigrationSuffixes")),
            ("FLYWAY_PLACEHOLDERS_APP_ROLE", Some("placeholders.app_role")),
            (
                "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK",
                Some("postgresql.transactional.lock"),
            ),
            ("FLYWAY_HOME", None),
            ("FLYWAY_", None),
        ] {
            assert_eq!(key_of(variable).as_deref(), key, "{variable}");
        }
    }

    #[test]
    fn s14_variables_are_settings_and_a_wrong_one_is_told_by_its_name() {
        let of = |name: &str, value: &str| Said::of_variables([(name.to_owned(), value.to_owned())].into_iter());
        let said = of("FLYWAY_SCHEMAS", "a, b").unwrap();
        assert_eq!(said.keys.settings().unwrap().schemas, ["a", "b"]);
        assert!(of("FLYWAY_PASSWORD", "hunter2").unwrap().keys.is_empty());
        assert_eq!(of("FLYWAY_HOME", "/").unwrap().notes.len(), 1);
        assert!(of("HOME", "/").unwrap().notes.is_empty());
        let wrong = of("FLYWAY_GROUP", "hunter2").unwrap_err().to_string();
        assert!(
            wrong.starts_with("FLYWAY_GROUP in the environment: ") && !wrong.contains("hunter2"),
            "{wrong}"
        );
    }
}
