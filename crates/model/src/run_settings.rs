//! Flyway's settings that a request brings for its one run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{FlywayKeyError, FlywayKeys};

/// Flyway's settings of one run, as its request has them. Not checked when read: a request that is nonsense must be told,
/// too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunSettings(Map<String, Value>);

impl RunSettings {
    /// What a request may set: only what concerns one run. Everything else belongs to the bundle or to the target. No
    /// secret is among them.
    pub const NAMES: &[&str] = &[
        "target",
        "cherryPick",
        "skipExecutingMigrations",
        "baselineVersion",
        "baselineDescription",
        "baselineOnMigrate",
        "outOfOrder",
        "ignoreMigrationPatterns",
        "validateOnMigrate",
        "installedBy",
        "group",
        "mixed",
    ];

    /// Those of an execution's input that a request may set; the others are left out. Not an object: none.
    #[must_use]
    pub fn of_input(flyway: Option<&Value>) -> Self {
        let known = flyway.and_then(Value::as_object).into_iter().flatten();
        let known = known.filter(|(name, _)| Self::NAMES.contains(&name.as_str()));
        Self(known.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The settings, checked.
    ///
    /// # Errors
    /// The first that a request may not set, or whose value can't be.
    pub fn keys(&self) -> Result<FlywayKeys, FlywayKeyError> {
        let mut keys = FlywayKeys::default();
        for (name, value) in &self.0 {
            if !Self::NAMES.contains(&name.as_str()) {
                return Err(FlywayKeyError {
                    key: name.clone(),
                    message: "a request may not set this; the bundle or the target may".to_owned(),
                });
            }
            keys.set(name, value.clone())?;
        }
        Ok(keys)
    }
}

impl From<Map<String, Value>> for RunSettings {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(json: Value) -> RunSettings {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_name_is_one_of_flyways() {
        let samples = json!({
            "target": "2.1", "cherryPick": ["2", "orders"], "skipExecutingMigrations": true, "baselineVersion": "3",
            "baselineDescription": "d", "baselineOnMigrate": true, "outOfOrder": true,
            "ignoreMigrationPatterns": ["*:missing"], "validateOnMigrate": false, "installedBy": "ci", "group": true,
            "mixed": true,
        });
        assert_eq!(samples.as_object().unwrap().len(), RunSettings::NAMES.len());
        let keys = settings(samples).keys().unwrap();
        let names: std::collections::BTreeSet<_> = keys.names().collect();
        assert_eq!(names, RunSettings::NAMES.iter().copied().collect());
    }

    #[test]
    fn what_does_not_concern_one_run_and_what_can_not_be_is_refused() {
        for (wrong, key) in [
            (json!({"table": "t"}), "table"),
            (json!({"placeholders": {"a": "secret"}}), "placeholders"),
            (json!({"target": "newest"}), "target"),
            (json!({"outOfOrder": "yes"}), "outOfOrder"),
            (json!({"cherryPick": 2}), "cherryPick"),
        ] {
            assert_eq!(settings(wrong).keys().unwrap_err().key, key);
        }
    }

    #[test]
    fn of_an_input_only_what_may_be_set_is_taken() {
        for (input, taken) in [
            (json!({"target": 5, "password": "x"}), json!({"target": 5})),
            (json!("x"), json!({})),
            (Value::Null, json!({})),
        ] {
            assert_eq!(
                serde_json::to_value(RunSettings::of_input(Some(&input))).unwrap(),
                taken
            );
        }
        assert!(RunSettings::of_input(None).is_empty());
    }
}
