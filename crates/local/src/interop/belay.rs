//! Our own command line, as a user calls it.

use std::process::Command;

use belay_local::{Postgres, Result, checkout};
use serde_json::Value;
use tempfile::TempDir;

use super::set::in_file;
use super::tool::{Answer, Ask, Job, Tool, complaint, output};

const PROGRAM: &str = "belay";

/// The program `belay`: a copy, so that a build meanwhile does not change what is looked at.
pub(crate) struct Belay {
    folder: TempDir,
}

impl Belay {
    /// The one that cargo built in a profile.
    pub(crate) fn of(profile: &str) -> Result<Self> {
        let built = checkout().join(format!("target/{profile}/belay"));
        let folder = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
        std::fs::copy(&built, folder.path().join(PROGRAM)).map_err(in_file("copy", built))?;
        Ok(Self { folder })
    }

    /// A command line for a database behind a port.
    pub(crate) fn command(&self, command: &str, postgres: &Postgres, port: u16, database: &str) -> Command {
        let role = postgres.migrator();
        let url = format!("postgres://{}@127.0.0.1:{port}/{database}", role.name());
        let mut line = Command::new(self.folder.path().join(PROGRAM));
        line.args([command, "--format", "json", "--tls", "off", "--url", &url]);
        line.env("PGPASSWORD", role.password());
        line
    }
}

impl Tool for Belay {
    fn name(&self) -> String {
        "Belay".to_owned()
    }

    fn ask(&self, ask: Ask, job: &Job<'_>) -> Result<Result<Answer, String>> {
        let word = ask.word();
        let mut line = self.command(word, job.postgres, job.postgres.port(), job.database);
        line.arg("--bundle").arg(job.bundle).args(job.settings.for_belay());
        let ran = output(&mut line)?;
        let value: Value = match serde_json::from_slice(&ran.stdout) {
            Ok(value) => value,
            Err(_) => return Ok(Err(format!("belay {word}: {}", complaint(&ran)))),
        };
        let rows = |key: &str| value[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let problems = rows("invalidMigrations");
        let is_answer = ran.status.success() || (ask == Ask::Validate && !problems.is_empty());
        if !is_answer {
            return Ok(Err(format!("belay {word}: {}", wrong(&value))));
        }
        let lines = match ask {
            Ask::Info => rows("migrations").iter().map(migration).collect(),
            Ask::Validate => problems.iter().map(problem).collect(),
            _ => Vec::new(),
        };
        let migrated = value["migrationsExecuted"].as_u64().unwrap_or_default();
        Ok(Ok(Answer {
            migrated: usize::try_from(migrated).unwrap_or_default(),
            lines,
        }))
    }
}

/// What its JSON says to be wrong: the error, else all of it.
fn wrong(value: &Value) -> String {
    let message = value["error"]["message"].as_str();
    message.map_or_else(|| value.to_string(), str::to_owned)
}

fn migration(row: &Value) -> String {
    let cell = |key: &str| row[key].as_str().unwrap_or_default();
    ["version", "description", "type", "state"].map(cell).join("\t")
}

fn problem(row: &Value) -> String {
    let cell = |cell: &Value| cell.as_str().unwrap_or_default().to_owned();
    let code = &row["errorDetails"]["errorCode"];
    [&row["version"], &row["description"], code].map(cell).join("\t")
}
