//! What stops a unit, and what an error of the server means for the attempt.

use belay_model::{Code, Failure, HistoryTable, Place};
use tokio_postgres::error::{DbError, SqlState};

use crate::apply::Applying;
use crate::error::{EngineError, is_cancelled, is_lock_wait};
use crate::report::{self, Guard};
use crate::session::quote_identifier;

/// Why a unit did not finish.
pub(crate) enum Stop {
    /// A lock could not be had: the unit may be tried again.
    LockWait(EngineError),
    /// The budget is over; where it was stopped.
    Cancelled(Box<Failure>),
    /// Anything else.
    Failed(EngineError),
}

impl<E: Into<EngineError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Where an error was.
#[derive(Debug, Clone)]
pub(crate) enum At {
    /// In a statement of a file.
    File(Place),
    /// In a statement of ours, about this.
    Ours(Place),
}

impl At {
    fn place(self) -> Place {
        match self {
            Self::File(place) | Self::Ours(place) => place,
        }
    }
}

/// What the server did not do.
pub(crate) struct Refused {
    pub(crate) error: tokio_postgres::Error,
    /// It was asked to stop.
    pub(crate) cancelled: bool,
    pub(crate) at: At,
}

impl Refused {
    /// What that means for the attempt.
    pub(crate) fn stop(self, applying: &Applying<'_>) -> Stop {
        stop(applying, self.error, self.cancelled, self.at)
    }
}

/// What an error of the server means for the attempt.
pub(crate) fn stop(applying: &Applying<'_>, error: tokio_postgres::Error, cancelled: bool, at: At) -> Stop {
    let Some(db) = error.as_db_error() else {
        return Stop::Failed(error.into());
    };
    let run = || applying.input.connect.run.clone();
    let is_made = matches!(at, At::Ours(_)) && is_made_meanwhile(db);
    let place = at.place();
    let failure = || report::sql_failure(place.clone(), db, applying.input.placeholders);
    match report::guard(db) {
        Some(Guard::AttemptClosed(found)) => {
            return Stop::Failed(EngineError::AttemptClosed {
                run: run(),
                attempt: applying.input.attempt,
                found,
            });
        }
        Some(Guard::HistoryMoved(found)) => return Stop::Failed(EngineError::PlanStale { found }),
        Some(Guard::TransactionLost) => {
            let message = "the file ended the transaction that it ran in, so what it did may be committed";
            return Stop::Failed(EngineError::Failed(Box::new(
                Failure::new(Code::TransactionLost, message).at(place),
            )));
        }
        None => {}
    }
    if is_made || is_history_taken(db, &applying.input.plan.history) {
        return Stop::Failed(EngineError::PlanStale {
            found: db.detail().unwrap_or(db.message()).to_owned(),
        });
    }
    if cancelled && is_cancelled(db) {
        return Stop::Cancelled(Box::new(failure()));
    }
    match db.code().code().get(..2) {
        // The server goes away, or is out of something: not the migration's fault.
        Some("08" | "53" | "58") => Stop::Failed(error.into()),
        Some("57") if !is_cancelled(db) => Stop::Failed(error.into()),
        _ if is_lock_wait(db) => {
            let failure = Failure {
                code: Code::LockTimeout,
                message: "a lock could not be had".to_owned(),
                ..failure()
            };
            Stop::LockWait(EngineError::Failed(Box::new(failure)))
        }
        _ => Stop::Failed(EngineError::Failed(Box::new(failure()))),
    }
}

/// V6: a schema that was to be made is there: somebody who does not ask for the lock made it after the plan. Flyway makes
/// its schemas before it takes the lock.
fn is_made_meanwhile(error: &DbError) -> bool {
    let at_once = *error.code() == SqlState::UNIQUE_VIOLATION && error.schema() == Some("pg_catalog");
    *error.code() == SqlState::DUPLICATE_SCHEMA || at_once
}

/// V6: somebody who does not ask for the lock wrote to the history after the guard, or made it: the rank or the name that
/// was planned is taken.
pub(crate) fn is_history_taken(error: &DbError, history: &HistoryTable) -> bool {
    let row = *error.code() == SqlState::UNIQUE_VIOLATION
        && error.schema() == Some(&history.schema)
        && error.table() == Some(&history.table);
    let table =
        *error.code() == SqlState::DUPLICATE_TABLE && error.message().contains(&quote_identifier(&history.table));
    row || table
}
