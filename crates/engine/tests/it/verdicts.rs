//! The verdict: only the run's own marks, progress and rows count (rules V1 to V4).

use belay_model::{Attempt, FindingKind, Verdict};

use crate::world::{World, bundle};

const ONE: [(&str, &str); 1] = [("V1__one.sql", "CREATE TABLE one (a int)")];

#[tokio::test]
async fn v2_somebody_elses_ddl_is_a_finding_and_nothing_more() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    world.sql("CREATE TABLE early (a int)").await;
    let migrated = world.migrate(&files, &planned).await.unwrap();
    world.sql("CREATE TABLE late (a int)").await;
    let verified = world.verify(&files, &planned, Some(&migrated)).await;
    assert_eq!(verified.verdict, Verdict::After);
    let told = |kind: FindingKind| {
        verified
            .findings
            .iter()
            .find(|f| f.kind == kind)
            .map(|f| f.message.clone())
            .unwrap_or_default()
    };
    let (ours, others) = (told(FindingKind::Changed), told(FindingKind::ChangedByOthers));
    assert!(
        ours.contains("table public.one") && !ours.contains("early") && !ours.contains("late"),
        "{ours}"
    );
    assert!(
        others.contains("table public.early") && others.contains("table public.late") && !others.contains("one"),
        "{others}"
    );
}

#[tokio::test]
async fn v2_a_schema_that_looks_the_same_is_not_after() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    world
        .sql("CREATE TABLE one (a int); ALTER TABLE one OWNER TO migrator")
        .await;
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Before);
}

#[tokio::test]
async fn v6_a_history_that_moved_stops_the_run_before_it_changes_anything() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    world.run("other").shipped(&ONE).await;
    let error = world.migrate(&files, &planned).await.unwrap_err().failure();
    assert_eq!(error.code.name(), "Belay.PlanStale");
    let verified = world.verify(&files, &planned, None).await;
    assert_eq!(verified.verdict, Verdict::Before);
    assert!(
        verified
            .findings
            .iter()
            .any(|finding| finding.kind == FindingKind::HistoryMoved),
        "{verified:?}"
    );
    // As a new attempt there is nothing left to do.
    let again = World {
        attempt: Attempt(2),
        ..world
    };
    assert!(again.plan(&files).await.unwrap().plan.units.is_empty());
}

#[tokio::test]
async fn v1_a_closed_attempt_changes_nothing_any_more() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    let migrated = world.migrate(&files, &planned).await.unwrap();
    assert_eq!(
        world.verify(&files, &planned, Some(&migrated)).await.verdict,
        Verdict::After
    );
    let zombie = world.migrate(&files, &planned).await.unwrap_err().failure();
    assert_eq!(zombie.code.name(), "Belay.AttemptClosed");
    assert_eq!(world.value("SELECT count(*) FROM flyway_schema_history").await, "1");
}

#[tokio::test]
async fn v1_verify_ends_the_runs_own_session_and_nobody_elses() {
    let world = World::new().await;
    let files = bundle(&[("V1__slow.sql", "CREATE TABLE slow (a int); SELECT pg_sleep(60)")]);
    let planned = world.plan(&files).await.unwrap();
    let other = world
        .postgres
        .connect(world.postgres.migrator(), &world.database)
        .await
        .unwrap();
    let (error, verified) = tokio::join!(world.migrate(&files, &planned), async {
        world.wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = current_database() AND wait_event = 'PgSleep')").await;
        world.verify(&files, &planned, None).await
    });
    assert_eq!(error.unwrap_err().failure().code.name(), "Infra.Database");
    assert_eq!(verified.verdict, Verdict::Before);
    assert!(!world.has("slow").await);
    other.simple_query("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn v3_a_missing_record_is_before_only_if_nothing_moved() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Before);
    world.run("other").shipped(&[("V1__other.sql", "SELECT 1")]).await;
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn m4_a_mark_that_survives_says_that_something_was_committed() {
    let world = World::new().await;
    let files = bundle(&ONE);
    let planned = world.plan(&files).await.unwrap();
    let migrated = world.migrate(&files, &planned).await.unwrap();
    let run = &world.connect.run;
    world.sql(&format!("INSERT INTO belay.unit (run, attempt, unit, kind, script, sha256, state) VALUES ('{run}', 1, 7, 'group', 'x.sql', '', 'open')")).await;
    let verified = world.verify(&files, &planned, Some(&migrated)).await;
    assert_eq!(verified.verdict, Verdict::Between);
    assert!(
        verified.open_units[0].contains("committed something that was not meant to"),
        "{verified:?}"
    );
}

#[tokio::test]
async fn v2_a_row_of_ours_that_somebody_took_away_is_not_before() {
    for take in ["DELETE FROM flyway_schema_history", "DROP TABLE flyway_schema_history"] {
        let world = World::new().await;
        let files = bundle(&ONE);
        let planned = world.plan(&files).await.unwrap();
        let migrated = world.migrate(&files, &planned).await.unwrap();
        world.sql(take).await;
        let verified = world.verify(&files, &planned, Some(&migrated)).await;
        assert_eq!(verified.verdict, Verdict::Between, "{take}");
        assert!(
            verified
                .findings
                .iter()
                .any(|f| f.message.contains("not in the history any more")),
            "{verified:?}"
        );
    }
}

#[tokio::test]
async fn v6_a_history_that_somebody_makes_meanwhile_is_told_as_that() {
    let mut world = World::new().await;
    world.connect.locks.lock_timeout_ms = 20_000;
    let files = bundle(&[("V1__lone.sql", "SELECT 1; COMMIT; SELECT pg_advisory_xact_lock(77)")]);
    let planned = world.plan(&files).await.unwrap();
    let gate = world
        .postgres
        .connect(world.postgres.superuser(), &world.database)
        .await
        .unwrap();
    gate.batch_execute("SELECT pg_advisory_lock(77)").await.unwrap();
    let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), async {
        world
            .wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted)")
            .await;
        world.sql("CREATE TABLE public.flyway_schema_history (a int)").await;
        gate.batch_execute("SELECT pg_advisory_unlock(77)").await.unwrap();
    });
    assert_eq!(migrated.unwrap_err().failure().code.name(), "Belay.PlanStale");
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::Between);
}
