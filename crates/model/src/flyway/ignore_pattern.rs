//! Flyway's `ignoreMigrationPatterns`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
}
