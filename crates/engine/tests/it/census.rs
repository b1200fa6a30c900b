//! What is noted at a snapshot is found again in what was restored from it, or is told (R1, R2, V3).

use belay_engine::{EngineError, VerifyInput, attempt_is_absent, compare_census, take_census};
use belay_model::{HistoryTable, Outcome, Verdict};

use crate::world::{World, bundle};

const FILES: [(&str, &str); 1] = [(
    "V1__t.sql",
    "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE SCHEMA \"odd \"\"s\"; \
     CREATE TABLE \"odd \"\"s\".\"T t\" (a int); CREATE TABLE p (a int) PARTITION BY LIST (a); \
     CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1); CREATE MATERIALIZED VIEW m AS SELECT 1 AS one WITH NO DATA",
)];

fn history() -> HistoryTable {
    HistoryTable {
        schema: "public".to_owned(),
        table: "flyway_schema_history".to_owned(),
    }
}

#[tokio::test]
async fn r2_rows_are_compared_only_when_quiesced() {
    let world = World::new().await;
    world.shipped(&FILES).await;
    for (quiesced, counted, rows) in [(true, 8, 1000 + 1 + 3), (false, 5, 3)] {
        let noted = take_census(&world.connect, &history(), quiesced).await.unwrap();
        let (compared, problems) = compare_census(&world.connect, &noted).await.unwrap();
        assert_eq!(problems, Vec::<String>::new());
        // t, p1, "T t", history, run, unit, applied, change; the view can't be read.
        assert_eq!(
            (compared.tables, compared.counted, compared.rows),
            (8, counted, rows),
            "{quiesced}"
        );
    }
}

#[tokio::test]
async fn r2_what_is_not_as_it_was_is_told() {
    for (change, quiesced, problem) in [
        (
            "DELETE FROM t WHERE a = 1",
            true,
            "table public.t has 999 rows, and had 1000",
        ),
        ("DELETE FROM t WHERE a = 1", false, ""),
        (
            "DROP TABLE \"odd \"\"s\".\"T t\"",
            false,
            "table \"odd \"\"s\".\"T t\" is missing",
        ),
        (
            "REVOKE ALL ON t FROM migrator",
            false,
            "table public.t can't be read any more",
        ),
        (
            "CREATE TABLE more (a int)",
            true,
            "table public.more is there, and was not when the snapshot was taken",
        ),
        ("CREATE TABLE more (a int)", false, ""),
        ("DELETE FROM belay.run", false, "table belay.run has 0 rows, and had 1"),
        (
            "INSERT INTO flyway_schema_history SELECT 9, '9', 'x', 'SQL', 'x', 1, 'x', now(), 1, true",
            false,
            "table public.flyway_schema_history has 2 rows, and had 1",
        ),
    ] {
        let world = World::new().await;
        world.shipped(&FILES).await;
        let noted = take_census(&world.connect, &history(), quiesced).await.unwrap();
        let noted = serde_json::from_str(&serde_json::to_string(&noted).unwrap()).unwrap();
        world.sql(change).await;
        let (_, problems) = compare_census(&world.connect, &noted).await.unwrap();
        assert_eq!(problems.join("\n"), problem, "{change}");
    }
}

#[tokio::test]
async fn r2_a_table_that_was_never_readable_is_no_problem() {
    let world = World::new().await;
    world.sql("CREATE TABLE hidden (a int)").await;
    let noted = take_census(&world.connect, &history(), true).await.unwrap();
    let (compared, problems) = compare_census(&world.connect, &noted).await.unwrap();
    assert_eq!((compared.tables, problems.len()), (0, 0));
    assert!(noted.tables.contains_key("public.hidden"));
}

#[tokio::test]
async fn v3_after_a_restore_a_row_of_the_attempt_says_that_the_old_server_answered() {
    let world = World::new().await;
    let files = bundle(&[("V1__t.sql", "CREATE TABLE t (a int)")]);
    let planned = world.plan(&files).await.unwrap();
    let placeholders = world.values(&planned);
    let (run, caller) = (world.connect.run.clone(), world.run("the action"));
    let observed = belay_engine::Observed::default();
    let restored = VerifyInput {
        connect: &caller.connect,
        bundle: None,
        plan: &planned.plan,
        placeholders: &placeholders,
        run: &run,
        attempt: world.attempt,
        restored: true,
        observed: &observed,
    };
    // Without a journal, and with one that does not know the attempt.
    assert!(attempt_is_absent(&world.connect, &run, world.attempt).await.unwrap());
    assert_eq!(belay_engine::verify(restored).await.unwrap().verdict, Verdict::Before);
    world.migrate(&files, &planned).await.unwrap();
    assert!(!attempt_is_absent(&world.connect, &run, world.attempt).await.unwrap());
    let error = belay_engine::verify(restored).await.unwrap_err();
    assert!(matches!(error, EngineError::OldServer { .. }), "{error}");
    assert_eq!(error.failure().code.name(), "Infra.Database");
    // No marker, but not as it was either.
    world.sql("DELETE FROM belay.run").await;
    let after = belay_engine::verify(restored).await.unwrap();
    assert_eq!(after.judge(None, true).outcome, Outcome::NeedsOperator, "{after:?}");
    world.sql("DELETE FROM belay.applied").await;
    assert_eq!(belay_engine::verify(restored).await.unwrap().verdict, Verdict::Unknown);
}

#[tokio::test]
async fn v1_the_marks_that_are_read_and_closed_are_those_of_the_run_that_is_judged() {
    let world = World::new().await;
    let files = bundle(&[("V1__t.sql", "CREATE TABLE t (a int)")]);
    let planned = world.plan(&files).await.unwrap();
    world.migrate(&files, &planned).await.unwrap();
    let judge = |caller: &World, run: &belay_model::RunId| {
        let (caller, run, planned, world) = (caller.clone(), run.clone(), planned.plan.clone(), world.clone());
        let placeholders = world.values(&belay_engine::Planned {
            plan: planned.clone(),
            before: None,
        });
        async move {
            belay_engine::verify(VerifyInput {
                connect: &caller.connect,
                bundle: None,
                plan: &planned,
                placeholders: &placeholders,
                run: &run,
                attempt: world.attempt,
                restored: false,
                observed: &belay_engine::Observed::default(),
            })
            .await
            .unwrap()
            .verdict
        }
    };
    let caller = world.run("caller");
    assert_eq!(judge(&caller, &caller.connect.run).await, Verdict::Unknown);
    assert_eq!(world.value("SELECT state FROM belay.run").await, "open");
    assert_eq!(judge(&caller, &world.connect.run).await, Verdict::After);
    assert_eq!(world.value("SELECT state FROM belay.run").await, "closed");
}
