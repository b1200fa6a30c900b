//! The proofs: each looks into the database and says what is wrong, if anything is.

use std::process::Command;

use belay_local::{Aws, DbInstance, FIRST_INSTANCE, Result, checkout, wait_for_end};
use belay_model::{InstanceName, RunId};
use serde_json::json;

use super::PATIENCE;
use super::cases::Seen;
use super::look::{Look, instance, locks, number};
use super::writer::Written;

const VISITS: &str = "SELECT count(*) FROM visits.visit";

pub(super) async fn first_release(seen: &Seen<'_>) -> Result<Option<String>> {
    let now = Look::at(seen.stack).await?;
    Ok(expect(&[
        (
            now.history.len() == 15,
            format!("the history has {} rows", now.history.len()),
        ),
        (now.rows > 100_000, format!("the tables have {} rows", now.rows)),
        (seen.result.snapshot.is_some(), "no snapshot was taken".to_owned()),
    ]))
}

pub(super) async fn up_to_date(seen: &Seen<'_>) -> Result<Option<String>> {
    let taken = expect(&[(seen.result.snapshot.is_none(), "a snapshot was taken".to_owned())]);
    Ok(taken.or(same_as_before(seen).await?))
}

pub(super) async fn second_release(seen: &Seen<'_>) -> Result<Option<String>> {
    let (before, now) = (seen.before, Look::at(seen.stack).await?);
    let new = now.history.len().saturating_sub(before.history.len());
    Ok(expect(&[
        (
            now.history.starts_with(&before.history),
            "rows of the history have changed".to_owned(),
        ),
        (new >= 2, format!("the history has {new} new rows")),
    ]))
}

pub(super) async fn error_in_last_file(seen: &Seen<'_>) -> Result<Option<String>> {
    let told = told(seen, "V20__gift_card_balances.sql:7:15", "where");
    Ok(told.or(same_as_before(seen).await?))
}

pub(super) async fn assertion_fails(seen: &Seen<'_>) -> Result<Option<String>> {
    let told = told(seen, "verify/prices_cover_costs.sql", "which");
    Ok(told.or(same_as_before(seen).await?))
}

/// Another database has the name, and is as the old one was; that one is kept, with what the run did to it.
pub(super) async fn restored(seen: &Seen<'_>) -> Result<Option<String>> {
    let Some(report) = &seen.result.restored else {
        return Ok(Some("the result does not say what was restored".to_owned()));
    };
    let told = expect(&[
        (
            report.differences.is_empty(),
            format!("settings are not as they were: {:?}", report.differences),
        ),
        (
            seen.mail.text.contains(report.failed.as_str()),
            "the mail does not name the failed database".to_owned(),
        ),
    ]);
    let failed = failed(seen, &seen.result.run).await?;
    Ok(told.or(swapped(seen, &failed).await?))
}

/// … and nobody who was kept out has lost a row.
pub(super) async fn nothing_is_lost(seen: &Seen<'_>) -> Result<Option<String>> {
    let wrong = restored(seen).await?;
    let lossless = seen.result.restored.as_ref().is_some_and(|report| report.lossless);
    let told = expect(&[(lossless, "the report does not say that nothing was lost".to_owned())]);
    Ok(wrong.or(told).or(every_visit(seen).await?))
}

pub(super) async fn role_is_listed(seen: &Seen<'_>) -> Result<Option<String>> {
    let told = told(seen, "role app", "who is not named");
    Ok(told.or(same_as_before(seen).await?))
}

/// Nothing of the writer's is lost by itself; then a person restores with the mail's own input, and what the writer wrote
/// since the snapshot is in the failed database.
pub(super) async fn restored_by_hand(seen: &Seen<'_>) -> Result<Option<String>> {
    let wrong = every_visit(seen).await?;
    let (target, run) = (&seen.result.target, &seen.result.run);
    let typed = format!(r#"{{"target":"{target}","action":"restore","run":"{run}"}}"#);
    let told = told(seen, &typed, "how to restore");
    if wrong.is_some() || told.is_some() {
        return Ok(wrong.or(told));
    }
    let aws = seen.stack.aws();
    let input = json!({"action": "restore", "target": target, "run": run});
    let execution = seen.stack.run(&aws, &input).await?;
    let ended = wait_for_end(&aws, &execution, PATIENCE, |_| ()).await?;
    let run = RunId::of_execution(&execution);
    seen.mailbox
        .wait_for(PATIENCE, |mail| mail.text.contains(run.as_str()))
        .await?;
    let failed = failed(seen, &seen.result.run).await?;
    let (kept, wanted) = (number(&failed, VISITS).await?, visits(seen.written));
    let done = expect(&[
        (
            ended.error.is_none(),
            format!("the action restore ended with {:?}", ended.error),
        ),
        (
            kept == wanted,
            format!("the failed database has {kept} visits, and not {wanted}"),
        ),
    ]);
    Ok(done.or(swapped(seen, &failed).await?))
}

/// The mail says what is in, what is not, and the ways out; the lock is quarantined until a person frees it.
pub(super) async fn lone_then_fails(seen: &Seen<'_>) -> Result<Option<String>> {
    let (stack, aws) = (seen.stack, seen.stack.aws());
    let now = Look::at(stack).await?;
    let has = |script: &str| now.history.iter().any(|row| row.contains(script));
    let quarantined = locks(&aws, stack.lock_table()?).await?;
    let mut wrong = expect(&[
        (
            has("V18__index_orders_by_customer.sql"),
            "V18 is not in the history".to_owned(),
        ),
        (
            !has("V19__one_phone_one_customer.sql"),
            "V19 is in the history".to_owned(),
        ),
        (
            now.dump.contains("orders_customer_id_idx"),
            "V18's index is not there".to_owned(),
        ),
        (
            quarantined.iter().any(|lock| lock.phase == "quarantined"),
            format!("no lock is quarantined: {quarantined:?}"),
        ),
    ]);
    for (words, what) in [
        ("V18__index_orders_by_customer.sql", "what is in"),
        ("V19__one_phone_one_customer.sql", "what is not"),
        ("belay unlock", "the ways out"),
    ] {
        wrong = wrong.or(told(seen, words, what));
    }
    if wrong.is_none() {
        wrong = unlock(seen, &aws);
    }
    let freed = locks(&aws, stack.lock_table()?).await?;
    Ok(wrong.or(expect(&[(
        freed.iter().all(|lock| lock.phase.is_empty()),
        format!("belay unlock freed nothing: {freed:?}"),
    )])))
}

/// What the mail says to type. What is wrong, if it does not work.
fn unlock(seen: &Seen<'_>, aws: &Aws) -> Option<String> {
    let mut command = Command::new(checkout().join("target/local/belay"));
    command
        .args([
            "unlock",
            "--stack",
            seen.stack.name(),
            "--run",
            seen.result.run.as_str(),
        ])
        .envs(aws.environment());
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("belay unlock: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Some(format!("belay unlock: {error}")),
    }
}

pub(super) async fn not_opened(seen: &Seen<'_>) -> Result<Option<String>> {
    let now = Look::at(seen.stack).await?;
    let told = format!(
        "PostgreSQL counts {} sessions, and {} before",
        now.sessions, seen.before.sessions
    );
    Ok(expect(&[(now.sessions == seen.before.sessions, told)]))
}

async fn same_as_before(seen: &Seen<'_>) -> Result<Option<String>> {
    let now = Look::at(seen.stack).await?;
    Ok(expect(&[(
        now.dump == seen.before.dump,
        "a dump of the database is not the same as before".to_owned(),
    )]))
}

/// Under the same name is another database, the same to the byte, and the one of before is the failed one.
async fn swapped(seen: &Seen<'_>, failed: &DbInstance) -> Result<Option<String>> {
    let now = Look::at(seen.stack).await?;
    let (is_kept, v18) = (failed.resource_id == seen.before.resource, "orders_customer_id_idx");
    let index = format!("SELECT count(*) FROM pg_class WHERE relname = '{v18}'");
    Ok(expect(&[
        (
            now.resource != seen.before.resource,
            "the name leads to the same database as before".to_owned(),
        ),
        (
            now.dump == seen.before.dump,
            "a dump of the restored database is not the same as before".to_owned(),
        ),
        (now.rows > 100_000, format!("only {} rows were compared", now.rows)),
        (
            is_kept,
            "the failed database is not the one that had the name".to_owned(),
        ),
        (
            number(failed, &index).await? == 1,
            "what V18 did is not in the failed database".to_owned(),
        ),
    ]))
}

async fn failed(seen: &Seen<'_>, run: &RunId) -> Result<DbInstance> {
    let name = FIRST_INSTANCE.parse::<InstanceName>().map(|name| name.failed(run));
    instance(seen.stack, name.as_ref().map_or("", InstanceName::as_str)).await
}

/// Every row that was acknowledged to the writer is in the database that has the name.
async fn every_visit(seen: &Seen<'_>) -> Result<Option<String>> {
    let (there, wanted) = (
        number(&instance(seen.stack, FIRST_INSTANCE).await?, VISITS).await?,
        visits(seen.written),
    );
    Ok(expect(&[(
        there == wanted,
        format!("{there} visits are there, and {wanted} were acknowledged"),
    )]))
}

fn visits(written: Option<Written>) -> i64 {
    written.map_or(0, |written| written.before + written.acknowledged)
}

/// What is wrong with a mail that does not say this.
fn told(seen: &Seen<'_>, words: &str, what: &str) -> Option<String> {
    expect(&[(
        seen.mail.text.contains(words),
        format!("the mail does not say {what}: {words}"),
    )])
}

/// The first that does not hold.
fn expect(facts: &[(bool, String)]) -> Option<String> {
    facts.iter().find(|(holds, _)| !holds).map(|(_, wrong)| wrong.clone())
}
