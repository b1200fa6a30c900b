//! The end: the endpoint leads to the restored database, and what was done is written down.

use belay_aws::AwsError;
use belay_aws::snapshots::{Answer, Described, FAILED_TAG, Snapshots};
use belay_engine::{Connect, attempt_is_absent};
use belay_model::{Code, Failure, Progress, RestoreReply, Restored, RestoredRef, Writes};

use crate::Restore;
use crate::left::left_overs;
use crate::task::{Task, World, pending};

impl<S: Snapshots> Restore<S> {
    /// Done, as soon as the endpoint leads to the restored database (rule V3).
    pub(crate) async fn finish(&self, task: &Task, world: &World, now: &Described) -> Result<RestoreReply, Failure> {
        let connect = self.connect(task).await?;
        if let Some(seen) = self.leads_elsewhere(task, &connect).await? {
            return Ok(pending(seen));
        }
        let is_old = |there: &&Described| there.resource == task.at_snapshot.resource;
        let failed = world.failed.as_ref().filter(is_old);
        if let Some(failed) = failed
            && let Some(seen) = self.mark(task, failed).await?
        {
            return Ok(pending(seen));
        }
        let swapped = self.swapped(task).await?.unwrap_or_default();
        let writes = match failed {
            Some(failed) if !swapped.lossless => self.writes(task, failed, &connect).await,
            _ => Vec::new(),
        };
        let at_snapshot = &task.at_snapshot;
        let paper = Restored {
            instance: task.name.clone(),
            failed: task.failed.clone(),
            snapshot: at_snapshot.snapshot.clone(),
            lossless: swapped.lossless,
            compared: swapped.compared,
            differences: task.configuration.differences(&now.configuration),
            left: left_overs(&task.configuration, &now.configuration, &task.failed),
            writes,
        };
        let written = self
            .access
            .papers()
            .put_json(&task.asked.run, "restored.json", &paper)
            .await;
        Ok(RestoreReply {
            status: Progress::Done,
            soon: false,
            seen: format!("{} is restored; the failed database is {}", task.name, task.failed),
            restored: Some(RestoredRef {
                paper: written.map_err(|error| error.failure())?,
                plan: at_snapshot.plan.clone(),
                digest: at_snapshot.digest,
                attempt: at_snapshot.attempt,
            }),
        })
    }

    /// Tags the failed database. Why it has to wait, if it does.
    async fn mark(&self, task: &Task, failed: &Described) -> Result<Option<String>, Failure> {
        self.must_be_mine(task).await?;
        let tags = [(FAILED_TAG.to_owned(), task.asked.of.to_string())].into();
        match self.snapshots.tag(&failed.arn, &tags).await {
            Ok(Answer::NotNow(why)) => Ok(Some(format!("{} can't be tagged now: {why}", task.failed))),
            Ok(Answer::Accepted | Answer::Exists | Answer::Gone) => Ok(None),
            // The name says it as well: no reason to call a restore that is done a failure.
            Err(error @ AwsError::RdsRefused { .. }) => {
                tracing::warn!(error = %error, "not tagged");
                Ok(None)
            }
            Err(error) => Err(error.failure()),
        }
    }

    /// What others wrote that is in the failed database only. It is counted there, where nobody is kept waiting by it.
    async fn writes(&self, task: &Task, failed: &Described, connect: &Connect) -> Vec<Writes> {
        let Some(address) = &failed.address else {
            return Vec::new();
        };
        let mut connect = connect.clone();
        connect.endpoint.host.clone_from(&address.host);
        connect.endpoint.port = address.port;
        let (asked, attempt) = (&task.asked, task.at_snapshot.attempt);
        self.access
            .writes_by_others(&asked.run.target, &asked.of, attempt, &connect)
            .await
    }

    /// Where the endpoint leads as long as it is not the restored database: names of hosts take their time.
    async fn leads_elsewhere(&self, task: &Task, connect: &Connect) -> Result<Option<String>, Failure> {
        let host = &connect.endpoint.host;
        let absent = attempt_is_absent(connect, &task.asked.of, task.at_snapshot.attempt).await;
        match absent.map_err(|error| error.failure()) {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(format!("{host} leads to the failed database still"))),
            Err(failure) if failure.code == Code::Database => {
                Ok(Some(format!("{host} does not answer yet: {}", failure.message)))
            }
            Err(failure) => Err(failure),
        }
    }
}
