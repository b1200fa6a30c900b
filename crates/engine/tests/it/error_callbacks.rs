//! Callbacks of an error: after the rollback, never in the way of the first error, and no part of the verdict (§13, V2).

use belay_model::Verdict;

use crate::callbacks::{callbacks, files, logged, says, world};
use crate::world::{Ran, World, bundle};

const ERRORS: [&str; 3] = [
    "afterEachMigrateError",
    "afterEachMigrateStatementError",
    "afterMigrateError",
];

#[tokio::test]
async fn s13_error_callbacks_run_after_the_rollback_and_the_first_error_stays_first() {
    let world = world().await;
    let list = callbacks(&ERRORS);
    let bad = [("V1__a.sql", "CREATE TABLE a (b int);\nSELECT nope")];
    let ran = world.ship(&[&files(&[&list])[..], &bad].concat()).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("V1__a.sql:2:8: "), "{}", ran.failure());
    assert_eq!(
        logged(&world).await,
        "afterEachMigrateStatementError afterEachMigrateError afterMigrateError"
    );
    assert_eq!(
        world.value("SELECT count(DISTINCT transaction) FROM beside.log").await,
        "3"
    );
    assert_eq!(
        world.sql("SELECT what, script FROM belay.change ORDER BY id").await,
        [
            "error-callback|afterEachMigrateStatementError.sql",
            "error-callback|afterEachMigrateError.sql",
            "error-callback|afterMigrateError.sql"
        ]
    );
    let told = findings(&ran);
    assert!(
        told.contains("error callback afterMigrateError.sql ran after the rollback"),
        "{told}"
    );
    // The next run goes in, and its verdict is its own.
    world
        .run("good")
        .shipped(&[&files(&[&list])[..], &[("V1__a.sql", "SELECT 1")]].concat())
        .await;
    assert_eq!(world.value("SELECT count(*) FROM beside.log").await, "3");
}

fn findings(ran: &Ran) -> String {
    ran.verified
        .findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

#[tokio::test]
async fn s13_an_error_callback_that_fails_is_a_note_and_the_next_still_runs() {
    let world = world().await;
    let list = callbacks(&["afterMigrateError"]);
    let ran = world
        .ship(
            &[
                &files(&[&list])[..],
                &[
                    ("afterEachMigrateError.sql", "SELECT worse"),
                    (
                        "V1__a.sql",
                        "SET ROLE app; BEGIN; CREATE TABLE a (b int); SELECT nope; COMMIT",
                    ),
                ],
            ]
            .concat(),
        )
        .await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    let failure = ran.migrated.as_ref().unwrap_err().failure();
    assert_eq!(failure.place.unwrap().file, "V1__a.sql");
    assert_eq!(failure.server.unwrap().message, "column \"nope\" does not exist");
    assert_eq!(
        failure.notes,
        [
            "the callback afterEachMigrateError.sql failed too: afterEachMigrateError.sql:1:8: column \"worse\" does not exist"
        ]
    );
    assert_eq!(
        world.sql("SELECT what, role FROM beside.log").await,
        ["afterMigrateError|migrator"]
    );
}

/// M5: nothing of ours may be done by who is fenced off, and there is nothing to tell of a plan that is old.
#[tokio::test]
async fn s13_error_callbacks_do_not_run_for_a_closed_attempt_or_a_stale_plan() {
    let world = world().await;
    let list = callbacks(&ERRORS);
    let all = [&files(&[&list])[..], &[("V1__a.sql", "SELECT 1")]].concat();
    let files = world.opened(&bundle(&all));
    let planned = world.plan(&files).await.unwrap();
    world.run("other").shipped(&all).await;
    let stale = world.migrate(&files, &planned).await.unwrap_err().failure();
    assert_eq!(stale.code.name(), "Belay.PlanStale");
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Before);
    let closed = world.migrate(&files, &planned).await.unwrap_err().failure();
    assert_eq!(closed.code.name(), "Belay.AttemptClosed");
    assert_eq!(logged(&world).await, "");
}

/// An error callback that dies with its session says nothing, and the verdict does not ask it.
#[tokio::test]
async fn v2_what_runs_after_an_error_is_no_part_of_the_verdict() {
    let world = world().await;
    let sleeping = "FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = current_database() AND wait_event = 'PgSleep'";
    let files = bundle(&[
        ("afterMigrateError.sql", "SELECT pg_sleep(60)"),
        ("V1__a.sql", "CREATE TABLE a (b int); SELECT nope"),
    ]);
    let planned = world.plan(&files).await.unwrap();
    let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), async {
        world.wait_for(&format!("SELECT EXISTS (SELECT {sleeping})")).await;
        world.sql(&format!("SELECT pg_terminate_backend(pid) {sleeping}")).await;
    });
    let failure = migrated.unwrap_err().failure();
    assert_eq!(failure.place.as_ref().unwrap().file, "V1__a.sql");
    assert_eq!(failure.notes.len(), 1, "{failure}");
    let verified = world.verify(&files, &planned, None).await;
    assert_eq!(verified.verdict, Verdict::Before);
    assert_eq!(world.value("SELECT count(*) FROM belay.change").await, "0");
}

/// V5: with the time used up nothing begins, also not what is there for errors.
#[tokio::test]
async fn v5_no_error_callback_begins_when_the_time_is_up() {
    let world = world().await;
    let files = bundle(&[
        ("afterMigrateError.sql", &says("late")),
        ("V1__a.sql", "CREATE TABLE a (b int); SELECT pg_sleep(60)"),
    ]);
    let planned = world.plan(&files).await.unwrap();
    let hurried = World {
        budget: belay_engine::Budget::of(std::time::Duration::from_secs(3), std::time::Duration::ZERO),
        ..world.clone()
    };
    let failure = hurried.migrate(&files, &planned).await.unwrap_err().failure();
    assert_eq!(failure.code.name(), "Belay.TooLong");
    assert_eq!(logged(&world).await, "");
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Before);
}
