//! The actions baseline, repair and undo, and Flyway's settings of one run, as a person starts them.

use belay_model::{Code, RunResult};
use serde_json::{Value, json};

use crate::case::{Case, Ran};
use crate::restores::{LONE, ORDERS, policy, released_in};
use crate::world::world;

const ROWS: &str = "SELECT installed_rank, version, type, success FROM flyway_schema_history ORDER BY 1";

/// The input of an action on the bundle of an earlier run.
fn input(action: &str, of: &RunResult, flyway: Value) -> Value {
    let bundle = of.bundle.as_ref().unwrap();
    json!({
        "target": of.target, "action": action, "bundle": {"key": bundle.key, "versionId": bundle.version_id},
        "flyway": flyway,
    })
}

async fn start(case: &Case, action: &str, of: &RunResult, flyway: Value) -> Ran {
    case.start(&input(action, of, flyway)).await
}

/// Starts it, and sees it done; nobody keeps the lock.
async fn done(case: &Case, action: &str, of: &RunResult, flyway: Value) -> Ran {
    let ran = start(case, action, of, flyway).await;
    assert_eq!(ran.result.status, "done", "{action}: {:#?}", ran.result);
    assert_eq!(case.lock("owner").await, None);
    ran
}

fn codes(ran: &Ran) -> Vec<Code> {
    let failure = ran
        .result
        .failure
        .as_ref()
        .unwrap_or_else(|| panic!("{:#?}", ran.result));
    failure.problems.iter().map(|problem| problem.code).collect()
}

#[tokio::test]
async fn s10_a_database_that_exists_is_baselined_and_goes_on_from_there() {
    let case = Case::new("baseline").await;
    case.sql("CREATE TABLE theirs (n int)").await;
    let files = [
        ("V1__theirs.sql", "CREATE TABLE theirs (n int)"),
        ("V2__ours.sql", "CREATE TABLE ours (n int)"),
    ];
    let refused = case.ship(&files).await;
    assert_eq!(codes(&refused), [Code::NonEmptySchema]);

    let settings = json!({"baselineVersion": "1", "baselineDescription": "as it was"});
    let ran = done(&case, "baseline", &refused.result, settings.clone()).await;
    assert!(
        ran.mail.subject.ends_with("baseline at version 1"),
        "{}",
        ran.mail.subject
    );
    assert_eq!(case.sql(ROWS).await, ["1|1|BASELINE|t"]);
    let again = done(&case, "baseline", &refused.result, settings).await;
    assert!(again.mail.subject.ends_with("nothing to do"), "{}", again.mail.subject);
    let other = start(&case, "baseline", &refused.result, json!({"baselineVersion": "2"})).await;
    assert_eq!(
        (other.result.status.as_str(), codes(&other)),
        ("rejected", vec![Code::BaselineRefused])
    );

    let migrated = case.ship(&files).await;
    assert_eq!(migrated.result.status, "migrated", "{:#?}", migrated.result);
    assert_eq!(case.sql(ROWS).await, ["1|1|BASELINE|t", "2|2|SQL|t"]);
}

#[tokio::test]
async fn s10_what_does_not_fit_any_more_is_repaired_and_migrated() {
    let case = Case::new("repair").await;
    let first = [
        ("V1__a.sql", "CREATE TABLE a (n int)"),
        ("V2__b.sql", "CREATE TABLE b (n int)"),
    ];
    assert_eq!(case.ship(&first).await.result.status, "migrated");
    case.sql(
        "INSERT INTO flyway_schema_history VALUES (3, '3', 'c', 'SQL', 'V3__c.sql', 1, 'flyway', now(), 1, false)",
    )
    .await;
    let second = [
        ("V1__a.sql", "CREATE TABLE a (n int) -- with a word"),
        ("V3__c.sql", "CREATE TABLE c (n int)"),
    ];
    let refused = case.ship(&second).await;
    assert_eq!(refused.result.status, "rejected", "{:#?}", refused.result);

    let ran = done(&case, "repair", &refused.result, json!({})).await;
    for told in ["V3__c.sql", "V2__b.sql", "V1__a.sql", "belay.change"] {
        assert!(ran.mail.text.contains(told), "{told}: {}", ran.mail.text);
    }
    assert_eq!(case.sql(ROWS).await, ["1|1|SQL|t", "2|2|SQL|t", "3|2|DELETE|t"]);
    assert_eq!(case.value("SELECT count(*) FROM belay.change").await, "3");
    let nothing = done(&case, "repair", &refused.result, json!({})).await;
    assert!(
        nothing.mail.subject.ends_with("nothing to do"),
        "{}",
        nothing.mail.subject
    );

    assert_eq!(case.ship(&second).await.result.status, "migrated");
    assert!(case.has("c").await);
}

#[tokio::test]
async fn s10_versions_are_undone_one_by_one_and_applied_again() {
    let case = Case::new("undo").await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (n int)"),
        ("V2__b.sql", "CREATE TABLE b (n int)"),
        ("V3__c.sql", "CREATE TABLE c (n int)"),
        ("U2__b.sql", "DROP TABLE b"),
        ("U3__c.sql", "DROP TABLE c"),
    ];
    let migrated = case.ship(&files).await;
    assert_eq!(migrated.result.status, "migrated", "{:#?}", migrated.result);

    let ran = done(&case, "undo", &migrated.result, json!({})).await;
    assert!(
        ran.mail.subject.ends_with("1 migration taken back"),
        "{}",
        ran.mail.subject
    );
    assert_eq!(case.sql(ROWS).await, ["1|1|SQL|t", "2|2|SQL|t"]);
    assert!(case.has("b").await && !case.has("c").await);
    done(&case, "undo", &migrated.result, json!({"target": "2"})).await;
    assert_eq!(case.sql(ROWS).await, ["1|1|SQL|t"]);
    let refused = start(&case, "undo", &migrated.result, json!({})).await;
    assert_eq!(
        (refused.result.status.as_str(), codes(&refused)),
        ("rejected", vec![Code::UndoMissing])
    );

    let again = start(&case, "migrate", &migrated.result, json!({})).await;
    assert_eq!(again.result.status, "migrated", "{:#?}", again.result);
    assert!(case.has("b").await && case.has("c").await);
}

#[tokio::test]
async fn s10_an_undo_that_fails_leaves_everything_as_it_was() {
    let case = Case::new("undo-fails").await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (n int)"),
        ("U1__a.sql", "DROP TABLE a; SELECT 1 / 0"),
        ("afterUndoError.sql", "CREATE TABLE told (n int)"),
    ];
    let migrated = case.ship(&files).await;
    assert_eq!(migrated.result.status, "migrated", "{:#?}", migrated.result);
    let ran = start(&case, "undo", &migrated.result, json!({})).await;
    assert_eq!(ran.result.status, "unchanged", "{:#?}", ran.result);
    assert_eq!(ran.result.failure.unwrap().code, Code::SqlFailed);
    assert!(case.has("a").await && case.has("told").await);
    assert_eq!(case.sql(ROWS).await, ["1|1|SQL|t"]);
    assert_eq!(case.lock("owner").await, None);
}

#[tokio::test]
async fn s8_a_request_says_up_to_where_and_whether_files_are_run() {
    let case = Case::new("settings").await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (n int)"),
        ("V2__b.sql", "CREATE TABLE b (n int)"),
        ("V3__c.sql", "CREATE TABLE c (n int)"),
    ];
    // Refused by its first file, so that nothing is in before it is asked for.
    let broken = (
        "beforeMigrate.sql",
        "SELECT 1 / (SELECT count(*) FROM pg_tables WHERE tablename = 'allowed')",
    );
    let with = [files.as_slice(), &[broken]].concat();
    let first = case.ship(&with).await;
    assert_eq!(first.result.status, "unchanged", "{:#?}", first.result);
    case.sql("CREATE SCHEMA other; CREATE TABLE other.allowed (n int)")
        .await;

    let ran = start(&case, "migrate", &first.result, json!({"target": "1"})).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(case.history().await, ["V1__a.sql"]);
    // With its own name, so that it never hides what the upload came to.
    let info = done(&case, "info", &first.result, json!({"target": "2"})).await;
    assert!(info.mail.text.contains("Above Target"), "{}", info.mail.text);
    let ran = start(
        &case,
        "migrate",
        &first.result,
        json!({"target": "2", "skipExecutingMigrations": true}),
    )
    .await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert!(!case.has("b").await);
    assert_eq!(case.history().await, ["V1__a.sql", "V2__b.sql"]);
    let ran = start(&case, "migrate", &first.result, json!({"cherryPick": ["3"]})).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert!(case.has("c").await);

    for (flyway, told) in [
        (json!({"target": "newest"}), "target"),
        (json!({"table": "other"}), "table"),
        (json!({"password": "hunter2"}), "password"),
    ] {
        let refused = start(&case, "migrate", &first.result, flyway).await;
        assert_eq!(refused.result.status, "rejected");
        let failure = refused.result.failure.unwrap();
        assert_eq!(failure.code, Code::RequestInvalid);
        assert!(failure.message.contains(told), "{failure}");
        assert!(!refused.mail.text.contains("hunter2"));
    }
}

/// The same snapshot, verdict and restore as for a migration.
#[tokio::test]
async fn an_undo_that_stops_half_way_is_restored_and_a_repair_is_snapshotted() {
    let case = released_in(world().await, "undo-restored", policy("always")).await;
    let undo = (
        "U2__lone.sql",
        "BEGIN; ALTER TABLE orders DROP added; COMMIT; SELECT 1 / 0",
    );
    let migrated = case.ship(&[ORDERS, LONE, undo]).await;
    assert_eq!(migrated.result.status, "migrated", "{:#?}", migrated.result);

    let failed = start(&case, "undo", &migrated.result, json!({})).await;
    assert_eq!(failed.result.status, "restored", "{:#?}", failed.result);
    let added = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'added'";
    assert_eq!(case.value(added).await, "1");
    assert_eq!(case.history().await, ["V1__orders.sql", "V2__lone.sql"]);

    case.sql("UPDATE flyway_schema_history SET checksum = 7 WHERE version = '2'")
        .await;
    let repaired = done(&case, "repair", &migrated.result, json!({})).await;
    assert!(repaired.result.snapshot.is_some(), "{:#?}", repaired.result);
    assert!(
        repaired.mail.text.contains("IF IT TURNS OUT BAD LATER"),
        "{}",
        repaired.mail.text
    );
    let info = done(&case, "validate", &migrated.result, json!({})).await;
    assert_eq!(info.result.failure, None);
}
