//! The real Flyway.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use belay_local::{Error, Postgres, Result, checkout};
use tempfile::TempDir;

use super::set::in_file;
use super::tool::{Answer, Ask, Job, Tool, complaint, output};

/// A version of Flyway, in a Java machine that takes one request after the other: to start one takes longer than most
/// sets. Dropping it ends it.
pub(crate) struct Flyway {
    version: &'static str,
    folder: TempDir,
    process: Mutex<Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Flyway {
    /// Compiles our few lines of Java against a version that is installed, and starts them.
    pub(crate) fn start(version: &'static str) -> Result<Self> {
        let folder = compile(version)?;
        let mut command = java(version, folder.path());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| Error::Spawn {
            program: "java".to_owned(),
            source,
        })?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(in_file("talk to", "java")(ErrorKind::BrokenPipe.into()));
        };
        let answers = BufReader::new(answers);
        let process = Mutex::new(Process {
            child,
            requests,
            answers,
        });
        Ok(Self {
            version,
            folder,
            process,
        })
    }

    pub(crate) fn version(&self) -> &'static str {
        self.version
    }

    /// One command with settings in Java's format of properties; its lines, or what it complained of.
    pub(crate) fn command(&self, command: &str, properties: &str) -> Result<Result<Vec<String>, String>> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // It holds a password, and a folder of tempfile's is its owner's alone.
        let settings = self.folder.path().join("flyway.conf");
        std::fs::write(&settings, properties).map_err(in_file("write", &settings))?;
        let request = format!("{command}\t{}\n", settings.display());
        let sent = process.requests.write_all(request.as_bytes());
        sent.map_err(in_file("talk to", "java"))?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = process.answers.read_line(&mut line);
            if read.map_err(in_file("listen to", "java"))? == 0 {
                return Err(in_file("listen to", "java")(ErrorKind::UnexpectedEof.into()));
            }
            match line.trim_end_matches('\n') {
                "end" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let failed = lines.iter().find_map(|line| line.strip_prefix("failed\t"));
        Ok(failed.map_or_else(|| Ok(lines.clone()), |why| Err(why.to_owned())))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our lines of Java, compiled, in a folder of their own.
pub(crate) fn compile(version: &str) -> Result<TempDir> {
    let jars = jars(version);
    if !jars.exists() {
        return Err(Error::NotInstalled {
            path: jars,
            setup: "scripts/setup flyway",
        });
    }
    let folder = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
    let mut command = Command::new("javac");
    command.arg("-cp").arg(jars.join("*")).arg("-d").arg(folder.path());
    command.arg(checkout().join("crates/local/java/FlywayAlone.java"));
    let compiled = output(&mut command)?;
    if compiled.status.success() {
        return Ok(folder);
    }
    Err(Error::Program {
        program: "javac".to_owned(),
        status: compiled.status,
        output: complaint(&compiled),
    })
}

/// The command line that starts them. They end with their standard input.
pub(crate) fn java(version: &str, classes: &Path) -> Command {
    let mut command = Command::new("java");
    // Short runs: the time goes into starting.
    let options = [
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Duser.timezone=UTC",
        "-cp",
    ];
    command.args(options);
    command.arg(format!("{}:{}/*", classes.display(), jars(version).display()));
    command.arg("FlywayAlone");
    command
}

fn jars(version: &str) -> PathBuf {
    checkout().join(format!(".tools/flyway-{version}"))
}

/// How to log in, for Flyway.
pub(crate) fn login(postgres: &Postgres, port: u16, database: &str) -> String {
    let role = postgres.migrator();
    format!(
        "flyway.url=jdbc:postgresql://127.0.0.1:{port}/{database}\nflyway.user={}\nflyway.password={}\n",
        role.name(),
        role.password()
    )
}

impl Tool for Flyway {
    fn name(&self) -> String {
        format!("Flyway {}", self.version)
    }

    fn ask(&self, ask: Ask, job: &Job<'_>) -> Result<Result<Answer, String>> {
        let login = login(job.postgres, job.postgres.port(), job.database);
        let settings = job.settings.for_flyway(job.bundle);
        let lines = match self.command(ask.word(), &format!("{settings}\n{login}"))? {
            Ok(lines) => lines,
            Err(why) => return Ok(Err(why)),
        };
        let mut answer = Answer::default();
        for line in &lines {
            match line.split_once('\t') {
                Some(("migrated", count)) => answer.migrated = count.parse().unwrap_or_default(),
                Some((_, row)) => answer.lines.push(row.to_owned()),
                None => {}
            }
        }
        Ok(Ok(answer))
    }
}
