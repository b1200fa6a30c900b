//! The messages between the states of the workflow. Small: papers and bundles go by reference. No secret is in any.

mod migrate;
mod notify;
mod result;
mod validate;
mod verify;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Failure, FileDigest, Outcome, PlannedAction, RunId, RunSettings, TargetName};

pub use migrate::{CleanupReply, KeepReply, MigrateReply, MigrateRequest, MigrateStatus, PlannedAttempt};
pub use notify::{Begun, Ending, NotifyReply, NotifyRequest};
pub use result::RunResult;
pub use validate::{CheckReply, InfoReply, PlanReply, ValidateRequest};
pub use verify::{Verified, VerifyReply, VerifyRequest};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Bring the target to the state that the bundle describes.
    #[default]
    Migrate,
    /// Tell which migrations are applied and which are pending. Changes nothing.
    Info,
    /// Tell whether the bundle fits the database. Changes nothing.
    Validate,
    /// Take the database to be at a version.
    Baseline,
    /// Bring the history in line with the bundle.
    Repair,
    /// Take back the last versions, by the bundle's undo files.
    Undo,
    /// Accept the database as a quarantined run left it.
    Keep,
    /// Restore the snapshot of a quarantined run.
    Restore,
    /// Let those log in again whom a run kept out.
    Reopen,
}

/// A bundle's place: one version of one object of the stack's bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleRef {
    /// `bundles/<target>/<any name>.zip`.
    pub key: String,
    /// The object's version; an event without one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// S3's order of the versions of one key; only where an event brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
}

/// Who calls: the same in every message of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunHeader {
    /// The execution's ARN; the run's id is derived from it.
    pub execution: String,
    /// When the execution started.
    pub started_at: Timestamp,
    /// As the input says; not checked before `notify`'s `begun` (it must be told even if it is nonsense).
    pub target: String,
    /// As the input says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleRef>,
    /// What the run does.
    #[serde(default)]
    pub action: Action,
    /// Flyway's settings of this run alone, such as `target` or `cherryPick`: they are laid over the target's.
    /// Not checked before Check.
    #[serde(default, skip_serializing_if = "RunSettings::is_empty")]
    pub flyway: RunSettings,
}

impl Action {
    /// What a plan of this action does; nothing for actions without a plan.
    #[must_use]
    pub fn planned(self) -> Option<PlannedAction> {
        match self {
            Self::Migrate => Some(PlannedAction::Migrate),
            Self::Baseline => Some(PlannedAction::Baseline),
            Self::Repair => Some(PlannedAction::Repair),
            Self::Undo => Some(PlannedAction::Undo),
            Self::Info | Self::Validate | Self::Keep | Self::Restore | Self::Reopen => None,
        }
    }

    /// What an outcome is called for this action: what was asked for, and is so, is `done`.
    #[must_use]
    pub fn settles(self, outcome: Outcome) -> Outcome {
        match (self, outcome) {
            (Self::Restore, Outcome::Restored) | (Self::Baseline | Self::Repair | Self::Undo, Outcome::Migrated) => {
                Outcome::Done
            }
            _ => outcome,
        }
    }
}

impl RunHeader {
    /// The run's id.
    #[must_use]
    pub fn run(&self) -> RunId {
        RunId::of_execution(&self.execution)
    }

    /// The target's name.
    ///
    /// # Errors
    /// If it is not a target's name.
    pub fn target_name(&self) -> Result<TargetName, crate::ParseNameError> {
        self.target.parse()
    }
}

/// One of the run's papers in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaperRef {
    /// `runs/<target>/<run>/…`.
    pub key: String,
    /// The object's version.
    pub version_id: String,
    /// Of the object's bytes.
    pub sha256: FileDigest,
}

/// The lock item under which a function may change something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockRef {
    /// The item's key.
    pub key: String,
    /// The fence that Lock gave.
    pub fence: u64,
}

/// An error as Step Functions caught it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caught {
    /// The error's name.
    pub error: String,
    /// For a function's own error: JSON with `errorType` and `errorMessage`, which is a [`Failure`] as JSON.
    #[serde(default)]
    pub cause: String,
}

impl Caught {
    /// The failure that a function threw, or one that says what Step Functions said.
    ///
    /// `unknown` is the code for an error that is not one of ours (a crash, a timeout).
    #[must_use]
    pub fn failure(&self, unknown: crate::Code) -> Failure {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Thrown {
            error_message: String,
        }
        let thrown = serde_json::from_str::<Thrown>(&self.cause).ok();
        let message = thrown.map_or_else(|| self.cause.clone(), |thrown| thrown.error_message);
        serde_json::from_str(&message).unwrap_or_else(|_| {
            let code = self.error.parse().unwrap_or(unknown);
            let detail = if message.is_empty() {
                String::new()
            } else {
                format!(": {message}")
            };
            Failure::new(code, format!("{}{detail}", self.error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn an_ending_is_read_with_its_step() {
        let text = r#"{"step": "ended", "outcome": "up-to-date",
            "run": {"execution": "arn:x", "startedAt": "2026-11-20T10:00:00.123Z", "target": "shop"}}"#;
        let NotifyRequest::Ended(ending) = serde_json::from_str(text).unwrap() else {
            panic!("not an ending")
        };
        assert_eq!(ending.outcome, Outcome::UpToDate);
        assert_eq!(ending.run.action, Action::Migrate);
        assert!(serde_json::from_str::<NotifyRequest>(&text.replace("outcome", "outcom")).is_err());
    }

    #[test]
    fn what_was_thrown_is_what_is_caught() {
        let thrown = Failure::new(Code::SqlFailed, "boom").next("mend it");
        let message = serde_json::to_string(&thrown).unwrap();
        let cause = serde_json::json!({"errorType": "Belay.SqlFailed", "errorMessage": message}).to_string();
        assert_eq!(
            Caught {
                error: "Belay.SqlFailed".to_owned(),
                cause
            }
            .failure(Code::Bug),
            thrown
        );
    }

    #[test]
    fn a_crash_is_told_as_it_was_caught() {
        let caught = Caught {
            error: "Sandbox.Timedout".to_owned(),
            cause: "after 3.00 seconds".to_owned(),
        };
        assert_eq!(
            caught.failure(Code::Database),
            Failure::new(Code::Database, "Sandbox.Timedout: after 3.00 seconds")
        );
    }
}
