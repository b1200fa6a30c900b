//! `verify`: closes the attempt, asks the database where it is, and says how the run ended.

use belay_access::Access;
use belay_bundle::Bundle;
use belay_engine::VerifyInput;
use belay_model::{Code, Failure, Judgement, Outcome, Plan, RunHeader, Target, VerifyReply, VerifyRequest};

/// The function, with what it needs.
#[derive(Debug)]
pub struct Verify {
    /// The bundle, the plan, the secrets.
    pub access: Access,
}

impl Verify {
    /// The verdict, written to the run's papers before it is told (rule V7).
    ///
    /// # Errors
    /// If the database can't be asked: there is then no verdict, and asking again is safe.
    pub async fn handle(&self, request: VerifyRequest) -> Result<VerifyReply, Failure> {
        let VerifyRequest {
            run,
            target,
            attempt,
            plan,
            digest,
            failure,
            of,
            restored,
        } = request;
        let plan = self.access.plan(&plan, &digest).await?;
        let bundle = self.bundle(&run, &target, &plan).await?;
        let of = of.unwrap_or_else(|| run.run());
        let placeholders = self.access.placeholders(&plan).await?;
        let observed = self.access.observed(&run.target, &of, attempt).await;
        let connect = self.access.connect(&run, &target).await?;
        let mut verified = belay_engine::verify(VerifyInput {
            connect: &connect,
            bundle: bundle.as_ref(),
            plan: &plan,
            placeholders: &placeholders,
            run: &of,
            attempt,
            restored,
            observed: &observed,
        })
        .await
        .map_err(|error| error.failure())?;
        let failed = failure.map(|caught| caught.failure(Code::Bug).code);
        let Judgement { outcome, stale } = verified.judge(failed, restored);
        if outcome == Outcome::NeedsOperator && !restored && target.instance.is_some() {
            verified.writes = self.access.writes_by_others(&run.target, &of, attempt, &connect).await;
        }
        let outcome = run.action.settles(outcome);
        tracing::info!(verdict = %verified.verdict, outcome = %outcome, stale, "verified");
        let report = self.access.papers().put_json(&run, "verified.json", &verified).await;
        Ok(VerifyReply {
            verdict: verified.verdict,
            outcome,
            stale,
            assertions: verified.assertions,
            report: report.map_err(|error| error.failure())?,
        })
    }

    /// The bundle, for its assertions: an action has none, and whoever deleted it did not change what the database says.
    async fn bundle(&self, run: &RunHeader, target: &Target, plan: &Plan) -> Result<Option<Bundle>, Failure> {
        if run.bundle.is_none() {
            return Ok(None);
        }
        match self.access.known_bundle(run, target, &plan.bundle).await {
            Ok(bundle) => Ok(Some(bundle)),
            Err(failure) if failure.code == Code::BundleGone => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}
