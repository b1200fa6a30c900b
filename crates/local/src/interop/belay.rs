//! Our own command line, as a user calls it.

use std::path::PathBuf;
use std::process::Command;

use belay_local::{Result, checkout};
use serde_json::Value;

use super::tool::{Answer, Job, Tool, complaint, output};

/// The program `belay`.
pub(super) struct Belay {
    program: PathBuf,
}

impl Belay {
    /// The one that `scripts/interop` builds.
    pub(super) fn new() -> Self {
        Self {
            program: checkout().join("target/local/belay"),
        }
    }

    /// One command; its JSON, or what it complained of.
    fn ask(&self, command: &str, job: &Job<'_>) -> Result<Result<Value, String>> {
        let role = job.postgres.migrator();
        let url = format!(
            "postgres://{}@127.0.0.1:{}/{}",
            role.name(),
            job.postgres.port(),
            job.database
        );
        let mut line = Command::new(&self.program);
        line.args([command, "--format", "json", "--tls", "off", "--url", &url, "--bundle"]);
        line.arg(job.bundle).env("PGPASSWORD", role.password());
        match job.settings.for_belay() {
            Ok(options) => line.args(options),
            Err(unknown) => return Ok(Err(unknown)),
        };
        let ran = output(&mut line)?;
        let parsed: Result<Value, _> = serde_json::from_slice(&ran.stdout);
        Ok(match parsed {
            Ok(value) if ran.status.success() => Ok(value),
            Ok(value) => Err(format!("belay {command}: {}", wrong(&value))),
            Err(_) => Err(format!("belay {command}: {}", complaint(&ran))),
        })
    }
}

impl Tool for Belay {
    fn name(&self) -> String {
        "Belay".to_owned()
    }

    fn bring(&self, job: &Job<'_>) -> Result<Result<Answer, String>> {
        let [migrate, info, validate] = ["migrate", "info", "validate"].map(|command| self.ask(command, job));
        let (migrate, info) = match (migrate?, info?, validate?) {
            (Ok(migrate), Ok(info), Ok(_)) => (migrate, info),
            (Err(wrong), ..) | (_, Err(wrong), _) | (.., Err(wrong)) => return Ok(Err(wrong)),
        };
        let migrated = migrate["migrationsExecuted"].as_u64().unwrap_or_default();
        let rows = info["migrations"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Ok(Answer {
            migrated: usize::try_from(migrated).unwrap_or_default(),
            info: rows.iter().map(line).collect(),
        }))
    }
}

/// What its JSON says to be wrong: the error, else every problem, else all of it.
fn wrong(value: &Value) -> String {
    let message = value["error"]["message"].as_str();
    message.map_or_else(|| value.to_string(), str::to_owned)
}

fn line(row: &Value) -> String {
    let cell = |key: &str| row[key].as_str().unwrap_or_default();
    ["version", "description", "type", "state"].map(cell).join("\t")
}
