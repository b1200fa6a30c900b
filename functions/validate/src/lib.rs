//! `validate`: Check looks at the bundle alone, Plan and Info at bundle and database together. Nothing is changed.

mod check;
mod info;
mod plan;

use belay_access::Access;
use belay_aws::crossing;
use belay_model::{CheckReply, Failure, InfoReply, PlanReply, RunHeader, ValidateRequest};
use serde::Serialize;

/// The function, with what it needs.
#[derive(Debug)]
pub struct Validate {
    /// The bundle, the papers, the secrets.
    pub access: Access,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `check`.
    Check(CheckReply),
    /// To `plan`.
    Plan(PlanReply),
    /// To `info`.
    Info(InfoReply),
}

impl Validate {
    /// Does what is asked.
    ///
    /// # Errors
    /// The codes that [`belay_aws::crossing::Step::codes`] lists for the step.
    pub async fn handle(&self, request: ValidateRequest) -> Result<Answer, Failure> {
        let run = match &request {
            ValidateRequest::Check { run, .. }
            | ValidateRequest::Plan { run, .. }
            | ValidateRequest::Info { run, .. } => run.clone(),
        };
        let answer = match request {
            ValidateRequest::Check { run, target, instance } => {
                self.check(&run, &target, instance.as_ref()).await.map(Answer::Check)
            }
            ValidateRequest::Plan {
                run,
                target,
                instance,
                attempt,
                digest,
            } => {
                let planned = self.plan(&run, &target, instance.as_ref(), attempt, &digest).await;
                planned.map(Answer::Plan)
            }
            ValidateRequest::Info { run, target, digest } => self.info(&run, &target, &digest).await.map(Answer::Info),
        };
        match answer {
            Err(failure) if !crossing::fits(&failure) => Err(self.with_paper(&run, failure).await),
            answer => answer,
        }
    }

    /// More problems than cross to the workflow go to a paper whole, and the failure says where that is.
    async fn with_paper(&self, run: &RunHeader, failure: Failure) -> Failure {
        const NAME: &str = "problems.json";
        let papers = self.access.papers();
        if let Err(error) = papers.put_json(run, NAME, &failure.problems).await {
            // What can't be stored is retried: cut short, the problems would be lost.
            return error.failure();
        }
        Failure {
            message: format!("{}, all of them in {}", failure.message, papers.address(run, NAME)),
            ..failure
        }
    }
}
