//! Migrate: one attempt to bring the database from before the plan to after it, under the lock.

use std::sync::Arc;
use std::time::Duration;

use belay_bundle::{Bundle, ScriptConfig};
use belay_model::{Attempt, Code, Failure, MigrateStatus, Plan, PlanDigest, Unit, UnitKind};

use crate::budget::Budget;
use crate::error::EngineError;
use crate::fingerprint::{self, Schema};
use crate::gate::Gate;
use crate::group::Group;
use crate::journal::{self, OpenUnit};
use crate::lock;
use crate::lone::Lone;
use crate::mark::UnitKey;
use crate::on_error;
use crate::own::Own;
use crate::patience::Patience;
use crate::placeholder::Placeholders;
use crate::script::Script;
use crate::session::{Connect, Session};
use crate::stop::Stop;

/// What Migrate is asked.
#[derive(Clone, Copy)]
pub struct MigrateInput<'a> {
    /// How to log in.
    pub connect: &'a Connect,
    /// The bundle that the plan was made from.
    pub bundle: &'a Bundle,
    /// The plan.
    pub plan: &'a Plan,
    /// Its placeholders, with the values of its secrets.
    pub placeholders: &'a Placeholders,
    /// The attempt.
    pub attempt: Attempt,
    /// How long it may work.
    pub budget: Budget,
    /// Whether it may.
    pub gate: &'a dyn Gate,
}

/// What Migrate did. The truth of it is Verify's to tell.
#[derive(Debug)]
pub struct Migrated {
    /// Whether there is more to do.
    pub status: MigrateStatus,
    /// The schema when the attempt was opened; only from the call that opened it.
    pub started: Option<Schema>,
    /// The schema after the last unit; only when done.
    pub ended: Option<Schema>,
    /// What the server said besides (`RAISE NOTICE`, warnings): the first of it, with secrets masked.
    pub notices: Vec<String>,
}

/// Applies what is planned, from where this attempt stands.
///
/// # Errors
/// What stopped it. Nothing is to be inferred from it: ask [`crate::verify`].
pub async fn migrate(input: MigrateInput<'_>) -> Result<Migrated, EngineError> {
    if input.plan.bundle != input.bundle.digest() {
        return Err(EngineError::PlanMismatch(
            "the plan was made from another bundle".to_owned(),
        ));
    }
    let session = Session::open(input.connect, input.plan.search_path.as_deref()).await?;
    let migrated = run(&session, input).await;
    session.close().await;
    migrated
}

async fn run(session: &Session, input: MigrateInput<'_>) -> Result<Migrated, EngineError> {
    let MigrateInput {
        connect, plan, attempt, ..
    } = input;
    let digest = plan.digest()?;
    lock::end_orphans(session, &connect.run).await?;
    lock::take(
        session,
        &plan.history,
        Duration::from_secs(connect.locks.budget_s.into()),
    )
    .await?;
    input
        .gate
        .check()
        .await
        .map_err(|failure| EngineError::Gate(Box::new(failure)))?;
    journal::create(session.client()).await?;
    let started = open_attempt(session, input, &digest).await?;
    let open = journal::open_units(session.client(), &plan.history, Some(&connect.run)).await?;
    let resumed = open
        .into_iter()
        .find(|unit| unit.attempt == journal::attempt_number(attempt));
    let done = units_done(session, input).await?;
    let mut applying = Applying {
        session,
        input,
        next: done,
        finished: 0,
        resumed,
    };
    session.notices().take_for(&plan.error_overrides, input.placeholders);
    let status = applying.run().await.map_err(|error| match error {
        // What comes after an error that was passed over may fail because of it.
        EngineError::Failed(mut failure) => {
            failure.notes.extend(session.notices().passed_over());
            EngineError::Failed(failure)
        }
        error => error,
    })?;
    let ended = match status {
        MigrateStatus::Done => fingerprint::read_alone(session.client()).await?,
        MigrateStatus::More => None,
    };
    let notices = session.notices().told();
    Ok(Migrated {
        status,
        started,
        ended,
        notices,
    })
}

/// Opens the attempt, or finds it open. The schema, if this call opened it.
async fn open_attempt(
    session: &Session,
    input: MigrateInput<'_>,
    digest: &PlanDigest,
) -> Result<Option<Schema>, EngineError> {
    let MigrateInput {
        connect, plan, attempt, ..
    } = input;
    let client = session.client();
    let known = journal::attempt_row(client, &connect.run, attempt).await?;
    let started = if known.is_none() {
        fingerprint::read_alone(client).await?
    } else {
        None
    };
    let row = journal::open_attempt(client, &connect.run, attempt, plan, digest).await?;
    if !row.open {
        return Err(EngineError::AttemptClosed {
            run: connect.run.clone(),
            attempt,
            found: "closed".to_owned(),
        });
    }
    if row.plan != digest.to_string() {
        return Err(EngineError::PlanMismatch(format!(
            "attempt {attempt} was opened for another plan, {}",
            row.plan
        )));
    }
    Ok(started)
}

/// How many units of this attempt are committed, by the journal's word: the first of them that is not is the next. If
/// somebody took a row of theirs away meanwhile, the guard of the next stops the attempt.
async fn units_done(session: &Session, input: MigrateInput<'_>) -> Result<usize, EngineError> {
    let MigrateInput {
        connect, plan, attempt, ..
    } = input;
    let history_exists = exists(session, plan).await?;
    let own = Own::read(session.client(), &plan.history, history_exists, &connect.run).await?;
    let units = plan.units.iter().enumerate();
    Ok(units
        .take_while(|(index, unit)| own.is_committed(attempt, *index, unit))
        .count())
}

async fn exists(session: &Session, plan: &Plan) -> Result<bool, EngineError> {
    let sql = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
    let name = plan.history.to_string();
    let row = session
        .client()
        .query_typed_one(sql, &[(&name, tokio_postgres::types::Type::TEXT)])
        .await?;
    Ok(row.try_get(0)?)
}

/// K3: how many groups are sent between two looks at the gate. A zombie's are stopped by their own guard before that.
const UNITS_PER_LOOK: usize = 64;

/// An attempt under way.
pub(crate) struct Applying<'a> {
    pub(crate) session: &'a Session,
    pub(crate) input: MigrateInput<'a>,
    /// The unit to run next.
    next: usize,
    /// Units and statements of lone files that this call finished (V5).
    pub(crate) finished: usize,
    /// The open mark that an earlier call of this attempt left.
    resumed: Option<OpenUnit>,
}

impl<'a> Applying<'a> {
    async fn run(&mut self) -> Result<MigrateStatus, EngineError> {
        let mut patience = Patience::new(self.input.connect.locks);
        while self.next < self.input.plan.units.len() {
            if self.input.budget.is_over() {
                return self.out_of_time(None);
            }
            self.input
                .gate
                .check()
                .await
                .map_err(|failure| EngineError::Gate(Box::new(failure)))?;
            match self.run_units().await {
                Ok(()) => patience = Patience::new(self.input.connect.locks),
                Err(Stop::LockWait(error)) => {
                    self.session.rollback().await?;
                    if let Err(error) = patience.wait(error).await {
                        return Err(on_error::run(self, self.next, error).await);
                    }
                }
                Err(Stop::Cancelled(at)) => {
                    // The server may have committed before it was asked to stop: the history tells.
                    self.next = self.look_after_cancel().await?.max(self.next);
                    return self.out_of_time(Some(at));
                }
                Err(Stop::Failed(error)) => {
                    // The session ends with this call; its transaction must not outlive the answer.
                    return Err(match self.session.rollback().await {
                        Ok(()) => on_error::run(self, self.next, error).await,
                        Err(_) => error,
                    });
                }
            }
        }
        Ok(MigrateStatus::Done)
    }

    /// How many units are done. A CancelRequest that arrives late may stop the asking; then it is asked again.
    async fn look_after_cancel(&self) -> Result<usize, EngineError> {
        let mut late = self.session.cancels();
        loop {
            self.session.rollback().await?;
            match units_done(self.session, self.input).await {
                Err(error) if late > 0 && error.is_cancelled() => late -= 1,
                done => return done,
            }
        }
    }

    /// V5: `more` only if something was finished; a whole budget for one statement, or for none, is too long.
    fn out_of_time(&self, at: Option<Box<Failure>>) -> Result<MigrateStatus, EngineError> {
        if self.finished > 0 {
            return Ok(MigrateStatus::More);
        }
        let failure = match at {
            Some(failure) => Failure {
                code: Code::TooLong,
                message: "one statement took longer than an invocation lasts".to_owned(),
                ..*failure
            },
            None => Failure::new(
                Code::TooLong,
                "the time of an invocation was over before anything began",
            ),
        };
        let next = "split it, or run the bundle where there is more time: belay migrate --url … --bundle …";
        Err(EngineError::Failed(Box::new(failure.next(next))))
    }

    /// Runs the next unit; of groups, as many as can be sent ahead.
    async fn run_units(&mut self) -> Result<(), Stop> {
        let Some(unit) = self.input.plan.units.get(self.next) else {
            return Ok(());
        };
        match unit.kind {
            UnitKind::Lone => {
                let (index, resumed) = (self.next, self.resumed.take());
                Lone::new(self, index, unit)?.run(resumed).await?;
                self.next += 1;
                self.finished += 1;
                Ok(())
            }
            UnitKind::Group => {
                let ahead = self.groups_ahead();
                let (done, stopped) = Group::run(self, self.next..ahead).await;
                self.next += done;
                self.finished += done;
                stopped
            }
        }
    }

    /// Groups up to the next lone file, or up to the one that carries the assertions, which is run by itself; at most as
    /// many as one look at the gate is good for.
    fn groups_ahead(&self) -> usize {
        let units = &self.input.plan.units;
        let lone = units
            .iter()
            .skip(self.next)
            .position(|unit| unit.kind == UnitKind::Lone);
        let end = lone
            .map_or(units.len(), |offset| self.next + offset)
            .min(self.next + UNITS_PER_LOOK);
        match self.assertions_unit() {
            Some(last) if last > self.next => end.min(last),
            _ => end,
        }
    }

    /// The unit in whose transaction the assertions run: the last, if it is a group (M3; a lone one is V4's).
    pub(crate) fn assertions_unit(&self) -> Option<usize> {
        let last = self.input.plan.units.len().checked_sub(1)?;
        let is_group = self
            .input
            .plan
            .units
            .get(last)
            .is_some_and(|unit| unit.kind == UnitKind::Group);
        (is_group && !self.input.plan.assertions.is_empty()).then_some(last)
    }

    /// The assertions, made ready.
    pub(crate) fn assertions(&self) -> Result<Vec<Script>, EngineError> {
        self.input
            .plan
            .assertions
            .iter()
            .map(|assertion| self.ready(&assertion.path))
            .collect()
    }

    /// What is said to the database before each file.
    pub(crate) fn init(&self) -> Result<Option<Arc<Script>>, EngineError> {
        let MigrateInput { plan, placeholders, .. } = self.input;
        let placeholders = plan.placeholder_replacement.then_some(placeholders);
        let script = plan
            .init_sql
            .clone()
            .map(|sql| Script::new("initSql", sql, placeholders));
        let script = script
            .transpose()
            .map_err(|problem| EngineError::PlanMismatch(format!("initSql can't be said: {problem}")))?;
        Ok(script.map(Arc::new))
    }

    /// A file of the plan, made ready.
    pub(crate) fn ready(&self, path: &str) -> Result<Script, EngineError> {
        let MigrateInput {
            bundle,
            plan,
            placeholders,
            ..
        } = self.input;
        script(bundle, plan, placeholders, path)
    }

    /// The key of a unit's mark.
    pub(crate) fn key(&self, unit: usize) -> UnitKey<'a> {
        UnitKey {
            run: &self.input.connect.run,
            attempt: self.input.attempt,
            unit,
        }
    }

    /// M1: the guard of a unit.
    pub(crate) fn guard(&self, index: usize, unit: &Unit) -> String {
        let plan = self.input.plan;
        self.key(index)
            .guard(&plan.history, plan.history_exists || index > 0, unit.base_rank)
    }
}

/// A file of the bundle as the plan froze it.
pub(crate) fn script(
    bundle: &Bundle,
    plan: &Plan,
    placeholders: &Placeholders,
    path: &str,
) -> Result<Script, EngineError> {
    let replace = config(bundle, path)
        .and_then(|config| config.placeholder_replacement)
        .unwrap_or(plan.placeholder_replacement);
    Script::new(path, bundle.text(path)?, replace.then_some(placeholders))
        .map_err(|problem| EngineError::PlanMismatch(format!("the plan does not fit the bundle: {problem}")))
}

/// What the `.conf` of a migration or a callback says.
pub(crate) fn config<'b>(bundle: &'b Bundle, path: &str) -> Option<&'b ScriptConfig> {
    let migrations = bundle.migrations().iter().map(|file| (&file.path, &file.config));
    let callbacks = bundle.callbacks().iter().map(|file| (&file.path, &file.config));
    let mut files = migrations.chain(callbacks);
    files.find(|(known, _)| *known == path).map(|(_, config)| config)
}
