//! Lone files: each statement leaves a trail as durable as what it did (rules L1 to L3).

use std::time::Duration;

use belay_engine::Budget;
use belay_model::{MigrateStatus, Verdict};

use crate::callbacks;
use crate::world::{World, bundle, codes};

const TABLE: (&str, &str) = ("V1__t.sql", "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");

#[tokio::test]
async fn a_lone_file_gets_its_row_and_its_mark_is_closed() {
    let mut world = World::new().await;
    world.flyway.mixed = true;
    let ran = world
        .shipped(&[
            TABLE,
            (
                "V2__i.sql",
                "CREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM t;\nSELECT 1",
            ),
        ])
        .await;
    assert_eq!(ran.planned.plan.units.len(), 2);
    assert_eq!(
        world
            .sql("SELECT kind, state, statement, progress FROM belay.unit")
            .await,
        ["lone|closed|3|done"]
    );
    assert_eq!(
        world
            .sql("SELECT script FROM flyway_schema_history ORDER BY installed_rank")
            .await,
        ["V1__t.sql", "V2__i.sql"]
    );
}

#[tokio::test]
async fn insert_commit_fail_is_never_before() {
    let world = World::new().await;
    let ran = world
        .ship(&[
            TABLE,
            ("V2__own.sql", "BEGIN; INSERT INTO t VALUES (2); COMMIT;\nSELECT nope"),
        ])
        .await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert!(ran.failure().starts_with("V2__own.sql:2:8: "), "{}", ran.failure());
    assert_eq!(ran.verified.open_units.len(), 1);
    assert!(
        ran.verified.open_units[0].contains("V2__own.sql is done up to statement 3"),
        "{:?}",
        ran.verified.open_units
    );
    // L3: nobody goes on before a person has decided.
    let next = world.run("next");
    let files = bundle(&[TABLE, ("V2__own.sql", "SELECT 1")]);
    assert_eq!(codes(next.plan(&files).await), ["Belay.UnitOpen"]);
    let history = ran.planned.plan.history.clone();
    assert_eq!(
        belay_engine::keep(&next.connect, &world.connect.run, &history)
            .await
            .unwrap(),
        1
    );
    next.shipped(&[TABLE, ("V2__own.sql", "SELECT 1")]).await;
}

#[tokio::test]
async fn even_without_begin_a_stray_commit_is_a_lone_file() {
    let world = World::new().await;
    let ran = world
        .ship(&[TABLE, ("V2__own.sql", "INSERT INTO t VALUES (2); COMMIT; SELECT nope")])
        .await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert_eq!(world.value("SELECT count(*) FROM t").await, "3");
}

#[tokio::test]
async fn l2_a_lone_file_that_did_nothing_was_never_begun() {
    let world = World::new().await;
    let ran = world
        .ship(&[("V1__own.sql", "CREATE TABLE a (b int, b int); COMMIT")])
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(!world.has("flyway_schema_history").await);
    assert_eq!(world.sql("SELECT state FROM belay.unit").await, ["closed"]);
    world
        .run("fixed")
        .shipped(&[("V1__own.sql", "CREATE TABLE a (b int); COMMIT")])
        .await;
}

#[tokio::test]
async fn l2_what_is_rolled_back_in_its_own_transaction_leaves_no_progress() {
    let world = World::new().await;
    let ran = world
        .ship(&[("V1__own.sql", "BEGIN; CREATE TABLE a (b int); SELECT nope; COMMIT")])
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(!world.has("a").await);
}

#[tokio::test]
async fn l2_what_only_sets_something_for_the_session_is_nothing_done() {
    let world = World::new().await;
    let files = [(
        "V1__own.sql",
        "SET search_path = pg_catalog; RESET search_path; SELECT nope; COMMIT",
    )];
    let ran = world.ship(&files).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
}

#[tokio::test]
async fn l1_a_statement_that_failed_outside_a_transaction_is_between() {
    let world = World::new().await;
    let ran = world
        .ship(&[TABLE, ("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")])
        .await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert!(
        ran.verified.open_units[0].contains("was started and has no known end"),
        "{:?}",
        ran.verified.open_units
    );
    assert!(ran.failure().contains("V2__u.sql:1"), "{}", ran.failure());
}

#[tokio::test]
async fn l1_the_files_role_and_settings_are_its_own() {
    let world = World::new().await;
    world
        .sql("GRANT app TO migrator; GRANT ALL ON SCHEMA public TO app")
        .await;
    world
        .shipped(&[(
            "V1__role.sql",
            "SET ROLE app; CREATE TABLE a (b int); BEGIN; SET LOCAL ROLE migrator; CREATE TABLE c (d int); COMMIT; \
             CREATE TABLE e (f int); BEGIN; CREATE TABLE gone (x int); ROLLBACK; COMMIT; BEGIN; COMMIT AND CHAIN; CREATE TABLE g (h int); COMMIT",
        )])
        .await;
    let owners = world.sql("SELECT tablename || ' ' || tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename !~ 'flyway' ORDER BY 1").await;
    assert_eq!(owners, ["a app", "c migrator", "e app", "g app"]);
}

#[tokio::test]
async fn a_file_that_drops_the_lock_is_stopped() {
    let world = World::new().await;
    let ran = world
        .ship(&[(
            "V1__own.sql",
            "SELECT 1; COMMIT; SELECT pg_advisory_unlock_all();\nCREATE TABLE never (a int)",
        )])
        .await;
    assert_eq!(ran.told(), "between Belay.LockLost");
    assert!(!world.has("never").await);
}

#[tokio::test]
async fn a_transaction_that_the_file_does_not_end_is_told() {
    let world = World::new().await;
    let ran = world.ship(&[("V1__own.sql", "BEGIN; CREATE TABLE a (b int)")]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().contains("does not end"), "{}", ran.failure());
}

#[tokio::test]
async fn u3_schemas_are_made_before_a_first_lone_file() {
    let mut world = World::new().await;
    world.flyway.default_schema = Some("app one".to_owned());
    world
        .shipped(&[
            ("V1__own.sql", "CREATE TABLE a (b int); COMMIT"),
            ("V2__x.sql", "CREATE TABLE c (d int)"),
        ])
        .await;
    assert!(world.has("\"app one\".a").await && world.has("\"app one\".c").await);
    let rows = world
        .sql("SELECT installed_rank, type, script FROM \"app one\".flyway_schema_history ORDER BY 1")
        .await;
    assert_eq!(rows, ["0|SCHEMA|\"app one\"", "1|SQL|V1__own.sql", "2|SQL|V2__x.sql"]);
}

#[tokio::test]
async fn v5_a_lone_file_is_resumed_where_it_stopped_with_its_settings() {
    let world = World::new().await;
    let files = bundle(&[(
        "V1__own.sql",
        "SET search_path = pg_catalog, public; CREATE TABLE public.a (b int); COMMIT; SELECT pg_sleep(CASE count(*) WHEN 0 THEN 4 ELSE 0 END) FROM a; \
         INSERT INTO a VALUES (1); SELECT pg_sleep(0.1)",
    )]);
    let planned = world.plan(&files).await.unwrap();
    let hurried = World {
        budget: Budget::of(Duration::from_millis(3000), Duration::ZERO),
        ..world.clone()
    };
    let first = hurried.migrate(&files, &planned).await.unwrap();
    assert_eq!(first.status, MigrateStatus::More);
    let second = world.migrate(&files, &planned).await.unwrap();
    assert_eq!(second.status, MigrateStatus::Done);
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::After);
    assert_eq!(world.value("SELECT count(*) FROM a").await, "1");
}

#[tokio::test]
async fn the_conf_makes_a_file_lone_and_its_procedures_bare() {
    let world = World::new().await;
    let procedure = "CREATE TABLE t (a int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$";
    let grouped = world
        .ship(&[("V1__p.sql", procedure), ("V2__call.sql", "CALL p()")])
        .await;
    assert_eq!(grouped.told(), "before Belay.SqlFailed");
    assert!(
        grouped.failure().contains("executeInTransaction=false"),
        "{}",
        grouped.failure()
    );
    world
        .run("alone")
        .shipped(&[
            ("V1__p.sql", procedure),
            ("V2__call.sql", "CALL p()"),
            ("V2__call.sql.conf", "executeInTransaction=false"),
        ])
        .await;
    assert_eq!(world.value("SELECT count(*) FROM t").await, "1");
}

#[tokio::test]
async fn l3_a_half_done_file_goes_on_where_it_stopped_if_it_is_that_very_file() {
    const OWN: &str = "SET search_path = pg_catalog, public; COMMIT; CREATE TABLE public.a (b int);\nINSERT INTO a SELECT count(*) FROM missing";
    let world = World::new().await;
    let ran = world.ship(&[("V1__own.sql", OWN)]).await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    // Another file, another text of it, or another one before it: nobody goes on.
    let next = world.run("next");
    for files in [
        [("V1__own.sql", "SELECT 1; COMMIT"), ("V2__x.sql", "SELECT 1")],
        [("V0__first.sql", "SELECT 1"), ("V1__own.sql", OWN)],
    ] {
        assert_eq!(codes(next.plan(&bundle(&files)).await), ["Belay.UnitOpen"], "{files:?}");
    }
    world
        .sql("CREATE TABLE public.missing (a int); ALTER TABLE missing OWNER TO migrator")
        .await;
    let ran = next.shipped(&[("V1__own.sql", OWN), ("V2__x.sql", "SELECT 1")]).await;
    assert_eq!(ran.verified.applied, ["V1__own.sql", "V2__x.sql"]);
    assert_eq!(world.sql("SELECT b FROM a").await, ["0"]);
    assert_eq!(world.sql("SELECT DISTINCT state FROM belay.unit").await, ["closed"]);
}

#[tokio::test]
async fn l3_a_started_statement_is_nobodys_to_repeat() {
    let world = World::new().await;
    let files = [TABLE, ("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")];
    world.ship(&files).await;
    assert_eq!(codes(world.run("next").plan(&bundle(&files)).await), ["Belay.UnitOpen"]);
}

/// L3: in the run that goes on with a half-done file the callbacks before it don't run again, and what they had set holds.
#[tokio::test]
async fn l3_a_file_that_is_gone_on_with_has_what_was_set_before_it() {
    let world = callbacks::world().await;
    let before = format!("SET ROLE app; {}", callbacks::says("before"));
    let file = format!(
        "CREATE TABLE made (a int); COMMIT; SELECT FROM gate; {} COMMIT;",
        callbacks::says("own")
    );
    let list = [
        ("beforeEachMigrate.sql", before.as_str()),
        ("V1__own.sql", file.as_str()),
    ];
    let ran = world.ship(&list).await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    world.sql("CREATE TABLE gate (a int); GRANT ALL ON gate TO app").await;
    world.run("again").shipped(&list).await;
    assert_eq!(
        world
            .sql("SELECT what || ' ' || role FROM beside.log ORDER BY id")
            .await,
        ["before app", "own app"]
    );
}
