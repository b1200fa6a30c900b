//! The end of a run.

use belay_aws::AwsError;
use belay_aws::mail::Letter;
use belay_aws::results::{Results, Stored};
use belay_model::{
    Action, Caught, Code, Ending, Failure, NotifyReply, Outcome, PaperRef, Plan, Restored, RunResult, Snapshotted,
    Verified,
};
use belay_report::{InfoTable, LockFate, Report, Story};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Notify;

/// What the papers of a run tell.
#[derive(Debug, Default)]
struct Evidence {
    plan: Option<Plan>,
    verified: Option<Verified>,
    info: Option<InfoTable>,
    snapshot: Option<Snapshotted>,
    restored: Option<Restored>,
}

/// The paper `report.json`: everything, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FullReport<'a> {
    result: &'a RunResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<&'a InfoTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'a Snapshotted>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cleaned: &'a [String],
}

impl Notify {
    pub(crate) async fn ended(&self, ending: Ending, now: Timestamp) -> Result<NotifyReply, AwsError> {
        let evidence = self.evidence(&ending).await?;
        let mut result = self.result(&ending, &evidence, now);
        let result_key = Results::key(&ending.run);
        let id = ending.run.run();
        let report = Report::of(&Story {
            result: &result,
            action: ending.run.action,
            flyway: &ending.run.flyway,
            why: None,
            of: ending.of.as_ref(),
            instance: ending.instance.as_ref(),
            snapshot: evidence.snapshot.as_ref(),
            cleaned: &ending.cleaned,
            plan: evidence.plan.as_ref(),
            info: evidence.info.as_ref(),
            lock: ending.lock_key.as_deref(),
            fate: if leaves_quarantine(&result, &ending) {
                let run = ending.of.as_ref().unwrap_or(&id).as_str();
                LockFate::Quarantined { run }
            } else {
                LockFate::Free
            },
            lock_table: &self.lock_table,
            bucket: &self.bucket,
            result_key: &result_key,
        });
        result.summary = Some(report.headline.clone());

        let stored = self.results.write(&ending.run, &result).await?;
        self.put_report(&ending, &result, &evidence, &report).await?;
        if !was_told(&stored, &result) {
            self.tell(&ending, &report).await?;
            if matches!(stored, Stored::Written(_)) {
                result.told = Some(true);
                self.results.write(&ending.run, &result).await?;
            }
        }
        Ok(NotifyReply {
            outcome: ending.outcome,
            cause: report.cause(),
            succeeded: ending.outcome.is_success(),
        })
    }

    async fn evidence(&self, ending: &Ending) -> Result<Evidence, AwsError> {
        let mut evidence = Evidence {
            plan: self.paper(ending.plan.as_ref()).await?,
            snapshot: self.snapshot(ending).await?,
            restored: self.paper(ending.restored.as_ref()).await?,
            ..Evidence::default()
        };
        let report = ending.report.as_ref();
        match ending.run.action {
            Action::Migrate
            | Action::Baseline
            | Action::Repair
            | Action::Undo
            | Action::Keep
            | Action::Restore
            | Action::Reopen => {
                evidence.verified = self.paper(report).await?;
            }
            Action::Info | Action::Validate => evidence.info = self.paper(report).await?,
        }
        Ok(evidence)
    }

    /// The run's own snapshot, or that of the run that the action names.
    async fn snapshot(&self, ending: &Ending) -> Result<Option<Snapshotted>, AwsError> {
        let own = self.paper(ending.snapshot.as_ref()).await?;
        let (None, Some(of)) = (&own, &ending.of) else {
            return Ok(own);
        };
        let found = self.papers.find(&ending.run.target, of, "snapshot.json").await?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// A paper that adds words. One that is not what it must be must not keep the outcome from being told.
    async fn paper<T: DeserializeOwned>(&self, paper: Option<&PaperRef>) -> Result<Option<T>, AwsError> {
        let Some(paper) = paper else { return Ok(None) };
        match self.papers.get_json(paper).await {
            Ok(content) => Ok(Some(content)),
            Err(error @ AwsError::Storage { .. }) => Err(error),
            Err(error) => {
                tracing::error!(error = %error, "a paper can't be read; the run is told without it");
                Ok(None)
            }
        }
    }

    fn result(&self, ending: &Ending, evidence: &Evidence, now: Timestamp) -> RunResult {
        RunResult {
            digest: ending.digest,
            ended_at: Some(now),
            exit_code: Some(ending.outcome.exit_code()),
            failure: failure(ending.failure.as_ref()),
            verified: evidence.verified.clone(),
            snapshot: evidence.snapshot.as_ref().map(|taken| taken.snapshot.clone()),
            restored: evidence.restored.clone(),
            compensation: failure(ending.compensation.as_ref()),
            kept_out: ending.kept_out.clone(),
            superseded_by: ending.superseded_by.clone(),
            report: Some(self.papers.address(&ending.run, "report.html")),
            ..RunResult::of(&ending.run, ending.outcome.as_str())
        }
    }

    async fn put_report(
        &self,
        ending: &Ending,
        result: &RunResult,
        evidence: &Evidence,
        report: &Report,
    ) -> Result<(), AwsError> {
        let full = FullReport {
            result,
            plan: evidence.plan.as_ref(),
            info: evidence.info.as_ref(),
            snapshot: evidence.snapshot.as_ref(),
            cleaned: &ending.cleaned,
        };
        self.papers.put_json(&ending.run, "report.json", &full).await?;
        let page = report.html(ending.outcome.is_success()).into_bytes();
        self.papers
            .put(&ending.run, "report.html", "text/html; charset=utf-8", page)
            .await?;
        Ok(())
    }

    async fn tell(&self, ending: &Ending, report: &Report) -> Result<(), AwsError> {
        let letter = Letter {
            subject: report.subject.clone(),
            body: report.text(),
            outcome: ending.outcome.as_str().to_owned(),
            target: ending.run.target.clone(),
        };
        let topic = ending.topic.as_deref().unwrap_or(&self.topic);
        self.mail.send(topic, &letter).await
    }
}

/// Whether an earlier try of this very ending sent its mail.
fn was_told(stored: &Stored, result: &RunResult) -> bool {
    match stored {
        Stored::Written(Some(before)) => {
            before.run == result.run && before.status == result.status && before.told == Some(true)
        }
        _ => false,
    }
}

/// What was caught. A crash, a timeout: what is not ours has no code of ours.
fn failure(caught: Option<&Caught>) -> Option<Failure> {
    caught.map(|caught| caught.failure(Code::Bug))
}

/// Whether there is a quarantine that this run can be told how to end: not if it met one, and not if the lock is
/// somebody else's by now. Opening the door of a quarantined run leaves it in quarantine.
fn leaves_quarantine(result: &RunResult, ending: &Ending) -> bool {
    let others = [&result.failure, &result.compensation]
        .into_iter()
        .flatten()
        .any(|failure| matches!(failure.code, Code::Quarantined | Code::Fenced));
    let stays = match ending.outcome {
        Outcome::NeedsOperator => true,
        Outcome::Done => ending.run.action == Action::Reopen && ending.of.is_some(),
        _ => false,
    };
    stays && ending.lock_key.is_some() && !others
}
