//! Flyway's settings that Belay knows, under Flyway's names and with Flyway's defaults.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Version;

/// Flyway's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FlywaySettings {
    /// The history table's name.
    pub table: String,
    /// The history table's schema, and the first of the search path. Absent: the first of `schemas`, else the
    /// connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_schema: Option<String>,
    /// Schemas that must be empty before the first migration, and are created if they are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// Whether missing schemas are created.
    pub create_schemas: bool,
    /// Whether a version below an applied one still runs.
    pub out_of_order: bool,
    /// Up to which version files run. Repeatables run with every one of them but `next`.
    pub target: TargetVersion,
    /// What `validate` does not look at.
    pub ignore_migration_patterns: Vec<IgnorePattern>,
    /// Whether what `validate` refuses keeps a run from beginning. A failed row in the history always does.
    pub validate_on_migrate: bool,
    /// Whether a database with objects and without a history is taken to be at `baseline_version`.
    pub baseline_on_migrate: bool,
    /// The version that such a database is taken to be at.
    pub baseline_version: Version,
    /// What the history says of it.
    pub baseline_description: String,
    /// Whether `${name}` is replaced.
    pub placeholder_replacement: bool,
    /// Who the history says applied a migration. Absent: the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_by: Option<String>,
}

impl Default for FlywaySettings {
    fn default() -> Self {
        Self {
            table: "flyway_schema_history".to_owned(),
            default_schema: None,
            schemas: Vec::new(),
            create_schemas: true,
            out_of_order: false,
            target: TargetVersion::Latest,
            ignore_migration_patterns: vec![IgnorePattern::FUTURE],
            validate_on_migrate: true,
            baseline_on_migrate: false,
            baseline_version: Version::one(),
            baseline_description: "<< Flyway Baseline >>".to_owned(),
            placeholder_replacement: true,
            installed_by: None,
        }
    }
}

/// Flyway's `target`: up to which version files run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetVersion {
    /// All.
    Latest,
    /// No further than the highest applied version: only repeatables.
    Current,
    /// The first pending migration, and only that.
    Next,
    /// Up to this version, and with it.
    Version {
        /// The version.
        version: Version,
        /// Whether a migration of this version must be there (`1.2`), or need not be (`1.2?`).
        must_exist: bool,
    },
}

/// A text that is no target version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a target: it is latest, current, next, a version such as 1.2, or 1.2? if there need be no such file"
)]
pub struct ParseTargetVersionError(String);

impl FromStr for TargetVersion {
    type Err = ParseTargetVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "latest" => return Ok(Self::Latest),
            "current" => return Ok(Self::Current),
            "next" => return Ok(Self::Next),
            _ => {}
        }
        let (version, must_exist) = text.strip_suffix('?').map_or((text, true), |version| (version, false));
        version
            .parse()
            .map(|version| Self::Version { version, must_exist })
            .map_err(|_| ParseTargetVersionError(text.chars().take(80).collect()))
    }
}

/// As it is parsed.
impl fmt::Display for TargetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Current => f.write_str("current"),
            Self::Next => f.write_str("next"),
            Self::Version { version, must_exist } => write!(f, "{version}{}", if *must_exist { "" } else { "?" }),
        }
    }
}

impl TryFrom<String> for TargetVersion {
    type Error = ParseTargetVersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TargetVersion> for String {
    fn from(target: TargetVersion) -> Self {
        target.to_string()
    }
}

/// One of Flyway's `ignoreMigrationPatterns`: which migrations, in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IgnorePattern {
    /// Which migrations.
    pub kind: IgnoredKind,
    /// In which state.
    pub state: IgnoredState,
}

impl IgnorePattern {
    /// Versions above every file's: a newer release was shipped. Flyway's default.
    pub const FUTURE: Self = Self {
        kind: IgnoredKind::Any,
        state: IgnoredState::Future,
    };
}

/// Which migrations a pattern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredKind {
    /// `*`
    Any,
    /// `versioned`
    Versioned,
    /// `repeatable`
    Repeatable,
}

/// Which state a pattern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredState {
    /// `*`
    Any,
    /// `missing`: applied, and the file is gone.
    Missing,
    /// `pending`: not applied yet.
    Pending,
    /// `ignored`: not applied, and below an applied one.
    Ignored,
    /// `future`: applied, and above every file's version.
    Future,
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a pattern: it is KIND:STATE, with * or versioned or repeatable, and * or missing or pending or ignored or future"
)]
pub struct ParseIgnorePatternError(String);

impl FromStr for IgnorePattern {
    type Err = ParseIgnorePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseIgnorePatternError(text.chars().take(80).collect());
        let (kind, state) = text.split_once(':').ok_or_else(wrong)?;
        let kind = match kind.trim().to_ascii_lowercase().as_str() {
            "*" => IgnoredKind::Any,
            "versioned" => IgnoredKind::Versioned,
            "repeatable" => IgnoredKind::Repeatable,
            _ => return Err(wrong()),
        };
        let state = match state.trim().to_ascii_lowercase().as_str() {
            "*" => IgnoredState::Any,
            "missing" => IgnoredState::Missing,
            "pending" => IgnoredState::Pending,
            "ignored" => IgnoredState::Ignored,
            "future" => IgnoredState::Future,
            _ => return Err(wrong()),
        };
        Ok(Self { kind, state })
    }
}

/// As it is parsed.
impl fmt::Display for IgnorePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            IgnoredKind::Any => "*",
            IgnoredKind::Versioned => "versioned",
            IgnoredKind::Repeatable => "repeatable",
        };
        let state = match self.state {
            IgnoredState::Any => "*",
            IgnoredState::Missing => "missing",
            IgnoredState::Pending => "pending",
            IgnoredState::Ignored => "ignored",
            IgnoredState::Future => "future",
        };
        write!(f, "{kind}:{state}")
    }
}

impl TryFrom<String> for IgnorePattern {
    type Error = ParseIgnorePatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IgnorePattern> for String {
    fn from(pattern: IgnorePattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_a_target_is_a_word_or_a_version() {
        for (text, same) in [
            ("latest", "latest"),
            ("LATEST", "latest"),
            ("Current", "current"),
            ("next", "next"),
            ("1_2", "1.2"),
            ("001.0?", "001.0?"),
        ] {
            assert_eq!(text.parse::<TargetVersion>().unwrap().to_string(), same);
        }
        for wrong in ["", "?", "1..2", "newest", "1.2??", "latest?", " 1"] {
            assert!(wrong.parse::<TargetVersion>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn s7_a_pattern_is_a_kind_and_a_state() {
        for (text, same) in [
            ("*:future", "*:future"),
            ("Versioned:Missing", "versioned:missing"),
            (" repeatable : pending ", "repeatable:pending"),
            ("*:ignored", "*:ignored"),
            ("*:*", "*:*"),
        ] {
            assert_eq!(text.parse::<IgnorePattern>().unwrap().to_string(), same);
        }
        for wrong in ["", "*", "future", ":", "*:", "*:success", "all:future", "*:future:x"] {
            assert!(wrong.parse::<IgnorePattern>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn s14_the_defaults_are_flyways() {
        let settings: FlywaySettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, FlywaySettings::default());
        assert_eq!(
            serde_json::to_value(&settings).unwrap(),
            serde_json::json!({
                "table": "flyway_schema_history",
                "createSchemas": true,
                "outOfOrder": false,
                "target": "latest",
                "ignoreMigrationPatterns": ["*:future"],
                "validateOnMigrate": true,
                "baselineOnMigrate": false,
                "baselineVersion": "1",
                "baselineDescription": "<< Flyway Baseline >>",
                "placeholderReplacement": true,
            })
        );
    }
}
