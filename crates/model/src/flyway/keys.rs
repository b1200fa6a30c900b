//! Flyway's settings as somebody wrote them: only what was said, so that one text can be laid over another.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::FlywaySettings;

/// Keys of [`FlywaySettings`] with their values, each checked by itself: only those that somebody set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct FlywayKeys(Map<String, Value>);

/// A key that is none of Flyway's, or a value that it can't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("flyway.{key}: {message}")]
pub struct FlywayKeyError {
    /// The key.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl FlywayKeys {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Sets a key.
    ///
    /// # Errors
    /// If there is no such key, or it can't have this value.
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), FlywayKeyError> {
        let one = Map::from_iter([(key.to_owned(), value.clone())]);
        serde_json::from_value::<FlywaySettings>(Value::Object(one)).map_err(|error| FlywayKeyError {
            key: key.to_owned(),
            message: error.to_string(),
        })?;
        self.0.insert(key.to_owned(), value);
        Ok(())
    }

    /// These, and for what they don't say, those. Placeholders are laid over each other by name.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut both = below.0.clone();
        for (key, value) in &self.0 {
            match (both.get_mut(key), value) {
                (Some(Value::Object(below)), Value::Object(above)) => below.extend(above.clone()),
                _ => {
                    both.insert(key.clone(), value.clone());
                }
            }
        }
        Self(both)
    }

    /// With Flyway's defaults for what nobody set.
    ///
    /// # Errors
    /// None in practice: each key was checked.
    pub fn settings(&self) -> Result<FlywaySettings, FlywayKeyError> {
        serde_json::from_value(Value::Object(self.0.clone())).map_err(|error| FlywayKeyError {
            key: "*".to_owned(),
            message: error.to_string(),
        })
    }
}

impl TryFrom<Map<String, Value>> for FlywayKeys {
    type Error = FlywayKeyError;

    fn try_from(map: Map<String, Value>) -> Result<Self, Self::Error> {
        let mut keys = Self::default();
        for (key, value) in map {
            keys.set(&key, value)?;
        }
        Ok(keys)
    }
}

impl From<FlywayKeys> for Map<String, Value> {
    fn from(keys: FlywayKeys) -> Self {
        keys.0
    }
}

/// Every key, set to what it is.
impl From<&FlywaySettings> for FlywayKeys {
    fn from(settings: &FlywaySettings) -> Self {
        match serde_json::to_value(settings) {
            Ok(Value::Object(map)) => Self(map),
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(json: Value) -> FlywayKeys {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn s14_what_is_said_above_wins_and_placeholders_are_joined() {
        let below = keys(json!({"group": true, "table": "a", "placeholders": {"x": "1", "y": "2"}}));
        let above = keys(json!({"table": "b", "placeholders": {"y": "3"}}));
        let both = above.over(&below).settings().unwrap();
        assert!(both.group);
        assert_eq!(both.table, "b");
        assert_eq!(
            serde_json::to_value(&both.placeholders).unwrap(),
            json!({"x": "1", "y": "3"})
        );
        assert_eq!(keys(json!({})).settings().unwrap(), FlywaySettings::default());
    }

    #[test]
    fn s14_an_unknown_key_and_a_wrong_value_are_refused() {
        for wrong in [
            json!({"outoforder": true}),
            json!({"target": "newest"}),
            json!({"group": "yes"}),
        ] {
            assert!(serde_json::from_value::<FlywayKeys>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn s14_settings_are_keys_that_are_all_set() {
        let settings = FlywaySettings {
            out_of_order: true,
            default_schema: Some("app".to_owned()),
            ..FlywaySettings::default()
        };
        assert_eq!(FlywayKeys::from(&settings).settings().unwrap(), settings);
    }
}
