//! `migrate`: applies what is planned until it is done or the time is up; takes away what a failed file left (`cleanup`);
//! or accepts what a run left (`keep`).
//!
//! Its word is never taken: Verify looks for itself.

mod gate;

use std::time::{Duration, Instant};

use belay_access::{Access, Sighting};
use belay_aws::lock::Locks;
use belay_engine::{Budget, CleanupInput, Gate, MigrateInput};
use belay_model::{
    CleanupReply, Failure, KeepReply, LockRef, MigrateReply, MigrateRequest, PlannedAttempt, RunHeader, RunId, Target,
};
use serde::Serialize;

use crate::gate::LockGate;

/// What is left of an invocation to roll back, to say so and to end.
const RESERVE: Duration = Duration::from_secs(30);

/// The function, with what it needs.
#[derive(Debug)]
pub struct Migrate {
    /// The bundle, the plan, the secrets.
    pub access: Access,
    /// The locks.
    pub locks: Locks,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `migrate`.
    Migrated(MigrateReply),
    /// To `cleanup`.
    Cleaned(CleanupReply),
    /// To `keep`.
    Kept(KeepReply),
}

impl Migrate {
    /// Does what is asked, until shortly before the deadline.
    ///
    /// # Errors
    /// What stopped it.
    pub async fn handle(&self, request: MigrateRequest, deadline: Instant) -> Result<Answer, Failure> {
        match request {
            MigrateRequest::Migrate(asked) => self.migrate(&asked, deadline).await.map(Answer::Migrated),
            MigrateRequest::Cleanup(asked) => self.cleanup(&asked, deadline).await.map(Answer::Cleaned),
            MigrateRequest::Keep {
                run,
                target,
                keep,
                lock,
            } => self.keep(&run, &target, &keep, &lock).await.map(Answer::Kept),
        }
    }

    async fn migrate(&self, asked: &PlannedAttempt, deadline: Instant) -> Result<MigrateReply, Failure> {
        let PlannedAttempt {
            run, target, attempt, ..
        } = asked;
        let gate = self.gate(&asked.lock, run);
        gate.check().await?;
        let plan = self.access.plan(&asked.plan, &asked.digest).await?;
        let bundle = self.access.known_bundle(run, target, &plan.bundle).await?;
        let placeholders = self.access.placeholders(&plan).await?;
        let connect = self.access.connect(run, target).await?;
        let migrated = belay_engine::migrate(MigrateInput {
            connect: &connect,
            bundle: &bundle,
            plan: &plan,
            placeholders: &placeholders,
            attempt: *attempt,
            budget: budget(deadline),
            gate: &gate,
        })
        .await;
        let migrated = migrated.map_err(|error| error.failure())?;
        for notice in &migrated.notices {
            tracing::info!(notice, "the server said");
        }
        let started = migrated.started.as_ref();
        self.access.note(run, *attempt, Sighting::Started, started).await;
        let ended = migrated.ended.as_ref();
        self.access.note(run, *attempt, Sighting::Ended, ended).await;
        Ok(MigrateReply {
            status: migrated.status,
        })
    }

    /// Of every attempt of the run; the verdict is asked again whatever this says.
    async fn cleanup(&self, asked: &PlannedAttempt, deadline: Instant) -> Result<CleanupReply, Failure> {
        let gate = self.gate(&asked.lock, &asked.run);
        gate.check().await?;
        let plan = self.access.plan(&asked.plan, &asked.digest).await?;
        let connect = self.access.connect(&asked.run, &asked.target).await?;
        let cleaned = belay_engine::cleanup(CleanupInput {
            connect: &connect,
            plan: &plan,
            budget: budget(deadline),
            gate: &gate,
        })
        .await
        .map_err(|error| error.failure())?;
        tracing::info!(attempt = %asked.attempt, ?cleaned, "cleaned up");
        Ok(CleanupReply { cleaned })
    }

    async fn keep(&self, run: &RunHeader, target: &Target, keep: &RunId, lock: &LockRef) -> Result<KeepReply, Failure> {
        let gate = self.gate(lock, run);
        gate.check().await?;
        let connect = self.access.connect(run, target).await?;
        let history = belay_engine::history_of_run(&connect, keep).await;
        let Some(history) = history.map_err(|error| error.failure())? else {
            // The run never came so far as to open an attempt: there is nothing to close.
            return Ok(KeepReply { closed: 0 });
        };
        gate.check().await?;
        let closed = belay_engine::keep(&connect, keep, &history).await;
        Ok(KeepReply {
            closed: closed.map_err(|error| error.failure())?,
        })
    }

    fn gate<'a>(&'a self, lock: &'a LockRef, run: &'a RunHeader) -> LockGate<'a> {
        LockGate {
            locks: &self.locks,
            lock,
            execution: &run.execution,
        }
    }
}

/// What is left until the deadline, less the reserve; of a short invocation, half.
fn budget(deadline: Instant) -> Budget {
    let left = deadline.saturating_duration_since(Instant::now());
    Budget::of(left, RESERVE.min(left / 2))
}
