//! `verify`: closes the attempt, asks the database where it is, and says how the run ended.

use belay_access::Access;
use belay_engine::VerifyInput;
use belay_model::{Code, Failure, Judgement, VerifyReply, VerifyRequest};

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
        } = request;
        let plan = self.access.plan(&plan, &digest).await?;
        let bundle = match self.access.known_bundle(&run, &plan.bundle).await {
            Ok(bundle) => Some(bundle),
            // Whoever deleted it did not change what the database says.
            Err(failure) if failure.code == Code::BundleGone => None,
            Err(failure) => return Err(failure),
        };
        let placeholders = self.access.placeholders(&plan).await?;
        let observed = self.access.observed(&run, attempt).await;
        let connect = self.access.connect(&run, &target).await?;
        let verified = belay_engine::verify(VerifyInput {
            connect: &connect,
            bundle: bundle.as_ref(),
            plan: &plan,
            placeholders: &placeholders,
            attempt,
            observed: &observed,
        })
        .await
        .map_err(|error| error.failure())?;
        let failed = failure.map(|caught| caught.failure(Code::Bug).code);
        let Judgement { outcome, stale } = verified.judge(failed);
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
}
