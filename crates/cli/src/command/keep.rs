//! `belay keep`: a person accepts the database as a run left it.

use belay_model::{Code, Failure, Outcome, RunId};
use serde::Serialize;

use crate::arguments::{Format, KeepOptions};
use crate::counted::counted;
use crate::error::CliError;
use crate::json::{Answer, Common};
use crate::request::{Opened, connect};
use crate::screen::Screen;

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra<'a> {
    outcome: Outcome,
    exit_code: u8,
    run: &'a RunId,
    closed: u32,
}

/// Closes the run's attempts and open units.
pub(crate) async fn run(options: &KeepOptions, screen: Screen) -> Result<Outcome, CliError> {
    let Opened { connect, .. } = connect(&options.login).await?;
    let run = &options.run;
    let Some(history) = belay_engine::history_of_run(&connect, run).await? else {
        return Err(Failure::new(
            Code::NotQuarantined,
            format!("the journal of {} knows no run {run}", connect.endpoint.database),
        )
        .next("check the database and the run's name: its report has both")
        .into());
    };
    let closed = belay_engine::keep(&connect, run, &history).await?;
    match screen.format {
        Format::Table => screen.say(&match closed {
            0 => format!("done: run {run} left nothing half done"),
            _ => format!(
                "done: run {run} left {}, now accepted as it is",
                counted(closed as usize, "half-done file")
            ),
        }),
        Format::Json => screen.say_json(&Answer {
            common: Common::new("keep", &connect.endpoint.database, Vec::new()),
            flyway: Nothing {},
            belay: Extra {
                outcome: Outcome::Done,
                exit_code: Outcome::Done.exit_code(),
                run,
                closed,
            },
        }),
    }
    Ok(Outcome::Done)
}
