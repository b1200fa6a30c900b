//! `belay unlock`: frees what a run quarantined in the deployed stack (rules K2 and K4). Changes nothing in a database.

use aws_sdk_dynamodb::Client;
use belay_aws::config;
use belay_aws::lock::{Door, Holder, LockItem, Locks, Phase};
use belay_model::{Code, Failure, Outcome, RunId};
use serde_json::json;

use crate::arguments::UnlockOptions;
use crate::error::CliError;
use crate::screen::Screen;

/// Frees the lock that the run quarantined; without a run, lists what is quarantined.
pub(crate) async fn run(options: &UnlockOptions, screen: Screen) -> Result<Outcome, CliError> {
    let client = Client::new(&config::load().await);
    let table = match (&options.table, &options.stack) {
        (Some(table), _) => table.clone(),
        (None, Some(stack)) => table_of(&client, stack).await?,
        (None, None) => return Err(CliError::Usage("--stack or --table is needed".to_owned())),
    };
    let locks = Locks::new(client, &table);
    match &options.run {
        Some(run) => free(&locks, options.lock.as_deref(), run, screen).await?,
        None => list(&locks, &table, screen).await?,
    }
    Ok(Outcome::Done)
}

async fn list(locks: &Locks, table: &str, screen: Screen) -> Result<(), CliError> {
    let held = locks.held().await?;
    let quarantined: Vec<String> = held
        .iter()
        .filter_map(quarantined)
        .map(|(lock, holder)| describe(lock, holder))
        .collect();
    if quarantined.is_empty() {
        screen.say(&format!("Nothing is quarantined in {table}."));
        return Ok(());
    }
    screen.say(&format!(
        "{}\n\nTo free one, once its run is settled:\n  belay unlock --table {table} --run RUN",
        quarantined.join("\n")
    ));
    Ok(())
}

async fn free(locks: &Locks, key: Option<&str>, run: &RunId, screen: Screen) -> Result<(), CliError> {
    let candidates = match key {
        Some(key) => locks.read(key).await?.into_iter().collect(),
        None => locks.held().await?,
    };
    let of_run = |lock: &&LockItem| {
        lock.holder
            .as_ref()
            .is_some_and(|holder| run_of(holder) == run.as_str())
    };
    let Some((lock, holder)) = candidates.iter().filter(of_run).find_map(quarantined) else {
        return Err(refused(&candidates, key, run));
    };
    if !locks.unlock(lock, holder).await? {
        return Err(Failure::new(
            Code::NotQuarantined,
            format!("the lock {} changed just now, so it was left alone", lock.key),
        )
        .next("look again: belay unlock without --run lists what is quarantined")
        .into());
    }
    screen.say(&format!(
        "Freed: {}\nThe database is as that run left it; the next bundle for it can run.{}",
        describe(lock, holder),
        lock.door.as_ref().map(closed).unwrap_or_default()
    ));
    Ok(())
}

/// Whom the lock's run kept out, and still does (rule Q1).
fn closed(door: &Door) -> String {
    let input = json!({"action": "reopen", "target": door.target});
    format!(
        "\n\nCAN'T LOG IN, kept out by run {}: {}. The stack lets them in by itself within ten minutes.\n\
         To let them in now, start an execution of the stack's workflow with this input:\n  {input}",
        door.run,
        door.roles.join(", ")
    )
}

/// Why nothing was freed.
fn refused(candidates: &[LockItem], key: Option<&str>, run: &RunId) -> CliError {
    let holders = candidates.iter().filter_map(|lock| Some((lock, lock.holder.as_ref()?)));
    let found = match key {
        Some(key) => holders
            .map(|(lock, holder)| describe(lock, holder))
            .next()
            .unwrap_or(format!("nobody holds {key}")),
        None => holders
            .filter(|(_, holder)| run_of(holder) == run.as_str())
            .map(|(lock, holder)| describe(lock, holder))
            .next()
            .unwrap_or("it holds no lock".to_owned()),
    };
    Failure::new(
        Code::NotQuarantined,
        format!("run {run} has nothing in quarantine: {found}"),
    )
    .next("belay unlock without --run lists what is quarantined")
    .into()
}

fn quarantined(lock: &LockItem) -> Option<(&LockItem, &Holder)> {
    let holder = lock.holder.as_ref()?;
    (holder.phase == Phase::Quarantined).then_some((lock, holder))
}

fn describe(lock: &LockItem, holder: &Holder) -> String {
    format!(
        "{}: {} since run {} for target {}\n  {}",
        lock.key,
        holder.phase.as_str(),
        run_of(holder),
        holder.target.as_deref().unwrap_or("?"),
        holder.owner
    )
}

/// The run that took the lock; of an item without one, the one that its owner is.
fn run_of(holder: &Holder) -> String {
    holder
        .run
        .clone()
        .unwrap_or_else(|| RunId::of_execution(&holder.owner).to_string())
}

/// The lock table of a stack, by the name that CloudFormation gives it.
async fn table_of(client: &Client, stack: &str) -> Result<String, CliError> {
    let prefix = format!("{stack}-LockTable-");
    let mut pages = client.list_tables().into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(name) = pages.next().await {
        let name = name.map_err(|error| {
            let why = aws_sdk_dynamodb::error::DisplayErrorContext(error);
            Failure::new(Code::Workflow, format!("can't list the tables: {why}")).next("name the table with --table")
        })?;
        if name.starts_with(&prefix) {
            found.push(name);
        }
    }
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(CliError::Usage(format!(
            "no table is named {prefix}…: is {stack} a stack of this account and region?"
        ))),
        _ => Err(CliError::Usage(format!(
            "several tables are named {prefix}…; choose one with --table"
        ))),
    }
}
