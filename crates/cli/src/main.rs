//! `belay`: migrations by hand. The same engine as the deployed workflow, the same outcomes and exit codes.
//!
//! What was typed (`spelling`, `arguments`) becomes what the engine takes (`settings`, `request`, `address`, `source`); each
//! command is a file of `command`; what comes out is told by `report` and `words` to people, by `json` and `answers` to
//! programs.

mod address;
mod answers;
mod arguments;
mod command;
mod counted;
mod diagnostic;
mod error;
mod json;
mod printable;
mod report;
mod request;
mod screen;
mod settings;
mod source;
mod spelling;
mod stop;
mod table;
mod words;

use std::env;
use std::process::ExitCode;

use belay_bundle::Bundle;
use belay_model::{Outcome, PlannedAction};
use clap::Parser;

use crate::arguments::{Arguments, ChangeOptions, Command, Format, ReadOptions};
use crate::command::Prepared;
use crate::error::CliError;
use crate::screen::Screen;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Arguments::try_parse_from(spelling::translated(env::args_os())) {
        Ok(arguments) => ExitCode::from(run(&arguments.command).await),
        Err(error) => {
            // Help and version are answers; anything else must not look like an outcome.
            let code = if error.use_stderr() { CliError::USAGE } else { 0 };
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

/// Runs the command. The exit code.
async fn run(command: &Command) -> u8 {
    match command {
        Command::Info(options) => on_bundle("info", options, command::info::run).await,
        Command::Validate(options) => on_bundle("validate", options, command::validate::run).await,
        Command::Plan(options) => {
            let plan = async |prepared: &Prepared| command::plan::run(prepared, options).await;
            on_bundle("plan", &options.read, plan).await
        }
        Command::Migrate(options) => change("migrate", options, PlannedAction::Migrate).await,
        Command::Baseline(options) => change("baseline", options, PlannedAction::Baseline).await,
        Command::Repair(options) => change("repair", options, PlannedAction::Repair).await,
        Command::Undo(options) => change("undo", options, PlannedAction::Undo).await,
        Command::Keep(options) => {
            let screen = Screen::new(options.output.format);
            exit_code("keep", command::keep::run(options, screen).await, screen, None)
        }
        Command::Bundle(options) => {
            let screen = Screen::new(Format::Table);
            exit_code("bundle", command::bundle::run(options, screen), screen, None)
        }
        Command::Unlock(options) => {
            let screen = Screen::new(Format::Table);
            exit_code("unlock", command::unlock::run(options, screen).await, screen, None)
        }
    }
}

/// Runs what changes a database.
async fn change(name: &'static str, options: &ChangeOptions, action: PlannedAction) -> u8 {
    let change = async |prepared: &Prepared| command::migrate::run(prepared, options, action).await;
    on_bundle(name, &options.read, change).await
}

/// Runs what needs a bundle and a database.
async fn on_bundle(
    name: &'static str,
    options: &ReadOptions,
    work: impl AsyncFnOnce(&Prepared) -> Result<Outcome, CliError>,
) -> u8 {
    let screen = Screen::new(options.output.format);
    let prepared = match name {
        "validate" => Prepared::validating(options, screen).await,
        _ => Prepared::new(options, screen).await,
    };
    match prepared {
        Ok(prepared) => {
            let ended = work(&prepared).await.map_err(|error| match error {
                CliError::Failed(failure) => prepared.advised(*failure).into(),
                error => error,
            });
            exit_code(name, ended, screen, Some(&prepared.bundle))
        }
        Err(error) => exit_code(name, Err(error), screen, None),
    }
}

/// The exit code; what kept the command from an answer is told.
fn exit_code(name: &'static str, ended: Result<Outcome, CliError>, screen: Screen, bundle: Option<&Bundle>) -> u8 {
    match ended {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            screen.stop(name, &error, bundle);
            error.outcome().map_or(CliError::USAGE, Outcome::exit_code)
        }
    }
}
