//! A run that ended without a handler: its locks, its result, its mail.

use belay_aws::AwsError;
use belay_aws::alarm::{self, Alarm};
use belay_aws::executions::{Execution, Status};
use belay_aws::lock::LockItem;
use belay_aws::mail::Letter;
use belay_aws::results::{Results, Stored};
use belay_model::{Caught, Code, Failure, Outcome, RunHeader, RunId, RunResult, Snapshotted};
use belay_report::{LockFate, Report, Story};

use crate::{Done, Janitor, request};

/// What a run left behind.
#[derive(Default)]
struct Left {
    quarantine: Option<Quarantine>,
    /// Roles that can't log in, because the door was closed when the run died.
    kept_out: Vec<String>,
}

/// A quarantine that a run left behind.
struct Quarantine {
    lock: String,
    /// The run that it is for, as the lock says: of an action that died, the one that it named.
    run: String,
}

impl Janitor {
    /// The lock first, so that the mail can say what became of it; then the result, then the mail.
    pub(crate) async fn interrupted(
        &self,
        execution: &Execution,
        locks: Vec<LockItem>,
        done: &mut Done,
    ) -> Result<(), AwsError> {
        let mut left = Left::default();
        for lock in locks {
            let Some(holder) = lock.holder.clone().filter(|holder| holder.owner == execution.arn) else {
                continue;
            };
            if self.settle(&lock, &holder, done).await? {
                let run = holder.run.unwrap_or_else(|| RunId::of_execution(&holder.owner).into());
                left.quarantine = Some(Quarantine { lock: lock.key, run });
            }
            left.kept_out.extend(lock.door.into_iter().flat_map(|door| door.roles));
        }
        let run = request::header(execution);
        if self
            .papers
            .find(&run.target, &run.run(), &note(execution))
            .await?
            .is_some()
        {
            return Ok(());
        }
        self.tell(execution, &run, left, done).await?;
        let noted = format!("told of {}\n", execution.arn).into_bytes();
        self.papers.put(&run, &note(execution), "text/plain", noted).await?;
        Ok(())
    }

    async fn tell(&self, execution: &Execution, run: &RunHeader, left: Left, done: &mut Done) -> Result<(), AwsError> {
        let quarantine = left.quarantine.as_ref();
        let snapshot = match quarantine {
            Some(quarantine) => self.snapshot(run, &quarantine.run).await?,
            None => None,
        };
        let of = request::named(execution);
        let mut result = result(execution, run);
        result.kept_out = left.kept_out;
        result.snapshot = snapshot.as_ref().map(|taken| taken.snapshot.clone());
        let why = why(execution);
        let result_key = Results::key(run);
        let report = Report::of(&Story {
            result: &result,
            action: run.action,
            flyway: &run.flyway,
            why: why.as_deref(),
            of: of.as_ref(),
            instance: None,
            snapshot: snapshot.as_ref(),
            cleaned: &[],
            plan: None,
            info: None,
            lock: quarantine.map(|quarantine| quarantine.lock.as_str()),
            fate: quarantine.map_or(LockFate::Free, |quarantine| LockFate::Quarantined {
                run: &quarantine.run,
            }),
            lock_table: &self.lock_table,
            bucket: &self.bucket,
            result_key: &result_key,
        });
        result.summary = Some(report.headline.clone());
        match self.results.write(run, &result).await? {
            Stored::OutcomeTold => Ok(()),
            Stored::OutcomeUntold => {
                self.untold(run, done);
                Ok(())
            }
            stored @ (Stored::Written(_) | Stored::LaterRun) => {
                let sent = self.mail.send(&self.topic, &letter(run, &report)).await;
                result.told = Some(sent.is_ok());
                if matches!(stored, Stored::Written(_)) {
                    self.results.write(run, &result).await?;
                }
                match sent {
                    Ok(()) => done.told.push(run.run()),
                    Err(_) => self.untold(run, done),
                }
                sent
            }
        }
    }

    /// The snapshot of the run that a quarantine is for: a way out. It only adds words, so one that can't be read is none.
    async fn snapshot(&self, run: &RunHeader, quarantined: &str) -> Result<Option<Snapshotted>, AwsError> {
        let Ok(quarantined) = quarantined.parse::<RunId>() else {
            return Ok(None);
        };
        let paper = self.papers.find(&run.target, &quarantined, "snapshot.json").await?;
        Ok(paper.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn untold(&self, run: &RunHeader, done: &mut Done) {
        let message = format!("nobody could be told how {} ended", run.execution);
        alarm::raise(&self.stack, Alarm::Untold, run.run().as_str(), &message);
        done.untold.push(run.run());
    }
}

/// The paper that says that this end of the run was told of. A run that is redriven can end once more.
fn note(execution: &Execution) -> String {
    format!("interrupted-{}.txt", execution.redrives)
}

fn letter(run: &RunHeader, report: &Report) -> Letter {
    Letter {
        subject: report.subject.clone(),
        body: report.text(),
        outcome: Outcome::Interrupted.as_str().to_owned(),
        target: run.target.clone(),
    }
}

/// Why it ended, where no error says it.
fn why(execution: &Execution) -> Option<String> {
    let why = match execution.status {
        Status::Aborted => "Somebody stopped the execution",
        Status::TimedOut => "The execution took longer than it may",
        Status::Failed | Status::Running | Status::Succeeded => return None,
    };
    let cause = execution.cause.as_deref().filter(|cause| !cause.is_empty());
    Some(cause.map_or_else(|| format!("{why}."), |cause| format!("{why}: {cause}")))
}

fn failure(execution: &Execution) -> Option<Failure> {
    let error = execution.error.clone().filter(|_| execution.status == Status::Failed)?;
    let cause = execution.cause.clone().unwrap_or_default();
    // What is not ours (a crash, a timeout of a function) has no code of ours.
    Some(Caught { error, cause }.failure(Code::Bug))
}

fn result(execution: &Execution, run: &RunHeader) -> RunResult {
    RunResult {
        ended_at: execution.ended_at,
        exit_code: Some(Outcome::Interrupted.exit_code()),
        failure: failure(execution),
        ..RunResult::of(run, Outcome::Interrupted.as_str())
    }
}
