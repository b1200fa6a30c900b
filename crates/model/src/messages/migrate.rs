//! What is asked of `migrate`, and its answers.

use serde::{Deserialize, Serialize};

use crate::{Attempt, LockRef, PaperRef, PlanDigest, RunHeader, RunId, Target};

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
