//! Belay beside the real Flyway: each brings a database of its own to what a set of migrations says, each looks at the
//! other's, and each continues what the other began. Whatever differs is told.

mod belay;
mod flyway;
mod look;
mod race;
mod round;
mod set;
mod settings;
mod step;
mod story;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use belay_local::{Error, Postgres, Result, Settings, checkout};
use clap::Args;

pub(crate) use self::belay::Belay;
pub(crate) use self::flyway::{Flyway, compile, java, login};
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
    /// Only the sets of this name; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only with this version of Flyway
    #[arg(long, value_name = "VERSION")]
    flyway: Option<String>,
    /// Begin no other set after so many minutes
    #[arg(long, value_name = "MINUTES")]
    minutes: Option<u64>,
    /// Instead: let Flyway and Belay start at the same time, so many times, each time on a new database
    #[arg(long, value_name = "TIMES")]
    race: Option<u32>,
}

/// Compares every set with every version of Flyway. Fails on any difference.
pub(crate) async fn interop(options: &Options) -> Result<ExitCode> {
    let start = Instant::now();
    let versions = VERSIONS.into_iter();
    let wanted = versions.filter(|version| options.flyway.as_ref().is_none_or(|only| only == version));
    let flyways = wanted.map(Flyway::start).collect::<Result<Vec<_>>>()?;
    let postgres = Postgres::start(Settings::default()).await?;
    let belay = Belay::of("local")?;
    if let Some(times) = options.race {
        return race::race(&postgres, &flyways, &belay, times).await;
    }
    tablespace(&postgres).await?;
    let mut sets = sets(options)?;
    sets.retain(|set| options.only.is_empty() || options.only.contains(&set.name));
    let compared = Comparison {
        postgres: &postgres,
        belay: &belay,
        flyways: &flyways,
        end: options.minutes.map(|most| start + Duration::from_secs(most * 60)),
    };
    let (compared, differences) = compared.of(&sets).await?;
    let seconds = start.elapsed().as_secs();
    say(format_args!(
        "\n{compared} comparisons in {seconds} s, {differences} differences"
    ));
    // To have compared nothing is no success.
    Ok(ExitCode::from(u8::from(compared == 0 || differences > 0)))
}

/// Who is compared, and when no other set is begun.
struct Comparison<'a> {
    postgres: &'a Postgres,
    belay: &'a Belay,
    flyways: &'a [Flyway],
    end: Option<Instant>,
}

impl Comparison<'_> {
    /// A line for each set and version, with every difference below it; how many lines and differences.
    async fn of(&self, sets: &[Set]) -> Result<(usize, usize)> {
        let width = sets.iter().map(|set| set.name.len()).max().unwrap_or_default();
        let titles = STEPS.map(|step| format!("{step:CELL$}")).join("  ");
        say(format_args!("{:width$}  {:8}  {}", "set", "Flyway", titles.trim_end()));
        let (mut compared, mut differences) = (0, 0);
        for (number, set) in sets.iter().enumerate() {
            if self.end.is_some_and(|end| Instant::now() >= end) {
                let left = sets.len() - number;
                say(format_args!(
                    "\nThe time is over: {left} sets, from {} on, were NOT compared",
                    set.name
                ));
                break;
            }
            let flyways = self.flyways.iter();
            for flyway in flyways.filter(|flyway| set.settings.is_for(flyway.version())) {
                let told = self.round(set, flyway).await?;
                let version = flyway.version();
                say(format_args!("{:width$}  {version:8}  {}", set.name, line(&told)));
                differences += tell(&told);
                compared += 1;
            }
        }
        Ok((compared, differences))
    }

    async fn round(&self, set: &Set, flyway: &Flyway) -> Result<Vec<Told>> {
        let round = Round {
            set,
            postgres: self.postgres,
            belay: self.belay,
            flyway,
        };
        round.run().await
    }
}

/// Those that were asked for; else our own, and the public ones that are installed.
fn sets(options: &Options) -> Result<Vec<Set>> {
    if !options.folders.is_empty() {
        return options.folders.iter().map(|folder| Set::read(folder)).collect();
    }
    let mut sets = set::all(&checkout().join("tests/interop"))?;
    let public = checkout().join(".tools/sets");
    if public.exists() {
        sets.extend(set::all(&public)?);
    }
    Ok(sets)
}

/// Every difference; how many there are.
fn tell(told: &[Told]) -> usize {
    for told in told {
        for difference in &told.differences {
            say(format_args!("\n{}: {difference}\n", told.step));
        }
    }
    told.iter().map(|told| told.differences.len()).sum()
}

/// A tablespace that a set may name. It is below the server's own data.
async fn tablespace(postgres: &Postgres) -> Result<()> {
    let client = postgres.connect(postgres.superuser(), "postgres").await?;
    for sql in [
        "SET allow_in_place_tablespaces = on".to_owned(),
        "CREATE TABLESPACE elsewhere LOCATION ''".to_owned(),
        format!("GRANT CREATE ON TABLESPACE elsewhere TO {}", postgres.migrator().name()),
    ] {
        client
            .batch_execute(&sql)
            .await
            .map_err(|source| Error::Sql { doing: sql, source })?;
    }
    Ok(())
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
