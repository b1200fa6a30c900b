//! Runs on an instance of RDS: a snapshot before the first change, and its restore when a run fails in between.

use std::time::Instant;

use belay_local::{Fault, RdsRequest};
use belay_model::RunId;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::case::Case;
use crate::deaths::SWEEPS;
use crate::process::Client as Process;
use crate::world::{LONG, LOOK, World, world};

pub(crate) const ORDERS: (&str, &str) = (
    "V1__orders.sql",
    "CREATE TABLE orders (id int PRIMARY KEY, customer int); INSERT INTO orders SELECT n, n % 100 FROM generate_series(1, 5000) n",
);
/// It commits by itself.
pub(crate) const LONE: (&str, &str) = (
    "V2__lone.sql",
    "BEGIN; DELETE FROM orders WHERE id > 1000; ALTER TABLE orders ADD added int; COMMIT",
);
pub(crate) const FAILS: (&str, &str) = ("V3__fails.sql", "SELECT 1 / 0");
pub(crate) const HELD: (&str, &str) = ("V3__held.sql", "SELECT gate.pass('on')");

pub(crate) fn policy(restore: &str) -> Value {
    json!({"restore": restore, "quiesce": {"roles": ["app"]}})
}

async fn released(name: &str, policy: Value) -> Case {
    released_in(world().await, name, policy).await
}

/// An instance with the orders, by a first run.
pub(crate) async fn released_in(world: &'static World, name: &str, policy: Value) -> Case {
    let case = Case::on_instance(world, name, policy).await;
    let ran = case.ship(&[ORDERS]).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert!(ran.result.snapshot.is_some(), "a snapshot before the first change");
    case
}

/// The instance is as the last good run left it, and anybody may use it.
pub(crate) async fn is_as_it_was(case: &Case) {
    assert_eq!(case.value("SELECT count(*) FROM orders").await, "5000");
    assert_eq!(case.history().await, ["V1__orders.sql"]);
    assert_eq!(
        case.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'added'")
            .await,
        [""; 0]
    );
    assert_eq!((case.lock("owner").await, case.lock("door").await), (None, None));
    assert!(app_may_log_in(case).await);
}

pub(crate) async fn app_may_log_in(case: &Case) -> bool {
    case.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app'")
        .await
        == "t"
}

/// The failed database is beside, with everything that was in it.
pub(crate) async fn failed_is_kept(case: &Case, run: &RunId) {
    let rds = case.world.stack.rds().unwrap();
    let failed = rds.instance(&format!("{}-failed-{run}", case.name)).await.unwrap();
    let client = failed.look(&case.name).await.unwrap();
    let rows: i64 = client
        .query_one("SELECT count(*) FROM orders", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(rows, 1000);
}

#[tokio::test]
async fn r1_a_failed_run_is_restored() {
    for restore in ["always", "if-lossless"] {
        let case = released(&format!("restored-{restore}"), policy(restore)).await;
        let failed = case.ship(&[ORDERS, LONE, FAILS]).await;
        assert_eq!(failed.result.status, "restored", "{:#?}", failed.result);
        let restored = failed.result.restored.as_ref().unwrap();
        assert_eq!(restored.differences, []);
        assert_eq!(restored.lossless, restore == "if-lossless");
        assert!(
            failed.mail.text.contains(restored.failed.as_str()),
            "{}",
            failed.mail.text
        );
        assert!(failed.mail.text.contains("V3__fails.sql:1: "), "{}", failed.mail.text);
        is_as_it_was(&case).await;
        failed_is_kept(&case, &failed.result.run).await;

        let mended = case.ship(&[ORDERS, LONE, ("V3__fine.sql", "SELECT 1")]).await;
        assert_eq!(mended.result.status, "migrated", "{:#?}", mended.result);
        assert_eq!(case.value("SELECT count(*) FROM orders").await, "1000");
    }
}

/// Nothing pending, nothing taken.
#[tokio::test]
async fn what_is_up_to_date_is_not_snapshotted() {
    let case = released("snapshots", policy("never")).await;
    let again = case.ship(&[ORDERS]).await;
    assert_eq!(
        (again.result.status.as_str(), again.result.snapshot),
        ("up-to-date", None)
    );
    let next = case.ship(&[ORDERS, ("V2__n.sql", "CREATE TABLE n ()")]).await;
    assert_eq!(next.result.status, "migrated");
    assert_eq!(snapshots(&case).await.len(), 2);
}

/// K4: a person restores what the policy leaves to a person.
#[tokio::test]
async fn k4_a_person_restores_from_the_console() {
    let case = released("by-hand", policy("never")).await;
    let failed = case.ship(&[ORDERS, LONE, FAILS]).await;
    assert_eq!(failed.result.status, "needs-operator", "{:#?}", failed.result);
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));
    assert!(
        failed.mail.text.contains(r#""action":"restore""#),
        "{}",
        failed.mail.text
    );
    assert!(app_may_log_in(&case).await);
    let wrong = case.start(&case.restore(&RunId::of_execution("another"))).await;
    assert_eq!(wrong.result.status, "rejected", "{:#?}", wrong.result);

    let restored = case.start(&case.restore(&failed.result.run)).await;
    assert_eq!(restored.result.status, "done", "{:#?}", restored.result);
    is_as_it_was(&case).await;
    failed_is_kept(&case, &failed.result.run).await;
    let again = case.start(&case.restore(&failed.result.run)).await;
    assert_eq!(again.result.status, "rejected", "{:#?}", again.result);
}

/// R3: stopped between the two renames, when nobody has the name; the action goes on from what there is.
#[tokio::test]
async fn r3_a_restore_that_was_stopped_between_the_renames_goes_on() {
    let case = released("stopped-between", policy("always")).await;
    let (hold, held) = Fault::hold("ModifyDBInstance");
    let rds = case.world.stack.rds().unwrap();
    rds.fail(hold.with("NewDBInstanceIdentifier", &case.name));
    let shipped = case.upload(&[ORDERS, LONE, FAILS]).await;
    held.reached().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;
    rds.set(
        &format!("{}-belay-{}", case.name, running.run),
        "DBInstanceStatus",
        json!("available"),
    )
    .await
    .unwrap();
    drop(held);
    let (result, mail) = case.interrupted(&shipped).await;
    assert!(mail.text.contains("app"), "the door is closed: {}", mail.text);
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));
    let restored = case.start(&case.restore(&result.run)).await;
    assert_eq!(restored.result.status, "done", "{:#?}", restored.result);
    is_as_it_was(&case).await;
    failed_is_kept(&case, &result.run).await;
}

/// R3: the function is killed while it asks for the second renaming, when nobody has the name. What it asked for comes
/// when all is over, and is refused.
#[tokio::test]
async fn r3_a_function_that_is_killed_between_the_renames_is_called_again() {
    let case = released("killed-between", policy("if-lossless")).await;
    let rds = case.world.stack.rds().unwrap();
    let (hold, held) = Fault::hold("ModifyDBInstance");
    rds.fail(hold.with("NewDBInstanceIdentifier", &case.name));
    let shipped = case.upload(&[ORDERS, LONE, FAILS]).await;
    held.reached().await;
    let last = second_renamings(&case).pop().unwrap();
    let port = rds.endpoint_url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(!rds.names().await.contains(&case.name));
    Process::of_connection(last.client_port, port).kill();

    let failed = case.ran(&shipped).await;
    assert_eq!(failed.result.status, "restored", "{:#?}", failed.result);
    drop(held);
    let give_up = Instant::now() + LONG;
    while second_renamings(&case).iter().all(|asked| asked.refused.is_none()) {
        assert!(Instant::now() < give_up, "{:#?}", second_renamings(&case));
        sleep(LOOK).await;
    }
    assert!(failed.result.restored.as_ref().unwrap().lossless);
    is_as_it_was(&case).await;
    failed_is_kept(&case, &failed.result.run).await;
}

/// Requests that give the instance's name to another database.
fn second_renamings(case: &Case) -> Vec<RdsRequest> {
    let name = ("NewDBInstanceIdentifier".to_owned(), case.name.clone());
    let requests = case.world.stack.rds().unwrap().requests().into_iter();
    requests.filter(|request| request.parameters.contains(&name)).collect()
}

/// Q2: the plan is refused, and says who is not named; nothing was changed.
#[tokio::test]
async fn q2_who_is_not_named_is_listed() {
    let case = Case::on_instance(world().await, "unnamed", json!({"restore": "if-lossless"})).await;
    let refused = case.ship(&[ORDERS]).await;
    assert_eq!(refused.result.status, "rejected", "{:#?}", refused.result);
    assert!(refused.mail.text.contains("app"), "{}", refused.mail.text);
    assert_eq!(snapshots(&case).await, [""; 0]);
    assert!(!case.has("orders").await);
}

/// Q1, Q3: in quarantine the door stays closed until a person opens it, or decides.
#[tokio::test]
async fn q1_the_door_stays_closed_until_a_person_opens_it() {
    let case = released("door", policy("if-lossless")).await.with_gates().await;
    let shipped = case.upload(&[ORDERS, LONE, HELD]).await;
    case.sleeps().await;
    let running = case.says(&shipped, "running").await;
    assert!(!app_may_log_in(&case).await);
    case.stop(&running.execution).await;
    let (result, mail) = case.interrupted(&shipped).await;
    let first = mail.text.lines().next().unwrap();
    assert!(first.contains("app") && mail.text.contains("reopen"), "{}", mail.text);
    assert!(!app_may_log_in(&case).await);

    let opened = case.start(&json!({"target": case.name, "action": "reopen"})).await;
    assert_eq!(opened.result.status, "done", "{:#?}", opened.result);
    assert!(app_may_log_in(&case).await);
    assert_eq!(
        (case.lock("phase").await.as_deref(), case.lock("door").await),
        (Some("quarantined"), None)
    );
    let kept = case.start(&case.keep(&result.run)).await;
    assert_eq!(kept.result.status, "done", "{:#?}", kept.result);
    assert_eq!(case.lock("owner").await, None);
}

/// `keep` opens the door, too.
#[tokio::test]
async fn q1_who_accepts_the_database_opens_the_door() {
    let case = released("door-kept", policy("if-lossless")).await.with_gates().await;
    let shipped = case.upload(&[ORDERS, LONE, HELD]).await;
    case.sleeps().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;
    let (result, _) = case.interrupted(&shipped).await;
    let kept = case.start(&case.keep(&result.run)).await;
    assert_eq!(kept.result.status, "done", "{:#?}", kept.result);
    assert!(app_may_log_in(&case).await);
    assert_eq!((case.lock("owner").await, case.lock("door").await), (None, None));
    assert_eq!(case.value("SELECT count(*) FROM orders").await, "1000");
}

/// Q1: a door that nobody is responsible for any more is opened by the sweep.
#[tokio::test]
async fn q1_the_sweep_opens_a_door_that_was_left_closed() {
    let _alone = SWEEPS.lock().await;
    let case = released("door-left", policy("if-lossless")).await.with_gates().await;
    let shipped = case.upload(&[ORDERS, LONE, HELD]).await;
    case.sleeps().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;
    case.interrupted(&shipped).await;
    case.free_lock().await;
    assert!(!app_may_log_in(&case).await);
    let sweep: Value = serde_json::from_str(include_str!("../../events/sweep.json")).unwrap();
    case.invoke("JanitorFunction", &sweep).await;
    case.wait_for("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app'")
        .await;
}

/// L2: what a failed CREATE INDEX CONCURRENTLY has left is taken away, and then nothing is left.
#[tokio::test]
async fn l2_residue_is_cleaned_up() {
    let case = released("residue", policy("always")).await;
    let index = (
        "V2__index.sql",
        "CREATE UNIQUE INDEX CONCURRENTLY one_customer ON orders (customer)",
    );
    let failed = case.ship(&[ORDERS, index]).await;
    assert_eq!(failed.result.status, "unchanged", "{:#?}", failed.result);
    assert!(failed.mail.text.contains("one_customer"), "{}", failed.mail.text);
    assert!(!case.has("one_customer").await);
    is_as_it_was(&case).await;
}

/// An account that became full after Prepare has looked.
#[tokio::test]
async fn a_snapshot_that_is_refused_leaves_everything_as_it_was() {
    let case = released("full", policy("never")).await;
    let rds = case.world.stack.rds().unwrap();
    rds.fail(
        Fault::error("CreateDBSnapshot", "SnapshotQuotaExceeded")
            .with("DBInstanceIdentifier", "full")
            .times(9),
    );
    let refused = case.ship(&[ORDERS, LONE]).await;
    assert_eq!(refused.result.status, "unchanged", "{:#?}", refused.result);
    assert_eq!(refused.result.failure.unwrap().code.name(), "Belay.SnapshotQuota");
    assert_eq!(case.history().await, ["V1__orders.sql"]);
}

/// Only our own, beyond count and days, and never the last good one.
#[tokio::test]
async fn old_snapshots_are_deleted() {
    let retention = json!({"restore": "never", "retention": {"count": 1, "days": 0}});
    let case = released("retention", retention).await;
    let mut files = vec![ORDERS];
    for file in [
        ("V2__a.sql", "CREATE TABLE a ()"),
        ("V3__b.sql", "CREATE TABLE b ()"),
        ("V4__c.sql", "CREATE TABLE c ()"),
    ] {
        files.push(file);
        let ran = case.ship(&files).await;
        assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    }
    let left = snapshots(&case).await;
    assert!((1..=2).contains(&left.len()), "{left:?}");
}

async fn snapshots(case: &Case) -> Vec<String> {
    let all = case.world.stack.rds().unwrap().snapshots().await;
    let of_it = all
        .iter()
        .filter(|snapshot| snapshot["DBInstanceIdentifier"] == *case.name);
    of_it
        .map(|snapshot| snapshot["DBSnapshotIdentifier"].as_str().unwrap().to_owned())
        .collect()
}
