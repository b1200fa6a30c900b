//! A program that is run to be measured.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use belay_local::{Error, Result};

/// How often its memory is looked at. What it needs in its last moment may be missed.
const LOOK: Duration = Duration::from_millis(1);

/// What it took.
pub(super) struct Spent {
    pub(super) seconds: f64,
    /// The most memory that it ever had, in megabytes.
    pub(super) megabytes: f64,
    pub(super) output: String,
}

/// Runs a program to its end. `input` is what it reads.
///
/// # Errors
/// It can't be started, or it fails.
pub(super) fn spent(mut command: Command, input: &str) -> Result<Spent> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Spawn {
        program: program.clone(),
        source,
    };
    let files = || -> std::io::Result<(File, File)> {
        let (mut given, written) = (tempfile::tempfile()?, tempfile::tempfile()?);
        given.write_all(input.as_bytes())?;
        given.rewind()?;
        Ok((given, written))
    };
    let (given, mut written) = files().map_err(failed)?;
    let output = written.try_clone().map_err(failed)?;
    let errors = written.try_clone().map_err(failed)?;
    command
        .stdin(Stdio::from(given))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(errors));
    let start = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let (status, kilobytes) = watch(&mut child).map_err(failed)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut text = Vec::new();
    let read = written.rewind().and_then(|()| written.read_to_end(&mut text));
    read.map_err(failed)?;
    let output = String::from_utf8_lossy(&text).into_owned();
    if !status.success() {
        return Err(Error::Program {
            program,
            status,
            output,
        });
    }
    Ok(Spent {
        seconds,
        megabytes: f64::from(kilobytes) / 1024.0,
        output,
    })
}

/// Until it ends: how, and the most memory that it had, in kilobytes.
fn watch(child: &mut Child) -> std::io::Result<(ExitStatus, u32)> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        peak = fs::read_to_string(&status)
            .ok()
            .and_then(|text| high_water(&text))
            .unwrap_or(peak);
        if let Some(ended) = child.try_wait()? {
            return Ok((ended, peak));
        }
        thread::sleep(LOOK);
    }
}

/// The kernel's own note of it.
fn high_water(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
