//! A run that ended without a handler: its locks, its result, its mail.

use belay_aws::AwsError;
use belay_aws::alarm::{self, Alarm};
use belay_aws::executions::{Execution, Status};
use belay_aws::lock::LockItem;
use belay_aws::mail::Letter;
use belay_aws::results::{Results, Stored};
use belay_model::{Caught, Code, Failure, Outcome, RunHeader, RunId, RunResult};
use belay_report::{LockFate, Report, Story};

use crate::{Done, Janitor, request};

/// What a run left behind.
struct Quarantine {
    lock: String,
    /// The run that it is for, as the lock says: of a `keep` that died, the one that was to be kept.
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
        let mut quarantine = None;
        for lock in locks {
            if let Some(holder) = lock.holder.clone().filter(|holder| holder.owner == execution.arn)
                && self.settle(&lock, &holder, done).await?
            {
                let run = holder.run.unwrap_or_else(|| RunId::of_execution(&holder.owner).into());
                quarantine = Some(Quarantine { lock: lock.key, run });
            }
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
        self.tell(execution, &run, quarantine.as_ref(), done).await?;
        let noted = format!("told of {}\n", execution.arn).into_bytes();
        self.papers.put(&run, &note(execution), "text/plain", noted).await?;
        Ok(())
    }

    async fn tell(
        &self,
        execution: &Execution,
        run: &RunHeader,
        quarantine: Option<&Quarantine>,
        done: &mut Done,
    ) -> Result<(), AwsError> {
        let mut result = result(execution, run);
        let why = why(execution);
        let result_key = Results::key(run);
        let report = Report::of(&Story {
            result: &result,
            action: run.action,
            why: why.as_deref(),
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
        status: Outcome::Interrupted.as_str().to_owned(),
        run: run.run(),
        execution: run.execution.clone(),
        target: run.target.clone(),
        bundle: run.bundle.clone(),
        digest: None,
        started_at: run.started_at,
        ended_at: execution.ended_at,
        exit_code: Some(Outcome::Interrupted.exit_code()),
        summary: None,
        failure: failure(execution),
        verified: None,
        superseded_by: None,
        report: None,
        told: None,
    }
}
