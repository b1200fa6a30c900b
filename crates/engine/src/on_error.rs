//! Callbacks of an error: after the rollback, each in a transaction of its own, under the lock. Flyway runs them in the
//! transaction that failed, where PostgreSQL refuses them and hides the first error.
//!
//! What they commit is theirs and is no part of the verdict: the journal has a row for each, and Verify tells of it. They
//! don't run when the time is up, when the attempt is closed, or when the session is lost: then nothing of ours may begin.

use belay_model::{Code, Event, Failure, PlannedCallback};

use crate::apply::Applying;
use crate::change::What;
use crate::error::EngineError;
use crate::frame::{back_to_ourselves, begin};
use crate::group::{Group, Wrapped};
use crate::piece::pieces;
use crate::stop::Stop;

/// Runs them. The error stays what it was; what goes wrong with a callback is a note in it.
pub(crate) async fn run(applying: &Applying<'_>, unit: usize, error: EngineError) -> EngineError {
    let EngineError::Failed(mut failure) = error else {
        return error;
    };
    let is_of_the_plan = matches!(
        failure.code,
        Code::SqlFailed | Code::LockTimeout | Code::AssertionFailed
    );
    let is_due = |callback: &PlannedCallback| is_of_the_plan && is_due(applying, callback.event, &failure);
    let all = applying.input.plan.on_error.iter().enumerate();
    let due: Vec<_> = all.filter(|(_, callback)| is_due(callback)).collect();
    for (number, callback) in due {
        match one(applying, unit, number, callback).await {
            Ok(()) => {}
            Err(Problem::Callback(said)) => failure
                .notes
                .push(format!("the callback {} failed too: {said}", callback.path)),
            Err(Problem::Stopped(why)) => {
                failure
                    .notes
                    .push(format!("the callback {} did not run: {why}", callback.path));
                break;
            }
        }
    }
    EngineError::Failed(failure)
}

/// Why a callback did not do what it is for.
enum Problem {
    /// It failed.
    Callback(String),
    /// Nothing may begin any more.
    Stopped(String),
}

/// Whether an event is one of this error: those of a single migration are of its own statements.
fn is_due(applying: &Applying<'_>, event: Event, failure: &Failure) -> bool {
    let place = failure.place.as_ref();
    let is_migrations = place.is_some_and(|place| applying.input.plan.migrations().any(|m| m.path == place.file));
    match event {
        Event::AfterEachMigrateError | Event::AfterEachUndoError => is_migrations,
        Event::AfterEachMigrateStatementError | Event::AfterEachUndoStatementError => {
            is_migrations && place.is_some_and(|place| place.line.is_some())
        }
        _ => true,
    }
}

async fn one(applying: &Applying<'_>, unit: usize, number: usize, callback: &PlannedCallback) -> Result<(), Problem> {
    let Applying { session, input, .. } = applying;
    let stopped = |failure: Failure| Problem::Stopped(failure.message);
    if input.budget.is_over() {
        return Err(Problem::Stopped("the time is up".to_owned()));
    }
    input.gate.check().await.map_err(stopped)?;
    let anew = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL";
    session.run(anew).await.map_err(|error| stopped(error.failure()))?;
    let Err(stop) = transaction(applying, unit, number, callback).await else {
        return Ok(());
    };
    let back = session.rollback().await;
    let error = match (stop, back) {
        (_, Err(error)) => return Err(stopped(error.failure())),
        (Stop::Failed(error @ EngineError::AttemptClosed { .. }), Ok(())) => return Err(stopped(error.failure())),
        (Stop::Cancelled(_), Ok(())) => return Err(Problem::Callback("the time was up".to_owned())),
        (Stop::Failed(error) | Stop::LockWait(error), Ok(())) => error,
    };
    let Failure {
        message, place, server, ..
    } = error.failure();
    let said = server.map_or(message, |server| server.message);
    Err(Problem::Callback(match place {
        Some(place) => format!("{place}: {said}"),
        None => said,
    }))
}

async fn transaction(
    applying: &Applying<'_>,
    unit: usize,
    number: usize,
    callback: &PlannedCallback,
) -> Result<(), Stop> {
    let key = applying.key(unit);
    let history = &applying.input.plan.history;
    let mut group = Group::new(applying);
    let mut prefix = begin(applying);
    prefix.push(key.guard_attempt());
    let mut texts = group.init()?;
    texts.extend(pieces(&group.callback(&callback.path)?));
    let mut suffix = back_to_ourselves("SET CONSTRAINTS ALL IMMEDIATE");
    suffix.extend([
        key.insert_callback(history, number, callback, What::ErrorCallback),
        "RESET ALL".to_owned(),
    ]);
    let wrapped = Wrapped {
        prefix,
        pieces: texts,
        suffix,
        about: &callback.path,
        unit,
        commits: true,
    };
    group.send_wrapped(wrapped).await?;
    group.drain().await
}
