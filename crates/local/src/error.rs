//! What can go wrong on a laptop, with what to do about it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::{error, io, result};

/// The result of everything here that can fail.
pub type Result<T, E = Error> = result::Result<T, E>;

/// A situation that the reader has to do something about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool that `scripts/setup` installs is missing.
    #[error("{} is missing: run `{setup}`", path.display())]
    NotInstalled {
        /// Where it should be.
        path: PathBuf,
        /// The command that installs it.
        setup: &'static str,
    },
    /// A file or a folder could not be used.
    #[error("failed to {doing} {}", path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program could not be started at all.
    #[error("failed to start {program}")]
    Spawn {
        /// Its name.
        program: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("{program} failed ({status}):\n{output}")]
    Program {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// A server ended, or was not ready in time, or said that it does not work.
    #[error("{server} did not start: {reason}; the end of its log:\n{log}")]
    NotStarted {
        /// Which server.
        server: &'static str,
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// As root, PostgreSQL runs as another user, who needs a place that he can reach.
    #[error("no place that user {uid} can reach among {tried:?}: set TMPDIR to a folder that everybody may enter")]
    NoPlace {
        /// The user that PostgreSQL runs as.
        uid: u32,
        /// What was tried.
        tried: Vec<PathBuf>,
    },
    /// Something else owns a place that only we may write to.
    #[error("{} is not ours alone: remove it", path.display())]
    NotOurs {
        /// The place.
        path: PathBuf,
    },
    /// PostgreSQL refused something that the stack itself asked for.
    #[error("PostgreSQL refused to {doing}")]
    Sql {
        /// What was asked.
        doing: String,
        /// Its answer.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The emulator refused a call.
    #[error("{call} failed")]
    Aws {
        /// The operation.
        call: &'static str,
        /// Its answer.
        #[source]
        source: Box<dyn error::Error + Send + Sync>,
    },
    /// An answer lacks what it should have.
    #[error("{place} has no {missing}")]
    Missing {
        /// Where it was looked for.
        place: String,
        /// What was looked for.
        missing: String,
    },
    /// Something that should have happened by now did not.
    #[error("{what} did not happen in {seconds} s; last seen: {seen}")]
    TooLate {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The last state seen.
        seen: String,
    },
}

/// Adds what was done to which path to an I/O error.
pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { doing, path, source }
}
