//! The end of a run.

use belay_aws::AwsError;
use belay_aws::mail::Letter;
use belay_aws::results::{Results, Stored};
use belay_model::{Action, Code, Ending, NotifyReply, Outcome, PaperRef, Plan, RunResult, Verified};
use belay_report::{InfoTable, LockFate, Report, Story};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Notify, blank};

/// What the papers of a run tell.
#[derive(Debug, Default)]
struct Evidence {
    plan: Option<Plan>,
    verified: Option<Verified>,
    info: Option<InfoTable>,
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
            why: None,
            plan: evidence.plan.as_ref(),
            info: evidence.info.as_ref(),
            lock: ending.lock_key.as_deref(),
            fate: if leaves_quarantine(&result, &ending) {
                LockFate::Quarantined { run: id.as_str() }
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
        let plan = self.paper(ending.plan.as_ref()).await?;
        let report = ending.report.as_ref();
        Ok(match ending.run.action {
            Action::Migrate | Action::Keep => Evidence {
                plan,
                verified: self.paper(report).await?,
                info: None,
            },
            Action::Info | Action::Validate => Evidence {
                plan,
                verified: None,
                info: self.paper(report).await?,
            },
        })
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
        // A crash, a timeout: what is not ours has no code of ours.
        let failure = ending.failure.as_ref().map(|caught| caught.failure(Code::Bug));
        RunResult {
            digest: ending.digest,
            ended_at: Some(now),
            exit_code: Some(ending.outcome.exit_code()),
            failure,
            verified: evidence.verified.clone(),
            superseded_by: ending.superseded_by.clone(),
            report: Some(self.papers.address(&ending.run, "report.html")),
            ..blank(&ending.run, ending.outcome.as_str())
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

/// Whether this run left a quarantine: not if it met one, and not if the lock is somebody else's by now.
fn leaves_quarantine(result: &RunResult, ending: &Ending) -> bool {
    let code = result.failure.as_ref().map(|failure| failure.code);
    let others = matches!(code, Some(Code::Quarantined | Code::Fenced));
    ending.outcome == Outcome::NeedsOperator && ending.lock_key.is_some() && !others
}
