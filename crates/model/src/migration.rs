//! What a migration file is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Flyway's checksum: the CRC-32 of a file's lines without their ends, as a signed number. It tells versions of a file
/// apart as Flyway does; it is no proof of integrity (that is [`crate::FileDigest`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checksum(pub i32);

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often a migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrationKind {
    /// `V`: once, in the order of versions.
    Versioned,
    /// `B`: once, instead of all versioned ones up to its version, where nothing is applied yet.
    Baseline,
    /// `R`: after all versioned ones, whenever its checksum is new.
    Repeatable,
    /// `U`: takes back the versioned one of its version; only for the action `undo`.
    Undo,
}

impl MigrationKind {
    /// The `type` of its row in the history. An undo has none: Flyway can't read the type that it sells, so the version's
    /// row is taken out instead.
    #[must_use]
    pub fn row_type(self) -> &'static str {
        match self {
            Self::Versioned | Self::Repeatable => "SQL",
            Self::Baseline => "SQL_BASELINE",
            Self::Undo => "UNDO_SQL",
        }
    }
}
