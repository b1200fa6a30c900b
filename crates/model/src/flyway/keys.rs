//! Flyway's settings as somebody wrote them: only what was said, so that one text can be laid over another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FlywayKey, FlywaySettings, IgnorePattern, IgnoredKind, IgnoredState, KeyEffect, KeyShape};

/// Keys of [`FlywaySettings`] with their values, each checked by itself: only those that somebody set.
///
/// Flyway's other keys may be among them, but only by name: of a key that has no effect here no value is kept, as it
/// may be a password.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct FlywayKeys {
    set: Map<String, Value>,
    without_effect: BTreeSet<String>,
}

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
        self.set.is_empty() && self.without_effect.is_empty()
    }

    /// The settings that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.set.keys().map(String::as_str)
    }

    /// Whether a setting is set; a placeholder by `placeholders.NAME`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let mut value = self.set.get(name);
        if let Some((map, key)) = name.split_once('.') {
            value = self.set.get(map).and_then(|map| map.get(key));
        }
        value.is_some()
    }

    /// The keys that somebody set and that have no effect here, each with the reason.
    pub fn without_effect(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.without_effect
            .iter()
            .filter_map(|name| match FlywayKey::find(name)?.effect {
                KeyEffect::Nothing(why) => Some((name.as_str(), why)),
                KeyEffect::Setting(_) | KeyEffect::Ignores(_) => None,
            })
    }

    /// Sets a key by its name without `flyway.`; a placeholder by `placeholders.NAME`. A text is read as what the key
    /// needs: `true` and `false`, or a list with commas.
    ///
    /// # Errors
    /// If there is no such key, or it can't have this value.
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), FlywayKeyError> {
        let wrong = |message: String| FlywayKeyError {
            key: key.chars().take(80).collect(),
            message,
        };
        let known = FlywayKey::find(key).ok_or_else(|| wrong(unknown(key)))?;
        match known.effect {
            KeyEffect::Nothing(_) => {
                self.without_effect.insert(key.to_owned());
                Ok(())
            }
            KeyEffect::Ignores(state) => self.ignore(state, &value).map_err(wrong),
            KeyEffect::Setting(KeyShape::Map) => match key.split_once('.') {
                Some((_, name)) => self.set_in_map(known.name, name, value),
                None => self.set_map(known.name, value),
            }
            .map_err(wrong),
            KeyEffect::Setting(shape) => self
                .set_one(known.name, shape.read(value).map_err(wrong)?)
                .map_err(wrong),
        }
    }

    fn set_one(&mut self, name: &str, value: Value) -> Result<(), String> {
        let one = Map::from_iter([(name.to_owned(), value.clone())]);
        serde_json::from_value::<FlywaySettings>(Value::Object(one)).map_err(|error| error.to_string())?;
        self.set.insert(name.to_owned(), value);
        Ok(())
    }

    fn set_map(&mut self, name: &str, value: Value) -> Result<(), String> {
        let Value::Object(map) = value else {
            return Err("it must hold texts by name".to_owned());
        };
        self.set.entry(name).or_insert_with(|| Value::Object(Map::new()));
        map.into_iter()
            .try_for_each(|(key, value)| self.set_in_map(name, &key, value))
    }

    fn set_in_map(&mut self, name: &str, key: &str, value: Value) -> Result<(), String> {
        let value = KeyShape::Text.read(value)?;
        if let Value::Object(map) = self.set.entry(name).or_insert_with(|| Value::Object(Map::new())) {
            map.insert(key.to_owned(), value);
        }
        Ok(())
    }

    /// What Flyway once had a key of its own for, as a pattern.
    fn ignore(&mut self, state: IgnoredState, value: &Value) -> Result<(), String> {
        let on = KeyShape::Switch.read(value.clone())?;
        let pattern = IgnorePattern {
            kind: IgnoredKind::Any,
            state,
        };
        let mut patterns = match self.set.get("ignoreMigrationPatterns") {
            Some(Value::Array(patterns)) => patterns.clone(),
            _ => vec![Value::String(IgnorePattern::FUTURE.to_string())],
        };
        let pattern = Value::String(pattern.to_string());
        patterns.retain(|other| *other != pattern);
        if on == Value::Bool(true) {
            patterns.push(pattern);
        }
        self.set_one("ignoreMigrationPatterns", Value::Array(patterns))
    }

    /// These, and for what they don't say, those. Placeholders are laid over each other by name.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut both = below.clone();
        both.without_effect.extend(self.without_effect.iter().cloned());
        for (key, value) in &self.set {
            match (both.set.get_mut(key), value) {
                (Some(Value::Object(below)), Value::Object(above)) => below.extend(above.clone()),
                _ => {
                    both.set.insert(key.clone(), value.clone());
                }
            }
        }
        both
    }

    /// With Flyway's defaults for what nobody set.
    ///
    /// # Errors
    /// None in practice: each key was checked.
    pub fn settings(&self) -> Result<FlywaySettings, FlywayKeyError> {
        serde_json::from_value(Value::Object(self.set.clone())).map_err(|error| FlywayKeyError {
            key: "*".to_owned(),
            message: error.to_string(),
        })
    }
}

fn unknown(key: &str) -> String {
    match FlywayKey::nearest(key) {
        Some(near) => format!("Flyway has no such key; the nearest is `{near}`"),
        None => "Flyway has no such key".to_owned(),
    }
}

impl KeyShape {
    /// The value as this shape, where it is a text that can be read so.
    fn read(self, value: Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Text, Value::Number(number)) if number.is_f64() => {
                Err("write it as a text, in quotes: 1.10 is not 1.1".to_owned())
            }
            (Self::Text, Value::Number(number)) => Ok(Value::String(number.to_string())),
            (Self::Switch, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            (Self::Switch, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            (Self::List, Value::String(text)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(items.collect())
            }
            (Self::Text, value @ (Value::String(_) | Value::Null))
            | (Self::Switch, value @ Value::Bool(_))
            | (Self::List, value @ Value::Array(_))
            | (Self::Map, value @ Value::Object(_)) => Ok(value),
            (Self::Text, _) => Err("it must be a text".to_owned()),
            (Self::Switch, _) => Err("it must be `true` or `false`".to_owned()),
            (Self::List, _) => Err("it must be a list of texts".to_owned()),
            (Self::Map, _) => Err("it must hold texts by name".to_owned()),
        }
    }
}

impl TryFrom<Map<String, Value>> for FlywayKeys {
    type Error = FlywayKeyError;

    fn try_from(map: Map<String, Value>) -> Result<Self, Self::Error> {
        let is_old = |key: &str| FlywayKey::find(key).is_some_and(|key| matches!(key.effect, KeyEffect::Ignores(_)));
        // What Flyway no longer knows adds to what it knows now.
        let (old, new): (Vec<_>, Vec<_>) = map.into_iter().partition(|(key, _)| is_old(key));
        let mut keys = Self::default();
        for (key, value) in new.into_iter().chain(old) {
            keys.set(&key, value)?;
        }
        Ok(keys)
    }
}

/// What has no effect is told by its name alone.
impl From<FlywayKeys> for Map<String, Value> {
    fn from(keys: FlywayKeys) -> Self {
        let mut map = keys.set;
        map.extend(keys.without_effect.into_iter().map(|name| (name, Value::Null)));
        map
    }
}

/// Every key, set to what it is.
impl From<&FlywaySettings> for FlywayKeys {
    fn from(settings: &FlywaySettings) -> Self {
        match serde_json::to_value(settings) {
            Ok(Value::Object(set)) => Self {
                set,
                without_effect: BTreeSet::new(),
            },
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
    fn s14_what_is_near_is_suggested() {
        let told = |json: Value| serde_json::from_value::<FlywayKeys>(json).unwrap_err().to_string();
        assert_eq!(
            told(json!({"outoforder": true})),
            "flyway.outoforder: Flyway has no such key; the nearest is `outOfOrder`"
        );
        assert_eq!(told(json!({"xyzzy": true})), "flyway.xyzzy: Flyway has no such key");
    }

    #[test]
    fn s14_a_text_is_read_as_what_the_key_needs() {
        let same = |written: Value, meant: Value| assert_eq!(keys(written), keys(meant));
        same(json!({"group": "TRUE"}), json!({"group": true}));
        same(json!({"schemas": " a , b,,"}), json!({"schemas": ["a", "b"]}));
        same(json!({"target": 3}), json!({"target": "3"}));
        same(json!({"placeholders.a.b": "x"}), json!({"placeholders": {"a.b": "x"}}));
        same(json!({"plugins.cherryPick": "1"}), json!({"cherryPick": ["1"]}));
        for wrong in [
            json!({"target": 1.10}),
            json!({"group": 1}),
            json!({"schemas": true}),
            json!({"table": ["a"]}),
            json!({"placeholders": "x"}),
            json!({"placeholders.a": ["x"]}),
            json!({"encoding": "shift_jis"}),
        ] {
            assert!(serde_json::from_value::<FlywayKeys>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn s14_of_a_key_without_effect_only_the_name_is_kept() {
        let keys = keys(json!({"password": "hunter2", "jdbcProperties.accessToken": "hunter2", "group": true}));
        assert!(!format!("{keys:?} {}", serde_json::to_string(&keys).unwrap()).contains("hunter2"));
        let names: Vec<&str> = keys.without_effect().map(|(name, _)| name).collect();
        assert_eq!(names, ["jdbcProperties.accessToken", "password"]);
        let again: FlywayKeys = serde_json::from_value(serde_json::to_value(&keys).unwrap()).unwrap();
        assert_eq!(again, keys);
        assert!(keys.settings().unwrap().group);
    }

    #[test]
    fn s14_keys_that_flyway_no_longer_knows_are_patterns() {
        let patterns = |json: Value| {
            let patterns = keys(json).settings().unwrap().ignore_migration_patterns;
            patterns.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            patterns(json!({"ignoreMissingMigrations": true})),
            ["*:future", "*:missing"]
        );
        assert_eq!(patterns(json!({"ignoreFutureMigrations": "false"})), [""; 0]);
        assert_eq!(
            patterns(json!({"ignoreIgnoredMigrations": true, "ignorePendingMigrations": false})),
            ["*:future", "*:ignored"]
        );
        assert_eq!(
            patterns(json!({"ignoreFutureMigrations": true, "ignoreMigrationPatterns": ["*:pending"]})),
            ["*:pending", "*:future"]
        );
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
