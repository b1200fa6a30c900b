//! `restore`: puts a snapshot in the place of the failed database, under the same endpoint.
//!
//! Each call looks at the world, does the one step that is due, and says what it saw (rule R1): restored beside,
//! configured, checked, the door closed, renamed away, renamed in, found under the endpoint. Nothing of ours ever deletes
//! a database (rule R3).

mod build;
mod due;
mod finish;
mod left;
mod policy;
mod swap;
mod task;

use belay_access::Access;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Snapshots;
use belay_model::{Code, Failure, Progress, RestoreReply, RestoreRequest};
use jiff::Timestamp;

use crate::due::{Step, due};
use crate::task::{Task, World, bug, pending};

/// The function, with what it needs.
#[derive(Debug)]
pub struct Restore<S> {
    /// The papers, the login.
    pub access: Access,
    /// The locks.
    pub locks: Locks,
    /// The instances and their snapshots.
    pub snapshots: S,
    /// The stack's name, by which it knows what it restored itself.
    pub stack: String,
}

impl<S: Snapshots> Restore<S> {
    /// Does the step that is due.
    ///
    /// # Errors
    /// What keeps the restore from going on. Both databases are then there, and one of them has the name or is about to.
    pub async fn handle(&self, request: RestoreRequest) -> Result<RestoreReply, Failure> {
        let task = self.task(request).await?;
        if !task.is_wanted() {
            return Err(bug(format!("nobody decided that {} is restored", task.name)));
        }
        self.must_be_mine(&task).await?;
        let world = self.look(&task).await?;
        let seen = self.seen(&task, &world, Timestamp::now());
        let step = due(&seen);
        let soon = step == Step::Swap || seen.names_change();
        tracing::info!(step = ?step, "due");
        let reply = self.step(&task, &world, step).await?;
        Ok(RestoreReply {
            soon: soon && reply.status == Progress::Pending,
            ..reply
        })
    }

    async fn step(&self, task: &Task, world: &World, step: Step) -> Result<RestoreReply, Failure> {
        match (step, &world.beside, &world.name) {
            (Step::Build, ..) => self.build(task).await,
            (Step::Configure, Some(beside), _) => self.configure(task, beside).await,
            (Step::Swap, Some(beside), _) => self.swap(task, beside).await,
            (Step::Take { checked }, Some(beside), _) => self.take(task, beside, checked).await,
            (Step::PutBack, ..) => self.put_back(task).await,
            (Step::Finish, _, Some(name)) => self.finish(task, world, name).await,
            (Step::Wait(place, word), ..) => Ok(pending(format!("{} is {word}", task.at(place)))),
            (Step::Broken(place, word), ..) => {
                let (name, beside, failed) = (&task.name, &task.beside, &task.failed);
                let message = format!(
                    "{} is {word}; the failed database is {name} or {failed}, the restored one {beside} or {name}",
                    task.at(place)
                );
                Err(Failure::new(Code::RestoreFailed, message)
                    .next("look at RDS's events; mend or delete it, then start an execution with the action restore"))
            }
            (Step::Replaced(place, how), ..) => {
                let message = format!("{} {how}", task.at(place));
                Err(Failure::new(Code::InstanceReplaced, message).next(format!(
                    "find out who changed it; the snapshot {} is there to be restored by hand",
                    task.at_snapshot.snapshot
                )))
            }
            (Step::Configure | Step::Swap | Step::Take { .. } | Step::Finish, ..) => {
                Err(bug("a step is due for a database that is not there".to_owned()))
            }
        }
    }
}
