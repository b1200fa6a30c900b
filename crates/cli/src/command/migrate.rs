//! `belay migrate`, `baseline`, `repair` and `undo`: plan, do it, and whatever that said, verify. By hand what the workflow
//! does.

use std::time::Duration;

use belay_engine::{
    Budget, CleanupInput, EngineError, MigrateInput, Observed, OpenGate, Placeholders, PlanRequest, Planned,
    VerifyInput,
};
use belay_model::{
    Attempt, Code, Failure, Finding, FindingKind, MigrateStatus, Outcome, PlannedAction, RunId, Verdict, Verified,
};
use tokio::time::Instant;

use super::Prepared;
use super::plan::headline;
use crate::arguments::ChangeOptions;
use crate::error::{CliError, outcome_of};
use crate::report::{self, Ended};
use crate::request::milliseconds;
use crate::stop::Stop;

/// V6: how often a run plans.
const ATTEMPTS: u32 = 3;

/// How often somebody who watches is told that it goes on.
const TICK: Duration = Duration::from_secs(10);

/// Runs, and tells how it ended.
pub(crate) async fn run(
    prepared: &Prepared,
    options: &ChangeOptions,
    action: PlannedAction,
) -> Result<Outcome, CliError> {
    let patience = Duration::from_millis(milliseconds("--patience", &options.patience)?.into());
    let mut stop = Stop::listen().map_err(CliError::System)?;
    let migration = Migration {
        prepared,
        action,
        patience,
    };
    let ended = migration.run(&mut stop).await;
    report::tell(prepared, &ended).await;
    Ok(ended.outcome)
}

struct Migration<'a> {
    prepared: &'a Prepared,
    action: PlannedAction,
    /// How long to go on asking for the verdict.
    patience: Duration,
}

/// How one attempt went.
enum Tried {
    /// Nothing was pending.
    UpToDate(Box<Planned>),
    /// Nothing was begun.
    NotPlanned(Failure),
    /// It was begun, and the database was asked.
    Verified {
        planned: Box<Planned>,
        verified: Verified,
        failure: Option<Failure>,
    },
    /// It was begun, and the database can't be asked.
    Unverified {
        planned: Box<Planned>,
        failure: Option<Failure>,
        why: Failure,
    },
}

impl Migration<'_> {
    async fn run(&self, stop: &mut Stop) -> Ended {
        let mut attempt = Attempt::FIRST;
        loop {
            let tried = self.attempt(attempt, stop).await;
            if attempt.0 < ATTEMPTS
                && let Tried::Verified { verified, failure, .. } = &tried
                && verified
                    .judge(failure.as_ref().map(|failure| failure.code), false)
                    .stale
            {
                self.say("Somebody else moved the history; nothing of this run is in. Planning again …");
                attempt = Attempt(attempt.0 + 1);
                continue;
            }
            return self.named(self.ended(attempt, tried));
        }
    }

    /// What is no migration is done, not migrated.
    fn named(&self, ended: Ended) -> Ended {
        let outcome = match (self.action, ended.outcome) {
            (PlannedAction::Baseline | PlannedAction::Repair | PlannedAction::Undo, good) if good.is_success() => {
                Outcome::Done
            }
            (_, outcome) => outcome,
        };
        Ended { outcome, ..ended }
    }

    fn ended(&self, attempt: Attempt, tried: Tried) -> Ended {
        let ended = Ended {
            action: self.action,
            outcome: Outcome::UpToDate,
            run: self.run_id().clone(),
            attempt,
            planned: None,
            verified: None,
            failure: None,
            unverified: None,
        };
        match tried {
            Tried::UpToDate(planned) => Ended {
                planned: Some(planned),
                ..ended
            },
            // What an earlier attempt did is verified: nothing.
            Tried::NotPlanned(failure) => Ended {
                outcome: match attempt {
                    Attempt::FIRST => outcome_of(&failure),
                    _ => Outcome::Unchanged,
                },
                failure: Some(failure),
                ..ended
            },
            Tried::Verified {
                planned,
                verified,
                failure,
            } => Ended {
                outcome: verified
                    .judge(failure.as_ref().map(|failure| failure.code), false)
                    .outcome,
                planned: Some(planned),
                verified: Some(verified),
                failure,
                ..ended
            },
            Tried::Unverified { planned, failure, why } => Ended {
                outcome: Outcome::Interrupted,
                planned: Some(planned),
                failure,
                unverified: Some(why),
                ..ended
            },
        }
    }

    async fn attempt(&self, attempt: Attempt, stop: &mut Stop) -> Tried {
        let request = self.prepared.request.as_plan_request(self.action);
        let planned = tokio::select! {
            biased;
            planned = self.plan(&request) => planned,
            () = stop.asked() => Err(stopped()),
        };
        let (planned, placeholders) = match planned {
            Ok((planned, _)) if planned.plan.pending() == 0 => return Tried::UpToDate(Box::new(planned)),
            Ok(planned) => planned,
            Err(failure) => return Tried::NotPlanned(self.prepared.advised(failure)),
        };
        self.say(&format!("{} …", headline(&planned.plan)));
        let mut observed = Observed {
            planned: planned.before.clone(),
            ..Observed::default()
        };
        let applied = self.apply(attempt, &planned, &placeholders, &mut observed);
        let failure = tokio::select! {
            biased;
            applied = applied => applied.err().map(|error| error.failure()),
            () = stop.asked() => {
                self.prepared.screen.warn("Stopping: whatever is not committed is rolled back. Looking at what is in …");
                Some(stopped())
            }
        };
        self.say("Verifying …");
        let input = VerifyInput {
            connect: &self.prepared.connect,
            bundle: Some(&self.prepared.bundle),
            plan: &planned.plan,
            placeholders: &placeholders,
            run: self.run_id(),
            attempt,
            restored: false,
            observed: &observed,
        };
        let verified = match self.verify(input, stop).await {
            Ok(verified) if verified.verdict == Verdict::Between => self.after_cleanup(input, verified, stop).await,
            verified => verified,
        };
        match verified {
            Ok(verified) => Tried::Verified {
                planned: Box::new(planned),
                verified,
                failure,
            },
            Err(why) => Tried::Unverified {
                planned: Box::new(planned),
                failure,
                why,
            },
        }
    }

    async fn plan(&self, request: &PlanRequest<'_>) -> Result<(Planned, Placeholders), Failure> {
        let Prepared { connect, bundle, .. } = self.prepared;
        self.say(&format!("Looking at {} …", self.prepared.place()));
        let planned = belay_engine::plan(connect, bundle, request)
            .await
            .map_err(|error| error.failure())?;
        let placeholders = self.prepared.placeholders(&planned.plan);
        let placeholders = placeholders.map_err(|error| error.failure())?;
        Ok((planned, placeholders))
    }

    /// Until all is applied or something stops it. A future that is dropped cuts its connection: that rolls back.
    async fn apply(
        &self,
        attempt: Attempt,
        planned: &Planned,
        placeholders: &Placeholders,
        observed: &mut Observed,
    ) -> Result<(), EngineError> {
        let Prepared { connect, bundle, .. } = self.prepared;
        loop {
            let input = MigrateInput {
                connect,
                bundle,
                plan: &planned.plan,
                placeholders,
                attempt,
                budget: Budget::UNLIMITED,
                gate: &OpenGate,
            };
            let migrated = self.watched(belay_engine::migrate(input)).await?;
            for notice in &migrated.notices {
                self.prepared.screen.warn(&format!("PostgreSQL: {notice}"));
            }
            observed.started = observed.started.take().or(migrated.started);
            observed.ended = migrated.ended;
            if migrated.status == MigrateStatus::Done {
                return Ok(());
            }
        }
    }

    /// Tells now and then that it goes on.
    async fn watched<T>(&self, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(TICK, &mut work).await {
                Ok(done) => return done,
                Err(_) => self.say(&format!("at work since {} s …", start.elapsed().as_secs())),
            }
        }
    }

    /// Asks for the verdict, again and again while the database does not answer.
    async fn verify(&self, input: VerifyInput<'_>, stop: &mut Stop) -> Result<Verified, Failure> {
        let end = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(250);
        loop {
            let verified = tokio::select! {
                biased;
                verified = belay_engine::verify(input) => verified,
                () = stop.asked() => return Err(given_up()),
            };
            let failure = match verified {
                Ok(verified) => return Ok(verified),
                Err(error) => error.failure(),
            };
            if failure.code != Code::Database || Instant::now() + pause >= end {
                return Err(failure);
            }
            self.say(&format!("{}; asking again …", failure.message));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.asked() => return Err(given_up()),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// The verdict after what a failed file left was taken away, where that is sure (L2).
    async fn after_cleanup(
        &self,
        input: VerifyInput<'_>,
        verified: Verified,
        stop: &mut Stop,
    ) -> Result<Verified, Failure> {
        let cleaning = belay_engine::cleanup(CleanupInput {
            connect: input.connect,
            plan: input.plan,
            budget: Budget::UNLIMITED,
            gate: &OpenGate,
        });
        let cleaned = tokio::select! {
            biased;
            cleaned = self.watched(cleaning) => cleaned,
            () = stop.asked() => return Ok(verified),
        };
        match cleaned {
            Ok(cleaned) if cleaned.is_empty() => Ok(verified),
            Ok(cleaned) => {
                let mut verified = self.verify(input, stop).await?;
                let notes = cleaned.into_iter().map(|message| Finding {
                    kind: FindingKind::Note,
                    message,
                });
                verified.findings.extend(notes);
                Ok(verified)
            }
            Err(error) => {
                let failure = error.failure();
                let screen = &self.prepared.screen;
                screen.warn(&format!("What the file left was not taken away: {}", failure.message));
                self.verify(input, stop).await
            }
        }
    }

    fn say(&self, text: &str) {
        self.prepared.screen.progress(text);
    }

    fn run_id(&self) -> &RunId {
        &self.prepared.connect.run
    }
}

fn stopped() -> Failure {
    Failure::new(Code::Stopped, "somebody stopped it").next("run it again: it begins with what is not in")
}

fn given_up() -> Failure {
    Failure::new(
        Code::Stopped,
        "somebody stopped it before the database had said what is in",
    )
}
