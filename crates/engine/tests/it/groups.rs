//! Groups: files that share a transaction (rules U2, M1 to M5).

use std::time::Duration;

use belay_engine::{Budget, Given};
use belay_model::{MigrateStatus, SecretRef, TransactionMode};

use crate::world::{World, bundle};

const TWO: [(&str, &str); 2] = [
    ("V1__one.sql", "CREATE TABLE one (id int PRIMARY KEY)"),
    ("V2__two.sql", "INSERT INTO one VALUES (1); -- the end"),
];

#[tokio::test]
async fn a_first_release_is_one_group_with_flyways_rows() {
    let world = World::new().await;
    let ran = world
        .shipped(&[
            TWO[0],
            TWO[1],
            ("R__view.sql", "CREATE OR REPLACE VIEW v AS SELECT * FROM one"),
        ])
        .await;
    assert_eq!(ran.planned.plan.units.len(), 1);
    let rows = world
        .sql("SELECT installed_rank, version, description, type, script, checksum IS NOT NULL, installed_by, success FROM flyway_schema_history ORDER BY 1")
        .await;
    assert_eq!(
        rows,
        [
            "1|1|one|SQL|V1__one.sql|t|migrator|t",
            "2|2|two|SQL|V2__two.sql|t|migrator|t",
            "3|null|view|SQL|R__view.sql|t|migrator|t",
        ]
    );
    assert_eq!(
        world
            .value("SELECT count(DISTINCT xmin::text) FROM flyway_schema_history")
            .await,
        "1"
    );
    assert_eq!(world.value("SELECT count(*) FROM belay.unit").await, "0");
    assert_eq!(
        world.sql("SELECT state, base_rank FROM belay.run").await,
        ["closed|null"]
    );
    assert_eq!(
        world.sql("SELECT installed_rank FROM belay.applied ORDER BY 1").await,
        ["1", "2", "3"]
    );
    let findings: Vec<String> = ran.verified.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].contains("+ table public.one") && findings[0].contains("+ view public.v"),
        "{findings:?}"
    );
}

#[tokio::test]
async fn nothing_pending_is_an_empty_plan() {
    let world = World::new().await;
    world.shipped(&TWO).await;
    assert!(world.plan(&bundle(&TWO)).await.unwrap().plan.units.is_empty());
}

#[tokio::test]
async fn a_failed_group_leaves_nothing_and_says_where() {
    let world = World::new().await;
    let ran = world
        .ship(&[
            TWO[0],
            TWO[1],
            ("V3__bad.sql", "SELECT 1;\n\n-- é\nSELECT '日本',\n  nope FROM one;\n"),
        ])
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    let failure = ran.migrated.unwrap_err().failure();
    let place = failure.place.unwrap();
    assert_eq!(place.to_string(), "V3__bad.sql:5:3");
    assert_eq!(place.statement.as_deref(), Some("SELECT '日本',"));
    assert_eq!(failure.server.unwrap().sql_state, "42703");
    assert!(!world.has("one").await);
    assert!(!world.has("flyway_schema_history").await);
    assert!(ran.verified.findings.is_empty(), "{:?}", ran.verified.findings);
}

#[tokio::test]
async fn an_error_without_a_position_is_told_by_its_statement() {
    let world = World::new().await;
    let ran = world
        .ship(&[
            TWO[0],
            TWO[1],
            ("V3__dup.sql", "SELECT 1;\n;;\nINSERT INTO one\nVALUES (1);\nSELECT 2"),
        ])
        .await;
    let failure = ran.migrated.as_ref().unwrap_err().failure();
    assert_eq!(failure.place.as_ref().unwrap().to_string(), "V3__dup.sql:3");
    assert_eq!(
        failure.server.as_ref().unwrap().detail.as_deref(),
        Some("Key (id)=(1) already exists.")
    );
    assert_eq!(ran.told(), "before Belay.SqlFailed");
}

#[tokio::test]
async fn a_syntax_error_runs_nothing_at_all() {
    let world = World::new().await;
    let ran = world
        .ship(&[("V1__a.sql", "CREATE TABLE a (b int);\nCREAT TABLE b (c int);")])
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("V1__a.sql:2:1: "), "{}", ran.failure());
    assert!(!world.has("a").await);
}

#[tokio::test]
async fn m2_what_a_file_leaves_behind_does_not_reach_the_next() {
    let world = World::new().await;
    world
        .sql("GRANT app TO migrator; GRANT ALL ON SCHEMA public TO app")
        .await;
    world
        .shipped(&[
            ("V1__path.sql", "CREATE SCHEMA other; SET search_path = other; CREATE TABLE here (a int)"),
            ("V2__dump.sql", "SELECT pg_catalog.set_config('search_path', '', false); SET lock_timeout = 0; SET standard_conforming_strings = on; CREATE TABLE public.dump (a int)"),
            ("V3__role.sql", "SET ROLE app; CREATE TABLE apps (a int)"),
            ("V4__reset.sql", "RESET ALL; CREATE TABLE after_reset (a int)"),
            ("V5__savepoint.sql", "SAVEPOINT s; CREATE TABLE gone (a int); ROLLBACK TO s; SAVEPOINT t; CREATE TABLE stays (a int)"),
            ("V6__comment.sql", "CREATE TABLE last (a int) -- no semicolon /* here"),
            ("V7__empty.sql", "-- nothing"),
        ])
        .await;
    let tables = "SELECT schemaname || '.' || tablename || ' ' || tableowner FROM pg_tables WHERE schemaname IN ('public', 'other') AND tablename !~ 'flyway' ORDER BY 1";
    assert_eq!(
        world.sql(tables).await,
        [
            "other.here migrator",
            "public.after_reset migrator",
            "public.apps app",
            "public.dump migrator",
            "public.last migrator",
            "public.stays migrator",
        ]
    );
    assert_eq!(
        world
            .value("SELECT count(*) FROM flyway_schema_history WHERE installed_by = 'migrator'")
            .await,
        "7"
    );
}

#[tokio::test]
async fn m2_deferred_constraints_are_checked_at_the_end_of_each_file_and_deferred_again() {
    let world = World::new().await;
    let tables =
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)";
    let fine = "INSERT INTO b VALUES (1); INSERT INTO a VALUES (1)";
    // One that is made in the middle of the group is deferred as well.
    let later = "CREATE TABLE c (id int PRIMARY KEY); CREATE TABLE d (c int REFERENCES c DEFERRABLE INITIALLY DEFERRED); \
                 INSERT INTO d VALUES (1); INSERT INTO c VALUES (1)";
    let ran = world
        .shipped(&[
            ("V1__t.sql", tables),
            ("V2__d.sql", fine),
            ("V3__d.sql", &fine.replace('1', "2")),
            ("V4__later.sql", later),
        ])
        .await;
    assert_eq!(ran.planned.plan.units.len(), 1);
    let ran = world
        .run("bad")
        .ship(&[
            ("V1__t.sql", tables),
            ("V2__d.sql", fine),
            ("V3__d.sql", &fine.replace('1', "2")),
            ("V4__later.sql", later),
            ("V5__bad.sql", "INSERT INTO b VALUES (9)"),
            ("V6__x.sql", "SELECT 1"),
        ])
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("V5__bad.sql: "), "{}", ran.failure());
}

#[tokio::test]
async fn each_file_commits_by_itself_when_told_so() {
    let world = World {
        transaction: TransactionMode::Each,
        ..World::new().await
    };
    let ran = world
        .ship(&[
            TWO[0],
            TWO[1],
            ("V3__bad.sql", "SELECT 1/0"),
            ("V4__never.sql", "CREATE TABLE never (a int)"),
        ])
        .await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert_eq!(ran.verified.applied, ["V1__one.sql", "V2__two.sql"]);
    assert_eq!(ran.verified.missing, ["V3__bad.sql", "V4__never.sql"]);
    assert!(!world.has("never").await);
    // A fixed bundle goes on from there.
    world
        .run("fixed")
        .shipped(&[
            TWO[0],
            TWO[1],
            ("V3__good.sql", "SELECT 1"),
            ("V4__now.sql", "SELECT 2"),
        ])
        .await;
}

#[tokio::test]
async fn two_thousand_migrations_go_in_by_pipeline() {
    let world = World::new().await;
    let names: Vec<String> = (1..=2000).map(|n| format!("V{n}__m.sql")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "SELECT 1")).collect();
    let ran = world.shipped(&files).await;
    assert_eq!(ran.planned.plan.units.len(), 2000);
    assert_eq!(
        world
            .value("SELECT count(*), max(installed_rank), count(DISTINCT xmin::text) FROM flyway_schema_history")
            .await,
        "2000|2000|2000"
    );
}

#[tokio::test]
async fn m2_a_large_file_is_sent_in_runs_of_statements_in_one_transaction() {
    let world = World::new().await;
    world
        .sql("GRANT app TO migrator; GRANT ALL ON SCHEMA public TO app")
        .await;
    let row = format!("INSERT INTO big (t) VALUES ('{}');\n", "x".repeat(2000));
    // The role is the file's from its first line on: it can't read the journal, and the guard between must not need it.
    let large = format!("SET ROLE app;\nCREATE TABLE big (t text);\n{}", row.repeat(5000));
    let bad = format!("{large}SELECT nope;\n");
    let ran = world.ship(&[("V1__big.sql", &bad)]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("V1__big.sql:5003:8: "), "{}", ran.failure());
    assert!(!world.has("big").await);
    world.run("again").shipped(&[("V1__big.sql", &large)]).await;
    assert_eq!(
        world
            .value("SELECT count(*), count(DISTINCT xmin::text) FROM big")
            .await,
        "5000|1"
    );
}

#[tokio::test]
async fn placeholders_are_replaced_and_places_are_the_files() {
    let mut world = World::new().await;
    world
        .placeholders
        .insert("Table".to_owned(), Given::Value("a_much_longer_name".to_owned()));
    let at = SecretRef {
        arn: "arn".to_owned(),
        key: "k".to_owned(),
        version_id: "v".to_owned(),
    };
    world.placeholders.insert(
        "key".to_owned(),
        Given::Secret {
            at,
            value: "s3cr3t".to_owned(),
        },
    );
    let ran = world
        .ship(&[(
            "V1__p.sql",
            "CREATE TABLE ${table} (a text);\nINSERT INTO ${TABLE} VALUES ('${key}'), (nope('${key}'))",
        )])
        .await;
    let failure = ran.failure();
    assert!(failure.starts_with("V1__p.sql:2:42: "), "{failure}");
    assert!(!failure.contains("s3cr3t") && failure.contains("****"), "{failure}");
    assert!(!serde_json::to_string(&ran.planned.plan).unwrap().contains("s3cr3t"));
    let world = world.run("again");
    world
        .shipped(&[(
            "V1__p.sql",
            "CREATE TABLE ${table} (a text);\nINSERT INTO ${TABLE} VALUES ('${key}')",
        )])
        .await;
    assert_eq!(world.value("SELECT a FROM a_much_longer_name").await, "s3cr3t");
}

#[tokio::test]
async fn m5_a_lock_that_is_not_free_is_waited_for_and_then_named() {
    let mut world = World::new().await;
    world.shipped(&TWO).await;
    let holder = world
        .postgres
        .connect(world.postgres.superuser(), &world.database)
        .await
        .unwrap();
    holder
        .batch_execute("BEGIN; LOCK TABLE one IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let files = [TWO[0], TWO[1], ("V3__alter.sql", "ALTER TABLE one ADD COLUMN x int")];
    world.connect.locks.budget_s = 1;
    let ran = world.run("gives up").ship(&files).await;
    assert_eq!(ran.told(), "before Belay.LockTimeout");
    assert_eq!(
        ran.migrated.unwrap_err().failure().place.unwrap().to_string(),
        "V3__alter.sql:1"
    );
    world.connect.locks.budget_s = 20;
    let patient = world.run("patient");
    let (ran, ()) = tokio::join!(patient.shipped(&files), async {
        world
            .wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'one'::regclass AND NOT granted)")
            .await;
        holder.batch_execute("ROLLBACK").await.unwrap();
    });
    drop(ran);
}

#[tokio::test]
async fn v5_more_if_something_was_finished_and_too_long_if_nothing() {
    let world = World {
        transaction: TransactionMode::Each,
        ..World::new().await
    };
    let slow = [TWO[0], ("V2__slow.sql", "SELECT pg_sleep(90)")];
    let bundle = bundle(&slow);
    let planned = world.plan(&bundle).await.unwrap();
    let hurried = |millis| World {
        budget: Budget::of(Duration::from_millis(millis), Duration::ZERO),
        ..world.clone()
    };
    let first = hurried(15_000).migrate(&bundle, &planned).await.unwrap();
    assert_eq!(first.status, MigrateStatus::More);
    assert_eq!(world.sql("SELECT version FROM flyway_schema_history").await, ["1"]);
    let second = hurried(5_000).migrate(&bundle, &planned).await.unwrap_err().failure();
    assert_eq!(second.code.name(), "Belay.TooLong");
    assert_eq!(second.place.unwrap().to_string(), "V2__slow.sql:1");
    let verified = world.verify(&bundle, &planned, None).await;
    assert_eq!(verified.applied, ["V1__one.sql"]);
    assert_eq!(world.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = current_database()").await, "0");
}

#[tokio::test]
async fn v5_no_time_to_begin_is_not_more() {
    let world = World {
        budget: Budget::of(Duration::ZERO, Duration::ZERO),
        ..World::new().await
    };
    let ran = world.ship(&TWO).await;
    assert_eq!(ran.told(), "before Belay.TooLong");
    assert!(!world.has("one").await);
}

#[tokio::test]
async fn s12_what_the_server_says_besides_is_told_with_its_secrets_masked() {
    let mut world = World::new().await;
    let at = SecretRef {
        arn: "arn".to_owned(),
        key: "k".to_owned(),
        version_id: "v".to_owned(),
    };
    let value = "s3cr3t".to_owned();
    world.placeholders.insert("key".to_owned(), Given::Secret { at, value });
    let file =
        "DO $$ BEGIN RAISE NOTICE 'the key is ${key}'; RAISE WARNING 'careful'; END $$; DROP TABLE IF EXISTS nope";
    let ran = world.shipped(&[("V1__n.sql", file)]).await;
    assert_eq!(
        ran.migrated.unwrap().notices,
        [
            "NOTICE: the key is ****",
            "WARNING: careful",
            "NOTICE: table \"nope\" does not exist, skipping"
        ]
    );
    // What is cut is masked before.
    let long = "DO $$ BEGIN RAISE NOTICE '%${key}', repeat('x', 497); END $$";
    let ran = world
        .run("long")
        .shipped(&[("V1__n.sql", file), ("V2__l.sql", long)])
        .await;
    assert_eq!(
        ran.migrated.unwrap().notices,
        [format!("NOTICE: {}***", "x".repeat(497))]
    );
    let many = "DO $$ BEGIN FOR i IN 1..60 LOOP RAISE NOTICE '%', i; END LOOP; END $$";
    let ran = world
        .run("many")
        .shipped(&[("V1__n.sql", file), ("V2__l.sql", long), ("V3__m.sql", many)])
        .await;
    let notices = ran.migrated.unwrap().notices;
    assert_eq!((notices.len(), notices.last().unwrap().as_str()), (51, "and 10 more"));
}
