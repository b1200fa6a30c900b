//! What a run's own marks and rows say, and what else is worth telling.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where the database is, by this run's own marks, progress and history rows, and by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// This run committed nothing.
    Before,
    /// This run committed something, and not all.
    Between,
    /// This run committed all that was planned.
    After,
    /// The run's own record is gone and the database is not as it was (V3): a person must look.
    Unknown,
}

/// Whether the assertions of `verify/` hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionState {
    /// There are none.
    None,
    /// They held before the last COMMIT, or (after a last lone unit) when Verify asked.
    Passed,
    /// They never held.
    Failed,
    /// They held before the last COMMIT, and not any more.
    FailedLater,
    /// They were not asked.
    NotRun,
}

/// Something worth telling. A finding can turn a success into `needs-operator`; it never leads to an undo or a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// What was found, in a sentence.
    pub message: String,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// What this run changed in the schema.
    Changed,
    /// What changed in the schema besides: somebody else's DDL.
    ChangedByOthers,
    /// Somebody else's row in the history.
    HistoryMoved,
    /// A mark that survived: something committed that was not meant to.
    UnitOpen,
    /// An assertion does not hold.
    Assertion,
    /// A file that Belay does not run.
    Ignored,
    /// A warning.
    Note,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::Between => "between",
            Self::After => "after",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
