//! How a run ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The one outcome of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every pending migration is in.
    Migrated,
    /// Nothing was pending.
    UpToDate,
    /// An action other than `migrate` did what was asked.
    Done,
    /// Failed; it is proved that this run committed nothing.
    Unchanged,
    /// Failed; undo files took it back.
    Undone,
    /// Failed; the snapshot took it back.
    Restored,
    /// Failed; a person must decide. The target is quarantined until then.
    NeedsOperator,
    /// Ended without a handler: aborted, timed out, or an infrastructure error that persisted. May be redriven.
    Interrupted,
    /// The bundle or the request is refused; the database was not opened for change.
    Rejected,
    /// A later version of the same key runs instead.
    Superseded,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Migrated,
        Self::UpToDate,
        Self::Done,
        Self::Unchanged,
        Self::Undone,
        Self::Restored,
        Self::NeedsOperator,
        Self::Interrupted,
        Self::Rejected,
        Self::Superseded,
    ];

    /// The outcome's stable name, as results, mails and the workflow write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::UpToDate => "up-to-date",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Undone => "undone",
            Self::Restored => "restored",
            Self::NeedsOperator => "needs-operator",
            Self::Interrupted => "interrupted",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    /// The exit code for CI. `superseded` has the code of the run that took over, so it has none of its own; who can't
    /// follow it says 2.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Migrated | Self::UpToDate | Self::Done => 0,
            Self::Unchanged | Self::Undone | Self::Restored => 1,
            Self::NeedsOperator | Self::Interrupted | Self::Superseded => 2,
            Self::Rejected => 4,
        }
    }

    /// Whether the run did what was asked.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.exit_code() == 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("unknown outcome {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_display_agree() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
    }
}
