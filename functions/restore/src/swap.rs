//! The swap: the restored database is checked, the door of the old one is closed, then the two change names (rule R1).
//!
//! Check, door and first rename are one call, so that none of them is old when the next is made.

use belay_aws::lock::Door;
use belay_aws::snapshots::{Answer, Described, Snapshots};
use belay_engine::{Census, Connect, attempt_is_absent, compare_census, keep_out, unnamed_roles, who_logs_in};
use belay_model::{Code, Compared, Failure, RestoreReply};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Restore;
use crate::policy::lossy;
use crate::task::{Task, bug, pending};

/// What was seen at the swap, for the report: it can't be seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Swapped {
    pub(crate) lossless: bool,
    pub(crate) compared: Compared,
}

/// The paper's name, in the folder of the run that is undone.
const PAPER: &str = "swapped.json";

impl<S: Snapshots> Restore<S> {
    /// Checks, closes the door, and gives the old database its other name.
    pub(crate) async fn swap(&self, task: &Task, beside: &Described) -> Result<RestoreReply, Failure> {
        self.must_be_allowed(task).await?;
        let census = self.census(task).await?;
        let compared = self.check(task, beside, &census).await?;
        let live = self.connect(task).await?;
        self.close(task, &live).await?;
        let obstacles = self.obstacles(task, &live).await?;
        let lossless = obstacles.is_empty();
        if task.must_be_lossless() && !lossless {
            return Err(lossy(task, obstacles));
        }
        self.note(task, &Swapped { lossless, compared }).await?;
        self.must_be_mine(task).await?;
        let answer = self.snapshots.rename(&task.name, &task.failed).await;
        let (from, to) = (&task.name, &task.failed);
        Ok(pending(match answer.map_err(|error| error.failure())? {
            Answer::Accepted => format!("{from} is renamed to {to}"),
            Answer::NotNow(why) => format!("{from} can't be renamed now: {why}"),
            Answer::Exists | Answer::Gone => format!("{from} may be renamed to {to} already"),
        }))
    }

    /// Gives the restored database the name.
    pub(crate) async fn take(&self, task: &Task, beside: &Described, checked: bool) -> Result<RestoreReply, Failure> {
        if !checked {
            let compared = self.check(task, beside, &self.census(task).await?).await?;
            if self.swapped(task).await?.is_none() {
                let swapped = Swapped {
                    compared,
                    ..Swapped::default()
                };
                self.note(task, &swapped).await?;
            }
        }
        self.must_be_mine(task).await?;
        let answer = self.snapshots.rename(&task.beside, &task.name).await;
        let (from, to) = (&task.beside, &task.name);
        Ok(pending(match answer.map_err(|error| error.failure())? {
            Answer::Accepted => format!("{from} is renamed to {to}"),
            Answer::NotNow(why) => format!("{from} can't be renamed now: {why}"),
            Answer::Exists | Answer::Gone => format!("{from} may be renamed to {to} already"),
        }))
    }

    /// Gives the old database its name back. It ends the restore, once RDS does it.
    pub(crate) async fn put_back(&self, task: &Task) -> Result<RestoreReply, Failure> {
        self.must_be_mine(task).await?;
        let answer = self.snapshots.rename(&task.failed, &task.name).await;
        let (from, to) = (&task.failed, &task.name);
        match answer.map_err(|error| error.failure())? {
            Answer::Accepted => {
                let message = format!(
                    "the restored database {} is lost; the failed one gets its name {to} back",
                    task.beside
                );
                Err(Failure::new(Code::RestoreFailed, message)
                    .next("look what became of it in RDS's events, then start an execution with the action restore"))
            }
            Answer::NotNow(why) => Ok(pending(format!("{from} can't be renamed now: {why}"))),
            Answer::Exists | Answer::Gone => Ok(pending(format!("{from} may be renamed to {to} already"))),
        }
    }

    /// Logs in to the restored database and compares it with what was noted. The live one is not touched.
    async fn check(&self, task: &Task, beside: &Described, census: &Census) -> Result<Compared, Failure> {
        let Some(address) = &beside.address else {
            return Err(incomplete(task, vec!["it has no address".to_owned()]));
        };
        let mut connect = self.connect(task).await?;
        connect.endpoint.host.clone_from(&address.host);
        connect.endpoint.port = address.port;
        let comparing = async {
            let (compared, mut problems) = compare_census(&connect, census).await?;
            if !attempt_is_absent(&connect, &task.asked.of, task.at_snapshot.attempt).await? {
                problems.push("it holds the attempt that is to be undone".to_owned());
            }
            Ok::<_, belay_engine::EngineError>((compared, problems))
        };
        match comparing.await.map_err(|error| error.failure()) {
            Ok((compared, problems)) if problems.is_empty() => Ok(compared),
            Ok((_, problems)) => Err(incomplete(task, problems)),
            // The password was another when the snapshot was taken: waiting does not help.
            Err(failure) if failure.code == Code::Credentials => Err(incomplete(task, vec![failure.message])),
            Err(failure) => Err(failure),
        }
    }

    /// Closes the door of the live database: whoever could write is noted, then kept out (rules Q1, Q3).
    async fn close(&self, task: &Task, live: &Connect) -> Result<(), Failure> {
        let named = &task.asked.instance.quiesce.roles;
        let strangers = unnamed_roles(live, named).await.map_err(|error| error.failure())?;
        if !strangers.is_empty() {
            let strangers = strangers.iter().map(|role| format!("role {role} can log in"));
            return Err(open(
                "somebody who is not in quiesce.roles could write to the failed database while the names change",
                strangers.collect(),
            ));
        }
        let roles = who_logs_in(live, named).await.map_err(|error| error.failure())?;
        let run = &task.asked.run;
        let door = Door {
            run: run.run(),
            target: run.target_name().map_err(|error| bug(error.to_string()))?,
            at: Timestamp::now(),
            roles,
        };
        let noted = self.locks.note_door(&task.asked.lock, &run.execution, &door).await;
        let noted = noted.map_err(|error| error.failure())?;
        keep_out(live, &noted.roles).await.map_err(|error| error.failure())?;
        let still = who_logs_in(live, named).await.map_err(|error| error.failure())?;
        if still.is_empty() {
            return Ok(());
        }
        let still = still.iter().map(|role| {
            format!(
                "role {role} can log in, and is not among those that run {} kept out",
                noted.run
            )
        });
        Err(open(
            "the door was closed before, and not for everybody",
            still.collect(),
        ))
    }

    async fn census(&self, task: &Task) -> Result<Census, Failure> {
        let census = self.access.papers().get_json(&task.at_snapshot.census).await;
        census.map_err(|error| error.failure())
    }

    async fn note(&self, task: &Task, swapped: &Swapped) -> Result<(), Failure> {
        let papers = self.access.papers();
        let noted = papers
            .file_json(&task.asked.run.target, &task.asked.of, PAPER, swapped)
            .await;
        noted.map(|_| ()).map_err(|error| error.failure())
    }

    /// What was noted at the swap.
    pub(crate) async fn swapped(&self, task: &Task) -> Result<Option<Swapped>, Failure> {
        let found = self
            .access
            .papers()
            .find(&task.asked.run.target, &task.asked.of, PAPER)
            .await;
        let found = found.map_err(|error| error.failure())?;
        let read = found.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        read.map_err(|error| bug(format!("{PAPER}: {error}")))
    }
}

fn open(message: &str, roles: Vec<String>) -> Failure {
    Failure::because(Code::DoorRefused, message.to_owned(), roles).next(
        "name these roles in quiesce.roles of the instance's SSM parameter, or forbid them to log in, then start an \
         execution with the action restore",
    )
}

fn incomplete(task: &Task, problems: Vec<String>) -> Failure {
    let message = format!(
        "{}, restored from {}, is not what the snapshot was taken of; {} was not touched",
        task.beside, task.at_snapshot.snapshot, task.name
    );
    let unprotect = match task.configuration.settings.deletion_protection {
        Some(true) => format!(
            "aws rds modify-db-instance --db-instance-identifier {} --no-deletion-protection --apply-immediately && ",
            task.beside
        ),
        _ => String::new(),
    };
    Failure::because(Code::RestoreIncomplete, message, problems).next(format!(
        "look into it; to have it restored again, delete it ({unprotect}aws rds delete-db-instance \
         --db-instance-identifier {} --skip-final-snapshot) and start an execution with the action restore",
        task.beside
    ))
}
