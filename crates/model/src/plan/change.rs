//! Changes of the history that no file brings.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PlannedBaseline;
use crate::Checksum;

/// A change of the history that is none of a migration's. Each is kept in the journal with the row as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HistoryChange {
    /// The database is taken to be at a version: a BASELINE row, in a history that is made if it must be.
    Baseline(PlannedBaseline),
    /// The row of a migration that failed is taken out.
    RemoveFailed {
        /// Its rank.
        rank: i32,
        /// Its script.
        script: String,
    },
    /// A row is added that says that a migration's file is gone for good.
    MarkDeleted {
        /// The rank of the row that is added.
        rank: i32,
        /// The rank of the migration's row.
        of: i32,
        /// Its script.
        script: String,
    },
    /// A row is brought in line with the migration's file.
    Align {
        /// Its rank.
        rank: i32,
        /// Its script, which stays.
        script: String,
        /// What it says then.
        to: Aligned,
    },
}

/// A sentence without its end, for people.
impl fmt::Display for HistoryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Baseline(baseline) => write!(
                f,
                "the database is taken to be at version {} ({})",
                baseline.version, baseline.description
            ),
            Self::RemoveFailed { rank, script } => write!(f, "row {rank} of {script}, which failed, is taken out"),
            Self::MarkDeleted { rank, of, script } => write!(
                f,
                "row {of} of {script}, whose file is gone, is marked as deleted by a new row {rank}"
            ),
            Self::Align { rank, script, to } => {
                write!(f, "row {rank} of {script} says what its file says: {}", to.description)?;
                match to.checksum {
                    Some(checksum) => write!(f, ", checksum {checksum}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What `repair` corrects in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aligned {
    /// From the file's name.
    pub description: String,
    /// Flyway's `type`.
    pub row_type: String,
    /// The file's; nothing where Flyway keeps none.
    pub checksum: Option<Checksum>,
}
