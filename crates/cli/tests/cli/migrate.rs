//! What `migrate` does besides the plain ways.

use crate::bench::{Bench, Said};
use crate::golden::golden;

#[tokio::test]
async fn a_placeholder_is_replaced_and_a_secret_one_is_masked() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE ${Name} (at text DEFAULT '${flyway:user}')"),
        ("V2__b.sql", "DO $$ BEGIN RAISE EXCEPTION 'the key is ${key}'; END $$"),
    ]);
    let options = [
        "--placeholder",
        "name=things",
        "--secret-placeholder",
        "KEY=API_KEY",
        "--transaction",
        "each",
    ];
    for format in ["table", "json"] {
        let mut command = bench.command("migrate", &options);
        command.args(["--format", format]).env("API_KEY", "hunter2");
        let said = Said::of(&command.output().unwrap());
        assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
        assert!(format!("{said:?}").contains("the key is ****"), "{said:?}");
    }
    assert_eq!(bench.look("SELECT count(*) FROM things").await, "0");
    let plan = bench.belay("plan", &["--placeholder", "name=things"]);
    assert_eq!(plan.code, 4, "{plan:?}");
    assert!(plan.err.contains("Belay.PlaceholderUnknown"), "{plan:?}");
}

#[tokio::test]
async fn what_the_server_says_besides_is_told_without_secrets() {
    let bench = Bench::new().await;
    let file = "DO $$ BEGIN RAISE NOTICE 'the key is ${key}'; RAISE WARNING E'a\\u001b[31mb'; END $$";
    bench.files(&[("V1__a.sql", file)]);
    for format in ["table", "json"] {
        let mut command = bench.command("migrate", &["--secret-placeholder", "KEY=API_KEY", "--format", format]);
        command.env("API_KEY", "hunter2");
        let said = Said::of(&command.output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        let told =
            said.err.contains("PostgreSQL: NOTICE: the key is ****") && said.err.contains("PostgreSQL: WARNING: a");
        // Nothing is pending the second time.
        assert_eq!(told, format == "table", "{said:?}");
        assert!(
            !said.err.contains('\u{1b}') && !format!("{said:?}").contains("hunter2"),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn flyways_settings_and_the_role_are_used() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    client
        .batch_execute(&format!(
            "CREATE ROLE owner_{0}; GRANT owner_{0} TO migrator",
            bench.database
        ))
        .await
        .unwrap();
    let grant = format!("GRANT CREATE ON DATABASE {0} TO owner_{0}", bench.database);
    client.batch_execute(&grant).await.unwrap();
    bench.files(&[("sql/V2__a.sql", "CREATE TABLE a (id int)")]);
    let role = format!("owner_{}", bench.database);
    let options = [
        "--set-role",
        &role,
        "--defaultSchema",
        "app",
        "--schemas",
        "app,more",
        "--table",
        "history",
        "--installed-by",
        "pipeline",
    ];
    let first = bench.belay("migrate", &options);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(
        bench
            .look("SELECT tableowner FROM pg_tables WHERE tablename = 'a' AND schemaname = 'app'")
            .await,
        role
    );
    assert_eq!(
        bench
            .look("SELECT string_agg(installed_by, ' ') FROM app.history")
            .await,
        "pipeline pipeline"
    );
    assert_eq!(bench.look("SELECT to_regnamespace('more') IS NOT NULL").await, "true");

    bench.files(&[("sql/V1__late.sql", "CREATE TABLE late (id int)")]);
    let late = bench.belay("migrate", &options);
    assert_eq!(late.code, 4, "{late:?}");
    assert!(late.err.contains("Belay.OutOfOrder"), "{late:?}");
    let allowed = [&options[..], &["--outOfOrder"]].concat();
    assert_eq!(bench.belay("migrate", &allowed).code, 0);
    assert!(bench.belay("info", &allowed).out.contains("Out of Order"));
}

#[tokio::test]
async fn s8_a_baseline_and_a_target_are_options() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    client.batch_execute("CREATE TABLE old (id int)").await.unwrap();
    bench.files(&[
        ("V1__before.sql", "nothing that could run"),
        ("V2__a.sql", "CREATE TABLE a (id int)"),
        ("V3__b.sql", "CREATE TABLE b (id int)"),
    ]);
    let refused = bench.belay("migrate", &[]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.err.contains("Belay.NonEmptySchema"), "{refused:?}");
    let options = [
        "--baselineOnMigrate",
        "--baseline-description",
        "as it was",
        "--target",
        "2",
    ];
    let plan = bench.belay("plan", &options);
    assert!(
        plan.out
            .contains("baseline: the database is taken to be at version 1 (as it was)"),
        "{plan:?}"
    );
    assert_eq!(bench.belay("migrate", &options).code, 0);
    assert!(bench.belay("info", &options).out.contains("Above Target"));
    assert_eq!(
        bench
            .look("SELECT string_agg(version || ' ' || description, ', ' ORDER BY installed_rank) FROM flyway_schema_history")
            .await,
        "1 as it was, 2 a"
    );
}

#[tokio::test]
async fn s8_validate_tells_what_migrate_is_told_to_let_pass() {
    let bench = Bench::new().await;
    bench.files(&[("V1__a.sql", "CREATE TABLE a (id int)")]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    bench.files(&[("V1__a.sql", "CREATE TABLE a (id bigint)")]);
    let options = ["--validateOnMigrate", "false"];
    assert_eq!(bench.belay("migrate", &options).code, 0);
    let said = bench.belay("validate", &options);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("Belay.ChecksumMismatch"), "{said:?}");
}

#[tokio::test]
async fn v4_an_assertion_that_never_held_after_a_lone_file_needs_an_operator() {
    let bench = Bench::new().await;
    bench.files(&[
        ("migrations/V1__a.sql", "CREATE TABLE a (id int)"),
        ("migrations/V2__b.sql", "CREATE INDEX CONCURRENTLY a_id ON a (id)"),
        ("verify/rows.sql", "SELECT count(*) > 0 FROM a"),
    ]);
    golden("assertion_never_held", &bench.belay("migrate", &[]));
}

#[tokio::test]
async fn what_a_bundle_and_a_server_say_cannot_drive_a_terminal() {
    let bench = Bench::new().await;
    bench.files(&[(
        "V1__a.sql",
        "DO $$ BEGIN RAISE EXCEPTION E'\\x1b[2J\u{202e}gone'; END $$; -- \u{1b}]0;owned\u{7}",
    )]);
    let said = bench.belay("migrate", &[]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("[2J"), "{said:?}");
    for hidden in ['\u{1b}', '\u{202e}', '\u{7}'] {
        assert!(!said.err.contains(hidden) && !said.out.contains(hidden), "{said:?}");
    }
}

#[tokio::test]
async fn a_caret_is_under_the_fault() {
    let bench = Bench::new().await;
    bench.files(&[(
        "V1__a.sql",
        "-- é\r\nSELECT 1;\r\n\r\nSELECT ${long}, 'é', nowhere\r\nFROM pg_class;\r\n",
    )]);
    golden(
        "caret",
        &bench.belay("migrate", &["--placeholder", "long='a value that is long'"]),
    );
    bench.files(&[("V1__a.sql", &format!("SELECT '{}', nowhere", "x".repeat(100_000)))]);
    let said = bench.belay("migrate", &[]);
    assert!(said.err.contains("V1__a.sql:1:"), "{said:?}");
    assert!(said.err.len() < 2_000, "{}", said.err.len());
}

#[tokio::test]
async fn l2_what_a_failed_file_left_is_taken_away_and_the_database_asked_again() {
    let bench = Bench::new().await;
    bench.files(&[("V1__a.sql", "CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)")]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    bench.files(&[("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON a (id)")]);
    let said = bench.belay("migrate", &[]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("INVALID index public.u; it is dropped"), "{said:?}");
    assert_eq!(
        bench.look("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await,
        "0"
    );
}
