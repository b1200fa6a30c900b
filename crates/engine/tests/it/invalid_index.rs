//! An INVALID index in the way of a CREATE INDEX CONCURRENTLY goes first (§16.4): `IF NOT EXISTS` would take it for the new one.

use std::time::Duration;

use belay_engine::Budget;
use belay_model::Verdict;

use crate::world::World;

const TABLE: (&str, &str) = (
    "V1__t.sql",
    "CREATE TABLE t (a int); CREATE TABLE other (a int); INSERT INTO t VALUES (1), (1)",
);
const VALID: &str = "SELECT indexrelid::regclass || ' ' || indisvalid || ' ' || indisunique FROM pg_index ORDER BY 1";

/// A world in which somebody without Belay left `i` INVALID.
async fn left_invalid() -> World {
    let world = World::new().await;
    world.run("table").shipped(&[TABLE]).await;
    let migrator = world.postgres.migrator();
    let client = world.postgres.connect(migrator, &world.database).await.unwrap();
    let failed = client
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
        .await;
    failed.unwrap_err();
    assert_eq!(own_indexes(&world).await, ["i false true"]);
    world
}

/// Without the catalog's and the history's.
async fn own_indexes(world: &World) -> Vec<String> {
    let sql = VALID.replace(
        "ORDER BY",
        "WHERE indrelid IN ('t'::regclass, 'other'::regclass) ORDER BY",
    );
    world.sql(&sql).await
}

#[tokio::test]
async fn s16_an_invalid_index_of_the_same_name_is_dropped_first() {
    for file in [
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        "CREATE INDEX CONCURRENTLY I ON public.t (a)",
        "create index concurrently \"i\" on only t (a)",
    ] {
        let world = left_invalid().await;
        let ran = world.run("index").shipped(&[TABLE, ("V2__i.sql", file)]).await;
        assert_eq!(ran.verified.verdict, Verdict::After, "{file}: {}", ran.told());
        assert_eq!(own_indexes(&world).await, ["i true false"], "{file}");
        let told = "the INVALID index public.i of an earlier failure is in the way: it is dropped first";
        let findings = &ran.verified.findings;
        assert!(
            findings.iter().any(|finding| finding.message == told),
            "{file}: {findings:?}"
        );
    }
}

#[tokio::test]
async fn s16_what_is_not_in_the_way_stays() {
    // Valid already; of another name; on another table (which the server refuses by itself).
    for (before, file, indexes, verdict) in [
        (
            "DROP INDEX i; CREATE INDEX i ON t (a)",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
            vec!["i true false"],
            Verdict::After,
        ),
        (
            "SELECT 1",
            "CREATE INDEX CONCURRENTLY j ON t (a)",
            vec!["i false true", "j true false"],
            Verdict::After,
        ),
        (
            "SELECT 1",
            "CREATE INDEX CONCURRENTLY i ON other (a)",
            vec!["i false true"],
            Verdict::Between,
        ),
    ] {
        let world = left_invalid().await;
        world.sql(before).await;
        let ran = world.run("index").ship(&[TABLE, ("V2__i.sql", file)]).await;
        assert_eq!(ran.verified.verdict, verdict, "{file}: {}", ran.told());
        assert_eq!(own_indexes(&world).await, indexes, "{file}");
    }
}

#[tokio::test]
async fn s16_one_that_may_be_under_way_is_waited_for_and_not_dropped() {
    let mut world = left_invalid().await;
    world.connect.locks.budget_s = 1;
    let superuser = world.postgres.superuser();
    let mut somebody = world.postgres.connect(superuser, &world.database).await.unwrap();
    let working = somebody.transaction().await.unwrap();
    working
        .batch_execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    let file = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)";
    let ran = world.run("index").ship(&[TABLE, ("V2__i.sql", file)]).await;
    // An invocation that is nearly over says that, and not that a lock could not be had.
    world.connect.locks.budget_s = 600;
    world.budget = Budget::of(Duration::from_secs(2), Duration::ZERO);
    let hurried = world.run("hurried").ship(&[TABLE, ("V2__i.sql", file)]).await;
    working.rollback().await.unwrap();
    assert_eq!(ran.told(), "before Belay.LockTimeout");
    assert_eq!(hurried.told(), "before Belay.TooLong");
    assert_eq!(own_indexes(&world).await, ["i false true"]);
}
