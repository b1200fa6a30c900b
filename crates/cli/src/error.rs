//! What ends a command before it has a result.

use std::io;
use std::path::{Path, PathBuf};

use belay_aws::AwsError;
use belay_bundle::{FolderError, Rejected};
use belay_engine::EngineError;
use belay_model::{Code, Failure, Outcome};

/// What ends a command before it has a result. Never holds a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command was called wrongly.
    #[error("{0}")]
    Usage(String),
    /// The bundle, the database or what is needed to reach it.
    #[error("{0}")]
    Failed(Box<Failure>),
    /// This machine.
    #[error("can't {action} {}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Signals can't be listened to, or there is no randomness for a run's name.
    #[error("this machine refuses what a run needs")]
    System(#[source] io::Error),
}

impl CliError {
    /// The exit code when a command is called wrongly: one that no outcome has.
    pub(crate) const USAGE: u8 = 64;

    /// The failure, for programs.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Failed(failure) => (**failure).clone(),
            Self::Usage(_) => Failure::new(Code::RequestInvalid, self.to_string()),
            Self::Io { source, .. } | Self::System(source) => Failure::new(Code::Storage, format!("{self}: {source}")),
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// How a run ends that stops here; nothing if it was not even begun.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Usage(_) => None,
            Self::Failed(failure) => Some(outcome_of(failure)),
            Self::Io { .. } | Self::System(_) => Some(Outcome::Interrupted),
        }
    }
}

/// How a run ends that fails before it has changed anything.
pub(crate) fn outcome_of(failure: &Failure) -> Outcome {
    match failure.code {
        Code::Stopped => Outcome::Unchanged,
        code if code.is_infrastructure() => Outcome::Interrupted,
        _ => Outcome::Rejected,
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        error.failure().into()
    }
}

impl From<AwsError> for CliError {
    fn from(error: AwsError) -> Self {
        error.failure().into()
    }
}

impl From<Rejected> for CliError {
    fn from(rejected: Rejected) -> Self {
        told_by_hand(rejected.into()).into()
    }
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        told_by_hand(error.into()).into()
    }
}

/// Nothing is uploaded here, so the step that a mail would name is another.
fn told_by_hand(failure: Failure) -> Failure {
    match &failure.next {
        Some(next) if next.contains("upload") => {
            failure.next("mend the bundle and run this again; the database was not opened")
        }
        _ => failure,
    }
}
