//! `belay-local`: Belay's whole stack on this machine, to try it out.

mod bench;
mod demo;
mod interop;
mod up;

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Belay's whole stack on this machine: an AWS emulator, a PostgreSQL server, and this project deployed to them.
#[derive(Parser)]
#[command(name = "belay-local", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the stack and keep it until Ctrl-C or `down`; prints what to type meanwhile
    Up(up::Options),
    /// Ship the bundles of examples/shop and prove each outcome in the database
    Demo(demo::Options),
    /// Measure the pipeline beside psql
    Bench(bench::Options),
    /// Hold Belay beside the real Flyway, on the same migrations
    Interop(interop::Options),
    /// Stop the stack that `up` started
    Down,
    /// Print the variables with which any AWS client reaches the stack, for `eval`
    Env,
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Up(options) => up::up(&options).await.map(|()| ExitCode::SUCCESS),
        Command::Demo(options) => demo::demo(&options).await,
        Command::Bench(options) => bench::bench(&options).await.map(|()| ExitCode::SUCCESS),
        Command::Interop(options) => interop::interop(&options).await,
        Command::Down => up::down().map(|()| ExitCode::SUCCESS),
        Command::Env => up::env().map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let mut text = format!("belay-local: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}\n  because: {cause}");
                source = cause.source();
            }
            // There is nobody else to tell if standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}
