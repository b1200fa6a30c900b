//! A server, and everything that it starts, bound to the life of its owner.
//!
//! Each server runs below a small supervisor (`python/supervise.py`) that holds one end of a pipe. When this end goes,
//! because a [`Server`] was dropped or because this process died in any way, the supervisor stops the server, kills
//! what is left of it, and removes its folder. So there is one way to stop, and it is taken whatever happens.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::error::{Error, Result, file};
use crate::tools;

/// What to run and how to stop it.
pub(crate) struct Plan<'a> {
    /// The command line.
    pub(crate) command: Vec<OsString>,
    /// Its whole environment; nothing of ours is inherited.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Where it runs; removed at the end, unless the server was stopped by [`Server::stop`] or [`Server::kill`].
    pub(crate) folder: &'a Path,
    /// The signal that asks it to end, as `INT` or `TERM`.
    pub(crate) stop: &'static str,
}

/// How long a server may take to end before it is killed.
const GRACE_SECONDS: &str = "5";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    supervisor: Child,
    rope: Option<ChildStdin>,
    log: PathBuf,
}

impl Server {
    /// Starts it. Its output goes to `log` in its folder.
    pub(crate) fn start(plan: &Plan<'_>) -> Result<Self> {
        let log = plan.folder.join("log");
        let open = || {
            File::options()
                .create(true)
                .append(true)
                .open(&log)
                .map_err(file("open", &log))
        };
        let python = tools::emulator_python()?;
        let mut supervisor = Command::new(&python)
            .args(["-I", "-S"])
            .arg(tools::script("supervise.py"))
            .args([
                "--stop",
                &format!("SIG{}", plan.stop),
                "--grace",
                GRACE_SECONDS,
                "--remove",
            ])
            .arg(plan.folder)
            .arg("--")
            .args(&plan.command)
            .env_clear()
            .envs(plan.environment.iter().map(|(key, value)| (key, value)))
            .current_dir(plan.folder)
            .stdin(Stdio::piped())
            .stdout(open()?)
            .stderr(open()?)
            // A group of its own: Ctrl-C in a terminal goes to our group, and the supervisor must outlive us.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: python.display().to_string(),
                source,
            })?;
        let rope = supervisor.stdin.take();
        Ok(Self { supervisor, rope, log })
    }

    /// The process group that the server was started in.
    pub(crate) fn process_group(&self) -> u32 {
        self.supervisor.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits until nothing of it is left but its folder.
    pub(crate) fn stop(mut self) {
        self.end("stop\n");
    }

    /// Ends it as a power failure would: every process at once, without a word. Its folder stays.
    pub(crate) fn kill(mut self) {
        self.end("kill\n");
    }

    /// An error that tells why it did not start, from what was seen and the end of its log.
    pub(crate) fn not_started(&self, server: &'static str, reason: impl Into<String>) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        Error::NotStarted {
            server,
            reason: reason.into(),
            log: end,
        }
    }

    fn end(&mut self, word: &str) {
        if let Some(mut rope) = self.rope.take() {
            // A failure means that the supervisor is gone, and it goes last.
            let _ = rope.write_all(word.as_bytes());
        }
        let _ = self.supervisor.wait();
    }
}

impl Drop for Server {
    /// Stops it, waits until nothing of it is left, and has its folder removed.
    fn drop(&mut self) {
        self.end("");
    }
}
