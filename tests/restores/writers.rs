//! A writer writes through the endpoint all along: no acknowledged write is lost, unless the policy says `always`, and
//! then the report says how many at least, and where they are.

use belay_model::{Code, Restored};
use serde_json::json;
use tokio_postgres::Client;

use crate::stage::{NAME, Stage, one};
use crate::writer::Writer;

const VISITS: &str = "SELECT count(*) FROM visits.visit";

/// Q1, Q2: who is named is kept out from before the snapshot to the end; nothing that was acknowledged is missing.
#[tokio::test]
async fn q2_if_lossless_nothing_is_lost() {
    let stage = Stage::new(json!({"restore": "if-lossless", "quiesce": {"roles": ["app"]}})).await;
    let writer = Writer::begin(&stage).await;
    let ready = stage.fail_between().await;
    let before = writer.acknowledged();
    assert!(ready.snapshotted.quiesced);
    let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
    assert_eq!(writer.acknowledged(), before, "nobody could write");
    stage.assert_restored(&ready, &restored).await;
    assert_eq!(stage.door("reopen").await.unwrap(), ["app"]);
    writer.writes(3).await;
    let acknowledged = writer.end().await;
    assert_eq!(one(&stage.by_endpoint().await.unwrap(), VISITS).await, acknowledged);
    let report = stage.report(&restored);
    assert!(report.lossless && report.writes.is_empty(), "{report:#?}");
    assert!(report.compared.rows >= 1000, "{report:#?}");
}

/// Q3: until the swap everybody writes. What was written since the snapshot is in the failed database, every row of it.
#[tokio::test]
async fn q3_always_says_how_many_writes_are_where() {
    let stage = Stage::new(json!({"restore": "always", "quiesce": {"roles": ["app"]}})).await;
    let writer = Writer::begin(&stage).await;
    let ready = stage.fail_between().await;
    writer.writes(20).await;
    let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
    stage.assert_restored(&ready, &restored).await;
    stage.door("reopen").await.unwrap();
    writer.writes(3).await;
    let acknowledged = writer.end().await;
    let (new, old) = both(&stage, &ready.old).await;
    let (in_new, in_old) = (one(&new, VISITS).await, one(&old, VISITS).await);
    // Those of before the snapshot are in both.
    let shared = shared(&new, &old).await;
    assert!(shared > 0 && in_new >= shared + 3 && in_old >= shared + 20);
    assert_eq!(
        in_new + in_old - shared,
        acknowledged,
        "every acknowledged write is in one of them"
    );
    let report = stage.report(&restored);
    assert!(!report.lossless);
    let told = lost(&report);
    assert!(
        told >= 20 && told <= in_old - shared,
        "{told} of {} are told: {report:#?}",
        in_old - shared
    );
}

/// `never`: a person's action restores, and a person who keeps the database keeps every write.
#[tokio::test]
async fn never_touches_nothing_by_itself() {
    let stage = Stage::new(json!({"restore": "never", "quiesce": {"roles": ["app"]}})).await;
    let writer = Writer::begin(&stage).await;
    let ready = stage.fail_between().await;
    writer.writes(5).await;
    let refused = stage.restore_once().await.unwrap_err();
    assert_eq!(refused.code, Code::Bug, "the workflow never asks: {refused:#?}");
    writer.writes(5).await;
    let acknowledged = writer.end().await;
    let old = stage.assert_old_is_whole(&ready).await;
    assert_eq!(old.name, NAME);
    assert_eq!(one(&stage.by_endpoint().await.unwrap(), VISITS).await, acknowledged);
}

/// `never`, and then a person's word: the door is closed for the swap (Q3), and what was written since the snapshot is in
/// the failed database.
#[tokio::test]
async fn q3_a_person_restores_while_somebody_writes() {
    let stage = Stage::new(json!({"restore": "never", "quiesce": {"roles": ["app"]}})).await;
    let writer = Writer::begin(&stage).await;
    let ready = stage.fail_between().await;
    writer.writes(20).await;
    let restored = loop {
        if let Some(restored) = stage.ask_restore("restore").await.unwrap().restored {
            break restored;
        }
    };
    stage.assert_restored(&ready, &restored).await;
    stage.door("reopen").await.unwrap();
    writer.writes(3).await;
    let acknowledged = writer.end().await;
    let (new, old) = both(&stage, &ready.old).await;
    let (in_new, in_old) = (one(&new, VISITS).await, one(&old, VISITS).await);
    assert_eq!(in_new + in_old - shared(&new, &old).await, acknowledged);
}

/// Q3: without names the door can't be closed, so that nothing is swapped; both databases stay as they are.
#[tokio::test]
async fn q3_nothing_is_swapped_while_somebody_can_log_in() {
    let stage = Stage::new(json!({"restore": "never"})).await;
    let writer = Writer::begin(&stage).await;
    let ready = stage.fail_between().await;
    let refused = loop {
        if let Err(failure) = stage.ask_restore("restore").await {
            break failure;
        }
    };
    assert_eq!(refused.code, Code::DoorRefused, "{refused:#?}");
    assert!(refused.to_string().contains("app"), "{refused}");
    writer.writes(5).await;
    let acknowledged = writer.end().await;
    assert_eq!(stage.assert_old_is_whole(&ready).await.name, NAME);
    assert_eq!(stage.rds.names().await.len(), 2, "the restored one is there, beside");
    assert_eq!(one(&stage.by_endpoint().await.unwrap(), VISITS).await, acknowledged);
}

/// Q2: Plan lists who is not named.
#[tokio::test]
async fn q2_who_is_not_named_is_listed_at_plan() {
    for (policy, code) in [("if-lossless", Code::NotLossless), ("always", Code::DoorRefused)] {
        let stage = Stage::new(json!({"restore": policy})).await;
        let failure = stage.plan().await.unwrap_err();
        let problems: Vec<_> = failure.problems.iter().filter(|problem| problem.code == code).collect();
        assert!(
            problems.iter().any(|problem| problem.message.contains("app")),
            "{failure:#?}"
        );
    }
}

/// Q2: a role that was made after Plan can write, so it is not lossless any more: nothing is restored.
#[tokio::test]
async fn q2_somebody_new_makes_it_not_lossless() {
    let stage = Stage::new(json!({"restore": "if-lossless", "quiesce": {"roles": ["app"]}})).await;
    let ready = stage.fail_between().await;
    let superuser = stage.rds.instance(NAME).await.unwrap().look(NAME).await.unwrap();
    superuser.batch_execute("CREATE ROLE stranger LOGIN").await.unwrap();
    let failure = loop {
        if let Err(failure) = stage.restore_once().await {
            break failure;
        }
    };
    assert_eq!(failure.code, Code::NotLossless, "{failure:#?}");
    assert!(failure.to_string().contains("stranger"), "{failure}");
    assert_eq!(stage.rds.instance(NAME).await.unwrap().resource_id, ready.old);
    superuser.batch_execute("DROP ROLE stranger").await.unwrap();
    let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
    stage.assert_restored(&ready, &restored).await;
}

async fn both(stage: &Stage, old: &str) -> (Client, Client) {
    let old = stage.by_resource(old).await.unwrap();
    (stage.by_endpoint().await.unwrap(), old.look(NAME).await.unwrap())
}

/// Rows of before the snapshot, which both databases have: the same moment of writing.
async fn shared(new: &Client, old: &Client) -> i64 {
    let (new, old) = (rows(new).await, rows(old).await);
    let of_new: std::collections::HashSet<&str> = new.split(',').collect();
    i64::try_from(old.split(',').filter(|row| of_new.contains(row)).count()).unwrap()
}

async fn rows(client: &Client) -> String {
    let sql = "SELECT coalesce(string_agg(id || ' ' || at::text, ',' ORDER BY id), '') FROM visits.visit";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

fn lost(report: &Restored) -> i64 {
    let told = report
        .writes
        .iter()
        .filter(|writes| writes.table.as_deref().is_some_and(|table| table.contains("visit")));
    i64::try_from(told.map(|writes| writes.rows).sum::<u64>()).unwrap()
}
