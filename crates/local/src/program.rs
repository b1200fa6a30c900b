//! Programs that run once and end.

use std::process::{Command, Output, Stdio};

use crate::error::{Error, Result};

/// Runs a command to its end and gives what it wrote to standard output. A failure tells all that it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|source| Error::Spawn {
        program: program.clone(),
        source,
    })?;
    result(program, &output)
}

fn result(program: String, output: &Output) -> Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    let output_text = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    Err(Error::Program {
        program,
        status: output.status,
        output: output_text.trim().to_owned(),
    })
}
/// As [`run`], without blocking the runtime.
pub(crate) async fn run_async(command: Command) -> Result<String> {
    run_with(command, Stdio::piped()).await
}

/// As [`run_async`], but what it writes to standard error is seen at once.
pub(crate) async fn run_telling(command: Command) -> Result<String> {
    run_with(command, Stdio::inherit()).await
}

async fn run_with(command: Command, stderr: Stdio) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = tokio::process::Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Spawn {
            program: program.clone(),
            source,
        })?;
    let output = child.wait_with_output().await;
    result(
        program.clone(),
        &output.map_err(|source| Error::Spawn { program, source })?,
    )
}
