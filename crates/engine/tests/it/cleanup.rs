//! What a failed lone file left is taken away where that is sure, and then the verdict is asked again (L2, U3).

use belay_model::Verdict;

use crate::world::{Ran, World, bundle, codes};

const TABLE: (&str, &str) = ("V1__t.sql", "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");

/// Ships a lone file onto a table that is there, and cleans up: the verdicts before and after, and what was done.
async fn shipped_and_cleaned(world: &World, file: &str) -> (Verdict, Vec<String>, Verdict) {
    world.run("table").shipped(&[TABLE]).await;
    let files = [TABLE, ("V2__lone.sql", file)];
    let Ran { planned, verified, .. } = world.ship(&files).await;
    let cleaned = world.cleanup(&planned).await.unwrap();
    let after = world.verify(&bundle(&files), &planned, None).await;
    (verified.verdict, cleaned, after.verdict)
}

const INDEXES: &str =
    "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1";

#[tokio::test]
async fn l2_what_a_failed_statement_left_is_taken_away_where_that_is_sure() {
    for (file, told, after, indexes) in [
        (
            "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)",
            "V2__lone.sql: statement 1 had left the INVALID index public.u; it is dropped",
            Verdict::Before,
            &[][..],
        ),
        (
            "SET lock_timeout = '5s'; SET ROLE app; SET ROLE migrator; CREATE UNIQUE INDEX CONCURRENTLY ON public.t (a)",
            "V2__lone.sql: statement 4 had left the INVALID index public.t_a_idx; it is dropped",
            Verdict::Before,
            &[],
        ),
        (
            "CREATE INDEX CONCURRENTLY \"odd \"\"I\" ON t (a);\nVACUUM nope",
            "V2__lone.sql: statement 2 left nothing behind",
            Verdict::Between,
            &["\"odd \"\"I\" true"],
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (nope)",
            "V2__lone.sql: statement 1 left nothing behind",
            Verdict::Before,
            &[],
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON nope (a)",
            "V2__lone.sql: statement 1 left nothing behind",
            Verdict::Before,
            &[],
        ),
        (
            "VACUUM nope",
            "V2__lone.sql: statement 1 left nothing behind",
            Verdict::Before,
            &[],
        ),
        (
            "DROP INDEX CONCURRENTLY nope",
            "V2__lone.sql: statement 1 left nothing behind",
            Verdict::Before,
            &[],
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX CONCURRENTLY i; VACUUM nope",
            "V2__lone.sql: statement 3 left nothing behind",
            Verdict::Between,
            &[],
        ),
        ("CREATE DATABASE template1", "", Verdict::Between, &[]),
    ] {
        let mut world = World::new().await;
        world.flyway.mixed = true;
        world.sql("GRANT app TO migrator").await;
        let (before, cleaned, then) = shipped_and_cleaned(&world, file).await;
        assert_eq!(before, Verdict::Between, "{file}");
        assert_eq!(cleaned.join("\n"), told, "{file}");
        assert_eq!(then, after, "{file}");
        assert_eq!(world.sql(INDEXES).await, indexes, "{file}");
    }
}

#[tokio::test]
async fn l2_a_file_that_left_nothing_is_shipped_again_when_mended() {
    let world = World::new().await;
    let (_, cleaned, after) = shipped_and_cleaned(&world, "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)").await;
    assert_eq!((cleaned.len(), after), (1, Verdict::Before));
    world.sql("TRUNCATE t").await;
    world
        .run("mended")
        .shipped(&[TABLE, ("V2__lone.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")])
        .await;
}

#[tokio::test]
async fn l2_cleaning_up_again_does_nothing() {
    let world = World::new().await;
    world.run("table").shipped(&[TABLE]).await;
    let files = [TABLE, ("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")];
    let planned = world.ship(&files).await.planned;
    assert_eq!(world.cleanup(&planned).await.unwrap().len(), 1);
    assert_eq!(world.cleanup(&planned).await.unwrap(), Vec::<String>::new());
}

/// Kills the session of a migration that waits for another's snapshot.
async fn kill_the_build(world: &World) {
    const BUILDING: &str = "application_name LIKE 'belay/%' AND datname = current_database() AND query ~ 'CONCURRENTLY' \
                            AND wait_event_type = 'Lock'";
    world
        .wait_for(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {BUILDING})"
        ))
        .await;
    world
        .sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {BUILDING}"
        ))
        .await;
}

#[tokio::test]
async fn l2_an_index_whose_build_was_killed_midway_is_dropped() {
    for file in [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE INDEX CONCURRENTLY ON t (a)",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX INDEX CONCURRENTLY t_old",
    ] {
        let world = World::new().await;
        world.run("table").shipped(&[TABLE]).await;
        world.sql("CREATE INDEX t_old ON t (a)").await;
        let files = bundle(&[TABLE, ("V2__lone.sql", file)]);
        let planned = world.plan(&files).await.unwrap();
        // What the build must wait for.
        let mut other = world
            .postgres
            .connect(world.postgres.superuser(), &world.database)
            .await
            .unwrap();
        let reading = other.transaction().await.unwrap();
        reading
            .batch_execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
            .await
            .unwrap();
        let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), kill_the_build(&world));
        reading.rollback().await.unwrap();
        assert_eq!(migrated.unwrap_err().failure().code.name(), "Infra.Database", "{file}");
        assert_eq!(world.sql(INDEXES).await.len(), 2, "{file}");
        assert_eq!(
            world.verify(&files, &planned, None).await.verdict,
            Verdict::Between,
            "{file}"
        );
        let cleaned = world.cleanup(&planned).await.unwrap();
        assert!(cleaned[0].contains("INVALID index"), "{file}: {cleaned:?}");
        assert_eq!(world.sql(INDEXES).await, ["t_old true"], "{file}");
        assert_eq!(
            world.verify(&files, &planned, None).await.verdict,
            Verdict::Before,
            "{file}"
        );
    }
}

#[tokio::test]
async fn l2_an_index_that_somebody_else_builds_is_not_touched() {
    for file in [
        "CREATE UNIQUE INDEX CONCURRENTLY ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)",
    ] {
        let mut world = World::new().await;
        world.run("table").shipped(&[TABLE]).await;
        let files = bundle(&[TABLE, ("V2__u.sql", file)]);
        let planned = world.plan(&files).await.unwrap();
        world.migrate(&files, &planned).await.unwrap_err();
        let superuser = world.postgres.superuser();
        let mut holder = world.postgres.connect(superuser, &world.database).await.unwrap();
        let holding = holder.transaction().await.unwrap();
        holding
            .batch_execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
            .await
            .unwrap();
        let builder = world.postgres.connect(superuser, &world.database).await.unwrap();
        let building = builder.batch_execute("CREATE INDEX CONCURRENTLY theirs ON t (a)");
        world.connect.locks.budget_s = 1;
        let (built, ()) = tokio::join!(building, async {
            world
                .wait_for("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('theirs'))")
                .await;
            assert_eq!(world.cleanup(&planned).await.unwrap(), Vec::<String>::new(), "{file}");
            assert_eq!(
                world.verify(&files, &planned, None).await.verdict,
                Verdict::Between,
                "{file}"
            );
            holding.rollback().await.unwrap();
        });
        built.unwrap();
        let left = world.sql(INDEXES).await;
        assert!(
            left.len() == 2 && left.contains(&"theirs true".to_owned()),
            "{file}: {left:?}"
        );
    }
}

#[tokio::test]
async fn l2_an_index_that_somebody_elses_statement_made_is_not_dropped() {
    let world = World::new().await;
    world.run("table").shipped(&[TABLE]).await;
    let files = bundle(&[TABLE, ("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")]);
    let planned = world.plan(&files).await.unwrap();
    world.migrate(&files, &planned).await.unwrap_err();
    // Theirs failed too, under another name.
    let superuser = world.postgres.superuser();
    let theirs = world.postgres.connect(superuser, &world.database).await.unwrap();
    theirs
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY theirs ON t (a)")
        .await
        .unwrap_err();
    assert_eq!(world.cleanup(&planned).await.unwrap().len(), 1);
    assert_eq!(world.sql(INDEXES).await, ["theirs false"]);
}

#[tokio::test]
async fn l2_a_statement_that_succeeded_unnoticed_is_done() {
    let world = World::new().await;
    world
        .run("table")
        .shipped(&[("V1__t.sql", "CREATE TABLE t (a int)")])
        .await;
    let files = [
        ("V1__t.sql", "CREATE TABLE t (a int)"),
        ("V2__i.sql", "CREATE INDEX CONCURRENTLY i ON t (a)"),
    ];
    let ran = world.ship(&files).await;
    assert_eq!(ran.verified.verdict, Verdict::After);
    // As if the session had died between the index and what says so.
    world
        .sql(
            "UPDATE belay.unit SET state = 'open', progress = 'started', residue = jsonb_build_object('leaves', 'index',
                 'back', jsonb_build_array(0, 'none'), 'table', 't'::regclass::oid::int8, 'name', 'i', 'indexes', '[]'::jsonb);
             DELETE FROM belay.applied WHERE script = 'V2__i.sql'; DELETE FROM flyway_schema_history WHERE script = 'V2__i.sql'",
        )
        .await;
    let cleaned = world.cleanup(&ran.planned).await.unwrap();
    assert!(cleaned[0].contains("it is noted as done"), "{cleaned:?}");
    let verified = world.verify(&bundle(&files), &ran.planned, None).await;
    assert_eq!(verified.verdict, Verdict::Between);
    // L3: that very file goes on behind the index.
    world.run("again").shipped(&files).await;
}

#[tokio::test]
async fn l2_a_journal_of_an_earlier_belay_gets_what_is_new() {
    let world = World::new().await;
    world.run("table").shipped(&[TABLE]).await;
    world
        .sql("ALTER TABLE belay.unit DROP COLUMN residue; ALTER TABLE belay.run DROP COLUMN opened_by; DROP TABLE belay.change")
        .await;
    let files = [TABLE, ("V2__u.sql", "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)")];
    let planned = world.plan(&bundle(&files)).await.unwrap();
    assert_eq!(world.cleanup(&planned).await.unwrap(), Vec::<String>::new());
    let ran = world.ship(&files).await;
    assert_eq!(world.cleanup(&ran.planned).await.unwrap().len(), 1);
}

#[tokio::test]
async fn u3_schemas_that_were_made_for_a_first_lone_file_are_taken_back() {
    for (besides, after) in [
        ("", Verdict::Before),
        ("CREATE TABLE \"app one\".theirs (a int)", Verdict::Between),
    ] {
        let mut world = World::new().await;
        world.flyway.default_schema = Some("app one".to_owned());
        world.flyway.schemas = vec!["app one".to_owned(), "two".to_owned()];
        let files = [("V1__own.sql", "COMMIT AND nonsense")];
        let ran = world.ship(&files).await;
        assert_eq!(ran.told(), "between Belay.SqlFailed");
        world.sql(besides).await;
        let cleaned = world.cleanup(&ran.planned).await.unwrap();
        assert_eq!(cleaned.len(), usize::from(after == Verdict::Before), "{cleaned:?}");
        let schemas = world
            .value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('app one', 'two')")
            .await;
        assert_eq!(schemas, if after == Verdict::Before { "0" } else { "2" });
        assert_eq!(world.verify(&bundle(&files), &ran.planned, None).await.verdict, after);
        let next = world
            .run("next")
            .plan(&bundle(&[("V1__own.sql", "SELECT 1; COMMIT")]))
            .await;
        assert_eq!(codes(next).is_empty(), after == Verdict::Before);
    }
}
