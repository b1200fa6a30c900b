//! Plan: bundle and database together, under the lock. Only reads (P1).

use belay_access::Sighting;
use belay_engine::{PlanRequest, Planned};
use belay_model::{Attempt, BundleDigest, Code, Failure, Instance, PlanReply, RunHeader, Target};

use crate::Validate;

impl Validate {
    pub(crate) async fn plan(
        &self,
        run: &RunHeader,
        target: &Target,
        instance: Option<&Instance>,
        attempt: Attempt,
        digest: &BundleDigest,
    ) -> Result<PlanReply, Failure> {
        let bundle = self.access.known_bundle(run, target, digest).await?;
        let placeholders = self.access.given(target).await?;
        let connect = self.access.connect(run, target).await?;
        let request = PlanRequest {
            action: run.action.planned().unwrap_or_default(),
            transaction: target.transaction,
            placeholders: &placeholders,
            instance,
        };
        let planned = belay_engine::plan(&connect, &bundle, &request).await;
        let Planned { plan, before } = planned.map_err(|error| error.failure())?;
        let digest = plan.digest().map_err(|error| {
            Failure::new(Code::Bug, format!("the plan can't be written: {error}")).next("report this with the bundle")
        })?;
        let pending = plan.pending();
        let paper = self.access.papers().put_json(run, "plan.json", &plan).await;
        if pending > 0 {
            self.access.note(run, attempt, Sighting::Planned, before.as_ref()).await;
        }
        Ok(PlanReply {
            plan: paper.map_err(|error| error.failure())?,
            digest,
            pending: u32::try_from(pending).unwrap_or(u32::MAX),
        })
    }
}
