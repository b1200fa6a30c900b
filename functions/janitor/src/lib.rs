//! `janitor`: tells of runs that ended without Notify (aborted, timed out, an infrastructure error that persisted), and
//! frees or quarantines their locks (rule K4); has doors opened that were left closed (rule Q1). Doing it again changes
//! nothing and tells nobody twice.

mod doors;
mod event;
mod interrupted;
mod request;

use std::time::Duration;

use belay_aws::AwsError;
use belay_aws::alarm::{self, Alarm};
use belay_aws::executions::{Execution, Executions, Status};
use belay_aws::lock::{Holder, LockItem, Locks, Phase};
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_model::{Failure, Outcome, RunId};
use serde::Serialize;

pub use event::{Event, StatusChange};

/// The function, with what it needs.
#[derive(Debug)]
pub struct Janitor {
    /// Knows who lives, and starts the action `reopen`.
    pub executions: Executions,
    /// The workflow's ARN.
    pub machine: String,
    /// The locks.
    pub locks: Locks,
    /// Result objects.
    pub results: Results,
    /// Papers.
    pub papers: Papers,
    /// Mail.
    pub mail: Mail,
    /// The stack's topic.
    pub topic: String,
    /// The stack's name.
    pub stack: String,
    /// The stack's bucket.
    pub bucket: String,
    /// The lock table, for the commands in a mail.
    pub lock_table: String,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Runs that were told of.
    pub told: Vec<RunId>,
    /// Locks that were freed.
    pub freed: Vec<String>,
    /// Locks that were quarantined.
    pub quarantined: Vec<String>,
    /// Runs with an outcome that nobody was told of.
    pub untold: Vec<RunId>,
    /// Locks whose door is being opened.
    pub reopening: Vec<String>,
}

/// How often Step Functions is asked whether an execution has ended whose end was announced: its answers lag behind.
const ASKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(300);

impl Janitor {
    /// Handles an event.
    ///
    /// # Errors
    /// `Infra.…`: what was done stays, and doing it again goes on.
    pub async fn handle(&self, event: Event) -> Result<Done, Failure> {
        let mut done = Done::default();
        let handled = match event {
            Event::Ended(change) => self.ended(&change, &mut done).await,
            Event::Sweep => self.sweep(&mut done).await,
        };
        tracing::info!(done = ?done, "cleaned up");
        handled.map(|()| done).map_err(|error| error.failure())
    }

    async fn ended(&self, change: &StatusChange, done: &mut Done) -> Result<(), AwsError> {
        if is_handled(change.error.as_deref()) {
            return Ok(());
        }
        let Some(execution) = self.ended_execution(change).await? else {
            return Ok(());
        };
        let locks = self.locks.held().await?;
        self.interrupted(&execution, locks, done).await
    }

    /// The execution of an event, once Step Functions agrees that it has ended; nothing if it was redriven meanwhile.
    async fn ended_execution(&self, change: &StatusChange) -> Result<Option<Execution>, AwsError> {
        for _ in 0..ASKS {
            let Some(execution) = self.executions.describe(&change.execution_arn).await? else {
                return Ok(None);
            };
            if execution.redrives > change.redrive_count.unwrap_or_default() {
                return Ok(None);
            }
            if execution.status != Status::Running {
                return Ok(Some(execution));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(AwsError::Execution {
            action: "describe",
            execution: change.execution_arn.clone(),
            said: "it still says that the execution runs, although its end was announced".to_owned(),
        })
    }

    /// Looks at every lock. One that fails does not keep the others from being looked at.
    async fn sweep(&self, done: &mut Done) -> Result<(), AwsError> {
        let mut failed = None;
        for lock in self.locks.held().await? {
            if let Err(error) = self.look_at(lock, done).await {
                tracing::error!(error = %error, "a lock can't be cleaned up");
                failed = Some(error);
            }
        }
        // After the locks, since one that has just been freed can have a door.
        self.open_doors(done).await?;
        failed.map_or(Ok(()), Err)
    }

    async fn look_at(&self, lock: LockItem, done: &mut Done) -> Result<(), AwsError> {
        let Some(holder) = lock.holder.clone() else {
            return Ok(());
        };
        match self.executions.describe(&holder.owner).await? {
            Some(execution) if execution.status == Status::Running => Ok(()),
            Some(execution) if execution.status != Status::Succeeded && !is_handled(execution.error.as_deref()) => {
                self.interrupted(&execution, vec![lock], done).await
            }
            // Handled endings free or quarantine their lock themselves; an execution that is forgotten can't be told.
            _ => self.settle(&lock, &holder, done).await.map(|_| ()),
        }
    }

    /// Frees or quarantines a dead owner's lock. Whether it is quarantined now.
    async fn settle(&self, lock: &LockItem, holder: &Holder, done: &mut Done) -> Result<bool, AwsError> {
        match holder.phase {
            Phase::Held => {
                if self.locks.free_held(lock, holder).await? {
                    done.freed.push(lock.key.clone());
                }
                Ok(false)
            }
            Phase::Changing => {
                if self.locks.quarantine_changing(lock, holder).await? {
                    done.quarantined.push(lock.key.clone());
                    let message = format!("{} died while it was changing {}", holder.owner, lock.key);
                    let run = RunId::of_execution(&holder.owner);
                    alarm::raise(&self.stack, Alarm::Quarantined, run.as_str(), &message);
                }
                Ok(true)
            }
            Phase::Quarantined => Ok(true),
        }
    }
}

/// Whether an execution's error is an outcome: then Notify has told of it.
fn is_handled(error: Option<&str>) -> bool {
    error.is_some_and(|error| error.parse::<Outcome>().is_ok())
}
