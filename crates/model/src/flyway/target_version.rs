//! Flyway's `target`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Version;

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
}
