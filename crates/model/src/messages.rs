//! The messages between the states of the workflow. Small: papers and bundles go by reference. No secret is in any.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AssertionState, Attempt, BundleDigest, Failure, FileDigest, Finding, Instance, Outcome, PlanDigest, PlannedAction,
    Restored, RunId, RunSettings, SnapshotName, Target, TargetName, Verdict, Writes,
};

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

/// `validate`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ValidateRequest {
    /// Look at the target's and its instance's settings and at the bundle (for actions without one, at the settings
    /// alone). Answer: [`CheckReply`].
    Check {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance, where it names one.
        #[serde(default)]
        instance: Option<Instance>,
    },
    /// Bundle and database together, under the lock; only reads. Answer: [`PlanReply`].
    Plan {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance, where it names one.
        #[serde(default)]
        instance: Option<Instance>,
        /// The attempt that it is for.
        attempt: Attempt,
        /// The digest that Check found.
        digest: BundleDigest,
    },
    /// The actions `info` and `validate`. Answer: [`InfoReply`].
    Info {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// The digest that Check found.
        digest: BundleDigest,
    },
}

/// `Check`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckReply {
    /// The bundle's identity; nothing for actions without a bundle, which have only their target looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BundleDigest>,
    /// Versioned and repeatable migrations in it.
    pub migrations: u32,
    /// The key of the lock item: the instance, or the endpoint's host and port.
    pub lock_key: String,
}

/// `Plan`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanReply {
    /// The plan, as a paper.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// How many migrations are pending.
    pub pending: u32,
}

/// The answer to `info` and `validate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InfoReply {
    /// The report, as a paper.
    pub report: PaperRef,
    /// How many migrations are pending.
    pub pending: u32,
}

/// `migrate`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum MigrateRequest {
    /// Apply what is planned. Answer: [`MigrateReply`].
    Migrate(PlannedAttempt),
    /// Take away what a lone file that failed has left, where that is sure (L2). Answer: [`CleanupReply`].
    Cleanup(PlannedAttempt),
    /// Accept the database as a quarantined run left it: close its attempts and units. Answer: [`KeepReply`].
    Keep {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// The run to close.
        keep: RunId,
        /// The lock.
        lock: LockRef,
    },
}

/// An attempt with its plan, under the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedAttempt {
    /// Who calls.
    pub run: RunHeader,
    /// The target.
    pub target: Target,
    /// The attempt.
    pub attempt: Attempt,
    /// The plan.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// The lock.
    pub lock: LockRef,
}

/// `migrate`'s answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MigrateReply {
    /// Whether there is more to do.
    pub status: MigrateStatus,
}

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrateStatus {
    /// Every unit was applied.
    Done,
    /// Time ran out after at least one unit or statement; call again.
    More,
}

/// `keep`'s answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepReply {
    /// How many open units were closed.
    pub closed: u32,
}

/// `cleanup`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CleanupReply {
    /// What was taken away, each in a sentence.
    pub cleaned: Vec<String>,
}

/// `verify`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// Who calls.
    pub run: RunHeader,
    /// The target.
    pub target: Target,
    /// The attempt to close.
    pub attempt: Attempt,
    /// The plan.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// How Migrate ended, if not well.
    #[serde(default)]
    pub failure: Option<Caught>,
    /// The run to judge, if it is not the caller: the one whose snapshot the action `restore` has restored.
    #[serde(default)]
    pub of: Option<RunId>,
    /// Whether the snapshot was restored: then the run's own record must be gone (V3).
    #[serde(default)]
    pub restored: bool,
}

/// `verify`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyReply {
    /// What the run's own marks and rows say.
    pub verdict: Verdict,
    /// The outcome, if the run ended now.
    pub outcome: Outcome,
    /// Somebody else moved the history and this run committed nothing: plan again.
    pub stale: bool,
    /// Whether the assertions hold.
    pub assertions: AssertionState,
    /// The verdict with its evidence and findings, as a paper.
    pub report: PaperRef,
}

/// `notify`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum NotifyRequest {
    /// The run began: write the result object as `running`. Answer: [`Begun`].
    Begun {
        /// Who calls.
        run: RunHeader,
    },
    /// The run waits for the lock: write the result object as `waiting`. Answer: [`Begun`].
    Waiting {
        /// Who calls.
        run: RunHeader,
        /// The execution that holds the lock.
        holder: String,
    },
    /// The run ended: write the result object and the report, then tell people. Answer: [`NotifyReply`].
    Ended(Box<Ending>),
}

/// How a run ended, as the workflow knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ending {
    /// Who calls.
    pub run: RunHeader,
    /// The target's own topic, where it has one.
    #[serde(default)]
    pub topic: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong first.
    #[serde(default)]
    pub failure: Option<Caught>,
    /// The digest that Check found.
    #[serde(default)]
    pub digest: Option<BundleDigest>,
    /// The plan, where one was made.
    #[serde(default)]
    pub plan: Option<PaperRef>,
    /// `verify`'s report, or that of `info` and `validate`.
    #[serde(default)]
    pub report: Option<PaperRef>,
    /// The lock's key, where there is one.
    #[serde(default)]
    pub lock_key: Option<String>,
    /// The run that an action names.
    #[serde(default)]
    pub of: Option<RunId>,
    /// The target's instance, where it names one.
    #[serde(default)]
    pub instance: Option<Instance>,
    /// The paper [`crate::Snapshotted`], where there is a snapshot.
    #[serde(default)]
    pub snapshot: Option<PaperRef>,
    /// The paper [`Restored`], where it was restored.
    #[serde(default)]
    pub restored: Option<PaperRef>,
    /// What kept the run from being undone, or the door from being opened.
    #[serde(default)]
    pub compensation: Option<Caught>,
    /// Roles that are kept out still.
    #[serde(default)]
    pub kept_out: Vec<String>,
    /// What Cleanup took away.
    #[serde(default)]
    pub cleaned: Vec<String>,
    /// For `superseded`: the version that runs instead.
    #[serde(default)]
    pub superseded_by: Option<String>,
}

/// The answer to `begun` and `waiting`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Begun {
    /// The run's id.
    pub run: RunId,
}

/// `notify`'s answer: the words for the state in which the execution ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotifyReply {
    /// The outcome; the `Error` of a `Fail` state.
    pub outcome: Outcome,
    /// What happened, for people; the `Cause` of a `Fail` state.
    pub cause: String,
    /// Whether the execution ends as succeeded.
    pub succeeded: bool,
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

/// What `verify` found, with its evidence: the paper behind [`VerifyReply::report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verified {
    /// What the run's own marks and rows say.
    pub verdict: Verdict,
    /// Whether the assertions hold.
    pub assertions: AssertionState,
    /// The scripts of the planned migrations that this run's rows show, in order.
    pub applied: Vec<String>,
    /// The scripts of the planned migrations that are not in.
    pub missing: Vec<String>,
    /// Marks that are open: what each says.
    pub open_units: Vec<String>,
    /// What others wrote since the snapshot: lower bounds, and empty where there is no snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Writes>,
    /// Everything else worth telling.
    pub findings: Vec<Finding>,
}

/// The result object: what CI reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunResult {
    /// `running`, `waiting`, or an outcome.
    pub status: String,
    /// The run.
    pub run: RunId,
    /// The execution's ARN.
    pub execution: String,
    /// The target.
    pub target: String,
    /// The bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleRef>,
    /// The bundle's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BundleDigest>,
    /// When the run started.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The exit code for CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What happened, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The verdict with its evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// The snapshot that was taken before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotName>,
    /// What a restore did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What kept the run from being undone, or the door from being opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Failure>,
    /// Roles that are kept out still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_out: Vec<String>,
    /// For `superseded`: the version that runs instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// Where the full report is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Whether people were told: false when the mail could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<bool>,
}

impl RunResult {
    /// A result that says who runs, and nothing else yet.
    #[must_use]
    pub fn of(run: &RunHeader, status: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            run: run.run(),
            execution: run.execution.clone(),
            target: run.target.clone(),
            bundle: run.bundle.clone(),
            digest: None,
            started_at: run.started_at,
            ended_at: None,
            exit_code: None,
            summary: None,
            failure: None,
            verified: None,
            snapshot: None,
            restored: None,
            compensation: None,
            kept_out: Vec::new(),
            superseded_by: None,
            report: None,
            told: None,
        }
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
