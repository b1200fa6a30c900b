//! Several runs at once: the queue at a target, and the lock (rules K1 to K6).

use belay_model::TransactionMode;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::case::Case;
use crate::deaths::SWEEPS;

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (n int)");
const HELD: (&str, &str) = ("V2__held.sql", "SELECT gate.pass('on')");
const C: (&str, &str) = ("V3__c.sql", "CREATE TABLE c (n int)");

/// S3's event for an upload, as in the project's samples.
pub(crate) fn event(case: &Case, object: &Value) -> Value {
    let sample = include_str!("../../events/object-created.json");
    let mut event: Value = serde_json::from_str(sample).unwrap();
    event["detail"]["bucket"]["name"] = json!(case.world.stack.bucket().unwrap());
    event["detail"]["object"] = object.clone();
    event
}

#[tokio::test]
async fn an_event_that_comes_again_starts_nothing() {
    let case = Case::new("duplicate").await;
    let shipped = case.upload(&[A]).await;
    let object = json!({"key": shipped.key, "version-id": shipped.version_id, "size": 1, "sequencer": "01"});
    // While it runs, and when it has ended.
    let answers = join_all((0..3).map(|_| async { case.invoke("IntakeFunction", &event(&case, &object)).await })).await;
    let ran = case.ran(&shipped).await;
    let late = case.invoke("IntakeFunction", &event(&case, &object)).await;
    let (_, name) = ran.result.execution.rsplit_once(':').unwrap();
    for answer in answers.into_iter().chain([late]) {
        assert_eq!(answer, json!({"taken": "before", "name": name}));
    }
    assert_eq!(ran.result.status, "migrated");
    let runs = case.world.stack.executions(&case.aws).await.unwrap();
    let ours = runs.iter().filter(|run| run.name.starts_with("duplicate-"));
    assert_eq!(ours.count(), 1);
    assert_eq!(case.sql("SELECT count(*) FROM belay.run").await, ["1"]);
}

#[tokio::test]
async fn two_bundles_for_one_target_run_one_after_the_other() {
    let case = Case::new("queue").await.with_gates().await;
    let first = case.upload_as("first.zip", &[A, HELD]).await;
    case.sleeper().await;
    let second = case.upload_as("second.zip", &[A, HELD, C]).await;
    let waiting = case.says(&second, "waiting").await;
    case.enters(&waiting.execution, "WaitForLock", 2).await;
    let first_says = case.world.stack.result(&case.aws, &first).await.unwrap().unwrap();
    assert_eq!(first_says.status, "running");
    assert!(waiting.summary.unwrap().contains(&first_says.execution));
    case.open("on").await;

    let (first, second) = (case.ran(&first).await, case.ran(&second).await);
    assert_eq!(
        (first.result.status.as_str(), second.result.status.as_str()),
        ("migrated", "migrated")
    );
    assert_eq!(second.result.verified.unwrap().applied, ["V3__c.sql"]);
    let attempts = case.sql("SELECT run FROM belay.run ORDER BY opened_at").await;
    assert_eq!(attempts, [first.result.run.as_str(), second.result.run.as_str()]);
    let one_by_one = "SELECT max(opened_at) >= min(closed_at) FROM belay.run";
    assert_eq!(case.value(one_by_one).await, "t");
}

/// K6. One that can't run supersedes nothing.
#[tokio::test]
async fn of_one_key_the_newer_wins() {
    let case = Case::new("newer").await.with_gates().await;
    let holder = case.upload_as("other.zip", &[A, HELD]).await;
    case.sleeper().await;
    let older = case
        .upload(&[A, HELD, ("V3__older.sql", "CREATE TABLE older (n int)")])
        .await;
    case.says(&older, "waiting").await;
    let broken = case.upload(&[("V3_misnamed.sql", "x")]).await;
    assert_eq!(case.ran(&broken).await.result.status, "rejected");
    case.says(&older, "waiting").await;
    let newer = case
        .upload(&[A, HELD, ("V3__newer.sql", "CREATE TABLE newer (n int)")])
        .await;

    // The older one makes way while the lock is still held.
    let older = case.ran(&older).await;
    assert_eq!(
        (older.result.status.as_str(), older.result.exit_code),
        ("superseded", Some(2))
    );
    assert_eq!(older.result.superseded_by.as_deref(), Some(newer.version_id.as_str()));
    assert!(older.mail.text.contains(&newer.version_id), "{}", older.mail.text);
    case.open("on").await;
    assert_eq!(case.ran(&holder).await.result.status, "migrated");
    assert_eq!(case.ran(&newer).await.result.status, "migrated");
    assert!(case.has("newer").await && !case.has("older").await);
}

#[tokio::test]
async fn two_targets_run_side_by_side() {
    let slow = Case::new("slow").await.with_gates().await;
    let quick = Case::new("quick").await;
    let held = slow.upload(&[A, HELD]).await;
    slow.sleeper().await;
    assert_eq!(quick.ship(&[A]).await.result.status, "migrated");
    slow.says(&held, "running").await;
    slow.open("on").await;
    assert_eq!(slow.ran(&held).await.result.status, "migrated");
}

/// K1: two targets on one instance share its lock.
#[tokio::test]
async fn two_targets_of_one_instance_wait_for_each_other() {
    let one = Case::new("shared-one").await.with_gates().await;
    let two = Case::with("shared-two", |target| {
        target.instance = Some("shared-one".parse().unwrap())
    })
    .await;
    let held = one.upload(&[A, HELD]).await;
    one.sleeper().await;
    let waits = two.upload(&[A]).await;
    two.says(&waits, "waiting").await;
    assert!(!two.has("a").await);
    one.open("on").await;
    assert_eq!(one.ran(&held).await.result.status, "migrated");
    assert_eq!(two.ran(&waits).await.result.status, "migrated");
}

/// K4: whether the owner lives is Step Functions' word. One lock, held by an execution that runs; then it has ended.
#[tokio::test]
async fn a_living_owners_lock_is_never_taken_and_a_dead_ones_is() {
    let _quiet = SWEEPS.lock().await;
    let owner = Case::new("owner").await.with_gates().await;
    let held = owner.upload(&[A, HELD]).await;
    owner.sleeper().await;
    let living = owner.says(&held, "running").await;

    let case = Case::new("heir").await;
    case.write_lock(&living.execution, "held").await;
    let waits = case.upload(&[A]).await;
    let waiting = case.says(&waits, "waiting").await;
    case.enters(&waiting.execution, "Does the holder live?", 5).await;
    assert_eq!(
        (case.lock("owner").await, case.lock("fence").await.as_deref()),
        (Some(living.execution), Some("7"))
    );
    assert!(!case.has("belay.run").await);

    owner.open("on").await;
    assert_eq!(owner.ran(&held).await.result.status, "migrated");
    let heir = case.ran(&waits).await;
    assert_eq!(heir.result.status, "migrated");
    assert!(
        heir.ended.states.contains(&"TakeOver".to_owned()),
        "{:?}",
        heir.ended.states
    );
    // K2: taken and freed, each counted.
    assert_eq!(
        (case.lock("owner").await, case.lock("fence").await.as_deref()),
        (None, Some("9"))
    );
}

/// K4: an owner that ended while it was changing the database leaves a quarantine, which the next run meets.
#[tokio::test]
async fn a_dead_owner_that_was_changing_leaves_a_quarantine() {
    let _quiet = SWEEPS.lock().await;
    let case = Case::new("estate").await;
    let dead = case.ship(&[A]).await.result;
    case.write_lock(&dead.execution, "changing").await;
    let ran = case.ship(&[A, C]).await;
    assert_eq!(ran.result.status, "needs-operator");
    assert_eq!(ran.result.failure.unwrap().code.name(), "Belay.Quarantined");
    assert!(ran.mail.text.contains(dead.run.as_str()), "{}", ran.mail.text);
    assert_eq!(
        (case.lock("phase").await.as_deref(), case.lock("fence").await.as_deref()),
        (Some("quarantined"), Some("7"))
    );
    assert!(!case.has("c").await);
}

/// The version of the event is what runs, whatever is under the key by then.
#[tokio::test]
async fn what_was_overwritten_meanwhile_runs_as_it_was_uploaded() {
    let case = Case::with("pinned", |target| target.transaction = TransactionMode::Each)
        .await
        .with_gates()
        .await;
    let holder = case.upload_as("other.zip", &[A, HELD]).await;
    case.sleeper().await;
    let pinned = case
        .upload(&[A, HELD, ("V3__pinned.sql", "CREATE TABLE pinned (n int)")])
        .await;
    case.says(&pinned, "waiting").await;
    // What overwrites it is no bundle, so it supersedes nothing.
    let rubbish = case
        .world
        .stack
        .ship(&case.aws, "pinned", "release.zip", b"rubbish".to_vec())
        .await
        .unwrap();
    assert_eq!(case.ran(&rubbish).await.result.status, "rejected");
    case.open("on").await;
    assert_eq!(case.ran(&holder).await.result.status, "migrated");
    assert_eq!(case.ran(&pinned).await.result.status, "migrated");
    assert!(case.has("pinned").await);
}
