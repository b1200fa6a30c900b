//! What others wrote since a snapshot: never more than they did (R2).

use belay_engine::{Horizon, horizon, writes_by_others};
use belay_model::Verdict;

use crate::world::{Ran, World};

const ITEMS: (&str, &str) = ("V1__items.sql", "CREATE TABLE items (id int, n int DEFAULT 0)");

/// Commits and then fails, and so leaves a run in between.
const FAILS: (&str, &str) = (
    "V2__fails.sql",
    "BEGIN; INSERT INTO items SELECT generate_series(1001, 2000); CREATE TABLE ours AS SELECT generate_series(1, 50); COMMIT; \
     SELECT nothing;",
);

/// A database with a table, on which another run is to come.
async fn prepared(world: World) -> World {
    world.run("first").shipped(&[ITEMS]).await;
    world
        .sql("INSERT INTO items SELECT generate_series(1, 100); CREATE TABLE old AS SELECT 1 AS a; GRANT SELECT ON old TO migrator")
        .await;
    world
}

/// The run that fails, up to its verdict.
async fn failed(world: &World) -> Ran {
    let ran = world.ship(&[ITEMS, FAILS]).await;
    assert_eq!(ran.verified.verdict, Verdict::Between, "{ran:?}");
    ran
}

/// What is told: `database.table rows`, without the world's own database.
async fn told(world: &World, snapshot: Horizon) -> Vec<String> {
    let writes = writes_by_others(&world.connect, &world.connect.run, world.attempt, snapshot).await;
    let line = |w: belay_model::Writes| {
        let name = format!("{}.{}", w.database, w.table.unwrap());
        let own = format!("{}.", world.database);
        format!("{} {}", name.strip_prefix(&own).unwrap_or(&name), w.rows)
    };
    let mut told: Vec<String> = writes.unwrap().into_iter().map(line).collect();
    told.sort();
    told
}

#[tokio::test]
async fn r2_rows_by_others_are_told_and_nothing_else() {
    let server = World::alone().await;
    for (what, before, after, expected) in [
        ("nothing", "", "", &[][..]),
        (
            "new rows",
            "INSERT INTO items VALUES (1), (2)",
            "INSERT INTO items VALUES (3)",
            &["public.items 3"],
        ),
        (
            "changed rows, each once",
            "UPDATE items SET n = 1 WHERE id <= 7; UPDATE items SET n = 2 WHERE id <= 7",
            "UPDATE items SET n = 3 WHERE id <= 5",
            &["public.items 7"],
        ),
        (
            "deleted rows are not seen",
            "DELETE FROM items WHERE id <= 7",
            "DELETE FROM items WHERE id > 90",
            &[],
        ),
        (
            "nor rolled back ones",
            "BEGIN; INSERT INTO items SELECT generate_series(1, 500); ROLLBACK",
            "BEGIN; INSERT INTO items SELECT generate_series(1, 500); ROLLBACK",
            &[],
        ),
        (
            "savepoints",
            "BEGIN; INSERT INTO items VALUES (1); SAVEPOINT s; INSERT INTO items VALUES (2); ROLLBACK TO s; \
             SAVEPOINT t; INSERT INTO items VALUES (3); COMMIT",
            "",
            &["public.items 2"],
        ),
        (
            "rows that were changed of what the run wrote",
            "",
            "UPDATE items SET n = 1 WHERE id > 1990",
            &["public.items 10"],
        ),
        (
            "tables of others, but what can't be read",
            "CREATE TABLE theirs AS SELECT generate_series(1, 4); GRANT SELECT ON theirs TO migrator; \
             CREATE TABLE hidden AS SELECT 1",
            "",
            &["public.theirs 4"],
        ),
        (
            "partitions, each by itself",
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE \"P 1\" PARTITION OF p FOR VALUES IN (1); \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO migrator; INSERT INTO p VALUES (1)",
            "",
            &["public.\"P 1\" 1"],
        ),
        (
            "not a table that was written anew as a whole",
            "ALTER TABLE items ALTER n TYPE bigint; INSERT INTO items VALUES (1)",
            "",
            &[],
        ),
        (
            "nor a view",
            "CREATE MATERIALIZED VIEW m AS SELECT * FROM items; GRANT SELECT ON m TO migrator",
            "REFRESH MATERIALIZED VIEW m",
            &[],
        ),
        (
            "nor a history or a journal",
            "INSERT INTO flyway_schema_history SELECT 9, '9', 'x', 'SQL', 'x', 1, 'x', now(), 1, true; \
             DELETE FROM flyway_schema_history WHERE installed_rank = 9; UPDATE belay.run SET plan = plan",
            "UPDATE flyway_schema_history SET description = 'y'",
            &[],
        ),
    ] {
        let world = prepared(server.beside().await).await;
        let snapshot = horizon(&world.connect).await.unwrap();
        world.sql(before).await;
        failed(&world).await;
        world.sql(after).await;
        assert_eq!(told(&world, snapshot).await, expected, "{what}");
    }
}

#[tokio::test]
async fn r2_what_may_be_in_the_snapshot_or_the_runs_own_is_not_told() {
    let world = prepared(World::alone().await).await;
    // Under way when the snapshot is there: it has the lower number, and the doubt.
    let early = world
        .postgres
        .connect(world.postgres.superuser(), &world.database)
        .await
        .unwrap();
    early
        .batch_execute("BEGIN; INSERT INTO items VALUES (1)")
        .await
        .unwrap();
    world.sql("INSERT INTO items VALUES (2)").await;
    let snapshot = horizon(&world.connect).await.unwrap();
    early.batch_execute("COMMIT").await.unwrap();
    world.sql("INSERT INTO items VALUES (3), (4)").await;
    let bundle = crate::world::bundle(&[ITEMS, FAILS]);
    let planned = world.plan(&bundle).await.unwrap();
    // Not a server that knows the attempt.
    assert_eq!(told(&world, snapshot).await, [""; 0]);
    world.migrate(&bundle, &planned).await.unwrap_err();
    // As long as the attempt is open it could be the run's.
    world.sql("INSERT INTO items SELECT generate_series(1, 9)").await;
    assert_eq!(told(&world, snapshot).await, ["public.items 2"]);
    let verified = world.verify(&bundle, &planned, None).await;
    assert_eq!(verified.verdict, Verdict::Between);
    world.sql("INSERT INTO items VALUES (5)").await;
    assert_eq!(told(&world, snapshot).await, ["public.items 3"]);
    // Asked again, with the number that the snapshot's paper has.
    let noted = serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap();
    world.verify(&bundle, &planned, None).await;
    world.cleanup(&planned).await.unwrap();
    assert_eq!(told(&world, noted).await, ["public.items 3"]);
    // Written anew before the snapshot: nothing is hidden by that.
    world.sql("VACUUM FULL items").await;
    assert_eq!(told(&world, snapshot).await, [""; 0]);
    world.sql("VACUUM FULL old").await;
    let later = horizon(&world.connect).await.unwrap();
    world.sql("INSERT INTO old VALUES (2)").await;
    assert_eq!(told(&world, later).await, ["public.old 1"]);
}

#[tokio::test]
async fn r2_other_databases_of_the_server_are_told_where_we_may_read() {
    let world = prepared(World::alone().await).await;
    let owner = world.postgres.migrator();
    for name in ["other", "closed", "Odd \"d"] {
        world.postgres.create_database(name, owner).await.unwrap();
    }
    world
        .sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC, migrator")
        .await;
    let other = |database: &'static str, sql: &'static str| {
        let postgres = world.postgres;
        async move {
            let client = postgres.connect(postgres.superuser(), database).await.unwrap();
            client.batch_execute(sql).await.unwrap();
        }
    };
    for database in ["other", "closed", "Odd \"d"] {
        other(
            database,
            "CREATE TABLE a AS SELECT 1 AS n; GRANT SELECT ON a TO PUBLIC; CREATE SCHEMA belay; CREATE TABLE belay.x (n int); \
             GRANT USAGE ON SCHEMA belay TO PUBLIC; GRANT SELECT ON belay.x TO PUBLIC",
        )
        .await;
    }
    let snapshot = horizon(&world.connect).await.unwrap();
    other("other", "INSERT INTO a VALUES (2); INSERT INTO belay.x VALUES (2)").await;
    other("closed", "INSERT INTO a VALUES (2)").await;
    let bundle = crate::world::bundle(&[ITEMS, FAILS]);
    let planned = world.plan(&bundle).await.unwrap();
    world.migrate(&bundle, &planned).await.unwrap_err();
    // The run writes nothing there, so it is somebody else's at any time.
    other("Odd \"d", "INSERT INTO a VALUES (2), (3)").await;
    world.verify(&bundle, &planned, None).await;
    other("other", "INSERT INTO a VALUES (3)").await;
    assert_eq!(told(&world, snapshot).await, ["Odd \"d.public.a 2", "other.public.a 2"]);
}

#[tokio::test]
async fn r2_of_a_large_table_the_end_is_read() {
    let world = prepared(World::alone().await).await;
    world
        .sql("CREATE TABLE large (id int, text text); ALTER TABLE large ALTER text SET STORAGE PLAIN; GRANT SELECT ON large TO migrator")
        .await;
    world
        .sql("INSERT INTO large SELECT n, repeat('x', 8000) FROM generate_series(1, 9000) n")
        .await;
    assert_eq!(world.value("SELECT pg_relation_size('large') > 64 << 20").await, "t");
    let snapshot = horizon(&world.connect).await.unwrap();
    failed(&world).await;
    world.sql("INSERT INTO large VALUES (1, 'a'), (2, 'b')").await;
    assert_eq!(told(&world, snapshot).await, ["public.large 2"]);
}
