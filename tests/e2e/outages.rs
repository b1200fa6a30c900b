//! The database goes down: retried where that is safe, then left for a redrive; and what is known is never more than
//! what the database said.

use std::time::Instant;

use belay_local::Settings;
use belay_model::{RunId, Verdict};
use tokio::time::sleep;

use crate::case::{Case, OURS};
use crate::world::{LONG, LOOK};

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (n int)");
const HELD: (&str, &str) = ("V2__held.sql", "SELECT gate.pass('on')");

#[tokio::test]
async fn down_at_plan_and_back_in_time_is_migrated() {
    let mut case = Case::alone("plan-back", Settings::default()).await;
    case.server().down();
    let shipped = case.upload(&[A]).await;
    let running = case.says(&shipped, "running").await;
    case.enters(&running.execution, "Plan", 1).await;
    case.server().up().await.unwrap();
    let ran = case.ran(&shipped).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
}

#[tokio::test]
async fn down_at_plan_for_long_is_interrupted_and_nothing_was_changed() {
    let mut case = Case::alone("plan-down", Settings::default()).await;
    case.server().down();
    let shipped = case.upload(&[A]).await;
    let (result, mail) = case.interrupted(&shipped).await;
    assert_eq!(result.failure.unwrap().code.name(), "Infra.Database");
    assert!(mail.text.contains("before it changed anything"), "{}", mail.text);
    assert_eq!(case.lock("owner").await, None);
    case.server().up().await.unwrap();
    assert!(!case.has("belay.run").await);
    assert_eq!(case.start(&case.input(&shipped)).await.result.status, "migrated");
}

/// A power failure while it runs.
#[tokio::test]
async fn down_at_migrate_and_back_is_unchanged() {
    let mut case = Case::alone("migrate-down", Settings::default())
        .await
        .with_gates()
        .await;
    let shipped = case.upload(&[A, HELD]).await;
    case.sleeper().await;
    case.server().kill();
    case.server().up().await.unwrap();
    let ran = case.ran(&shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), ran.result.exit_code),
        ("unchanged", Some(1)),
        "{:#?}",
        ran.result
    );
    assert_eq!(ran.result.failure.unwrap().code.name(), "Infra.Database");
    assert_eq!(ran.result.verified.unwrap().verdict, Verdict::Before);
    assert!(!case.has("a").await);
    case.open("on").await;
    assert_eq!(case.start(&case.input(&shipped)).await.result.status, "migrated");
}

/// Down after the last COMMIT, while Migrate reads the schema; back while Verify asks.
#[tokio::test]
async fn down_at_verify_and_back_in_time_is_migrated() {
    let mut case = Case::alone("verify-back", Settings::default()).await.with_gates().await;
    case.sql("CREATE SCHEMA other; CREATE TABLE other.locked (n int DEFAULT 1 + 1, CHECK (n > 0)); CREATE INDEX ON other.locked ((n + 1))")
        .await;
    let shipped = case.upload(&[A, HELD]).await;
    case.sleeper().await;
    let (watcher, locker) = (case.superuser().await, case.superuser().await);
    locker
        .batch_execute("BEGIN; LOCK TABLE other.locked IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    case.open("on").await;
    let reads = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND query LIKE 'WITH ns AS%' AND wait_event_type = 'Lock'"
    );
    let give_up = Instant::now() + LONG;
    while watcher.query_one(&reads, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < give_up, "the schema was not read after COMMIT");
        sleep(LOOK / 10).await;
    }
    case.server().kill();
    let running = case.says(&shipped, "running").await;
    case.enters(&running.execution, "Verify", 1).await;
    case.server().up().await.unwrap();
    let ran = case.ran(&shipped).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(case.history().await, [A.0, HELD.0]);
}

/// Nobody knows what is in, so nobody changes it until a person has decided.
#[tokio::test]
async fn down_at_verify_for_long_is_interrupted_and_quarantined() {
    let mut case = Case::alone("verify-down", Settings::default()).await.with_gates().await;
    let shipped = case.upload(&[A, HELD]).await;
    case.sleeper().await;
    case.server().kill();
    let (result, mail) = case.interrupted(&shipped).await;
    assert_eq!(result.failure.unwrap().code.name(), "Infra.Database");
    for words in ["quarantined", "redrive-execution", "belay unlock", result.run.as_str()] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));
    case.server().up().await.unwrap();
    case.open("on").await;
    assert_eq!(case.start(&case.input(&shipped)).await.result.status, "needs-operator");
    assert!(!case.has("a").await);
    keep(&case, &result.run).await;
    assert_eq!(case.start(&case.input(&shipped)).await.result.status, "migrated");
}

async fn keep(case: &Case, run: &RunId) {
    let kept = case.start(&case.keep(run)).await;
    assert_eq!(kept.result.status, "done", "{kept:#?}");
}
