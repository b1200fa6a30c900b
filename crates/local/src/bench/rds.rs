//! How much longer than RDS itself a run takes on an instance of RDS, and what it costs.
//!
//! RDS's states last minutes, and the workflow's waits grow from 5 seconds to a minute. Both are scaled by the same
//! factor, so that they meet as on AWS. What our own functions take is not scaled.

use std::collections::BTreeMap;
use std::time::Duration;

use belay_local::{
    Emulator, Entered, Error, FIRST_INSTANCE, Result, Settings, Source, Stack, StackSettings, entered, wait_for_end,
};
use serde_json::json;

use super::cost::{Memory, PRICES_OF};
use super::functions::{Usage, table, usages};
use super::sets::{Set, on_rds};
use super::waiting::{Loop, Span, Spent};
use super::{PATIENCE, median};
use crate::up::say;

/// How many seconds on RDS are one here.
const SCALE: f64 = 60.0;
/// How long each of RDS's transitional states lasts here: two minutes there.
const STATE: Duration = Duration::from_secs(2);
/// How often each bundle is shipped at most: each restore takes a quarter of a minute, and leaves an instance beside.
const MOST_RUNS: usize = 3;

const SNAPSHOT: Loop = Loop {
    call: "Snapshot",
    question: "Is the snapshot there?",
    wait: "WaitForSnapshot",
};
const RESTORE: Loop = Loop {
    call: "Restore",
    question: "Is it restored?",
    wait: "WaitForRestore",
};

/// What a run took.
struct Ran {
    entered: Vec<Entered>,
    usages: Vec<Usage>,
    busy: Vec<Span>,
}

/// Ships what migrates and what is restored, in turn, and tells.
pub(super) async fn bench(source: Source, sizes: &BTreeMap<String, u64>, runs: usize) -> Result<()> {
    let runs = runs.min(MOST_RUNS);
    let emulator = Emulator {
        wait_scale: 1.0 / SCALE,
        ..Emulator::default()
    };
    let stack = Stack::start(StackSettings::of(source, emulator, Settings::default()).on_rds(STATE)).await?;
    let policy = json!({"restore": "if-lossless", "quiesce": {"roles": ["app"]}});
    stack.put_instance(&stack.aws(), FIRST_INSTANCE, policy).await?;
    // Something that a restore can't take, as most instances have: it is modified afterwards.
    stack
        .rds()?
        .set(FIRST_INSTANCE, "MaxAllocatedStorage", json!(500))
        .await?;
    let (migrates, fails) = on_rds();
    let (mut migrated, mut restored) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let target = format!("rds-{run}");
        let aws = stack.aws();
        stack.add_target_on(&aws, FIRST_INSTANCE, &target, |_| {}).await?;
        migrated.push(ship(&stack, &target, &migrates, "migrated").await?);
        restored.push(ship(&stack, &target, &fails, "restored").await?);
    }
    say(format_args!(
        "\n{}",
        loops(&[
            ("snapshot, of a run that migrates", &SNAPSHOT, &migrated),
            ("snapshot, of one that is restored", &SNAPSHOT, &restored),
            ("its restore", &RESTORE, &restored),
        ])?
    ));
    let memory = Memory::of(&stack).await?;
    let ran = [("migrated", migrated), ("restored", restored)];
    say(format_args!("\n{}", costs(&ran, &memory)));
    let used = ran.map(|(title, ran)| (title, of_snapshot_and_restore(ran)));
    say(format_args!("\n{}", table(&used, sizes)));
    tell_how(runs);
    Ok(())
}

fn tell_how(runs: usize) {
    say(format_args!(
        "RDS, late: in seconds of AWS, if each of RDS's states lasts {:.0} s there. Here they and the workflow's waits \
         are {SCALE:.0} times as short.\n\
         RDS: it is at something. late: it is not, and the workflow waits. own work: all else, not scaled. (It counts \
         {SCALE:.0} times as much here, so that there are some calls less than on AWS.)\n\
         calls: of the function. after: the most of them from the end of what RDS does to what it does next; 0 if one \
         was under way.\n\
         Medians of {runs} runs; of calls, the most. restore = if-lossless, 22,000 rows compared, one setting \
         modified.\n\
         price: states, and Lambdas' seconds as logged, by the list prices of {PRICES_OF}; not in it: cold starts, \
         storage, RDS's snapshot, the failed instance.",
        STATE.as_secs_f64() * SCALE
    ));
}

async fn ship(stack: &Stack, target: &str, set: &Set, expected: &str) -> Result<Ran> {
    let aws = stack.aws();
    let (logged, states) = (usages(stack).await?.len(), stack.rds()?.states().await.len());
    let bundle = set.bundle()?;
    let shipped = stack.ship_file(&aws, target, bundle.path()).await?;
    let ended = stack
        .wait_for_result(&aws, &shipped, PATIENCE, |result| result.ended_at.is_some())
        .await?;
    wait_for_end(&aws, &ended.execution, PATIENCE, |_| {}).await?;
    if ended.status != expected {
        let summary = ended.summary.unwrap_or_default();
        return Err(Error::Missing {
            place: format!("the run of {:?}, {}: {summary}", set.title, ended.status),
            missing: format!("the outcome {expected}"),
        });
    }
    let states = stack.rds()?.states().await.into_iter().skip(states);
    Ok(Ran {
        entered: entered(&aws, &ended.execution).await?,
        usages: usages(stack).await?.into_iter().skip(logged).collect(),
        busy: states
            .map(|state| Span {
                from: state.began,
                to: state.ended,
            })
            .collect(),
    })
}

/// A line for each loop: medians, and the most calls after something.
fn loops(rows: &[(&str, &Loop, &Vec<Ran>)]) -> Result<String> {
    let mut lines = vec![format!(
        "{:34} {:>8} {:>8} {:>10} {:>6} {:>6}",
        "on an RDS instance", "RDS", "late", "own work", "calls", "after"
    )];
    for (title, of, ran) in rows {
        let spent: Option<Vec<Spent>> = ran.iter().map(|ran| of.spent(&ran.entered, &ran.busy)).collect();
        let spent = spent.ok_or_else(|| Error::Missing {
            place: format!("a run of the bench, in its history: {title}"),
            missing: format!("state {}", of.call),
        })?;
        let seconds = |take: fn(&Spent) -> Duration| median(spent.iter().map(|s| take(s).as_secs_f64()).collect());
        let most = |take: fn(&Spent) -> usize| spent.iter().map(take).max().unwrap_or_default();
        lines.push(format!(
            "{title:34} {:>6.0} s {:>6.0} s {:>8.2} s {:>6} {:>6}",
            seconds(|spent| spent.rds) * SCALE,
            seconds(|spent| spent.late) * SCALE,
            seconds(|spent| spent.own),
            most(|spent| spent.calls),
            most(|spent| spent.calls_after)
        ));
    }
    Ok(lines.join("\n"))
}

/// A line for each kind of run, by its last.
fn costs(runs: &[(&str, Vec<Ran>)], memory: &Memory) -> String {
    let mut lines = vec![format!("{:34} {:>8} {:>10}", "a run", "states", "price")];
    for (title, ran) in runs {
        let Some(ran) = ran.last() else { continue };
        let states = ran.entered.len();
        let price = memory.dollars(states, &ran.usages);
        let price = price.map_or_else(|| "?".to_owned(), |dollars| format!("${dollars:.5}"));
        lines.push(format!("{title:34} {states:>8} {price:>10}"));
    }
    lines.join("\n")
}

fn of_snapshot_and_restore(ran: Vec<Ran>) -> Vec<Usage> {
    let usages = ran.into_iter().flat_map(|ran| ran.usages);
    usages
        .filter(|usage| ["snapshot", "restore"].contains(&usage.function.as_str()))
        .collect()
}
