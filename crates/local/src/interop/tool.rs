//! What is compared: a program that migrates, and says what it thinks of a database.

use std::path::Path;
use std::process::{Command, Output};

use belay_local::{Error, Postgres, Result};

use super::settings::Settings;

/// A database, and what it is to be brought to.
pub(super) struct Job<'a> {
    pub(super) postgres: &'a Postgres,
    pub(super) database: &'a str,
    /// A bundle as a folder, with its settings.
    pub(super) bundle: &'a Path,
    pub(super) settings: &'a Settings,
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Migrate,
    Info,
    Validate,
    Baseline,
    Repair,
    Undo,
}

impl Ask {
    /// Every one of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Migrate,
        Self::Info,
        Self::Validate,
        Self::Baseline,
        Self::Repair,
        Self::Undo,
    ];

    /// As it is typed.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::Info => "info",
            Self::Validate => "validate",
            Self::Baseline => "baseline",
            Self::Repair => "repair",
            Self::Undo => "undo",
        }
    }
}

/// What a tool said.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// How many migrations it ran.
    pub(super) migrated: usize,
    /// Of `info`: version, description, type and state of each migration. Of `validate`: version, description and code
    /// of each problem.
    pub(super) lines: Vec<String>,
}

/// Flyway or Belay.
pub(super) trait Tool {
    /// Its name with its version.
    fn name(&self) -> String;

    /// Does it; the inner error is what the tool itself complained of. Problems that `validate` finds are an answer.
    fn ask(&self, ask: Ask, job: &Job<'_>) -> Result<Result<Answer, String>>;
}

/// Runs a program to its end, whatever that is.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|source| Error::Spawn { program, source })
}

/// What a program that failed wrote, for a line of a report.
pub(crate) fn complaint(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    text.concat().trim().to_owned()
}
