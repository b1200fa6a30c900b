//! The messages and papers of snapshot, door and restore.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Attempt, Instance, InstanceName, LockRef, PaperRef, PlanDigest, RunHeader, RunId, SnapshotName, Target};

/// `snapshot`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SnapshotRequest {
    /// Look whether the instance can be snapshotted and restored, and note its configuration. Changes nothing. Answer:
    /// [`PrepareReply`].
    Prepare {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance.
        instance: Instance,
        /// The attempt.
        attempt: Attempt,
    },
    /// Keep the named roles out (Q1). Answer: [`DoorReply`].
    Quiesce {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance.
        instance: Instance,
        /// The lock.
        lock: LockRef,
    },
    /// Take the attempt's snapshot: do what is due, and say how far it is. Answer: [`SnapshotReply`].
    Snapshot {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance.
        instance: Instance,
        /// The attempt.
        attempt: Attempt,
        /// The plan.
        plan: PaperRef,
        /// The plan's identity.
        digest: PlanDigest,
        /// What [`PrepareReply::configuration`] said.
        configuration: PaperRef,
        /// The lock.
        lock: LockRef,
    },
    /// Let those log in again whom the lock's item says are kept out. Answer: [`DoorReply`].
    Reopen {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance.
        instance: Instance,
        /// The lock.
        lock: LockRef,
    },
}

/// `prepare`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrepareReply {
    /// The instance's whole configuration, as a paper.
    pub configuration: PaperRef,
}

/// The answer to `quiesce` and `reopen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoorReply {
    /// The roles that are kept out now (`quiesce`), or that were let in again (`reopen`).
    pub roles: Vec<String>,
}

/// How far something is that RDS does in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Not yet: call again.
    Pending,
    /// It is done.
    Done,
}

/// The answer to `snapshot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotReply {
    /// How far it is.
    pub status: Progress,
    /// What was seen, in a sentence.
    pub seen: String,
    /// When it is done: the paper [`Snapshotted`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<PaperRef>,
}

/// The paper `snapshot.json`: what a restore must know of the snapshot of a run's last attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshotted {
    /// The snapshot.
    pub snapshot: SnapshotName,
    /// The instance that it was taken of.
    pub instance: InstanceName,
    /// RDS's own name for that very database (`DbiResourceId`), which a rename keeps and a restore does not.
    pub resource: String,
    /// The attempt that it was taken for.
    pub attempt: Attempt,
    /// That attempt's plan.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// The instance's configuration before the run changed anything.
    pub configuration: PaperRef,
    /// What was in the database.
    pub census: PaperRef,
    /// Whether the door was closed when it was taken.
    pub quiesced: bool,
    /// When it was there.
    pub at: Timestamp,
}

/// `restore`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRequest {
    /// Who calls. With the action `restore` a person has decided, and the instance's policy is not asked.
    pub run: RunHeader,
    /// The target.
    pub target: Target,
    /// Its instance.
    pub instance: Instance,
    /// The run whose snapshot is restored: the caller's own, or the one that the action names.
    pub of: RunId,
    /// The lock.
    pub lock: LockRef,
}

/// The answer to `restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreReply {
    /// How far it is.
    pub status: Progress,
    /// What was seen, in a sentence.
    pub seen: String,
    /// Whether the names are changing: nobody can write until that is over, so the next call should come soon.
    #[serde(default)]
    pub soon: bool,
    /// When it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredRef>,
}

/// What the workflow must know of a restore that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoredRef {
    /// The paper [`Restored`].
    pub paper: PaperRef,
    /// The plan whose run was undone.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// The attempt that was undone.
    pub attempt: Attempt,
}

/// The paper `restored.json`: what a restore did, and what it could not carry over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Restored {
    /// The identifier, which leads to the restored database now.
    pub instance: InstanceName,
    /// Where the failed database is kept. It costs as much as before until somebody deletes it.
    pub failed: InstanceName,
    /// The snapshot.
    pub snapshot: SnapshotName,
    /// Whether nobody else could write since before the snapshot.
    pub lossless: bool,
    /// What was compared with what was noted at the snapshot.
    pub compared: Compared,
    /// Settings of the instance that are not as they were.
    pub differences: Vec<Difference>,
    /// What a restore can't carry over, each with what to type.
    pub left: Vec<LeftOver>,
    /// What others wrote since the snapshot: lower bounds. It is in the failed database only.
    pub writes: Vec<Writes>,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compared {
    /// Tables that are there and can be read.
    pub tables: u64,
    /// Of those, the ones whose rows were counted and are as many as before.
    pub counted: u64,
    /// The rows in those.
    pub rows: u64,
}

/// A setting that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Difference {
    /// Its name in RDS.
    pub setting: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// Something that a restore can't carry over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeftOver {
    /// What, in a sentence.
    pub what: String,
    /// What to type or to do.
    pub next: String,
}

/// Rows that others wrote (inserted or updated) and that are there: at least so many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Writes {
    /// The database.
    pub database: String,
    /// The table, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How many, at least.
    pub rows: u64,
}
