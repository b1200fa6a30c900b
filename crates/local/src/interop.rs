//! Belay beside the real Flyway: each brings a database of its own to what a set of migrations says, each looks at the
//! other's, and each continues what the other began. Whatever differs is told.

mod belay;
mod flyway;
mod look;
mod round;
mod set;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use belay_local::{Postgres, Result, Settings, checkout};
use clap::Args;

use self::belay::Belay;
use self::flyway::Flyway;
use self::round::{Round, STEPS, Told};
use self::set::Set;
use crate::up::say;

/// As `scripts/setup flyway` installs them: the last one of the 9s, which many still have, and the newest.
const VERSIONS: [&str; 2] = ["9.22.3", "13.12.0"];

/// The width of a step's column.
const CELL: usize = 18;

/// What to compare.
#[derive(Args)]
pub(crate) struct Options {
    /// Folders of SQL files, each a set; without, those of tests/interop
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Only the sets of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Compares every set with every version of Flyway. Fails on any difference.
pub(crate) async fn interop(options: &Options) -> Result<ExitCode> {
    let mut sets = if options.folders.is_empty() {
        set::all(&checkout().join("tests/interop"))?
    } else {
        options
            .folders
            .iter()
            .map(|folder| Set::read(folder))
            .collect::<Result<_>>()?
    };
    sets.retain(|set| options.only.as_ref().is_none_or(|only| *only == set.name));
    let flyways = VERSIONS.into_iter().map(Flyway::new).collect::<Result<Vec<_>>>()?;
    let postgres = Postgres::start(Settings::default()).await?;
    let belay = Belay::new();
    let width = sets.iter().map(|set| set.name.len()).max().unwrap_or_default();
    let titles = STEPS.map(|step| format!("{step:CELL$}"));
    say(format_args!(
        "{:width$}  {:8}  {}",
        "set",
        "Flyway",
        titles.join("  ").trim_end()
    ));
    let mut differences = Vec::new();
    let mut compared = 0;
    for set in &sets {
        for flyway in &flyways {
            let told = Round {
                set,
                postgres: &postgres,
                belay: &belay,
                flyway,
            }
            .run()
            .await?;
            say(format_args!(
                "{:width$}  {:8}  {}",
                set.name,
                flyway.version(),
                line(&told)
            ));
            differences.extend(told.iter().flat_map(|told| {
                let place = format!("{} with Flyway {}, {}", set.name, flyway.version(), told.step);
                told.differences
                    .iter()
                    .map(move |difference| format!("{place}: {difference}"))
            }));
            compared += 1;
        }
    }
    for difference in &differences {
        say(format_args!("\n{difference}"));
    }
    say(format_args!(
        "\n{compared} comparisons, {} differences",
        differences.len()
    ));
    // To have compared nothing is no success.
    Ok(ExitCode::from(u8::from(compared == 0 || !differences.is_empty())))
}

/// What became of each step, below its title.
fn line(told: &[Told]) -> String {
    let word = |told: &Told| match (told.differences.len(), told.migrations) {
        (0, migrations) => format!("equal, {migrations}"),
        (1, _) => "1 DIFFERENCE".to_owned(),
        (some, _) => format!("{some} DIFFERENCES"),
    };
    let cells = told.iter().map(|told| format!("{:CELL$}", word(told)));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
