//! `notify`: the result object from a run's beginning to its end, the report, and the mail.
//!
//! The order at the end is fixed (rule V7): the result object, so that CI knows; then the report; then the mail. If the
//! mail can't be sent the result stands, and the failure is thrown.

mod ended;

use belay_aws::AwsError;
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_model::{Begun, Failure, NotifyReply, NotifyRequest, RunHeader, RunResult};
use jiff::Timestamp;
use serde::Serialize;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Notify {
    /// Result objects.
    pub results: Results,
    /// Papers.
    pub papers: Papers,
    /// Mail.
    pub mail: Mail,
    /// The stack's topic.
    pub topic: String,
    /// The stack's bucket.
    pub bucket: String,
    /// The lock table, for the commands in a mail.
    pub lock_table: String,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `begun` and `waiting`.
    Begun(Begun),
    /// To `ended`.
    Ended(NotifyReply),
}

impl Notify {
    /// Tells how far the run is.
    ///
    /// # Errors
    /// `Infra.Storage` and `Infra.Notification`.
    pub async fn handle(&self, request: NotifyRequest, now: Timestamp) -> Result<Answer, Failure> {
        let told = match request {
            NotifyRequest::Begun { run } => self.goes_on(&run, "running", None).await.map(Answer::Begun),
            NotifyRequest::Waiting { run, holder } => {
                let summary = format!("waits for {holder}, which has the database");
                self.goes_on(&run, "waiting", Some(summary)).await.map(Answer::Begun)
            }
            NotifyRequest::Ended(ending) => self.ended(*ending, now).await.map(Answer::Ended),
        };
        told.map_err(|error| error.failure())
    }

    async fn goes_on(&self, run: &RunHeader, status: &str, summary: Option<String>) -> Result<Begun, AwsError> {
        let result = RunResult {
            summary,
            ..RunResult::of(run, status)
        };
        self.results.write(run, &result).await?;
        Ok(Begun { run: run.run() })
    }
}
