//! Whether others' writes could be lost, and whether the policy forbids that (rule Q2).

use belay_aws::snapshots::Snapshots;
use belay_engine::{Connect, not_lossless};
use belay_model::{Code, Failure};

use crate::Restore;
use crate::task::Task;

impl<S: Snapshots> Restore<S> {
    /// Refuses what the policy forbids, as it is now.
    pub(crate) async fn must_be_allowed(&self, task: &Task) -> Result<(), Failure> {
        if !task.must_be_lossless() {
            return Ok(());
        }
        // What needs no login first: a database that is down is no reason to wait then.
        let obstacles = self.noted_obstacles(task).await?;
        if !obstacles.is_empty() {
            return Err(lossy(task, obstacles));
        }
        let connect = self.connect(task).await?;
        match self.obstacles(task, &connect).await? {
            obstacles if obstacles.is_empty() => Ok(()),
            obstacles => Err(lossy(task, obstacles)),
        }
    }

    /// Why others could have written since before the snapshot; empty: nobody could.
    pub(crate) async fn obstacles(&self, task: &Task, live: &Connect) -> Result<Vec<String>, Failure> {
        let mut obstacles = self.noted_obstacles(task).await?;
        let now = not_lossless(live, &task.asked.instance.quiesce.roles).await;
        obstacles.extend(now.map_err(|error| error.failure())?);
        Ok(obstacles)
    }

    async fn noted_obstacles(&self, task: &Task) -> Result<Vec<String>, Failure> {
        let mut obstacles = Vec::new();
        let item = self.locks.read(&task.asked.lock.key).await;
        match item.map_err(|error| error.failure())?.and_then(|item| item.door) {
            None => obstacles.push("nobody is kept out: the door was opened, or never closed".to_owned()),
            Some(door) if door.run != task.asked.of => {
                obstacles.push(format!(
                    "the door was closed by run {}, and not by {}",
                    door.run, task.asked.of
                ));
            }
            Some(_) => {}
        }
        if !task.at_snapshot.quiesced {
            obstacles.push("the door was open when the snapshot was taken".to_owned());
        }
        Ok(obstacles)
    }
}

/// The policy forbids it.
pub(crate) fn lossy(task: &Task, obstacles: Vec<String>) -> Failure {
    let message = format!(
        "restoring {} could lose what others wrote, and the instance's policy is if-lossless",
        task.name
    );
    Failure::because(Code::NotLossless, message, obstacles).next(
        "decide what is to be lost: start an execution with the action restore, or mend the database by hand and accept \
         it with the action keep",
    )
}
