//! What is asked of `notify`, and its answers.

use serde::{Deserialize, Serialize};

use crate::{BundleDigest, Caught, Instance, Outcome, PaperRef, RunHeader, RunId};

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
    /// The paper [`crate::Restored`], where it was restored.
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
