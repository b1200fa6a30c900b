//! The bench: `belay` beside psql and the real Flyway; how long a bundle takes from `aws s3 cp` to its result object, and what each function needs for it, beside
//! `psql` with the same SQL in the same minute; and how much longer than RDS itself a snapshot and a restore take.

mod beside;
mod cost;
mod functions;
mod process;
mod rds;
mod sets;
mod waiting;
mod wire;

use std::process::Command;
use std::time::{Duration, Instant};

use belay_local::{Emulator, Error, FIRST_TARGET, Result, Settings, Source, Stack, StackSettings, psql};
use clap::Args;

use self::functions::{Usage, table, usages};
use self::sets::{Set, sets};
use crate::up::say;

/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// The profile of cargo's in which the functions are built
    #[arg(long, default_value = "release")]
    profile: String,
    /// How often each bundle is shipped, each time to a new database; the median is told
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only `belay` beside psql and Flyway, without the pipeline
    #[arg(long)]
    beside: bool,
    /// How many migrations for that
    #[arg(long, default_value_t = 1000)]
    migrations: usize,
}

/// Measures every set and tells.
pub(crate) async fn bench(options: &Options) -> Result<()> {
    beside::bench(&options.profile, options.migrations, options.runs).await?;
    if options.beside {
        return Ok(());
    }
    say(format_args!(
        "Building the functions in profile {}; the first time this takes minutes.",
        options.profile
    ));
    let source = Source::project(&options.profile).await?;
    let sizes = functions::zip_sizes(&source)?;
    // Waits are scaled away: what is measured is ours and the database's.
    let emulator = Emulator {
        wait_scale: 0.01,
        ..Emulator::default()
    };
    let stack = Stack::start(StackSettings::of(source.clone(), emulator, Settings::default())).await?;
    say(format_args!(
        "\n{:34} {:>10} {:>10} {:>7} {:>8} {:>7}",
        "bundle", "pipeline", "psql -1", "ratio", "over", "states"
    ));
    let mut used = Vec::new();
    for set in sets() {
        let (line, usages) = measure(&stack, &set, options.runs).await?;
        say(format_args!("{line}"));
        used.push((set.title, usages));
    }
    say(format_args!("\n{}", table(&used, &sizes)));
    say(format_args!(
        "pipeline: from the start of `aws s3 cp` to the result object; medians of {} runs, each on a new database. \
         `aws s3 cp` alone, the CLI's own start included: {:.2} s.\n\
         peak: the most memory that the function's process ever had, as it logs it; a process serves several runs.",
        options.runs,
        upload_alone(&stack).await?.as_secs_f64()
    ));
    drop(stack);
    rds::bench(source, &sizes, options.runs).await
}

/// One set, shipped and run by psql in turn; the functions' usage is that of its last run.
async fn measure(stack: &Stack, set: &Set, runs: usize) -> Result<(String, Vec<Usage>)> {
    let (mut pipeline, mut by_psql, mut states) = (Vec::new(), Vec::new(), 0);
    let aws = stack.aws();
    let logged = usages(stack).await?.len();
    for run in 0..runs {
        let name = format!("{}-{run}", set.name);
        stack.add_target(&aws, stack.postgres(), &name, |_| {}).await?;
        let bundle = set.bundle()?;
        let start = Instant::now();
        let shipped = stack.ship_file(&aws, &name, bundle.path()).await?;
        let ended = stack
            .wait_for_result(&aws, &shipped, PATIENCE, |result| result.ended_at.is_some())
            .await?;
        pipeline.push(start.elapsed().as_secs_f64());
        if ended.status != "migrated" {
            say(format_args!(
                "{}: {} {}",
                set.title,
                ended.status,
                ended.summary.unwrap_or_default()
            ));
        }
        let execution = belay_local::wait_for_end(&aws, &ended.execution, PATIENCE, |_| {}).await?;
        states = execution.states.len();
        by_psql.push(psql_alone(stack, set, &format!("{name}-psql")).await?);
    }
    let (pipeline, by_psql) = (median(pipeline), median(by_psql));
    let line = format!(
        "{:34} {pipeline:>8.2} s {by_psql:>8.2} s {:>6.1}x {:>6.2} s {states:>7}",
        set.title,
        pipeline / by_psql,
        pipeline - by_psql
    );
    Ok((line, usages(stack).await?.into_iter().skip(logged).collect()))
}

/// `psql -1 -f` of all files of the set.
async fn psql_alone(stack: &Stack, set: &Set, database: &str) -> Result<f64> {
    let postgres = stack.postgres();
    postgres.create_database(database, postgres.migrator()).await?;
    let script = set.script()?;
    let mut command = Command::new(psql()?);
    command
        .arg(postgres.url(postgres.migrator(), database))
        .args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"]);
    command.arg(script.path());
    let start = Instant::now();
    let ran = command.output().map_err(|source| Error::Spawn {
        program: "psql".to_owned(),
        source,
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if ran.status.success() {
        return Ok(seconds);
    }
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    Err(Error::Program {
        program: "psql".to_owned(),
        status: ran.status,
        output,
    })
}

/// What an upload takes that starts nothing.
async fn upload_alone(stack: &Stack) -> Result<Duration> {
    let bundle = sets().remove(0).bundle()?;
    let place = format!("s3://{}/elsewhere/{FIRST_TARGET}.zip", stack.bucket()?);
    let aws = stack.aws();
    let start = Instant::now();
    aws.cli([
        "s3",
        "cp",
        "--no-progress",
        &bundle.path().display().to_string(),
        &place,
    ])
    .await?;
    Ok(start.elapsed())
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}
