//! Undo: files take versions back, and their rows go from the history into the journal (§10).

use belay_model::{PlannedAction, TransactionMode, Verdict};

use crate::world::{World, bundle};

pub(crate) const UNDOABLE: [(&str, &str); 6] = [
    ("V1__a.sql", "CREATE TABLE a (x int)"),
    ("V2__b.sql", "CREATE TABLE b (x int)"),
    ("V3.0__c.sql", "CREATE INDEX i ON a (x)"),
    ("U1__a.sql", "DROP TABLE a"),
    ("U2__b.sql", "DROP TABLE b"),
    ("U3__c.sql", "DROP INDEX CONCURRENTLY i"),
];

pub(crate) async fn undoable() -> World {
    let world = World {
        transaction: TransactionMode::All,
        ..World::new().await
    };
    world.run("first").shipped(&UNDOABLE).await;
    world
}

fn to(world: &World, version: &str) -> World {
    let mut world = world.clone();
    world.flyway.target = version.parse().unwrap();
    world
}

#[tokio::test]
async fn s10_undo_takes_the_rows_out_and_flyway_sees_the_versions_as_pending() {
    let world = undoable().await;
    // The last one alone, which is a lone file.
    let ran = world.run("last").acted(PlannedAction::Undo, &UNDOABLE).await;
    assert_eq!(ran.verified.applied, ["U3__c.sql"]);
    assert!(!world.has("i").await);
    // Down to the second, and with it, in one group.
    let ran = to(&world.run("more"), "2").acted(PlannedAction::Undo, &UNDOABLE).await;
    assert_eq!(ran.verified.applied, ["U2__b.sql"]);
    assert!(!world.has("b").await && world.has("a").await);
    assert_eq!(
        world
            .value("SELECT string_agg(version, ' ') FROM flyway_schema_history")
            .await,
        "1"
    );
    assert_eq!(
        world.sql("SELECT what, installed_rank, script, \"row\" ->> 'script', \"row\" ->> 'version' FROM belay.change ORDER BY id").await,
        ["undone|3|U3__c.sql|V3.0__c.sql|3.0", "undone|2|U2__b.sql|V2__b.sql|2"]
    );
    let again = world.run("again").shipped(&UNDOABLE).await;
    assert_eq!(again.verified.applied, ["V2__b.sql", "V3.0__c.sql"]);
    assert_eq!(
        world
            .value("SELECT string_agg(version, ' ' ORDER BY installed_rank) FROM flyway_schema_history")
            .await,
        "1 2 3.0"
    );
}

#[tokio::test]
async fn s10_an_undo_that_fails_takes_nothing_back() {
    let world = undoable().await;
    let mut files = UNDOABLE;
    files[5].1 = "DROP INDEX i";
    files[4].1 = "DROP TABLE b;\nDROP TABLE nope";
    let ran = to(&world, "2").act(PlannedAction::Undo, &files).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("U2__b.sql:2"), "{}", ran.failure());
    assert!(world.has("i").await && world.has("b").await);
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "3");
    assert_eq!(ran.verified.missing, ["U3__c.sql", "U2__b.sql"]);
}

#[tokio::test]
async fn s10_an_undo_of_a_row_that_is_not_as_planned_stops() {
    for meanwhile in [
        "UPDATE flyway_schema_history SET script = 'V3__other.sql' WHERE installed_rank = 3",
        "UPDATE flyway_schema_history SET installed_rank = 9 WHERE installed_rank = 3",
    ] {
        for text in ["DROP INDEX i", "DROP INDEX CONCURRENTLY i"] {
            let world = undoable().await;
            let mut files = UNDOABLE;
            files[5].1 = text;
            let opened = world.opened(&bundle(&files));
            let planned = world.planned_for(PlannedAction::Undo, &files).await;
            world.sql(meanwhile).await;
            let error = world.migrate(&opened, &planned).await.unwrap_err().failure();
            assert_eq!(error.code.name(), "Belay.PlanStale", "{meanwhile} {text}");
            let verdict = world.verify(&opened, &planned, None).await.verdict;
            // The index is gone before its row is looked at, where both can't be one.
            let is_late = text.contains("CONCURRENTLY") && meanwhile.contains("script");
            assert_eq!(verdict, if is_late { Verdict::Between } else { Verdict::Before });
            assert_eq!(world.has("i").await, !is_late);
        }
    }
}

/// L3: an undo that can't be in a transaction goes on where it stopped.
#[tokio::test]
async fn l3_a_half_done_undo_goes_on_if_it_is_that_very_file() {
    let world = undoable().await;
    let mut files = UNDOABLE;
    files[5].1 = "CREATE TABLE once (a int); COMMIT; DROP TABLE gate; DROP INDEX i; COMMIT;";
    let ran = world.act(PlannedAction::Undo, &files).await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert!(
        ran.verified.open_units[0].contains("U3__c.sql is done up to statement 2"),
        "{:?}",
        ran.verified.open_units
    );
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "3");
    world
        .sql("CREATE TABLE gate (a int); ALTER TABLE gate OWNER TO migrator")
        .await;
    world.run("again").acted(PlannedAction::Undo, &files).await;
    assert!(world.has("once").await && !world.has("i").await);
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "2");
    assert_eq!(
        world
            .value("SELECT string_agg(DISTINCT state, ' ') FROM belay.unit")
            .await,
        "closed"
    );
}
