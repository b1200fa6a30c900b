//! `migrate` is killed, as Lambda or the kernel may do at any moment: the outcome is what the run's marks say, nothing
//! of it is left on the server, and nothing is applied twice.

use std::time::Instant;

use belay_local::{Settings, Shipped};
use belay_model::{TransactionMode, Verdict};
use tokio::time::sleep;

use crate::case::{Case, OURS, Ran};
use crate::world::{LONG, LOOK};

/// Each run of it is a row.
const COUNTED: (&str, &str) = (
    "V1__counted.sql",
    "CREATE TABLE counted (n int); INSERT INTO counted VALUES (1)",
);
const HELD: (&str, &str) = ("V2__held.sql", "INSERT INTO counted VALUES (2); SELECT gate.pass('on')");

#[tokio::test]
async fn killed_before_commit_is_unchanged() {
    let case = Case::new("kill-before").await.with_gates().await;
    let shipped = case.upload(&[COUNTED, HELD]).await;
    case.sleeper().await.kill();
    let ran = died(&case, &shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("unchanged", Verdict::Before)
    );
    assert!(!case.has("counted").await);
    goes_in_once(&case).await;
}

#[tokio::test]
async fn killed_while_a_long_statement_runs_is_unchanged() {
    let case = Case::new("kill-long").await.with_gates().await;
    let shipped = case.upload(&[COUNTED, ("V2__long.sql", "SELECT pg_sleep(900)")]).await;
    case.sleeper().await.kill();
    let ran = died(&case, &shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("unchanged", Verdict::Before)
    );
    goes_in_once(&case).await;
}

#[tokio::test]
async fn killed_between_two_units_needs_an_operator() {
    let case = Case::with("kill-between", |target| target.transaction = TransactionMode::Each)
        .await
        .with_gates()
        .await;
    let shipped = case.upload(&[COUNTED, HELD]).await;
    case.sleeper().await.kill();
    let ran = died(&case, &shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("needs-operator", Verdict::Between)
    );
    let verified = ran.result.verified.as_ref().unwrap();
    assert_eq!(
        (&verified.applied, &verified.missing),
        (&vec![COUNTED.0.to_owned()], &vec![HELD.0.to_owned()])
    );
    assert_eq!(case.sql("TABLE counted").await, ["1"]);
    let kept = case.start(&case.keep(&ran.result.run)).await;
    assert_eq!(kept.result.status, "done");
    goes_in_once(&case).await;
}

/// L2: started, and nobody knows whether it is done.
#[tokio::test]
async fn killed_while_a_lone_statement_runs_needs_an_operator() {
    // The writer stays until the run has ended: Cleanup soon gives up waiting for it.
    let case = Case::with("kill-lone", |target| target.locks.budget_s = 2)
        .await
        .with_gates()
        .await;
    assert_eq!(case.ship(&[COUNTED]).await.result.status, "migrated");
    // CREATE INDEX CONCURRENTLY waits for whoever has written to the table.
    let writer = case.superuser().await;
    writer
        .batch_execute("BEGIN; INSERT INTO counted VALUES (7)")
        .await
        .unwrap();
    let index = ("V2__index.sql", "CREATE INDEX CONCURRENTLY by_n ON counted (n)");
    let shipped = case.upload(&[COUNTED, index]).await;
    let waits = "query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'";
    case.wait_for(&format!(
        "EXISTS (SELECT FROM pg_stat_activity WHERE {OURS} AND {waits})"
    ))
    .await;
    case.process(waits).await.kill();
    let ran = died(&case, &shipped).await;
    writer.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("needs-operator", Verdict::Between)
    );
    let open = &ran.result.verified.as_ref().unwrap().open_units;
    assert!(open.iter().any(|unit| unit.contains("V2__index.sql")), "{open:?}");
    // Nobody goes on with it by accident.
    assert_eq!(
        case.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_n'::regclass")
            .await,
        ["f"]
    );
}

/// The COMMIT is done, but its answer is held back: the server waits for a standby that does not exist.
#[tokio::test]
async fn killed_during_commit_is_migrated() {
    let case = Case::alone("kill-during", Settings::default()).await.with_gates().await;
    let admin = case.superuser().await;
    let standby = |value: &str| format!("ALTER SYSTEM SET synchronous_standby_names = {value}");
    admin.batch_execute("SET synchronous_commit = local").await.unwrap();
    let shipped = case.upload(&[COUNTED, HELD]).await;
    let migrate = case.sleeper().await;
    admin.batch_execute(&standby("'nobody'")).await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    case.wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'")
        .await;
    admin
        .batch_execute("INSERT INTO gate.open VALUES ('on')")
        .await
        .unwrap();
    case.wait_for(&format!(
        "EXISTS (SELECT FROM pg_stat_activity WHERE {OURS} AND wait_event = 'SyncRep')"
    ))
    .await;
    migrate.kill();
    admin.batch_execute(&standby("DEFAULT")).await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let ran = died(&case, &shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("migrated", Verdict::After)
    );
    goes_in_once(&case).await;
}

/// After its COMMIT, Migrate reads the schema, and waits for who has locked a part of it.
#[tokio::test]
async fn killed_after_commit_is_migrated() {
    let case = Case::new("kill-after").await.with_gates().await;
    case.sql("CREATE SCHEMA other; CREATE TABLE other.locked (n int DEFAULT 1 + 1, CHECK (n > 0)); CREATE INDEX ON other.locked ((n + 1))")
        .await;
    let shipped = case.upload(&[COUNTED, HELD]).await;
    let migrate = case.sleeper().await;
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
    migrate.kill();
    assert_eq!(case.history().await, [COUNTED.0, HELD.0]);
    locker.batch_execute("ROLLBACK").await.unwrap();
    let ran = died(&case, &shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), verdict(&ran)),
        ("migrated", Verdict::After)
    );
    goes_in_once(&case).await;
}

/// The run whose function died ends, and says so; nothing of it is left.
async fn died(case: &Case, shipped: &Shipped) -> Ran {
    let ran = case.ran(shipped).await;
    let states = &ran.ended.states;
    assert_eq!(
        states.iter().filter(|state| *state == "Migrate").count(),
        1,
        "{states:?}"
    );
    case.assert_no_orphan().await;
    ran
}

fn verdict(ran: &Ran) -> Verdict {
    ran.result.verified.as_ref().unwrap().verdict
}

/// The same bundle, once more: all of it is in, once.
async fn goes_in_once(case: &Case) {
    case.open("on").await;
    let was_in = case.history().await.len() == 2;
    let again = case.ship(&[COUNTED, HELD]).await;
    assert_eq!(
        again.result.status,
        if was_in { "up-to-date" } else { "migrated" },
        "{:#?}",
        again.result
    );
    assert_eq!(case.history().await, [COUNTED.0, HELD.0]);
    assert_eq!(case.sql("SELECT n FROM counted ORDER BY 1").await, ["1", "2"]);
}

/// The object's version is deleted while Migrate runs: the verdict needs the database and no bundle.
#[tokio::test]
async fn a_bundle_that_is_deleted_meanwhile_keeps_nobody_from_the_verdict() {
    let case = Case::new("bundle-deleted").await.with_gates().await;
    let shipped = case.upload(&[COUNTED, HELD]).await;
    case.sleeper().await;
    let deleting = case.aws.s3.delete_object().bucket(case.world.stack.bucket().unwrap());
    deleting
        .key(&shipped.key)
        .version_id(&shipped.version_id)
        .send()
        .await
        .unwrap();
    case.open("on").await;
    let ran = case.ran(&shipped).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(case.sql("SELECT count(*) FROM counted").await, ["2"]);
}
