//! What is compared: a program that migrates, and says what it thinks of a database.

use std::path::Path;
use std::process::{Command, Output};

use belay_local::{Error, Postgres, Result};

use super::set::Settings;

/// A database, and what it is to be brought to.
pub(super) struct Job<'a> {
    pub(super) postgres: &'a Postgres,
    pub(super) database: &'a str,
    /// A bundle as a folder.
    pub(super) bundle: &'a Path,
    /// The migrations in it.
    pub(super) migrations: &'a Path,
    pub(super) settings: &'a Settings,
}

/// What a tool said after it migrated.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// How many migrations it ran.
    pub(super) migrated: usize,
    /// Its `info`: version, description, type and state of each migration.
    pub(super) info: Vec<String>,
}

/// Flyway or Belay.
pub(super) trait Tool {
    /// Its name with its version.
    fn name(&self) -> String;

    /// `migrate`, `info` and `validate`; the inner error is what the tool itself complained of.
    fn bring(&self, job: &Job<'_>) -> Result<Result<Answer, String>>;
}

/// Runs a program to its end, whatever that is.
pub(super) fn output(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|source| Error::Spawn { program, source })
}

/// What a program that failed wrote, for a line of a report.
pub(super) fn complaint(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    text.concat().trim().to_owned()
}
