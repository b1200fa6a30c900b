//! Everything that can go wrong between the bundle and the database.

use belay_model::{Attempt, Code, Failure, Problem, RunId, ServerError};
use tokio_postgres::error::{DbError, SqlState};

use crate::session::Connect;

/// What went wrong. [`EngineError::failure`] is its form for the workflow and for people.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The target asks for what can't be.
    #[error("{0}")]
    TargetInvalid(String),
    /// Logging in failed.
    #[error("can't log in to {host}:{port} as {user}")]
    Connect {
        /// The target's host.
        host: String,
        /// The target's port.
        port: u16,
        /// The role.
        user: String,
        /// What the server or the network said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The server did not answer.
    #[error("no answer from {host}:{port} within {seconds} s")]
    ConnectTimeout {
        /// The target's host.
        host: String,
        /// The target's port.
        port: u16,
        /// How long it was waited.
        seconds: u64,
    },
    /// A statement of Belay's own failed, or the connection was lost.
    #[error("the database refused a statement of Belay's own, or the connection was lost")]
    Database(#[from] tokio_postgres::Error),
    /// A file of the bundle can't be read.
    #[error(transparent)]
    Bundle(#[from] belay_bundle::ReadError),
    /// The plan is refused.
    #[error("the plan is refused")]
    Rejected(Vec<Problem>),
    /// A migration or an assertion failed: the whole report.
    #[error("{0}")]
    Failed(Box<Failure>),
    /// Plan and bundle do not belong together.
    #[error("{0}")]
    PlanMismatch(String),
    /// Somebody else moved the history.
    #[error("the history moved after the plan was made: {found}")]
    PlanStale {
        /// What was found.
        found: String,
    },
    /// The attempt is closed.
    #[error("attempt {attempt} of run {run} is closed: {found}")]
    AttemptClosed {
        /// The run.
        run: RunId,
        /// The attempt.
        attempt: Attempt,
        /// What was found.
        found: String,
    },
    /// The database lock is held by somebody else.
    #[error("the migration lock was not free within {seconds} s; it is held by {holder}")]
    LockTimeout {
        /// How long it was waited.
        seconds: u64,
        /// Who holds it.
        holder: String,
    },
    /// The server did not answer a CancelRequest.
    #[error("the server did not stop the running statement within {seconds} s of being asked")]
    NoAnswer {
        /// How long it was waited.
        seconds: u64,
    },
    /// A session of this run does not end.
    #[error("{0} session(s) of this run do not end")]
    OrphansStay(i64),
    /// A session of somebody who is kept out does not end.
    #[error("{0} session(s) of roles that are kept out do not end")]
    SessionsStay(i64),
    /// Q1: a role can't or must not be kept out; each reason in a sentence.
    #[error("the door can't be closed or opened")]
    DoorRefused(Vec<String>),
    /// V3: after a restore, the attempt's row is there.
    #[error("the endpoint still leads to the old server: it has a row of attempt {attempt} of run {run}")]
    OldServer {
        /// The run whose snapshot was restored.
        run: RunId,
        /// The attempt that must be gone.
        attempt: Attempt,
    },
    /// K3: the lock item is not this run's.
    #[error("{0}")]
    Gate(Box<Failure>),
    /// A plan can't be written as JSON: a bug.
    #[error("can't write the plan")]
    Json(#[from] serde_json::Error),
}

impl EngineError {
    pub(crate) fn connecting(source: tokio_postgres::Error, connect: &Connect) -> Self {
        Self::Connect {
            host: connect.endpoint.host.clone(),
            port: connect.endpoint.port,
            user: connect.user.clone(),
            source,
        }
    }

    /// Whether a statement of ours was stopped by a CancelRequest.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Database(error) if error.as_db_error().is_some_and(is_cancelled))
    }

    /// The failure, for the workflow and for people.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let failure = Failure::new(self.code(), self.to_string());
        match self {
            Self::Connect { source, .. } => match source.as_db_error() {
                Some(error) => Failure {
                    server: Some(server_error(error)),
                    ..failure
                },
                None => Failure {
                    message: format!("{self}: {}", causes(source)),
                    ..failure
                },
            },
            Self::Database(source) => match source.as_db_error() {
                Some(error) => Failure {
                    server: Some(server_error(error)),
                    ..failure
                },
                None => Failure {
                    message: format!("the connection was lost: {}", causes(source)),
                    ..failure
                },
            },
            Self::Rejected(problems) => Failure::of_problems(Code::PlanRejected, problems.clone()),
            Self::DoorRefused(reasons) => {
                let problems = reasons.iter().cloned().map(crate::door::problem).collect();
                Failure::of_problems(Code::DoorRefused, problems)
                    .next("do what it says, or correct quiesce.roles of the instance, then start it again")
            }
            Self::OldServer { .. } => {
                failure.next("ask again in a while: a changed address takes some time to be known")
            }
            Self::Failed(failure) | Self::Gate(failure) => (**failure).clone(),
            Self::LockTimeout { .. } => failure.next("wait for the holder to end, or end its session, and run again"),
            Self::PlanStale { .. } => failure.next("run again: the plan is made anew"),
            _ => failure,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::TargetInvalid(_) => Code::TargetInvalid,
            Self::Connect { source, .. } => connect_code(source.as_db_error()),
            Self::Database(source) => database_code(source.as_db_error()),
            Self::ConnectTimeout { .. }
            | Self::NoAnswer { .. }
            | Self::OrphansStay(_)
            | Self::SessionsStay(_)
            | Self::OldServer { .. } => Code::Database,
            Self::DoorRefused(_) => Code::DoorRefused,
            Self::Bundle(_) | Self::PlanMismatch(_) => Code::PlanMismatch,
            Self::Rejected(_) => Code::PlanRejected,
            Self::Failed(failure) | Self::Gate(failure) => failure.code,
            Self::PlanStale { .. } => Code::PlanStale,
            Self::AttemptClosed { .. } => Code::AttemptClosed,
            Self::LockTimeout { .. } => Code::LockTimeout,
            Self::Json(_) => Code::Bug,
        }
    }
}

fn connect_code(error: Option<&DbError>) -> Code {
    match error.map(DbError::code) {
        Some(state)
            if *state == SqlState::INVALID_PASSWORD || *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            Code::Credentials
        }
        Some(state) if *state == SqlState::INSUFFICIENT_PRIVILEGE || *state == SqlState::INVALID_PARAMETER_VALUE => {
            Code::PrivilegeMissing
        }
        _ => Code::Database,
    }
}

/// What an error in a statement of our own means: the server's state, a privilege, a lock; anything else is our bug.
fn database_code(error: Option<&DbError>) -> Code {
    let Some(error) = error else { return Code::Database };
    let state = error.code();
    match state.code().get(..2) {
        Some("08" | "53" | "57" | "58" | "XX") => Code::Database,
        _ if *state == SqlState::READ_ONLY_SQL_TRANSACTION => Code::ServerUnfit,
        _ if *state == SqlState::INSUFFICIENT_PRIVILEGE => Code::PrivilegeMissing,
        _ if is_lock_wait(error) => Code::LockTimeout,
        _ => Code::Bug,
    }
}

/// Whether an error says that a lock could not be had: to be tried again.
pub(crate) fn is_lock_wait(error: &DbError) -> bool {
    *error.code() == SqlState::LOCK_NOT_AVAILABLE || *error.code() == SqlState::T_R_DEADLOCK_DETECTED
}

/// Whether a statement was stopped by a CancelRequest.
pub(crate) fn is_cancelled(error: &DbError) -> bool {
    *error.code() == SqlState::QUERY_CANCELED
}

/// What the server said, as it said it.
pub(crate) fn server_error(error: &DbError) -> ServerError {
    ServerError {
        sql_state: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        hint: error.hint().map(str::to_owned),
        context: error.where_().map(str::to_owned),
    }
}

/// An error and its causes in one line: the client's errors say only the first in their `Display`.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
