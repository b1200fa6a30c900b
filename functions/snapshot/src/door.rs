//! The door: who is kept out is noted first, then kept out; let in first, then forgotten (rule Q1).

use belay_aws::lock::Door;
use belay_aws::snapshots::Snapshots;
use belay_engine::{keep_out, let_in, not_lossless, who_logs_in};
use belay_model::{Code, DoorReply, Failure, Instance, LockRef, RunHeader, Target};
use jiff::Timestamp;

use crate::Snapshot;

impl<S: Snapshots> Snapshot<S> {
    /// Keeps the named roles out.
    pub(crate) async fn quiesce(
        &self,
        run: &RunHeader,
        target: &Target,
        instance: &Instance,
        lock: &LockRef,
    ) -> Result<DoorReply, Failure> {
        self.must_be_mine(lock, run).await?;
        let named = &instance.quiesce.roles;
        let connect = self.access.connect(run, target).await?;
        let roles = who_logs_in(&connect, named).await.map_err(|error| error.failure())?;
        let door = Door {
            run: run.run(),
            target: run
                .target_name()
                .map_err(|error| Failure::new(Code::Bug, error.to_string()))?,
            at: Timestamp::now(),
            roles,
        };
        // It also proves that the lock is still this run's, right before the first change.
        let noted = self.locks.note_door(lock, &run.execution, &door).await;
        let noted = noted.map_err(|error| error.failure())?;
        keep_out(&connect, &noted.roles)
            .await
            .map_err(|error| error.failure())?;
        let obstacles = not_lossless(&connect, named).await.map_err(|error| error.failure())?;
        if obstacles.is_empty() {
            return Ok(DoorReply { roles: noted.roles });
        }
        let message = "the named roles are kept out, and somebody could write still".to_owned();
        Err(Failure::because(Code::DoorRefused, message, obstacles).next(
            "mend each of these, or choose another policy for the instance, then start a new execution with the same \
             input",
        ))
    }

    /// Lets those in again whom the record says are kept out. No record: there is nobody.
    pub(crate) async fn reopen(&self, run: &RunHeader, target: &Target, lock: &LockRef) -> Result<DoorReply, Failure> {
        self.must_be_mine(lock, run).await?;
        let item = self.locks.read(&lock.key).await.map_err(|error| error.failure())?;
        let Some(door) = item.and_then(|item| item.door) else {
            return Ok(DoorReply { roles: Vec::new() });
        };
        let connect = self.access.connect(run, target).await?;
        let_in(&connect, &door.roles).await.map_err(|error| error.failure())?;
        let forgotten = self.locks.forget_door(lock, &run.execution).await;
        forgotten.map_err(|error| error.failure())?;
        Ok(DoorReply { roles: door.roles })
    }

    /// Whether it was this very run that closed the door, and it is closed still.
    pub(crate) async fn has_closed_the_door(&self, run: &RunHeader, lock: &LockRef) -> Result<bool, Failure> {
        let item = self.locks.read(&lock.key).await.map_err(|error| error.failure())?;
        Ok(item
            .and_then(|item| item.door)
            .is_some_and(|door| door.run == run.run()))
    }

    /// K3: before each step that changes something.
    pub(crate) async fn must_be_mine(&self, lock: &LockRef, run: &RunHeader) -> Result<(), Failure> {
        let mine = self.locks.assert_mine(lock, &run.execution).await;
        mine.map_err(|error| error.failure())
    }
}
