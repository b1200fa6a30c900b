//! The real Flyway.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use belay_local::{Error, Result, checkout};
use tempfile::TempDir;

use super::set::in_file;
use super::tool::{Answer, Job, Tool, complaint, output};

/// A version of Flyway, with our few lines of Java that call it.
pub(super) struct Flyway {
    version: &'static str,
    jars: PathBuf,
    classes: TempDir,
}

impl Flyway {
    /// Compiles those lines against a version that is installed.
    pub(super) fn new(version: &'static str) -> Result<Self> {
        let jars = checkout().join(format!(".tools/flyway-{version}"));
        if !jars.exists() {
            return Err(Error::NotInstalled {
                path: jars,
                setup: "scripts/setup flyway",
            });
        }
        let classes = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
        let flyway = Self { version, jars, classes };
        let mut command = Command::new("javac");
        command
            .arg("-cp")
            .arg(flyway.jars.join("*"))
            .arg("-d")
            .arg(flyway.classes.path());
        command.arg(checkout().join("crates/local/java/FlywayAlone.java"));
        let compiled = output(&mut command)?;
        if compiled.status.success() {
            return Ok(flyway);
        }
        Err(Error::Program {
            program: "javac".to_owned(),
            status: compiled.status,
            output: complaint(&compiled),
        })
    }

    pub(super) fn version(&self) -> &'static str {
        self.version
    }

    /// Every setting in Java's format of properties.
    fn properties(job: &Job<'_>) -> String {
        let role = job.postgres.migrator();
        let mut text = format!(
            "flyway.url=jdbc:postgresql://127.0.0.1:{}/{}\nflyway.user={}\nflyway.password={}\n\
             flyway.locations=filesystem:{}\n",
            job.postgres.port(),
            job.database,
            role.name(),
            role.password(),
            job.migrations.display()
        );
        for (key, value) in job.settings.all() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "flyway.{key}={}", value.replace('\\', "\\\\"));
        }
        text
    }
}

impl Tool for Flyway {
    fn name(&self) -> String {
        format!("Flyway {}", self.version)
    }

    fn bring(&self, job: &Job<'_>) -> Result<Result<Answer, String>> {
        // It holds a password, and a folder of tempfile's is its owner's alone.
        let settings = self.classes.path().join("flyway.conf");
        std::fs::write(&settings, Self::properties(job)).map_err(in_file("write", &settings))?;
        let mut command = Command::new("java");
        // Short runs: the time goes into starting.
        command.args([
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Duser.timezone=UTC",
            "-cp",
        ]);
        command.arg(format!("{}:{}/*", self.classes.path().display(), self.jars.display()));
        command.arg("FlywayAlone").arg(&settings);
        let ran = output(&mut command)?;
        if !ran.status.success() {
            return Ok(Err(complaint(&ran)));
        }
        Ok(Ok(answer(&String::from_utf8_lossy(&ran.stdout))))
    }
}

fn answer(text: &str) -> Answer {
    let mut answer = Answer::default();
    for line in text.lines() {
        if let Some(count) = line.strip_prefix("migrated\t") {
            answer.migrated = count.parse().unwrap_or_default();
        } else if let Some(row) = line.strip_prefix("info\t") {
            answer.info.push(row.to_owned());
        }
    }
    answer
}
