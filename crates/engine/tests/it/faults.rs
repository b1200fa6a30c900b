//! What dies on the way: the outcome is what the run's marks say, each time, and nothing is applied twice.

use belay_model::Verdict;

use crate::world::{World, bundle};

const SLOW: &str = "application_name LIKE 'belay/%' AND datname = current_database() AND wait_event = 'PgSleep'";

/// Kills the session of a migration while a statement of it runs.
async fn kill_while_it_sleeps(world: &World) {
    world
        .wait_for(&format!("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {SLOW})"))
        .await;
    world
        .sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SLOW}"
        ))
        .await;
}

#[tokio::test]
async fn a_session_that_dies_before_commit_leaves_nothing() {
    let world = World::new().await;
    let files = bundle(&[
        ("V1__a.sql", "CREATE TABLE a (b int)"),
        ("V2__slow.sql", "SELECT pg_sleep(60)"),
    ]);
    let planned = world.plan(&files).await.unwrap();
    let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), kill_while_it_sleeps(&world));
    assert_eq!(migrated.unwrap_err().failure().code.name(), "Infra.Database");
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Before);
    world
        .run("again")
        .shipped(&[("V1__a.sql", "CREATE TABLE a (b int)")])
        .await;
}

#[tokio::test]
async fn a_session_that_dies_between_two_units_is_between() {
    let world = World {
        transaction: belay_model::TransactionMode::Each,
        ..World::new().await
    };
    let files = bundle(&[
        ("V1__a.sql", "CREATE TABLE a (b int)"),
        ("V2__slow.sql", "SELECT pg_sleep(60)"),
    ]);
    let planned = world.plan(&files).await.unwrap();
    let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), kill_while_it_sleeps(&world));
    migrated.unwrap_err();
    let verified = world.verify(&files, &planned, None).await;
    assert_eq!(
        (verified.verdict, verified.applied),
        (Verdict::Between, vec!["V1__a.sql".to_owned()])
    );
}

/// A COMMIT that is done but never acknowledged: the server waits for a standby that does not exist, and is told to go.
#[tokio::test]
async fn a_commit_whose_acknowledgement_is_lost_is_after() {
    let mut world = World::alone().await;
    world.connect.locks.lock_timeout_ms = 20_000;
    let gate = world
        .postgres
        .connect(world.postgres.superuser(), &world.database)
        .await
        .unwrap();
    gate.batch_execute("SET synchronous_commit = local; SELECT pg_advisory_lock(42)")
        .await
        .unwrap();
    let files = bundle(&[("V1__a.sql", "CREATE TABLE a (b int); SELECT pg_advisory_xact_lock(42)")]);
    let planned = world.plan(&files).await.unwrap();
    let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), async {
        world
            .wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted)")
            .await;
        gate.batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            .await
            .unwrap();
        gate.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        world
            .wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'")
            .await;
        gate.batch_execute("SELECT pg_advisory_unlock(42)").await.unwrap();
        world
            .wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')")
            .await;
        gate.batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
            .await
            .unwrap();
        gate.batch_execute("ALTER SYSTEM RESET synchronous_standby_names")
            .await
            .unwrap();
        gate.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    });
    assert_eq!(migrated.unwrap_err().failure().code.name(), "Infra.Database");
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::After);
    assert!(world.plan(&files).await.unwrap().plan.units.is_empty());
}

#[tokio::test]
async fn two_runs_at_once_apply_everything_once() {
    let world = World::new().await;
    let names: Vec<String> = (1..=30).map(|n| format!("V{n}__m.sql")).collect();
    let texts: Vec<String> = (1..=30).map(|n| format!("CREATE TABLE t{n} (a int)")).collect();
    let list: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let files = bundle(&list);
    let (one, two) = (world.run("one"), world.run("two"));
    let (first, second) = (one.plan(&files).await.unwrap(), two.plan(&files).await.unwrap());
    let (a, b) = tokio::join!(one.migrate(&files, &first), two.migrate(&files, &second));
    let told = |result: &Result<belay_engine::Migrated, belay_engine::EngineError>| {
        result.as_ref().map_or_else(|e| e.failure().code.name(), |_| "done")
    };
    let mut told = [told(&a), told(&b)];
    told.sort_unstable();
    assert_eq!(told, ["Belay.PlanStale", "done"]);
    let verdicts = [
        one.verify(&files, &first, None).await.verdict,
        two.verify(&files, &second, None).await.verdict,
    ];
    assert!(
        verdicts.contains(&Verdict::After) && verdicts.contains(&Verdict::Before),
        "{verdicts:?}"
    );
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "30");
}

#[tokio::test]
async fn an_attempts_own_orphan_is_ended_before_it_starts() {
    let world = World::new().await;
    let files = bundle(&[(
        "V1__slow.sql",
        "SELECT CASE WHEN to_regclass('public.gate') IS NULL THEN pg_sleep(60) END; CREATE TABLE a (b int)",
    )]);
    let planned = world.plan(&files).await.unwrap();
    let (first, second) = tokio::join!(world.migrate(&files, &planned), async {
        world
            .wait_for(&format!("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {SLOW})"))
            .await;
        world.sql("CREATE TABLE gate (a int)").await;
        world.migrate(&files, &planned).await
    });
    first.unwrap_err();
    second.unwrap();
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::After);
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "1");
}

/// V1: a role that the session became may not end what the role that logs in has left.
#[tokio::test]
async fn v1_an_orphan_is_ended_whatever_the_set_role() {
    let mut world = World::new().await;
    world
        .sql(
            "DO $$ BEGIN CREATE ROLE owner_role; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        )
        .await;
    let grants = "GRANT owner_role TO migrator; GRANT ALL ON SCHEMA public TO owner_role";
    world
        .sql(&format!(
            "{grants}; GRANT CREATE ON DATABASE {} TO owner_role",
            world.database
        ))
        .await;
    world.connect.set_role = Some("owner_role".to_owned());
    let files = bundle(&[("V1__slow.sql", "SELECT pg_sleep(60)")]);
    let planned = world.plan(&files).await.unwrap();
    let (migrated, verified) = tokio::join!(world.migrate(&files, &planned), async {
        world
            .wait_for(&format!("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {SLOW})"))
            .await;
        world.verify(&files, &planned, None).await
    });
    migrated.unwrap_err();
    assert_eq!(verified.verdict, Verdict::Before);
}
