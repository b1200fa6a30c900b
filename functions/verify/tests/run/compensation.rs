//! What a failed run leaves, what others wrote meanwhile, and a restored database.

use belay_model::{Code, Outcome, Verdict, Verified};
use serde_json::json;

use crate::stage::Stage;

const ITEMS: (&str, &str) = (
    "V1__items.sql",
    "CREATE TABLE items (id int); INSERT INTO items VALUES (1), (1);",
);
const UNIQUE: (&str, &str) = (
    "V2__unique.sql",
    "CREATE UNIQUE INDEX CONCURRENTLY unique_id ON items (id);",
);

/// A database with a table, and a run whose only file fails there.
async fn failed(database: &str, file: (&str, &str)) -> (Stage, belay_model::PlanReply) {
    let first = Stage::new(database, &[ITEMS]).await;
    let plan = first.plan().await.unwrap();
    first.migrate(&plan).await.unwrap();
    let mut stage = first.next("second", &[ITEMS, file]);
    stage.target["instance"] = json!("db");
    let plan = stage.plan().await.unwrap();
    (stage, plan)
}

#[tokio::test]
async fn l2_after_cleanup_the_verdict_may_be_before() {
    let (stage, plan) = failed("cleanup", UNIQUE).await;
    let failure = stage.migrate(&plan).await.unwrap_err();
    let (reply, _) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Between);
    stage.lock(&stage.execution, "changing", 8);
    assert_eq!(stage.cleanup(&plan).await.unwrap_err().code, Code::Fenced);
    assert!(stage.has_table("unique_id").await);
    stage.lock(&stage.execution, "changing", 7);
    assert_eq!(stage.cleanup(&plan).await.unwrap().len(), 1);
    assert!(!stage.has_table("unique_id").await);
    let (reply, _) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!((reply.verdict, reply.outcome), (Verdict::Before, Outcome::Unchanged));
}

#[tokio::test]
async fn r2_what_others_wrote_is_told_by_table_and_what_the_run_wrote_is_not() {
    let file = (
        "V2__lone.sql",
        "INSERT INTO items SELECT generate_series(1, 1000); COMMIT; SELECT nothing;",
    );
    let (stage, plan) = failed("writes", file).await;
    let write = async |rows: u32| {
        let sql = format!("INSERT INTO items SELECT generate_series(1, {rows})");
        stage.client().await.batch_execute(&sql).await.unwrap();
    };
    stage.note_snapshot(&plan).await;
    write(3).await;
    let failure = stage.migrate(&plan).await.unwrap_err();
    let (reply, verified) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!(reply.outcome, Outcome::NeedsOperator);
    assert_eq!(items(&verified), Some(3), "{:?}", verified.writes);
    // What came after the attempt was closed is told when it is asked again.
    write(4).await;
    let (_, verified) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!(items(&verified), Some(7), "{:?}", verified.writes);
}

/// The rows that others wrote to `items`, if that is all of this database.
fn items(verified: &Verified) -> Option<u64> {
    let here: Vec<_> = verified.writes.iter().filter(|w| w.database == "writes").collect();
    match here.as_slice() {
        [only] if only.table.as_deref() == Some("public.items") => Some(only.rows),
        _ => None,
    }
}

#[tokio::test]
async fn v3_the_action_restore_is_done_when_the_restored_database_answers() {
    let (stage, plan) = failed("restored", UNIQUE).await;
    let reply = stage.verify_restored(&plan).await.unwrap();
    assert_eq!(
        (reply.verdict, reply.outcome, reply.stale),
        (Verdict::Before, Outcome::Done, false)
    );
    stage.migrate(&plan).await.unwrap_err();
    // The old server.
    let failure = stage.verify_restored(&plan).await.unwrap_err();
    assert_eq!(failure.code, Code::Database, "{failure}");
    // Somebody's work since: not what the snapshot was taken of.
    let client = stage.client().await;
    client
        .batch_execute("DELETE FROM belay.unit; DELETE FROM belay.run WHERE attempt = 1")
        .await
        .unwrap();
    let reply = stage.verify_restored(&plan).await.unwrap();
    assert_eq!(
        (reply.verdict, reply.outcome),
        (Verdict::Unknown, Outcome::NeedsOperator)
    );
}
