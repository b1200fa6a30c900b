//! `snapshot`: looks whether the instance can be snapshotted and restored, closes and opens its door, and takes its
//! snapshot.
//!
//! Each call looks at the world, does what is due, and says what it saw: asking again is always safe.

mod door;
mod prepare;
mod retention;
mod take;

use belay_access::Access;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Snapshots;
use belay_model::{Code, DoorReply, Failure, PrepareReply, SnapshotName, SnapshotReply, SnapshotRequest};
use serde::Serialize;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Snapshot<S> {
    /// The papers, the plan, the login.
    pub access: Access,
    /// The locks.
    pub locks: Locks,
    /// The instances and their snapshots.
    pub snapshots: S,
    /// The stack's name, by which it knows its own snapshots.
    pub stack: String,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `prepare`.
    Prepared(PrepareReply),
    /// To `quiesce` and `reopen`.
    Door(DoorReply),
    /// To `snapshot`.
    Snapshot(SnapshotReply),
}

impl<S: Snapshots> Snapshot<S> {
    /// Does what is due.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn handle(&self, request: SnapshotRequest) -> Result<Answer, Failure> {
        match request {
            SnapshotRequest::Prepare {
                run,
                target,
                instance,
                attempt: _,
            } => self.prepare(&run, &target, &instance).await.map(Answer::Prepared),
            SnapshotRequest::Quiesce {
                run,
                target,
                instance,
                lock,
            } => self.quiesce(&run, &target, &instance, &lock).await.map(Answer::Door),
            SnapshotRequest::Snapshot {
                run,
                target,
                instance,
                attempt,
                plan,
                digest,
                configuration,
                lock,
            } => {
                let name = run.target_name();
                let name = name.map_err(|error| Failure::new(Code::Bug, error.to_string()))?;
                let asked = take::Asked {
                    name: SnapshotName::of(&name, &run.run(), attempt),
                    run,
                    target,
                    instance,
                    attempt,
                    plan,
                    digest,
                    configuration,
                    lock,
                };
                self.take(&asked).await.map(Answer::Snapshot)
            }
            SnapshotRequest::Reopen {
                run,
                target,
                instance: _,
                lock,
            } => self.reopen(&run, &target, &lock).await.map(Answer::Door),
        }
    }
}
