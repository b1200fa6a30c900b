//! `baseline`, `repair` and `undo`, and what `plan` says of them.

use crate::bench::Bench;
use crate::golden::golden;

/// The history as Flyway reads it.
async fn history(bench: &Bench) -> String {
    bench
        .look(
            "SELECT string_agg(concat_ws(' ', installed_rank, version, description, type, success), ', ' ORDER BY installed_rank)
             FROM flyway_schema_history",
        )
        .await
}

#[tokio::test]
async fn s10_baseline_takes_a_database_to_be_at_a_version() {
    let bench = Bench::new().await;
    bench
        .client()
        .await
        .batch_execute("CREATE TABLE old (id int)")
        .await
        .unwrap();
    bench.files(&[
        ("V1__before.sql", "nothing that could run"),
        ("V3__after.sql", "CREATE TABLE a (id int)"),
    ]);
    let options = ["--baseline-version", "2", "--baseline-description", "as it was"];
    golden(
        "baseline_plan",
        &bench.belay("plan", &[&["--action", "baseline"][..], &options].concat()),
    );
    assert_eq!(bench.look("SELECT to_regclass('flyway_schema_history')").await, "NULL");
    golden("baseline", &bench.belay("baseline", &options));
    assert_eq!(history(&bench).await, "1 2 as it was BASELINE t");
    golden("baseline_again", &bench.belay("baseline", &options));
    let json = bench
        .belay("baseline", &[&["--format", "json"][..], &options].concat())
        .json();
    assert_eq!(json["successfullyBaselined"], true);
    assert_eq!(json["baselineVersion"], "2");
    assert_eq!(json["belay"]["outcome"], "done");

    let other = bench.belay("baseline", &["--baseline-version", "3"]);
    assert_eq!(other.code, 4, "{other:?}");
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(history(&bench).await, "1 2 as it was BASELINE t, 2 3 after SQL t");
}

/// A history with a failed row, a row whose file is gone, and one whose file has changed.
async fn to_repair() -> Bench {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__gone.sql", "CREATE TABLE b (id int)"),
        ("V3__c.sql", "CREATE TABLE c (id int)"),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    bench
        .client()
        .await
        .batch_execute(
            "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success)
             VALUES (4, '4', 'd', 'SQL', 'V4__d.sql', 'somebody', 1, false)",
        )
        .await
        .unwrap();
    bench.remove("V2__gone.sql").files(&[
        ("V1__a.sql", "CREATE TABLE a (id bigint)"),
        ("V4__d.sql", "CREATE TABLE d (id int)"),
    ]);
    bench
}

#[tokio::test]
async fn s10_repair_brings_the_history_in_line_with_the_files() {
    let bench = to_repair().await;
    golden("repair_before_validate", &bench.belay("validate", &[]));
    golden("repair_plan", &bench.belay("plan", &["--action", "repair"]));
    golden("repair", &bench.belay("repair", &[]));
    assert_eq!(
        history(&bench).await,
        "1 1 a SQL t, 2 2 gone SQL t, 3 3 c SQL t, 4 2 gone DELETE t",
    );
    golden("repair_again", &bench.belay("repair", &[]));
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(
        bench
            .look("SELECT count(*) FROM belay.change WHERE row IS NOT NULL")
            .await,
        "3"
    );
}

#[tokio::test]
async fn s15_repair_answers_in_flyways_shape() {
    let bench = to_repair().await;
    golden("json_repair", &bench.belay("repair", &["--format", "json"]));
}

#[tokio::test]
async fn s7_validate_tells_what_is_not_applied_as_flyway_does() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("R__b.sql", "CREATE OR REPLACE VIEW b AS SELECT 1 AS one"),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(bench.belay("validate", &[]).code, 0);
    bench.files(&[
        ("V2__c.sql", "CREATE TABLE c (id int)"),
        ("R__b.sql", "CREATE OR REPLACE VIEW b AS SELECT 2 AS one"),
        ("R__d.sql", "SELECT 1"),
    ]);
    golden("validate_pending", &bench.belay("validate", &[]));
    let said = bench.belay("validate", &["--format", "json"]).json();
    let mut codes: Vec<&str> = said["invalidMigrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["errorDetails"]["errorCode"].as_str().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "OUTDATED_REPEATABLE_MIGRATION",
            "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
            "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
            "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
        ]
    );
    let allowed = ["-ignoreMigrationPatterns=*:pending"];
    assert_eq!(bench.belay("validate", &allowed).code, 0);
}

/// Three versions, two of them with an undo file.
async fn to_undo() -> Bench {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql", "CREATE TABLE b (id int)"),
        ("V3__c.sql", "CREATE TABLE c (id int)"),
        ("U2__b.sql", "DROP TABLE b"),
        ("U3__c.sql", "DROP TABLE c"),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    bench
}

#[tokio::test]
async fn s10_undo_takes_back_the_last_version_and_flyway_sees_it_as_pending() {
    let bench = to_undo().await;
    golden("undo_info_before", &bench.belay("info", &[]));
    golden("undo_plan", &bench.belay("plan", &["--action", "undo", "--sql"]));
    golden("undo", &bench.belay("undo", &[]));
    assert_eq!(history(&bench).await, "1 1 a SQL t, 2 2 b SQL t");
    assert_eq!(bench.look("SELECT to_regclass('c')").await, "NULL");
    golden("undo_info_after", &bench.belay("info", &[]));
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(history(&bench).await, "1 1 a SQL t, 2 2 b SQL t, 3 3 c SQL t");
}

#[tokio::test]
async fn s15_undo_down_to_a_version_answers_in_flyways_shape() {
    let bench = to_undo().await;
    golden(
        "json_undo",
        &bench.belay("undo", &["--format", "json", "--target", "2"]),
    );
    assert_eq!(history(&bench).await, "1 1 a SQL t");
    let refused = bench.belay("undo", &[]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert_eq!(history(&bench).await, "1 1 a SQL t");
}

#[tokio::test]
async fn an_undo_that_fails_leaves_everything_as_it_was() {
    let bench = to_undo().await;
    bench.files(&[("U2__b.sql", "DROP TABLE nowhere")]);
    golden("undo_unchanged", &bench.belay("undo", &["--target", "2"]));
    assert_eq!(history(&bench).await, "1 1 a SQL t, 2 2 b SQL t, 3 3 c SQL t");
    assert_ne!(bench.look("SELECT to_regclass('c')").await, "NULL");
}

#[tokio::test]
async fn s13_callbacks_are_in_the_plan_where_they_run() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql", "CREATE INDEX CONCURRENTLY a_id ON a (id)"),
        ("beforeMigrate.sql", "SELECT 'before'"),
        ("afterMigrate__grants.sql", "SELECT '${flyway:database} after'"),
        ("afterMigrateError.sql", "SELECT 'error'"),
        ("beforeClean.sql", "SELECT 'never'"),
    ]);
    golden("callbacks_plan", &bench.belay("plan", &[]));
    golden("callbacks_plan_sql", &bench.belay("plan", &["--sql"]));
    golden("callbacks_migrated", &bench.belay("migrate", &[]));
}

#[tokio::test]
async fn s13_after_connect_is_said_before_each_file() {
    let bench = Bench::new().await;
    bench.files(&[
        ("flyway.conf", "flyway.initSql=SET belay.a = 'init' -- first"),
        ("afterConnect.sql", "SET belay.b = 'connected' -- ${flyway:database}"),
        ("afterConnect__not_here.sql", "SET belay.b = 'elsewhere'"),
        ("afterConnect__not_here.sql.conf", "shouldExecute=false"),
        (
            "V1__a.sql",
            "CREATE TABLE a AS SELECT 1 AS file, current_setting('belay.a') || current_setting('belay.b') AS said",
        ),
        (
            "V2__b.sql",
            "INSERT INTO a SELECT 2, current_setting('belay.a') || current_setting('belay.b'); SET belay.a = 'leaked'",
        ),
        (
            "V3__c.sql",
            "INSERT INTO a SELECT 3, current_setting('belay.a') || current_setting('belay.b')",
        ),
    ]);
    let said = bench.belay("migrate", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        bench.look("SELECT string_agg(said, ' ' ORDER BY file) FROM a").await,
        "initconnected initconnected initconnected"
    );
    bench.files(&[
        ("afterConnect.sql", "SET belay.b = 'connected';\nCOMMIT"),
        ("V4__d.sql", "SELECT 1"),
    ]);
    let refused = bench.belay("migrate", &[]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.err.contains("afterConnect.sql:2"), "{refused:?}");
}

#[tokio::test]
async fn s8_what_pending_is_can_be_noted_without_running_it() {
    let bench = Bench::new().await;
    bench.files(&[("V1__a.sql", "CREATE TABLE a (id int)")]);
    golden("skipped_plan", &bench.belay("plan", &["--skip-executing-migrations"]));
    assert_eq!(bench.belay("migrate", &["-skipExecutingMigrations=true"]).code, 0);
    assert_eq!(history(&bench).await, "1 1 a SQL t");
    assert_eq!(bench.look("SELECT to_regclass('a')").await, "NULL");
}
