//! Baseline, repair and undo: changes of the history that no migration brings, judged like everything else (§10, V2).

use belay_engine::{PlanRequest, Planned};
use belay_model::{PlannedAction, TransactionMode, Verdict};

use crate::callbacks;
use crate::flyway::{ONE, history};
use crate::undo::{UNDOABLE, undoable};
use crate::world::{Ran, World, bundle};

impl World {
    pub(crate) async fn planned_for(&self, action: PlannedAction, files: &[(&str, &str)]) -> Planned {
        let request = PlanRequest {
            action,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: None,
        };
        let planned = belay_engine::plan(&self.connect, &self.opened(&bundle(files)), &request).await;
        planned.unwrap_or_else(|e| panic!("{}", e.failure()))
    }

    /// Plan, migrate, verify, for an action.
    pub(crate) async fn act(&self, action: PlannedAction, files: &[(&str, &str)]) -> Ran {
        let opened = self.opened(&bundle(files));
        let planned = self.planned_for(action, files).await;
        let migrated = self.migrate(&opened, &planned).await;
        let verified = self.verify(&opened, &planned, migrated.as_ref().ok()).await;
        Ran {
            planned,
            migrated,
            verified,
        }
    }

    pub(crate) async fn acted(&self, action: PlannedAction, files: &[(&str, &str)]) -> Ran {
        let ran = self.act(action, files).await;
        assert_eq!(ran.verified.verdict, Verdict::After, "{ran:?}");
        ran.migrated.as_ref().unwrap();
        ran
    }

    pub(crate) async fn all_rows(&self) -> Vec<String> {
        self.sql(
            "SELECT installed_rank, version, type, script, checksum, success FROM flyway_schema_history ORDER BY 1",
        )
        .await
    }
}

const REPAIRED: [(&str, &str); 2] = [("V1__renamed.sql", "select 1;"), ("V3__c.sql", "select 1;")];

/// A failed row, one without a file, and one that its file does not fit any more.
async fn broken(world: &World) {
    history(
        world,
        &[
            "1, '1', 'a', 'SQL', 7, true",
            &format!("2, '2', 'gone', 'SQL', {ONE}, true"),
            &format!("3, '3', 'c', 'SQL', {ONE}, false"),
        ],
    )
    .await;
}

#[tokio::test]
async fn s10_repair_does_its_three_kinds_of_changes_and_keeps_the_rows_as_they_were() {
    let world = World::new().await;
    broken(&world).await;
    let ran = world.acted(PlannedAction::Repair, &REPAIRED).await;
    assert_eq!(
        world.all_rows().await,
        [
            format!("1|1|SQL|script|{ONE}|t"),
            format!("2|2|SQL|script|{ONE}|t"),
            format!("3|2|DELETE|script|{ONE}|t"),
        ]
    );
    assert_eq!(
        world.sql("SELECT what, installed_rank, \"row\" ->> 'description', \"row\" ->> 'checksum', \"row\" ->> 'success' FROM belay.change ORDER BY id").await,
        [
            format!("removed|3|c|{ONE}|false"),
            format!("deleted|3|gone|{ONE}|true"),
            "aligned|1|a|7|true".to_owned(),
        ]
    );
    assert_eq!(
        world
            .value("SELECT description FROM flyway_schema_history WHERE installed_rank = 1")
            .await,
        "renamed"
    );
    assert_eq!(ran.verified.applied.len(), 3, "{:?}", ran.verified);
    assert!(ran.verified.findings.is_empty(), "{:?}", ran.verified.findings);
    // Nothing is left to repair; what had failed is pending.
    assert_eq!(
        world.planned_for(PlannedAction::Repair, &REPAIRED).await.plan.pending(),
        0
    );
    assert_eq!(
        world.run("then").shipped(&REPAIRED).await.verified.applied,
        ["V3__c.sql"]
    );
}

/// V6: each kind looks whether its row is as planned, whatever else is in the history.
#[tokio::test]
async fn s10_repair_stops_if_a_row_is_not_as_planned() {
    for meanwhile in [
        "UPDATE flyway_schema_history SET success = true WHERE installed_rank = 3",
        "UPDATE flyway_schema_history SET script = 'other' WHERE installed_rank = 2",
        "UPDATE flyway_schema_history SET script = 'other' WHERE installed_rank = 1",
        "DELETE FROM flyway_schema_history WHERE installed_rank = 1",
        "INSERT INTO flyway_schema_history VALUES (4, '4', 'd', 'SQL', 'd', 1, 'x', now(), 1, true)",
    ] {
        let world = World::new().await;
        broken(&world).await;
        let files = world.opened(&bundle(&REPAIRED));
        let planned = world.planned_for(PlannedAction::Repair, &REPAIRED).await;
        world.sql(meanwhile).await;
        let before = world.all_rows().await;
        let error = world.migrate(&files, &planned).await.unwrap_err().failure();
        assert_eq!(error.code.name(), "Belay.PlanStale", "{meanwhile}");
        let verified = world.verify(&files, &planned, None).await;
        assert_eq!(verified.verdict, Verdict::Before, "{meanwhile}");
        assert_eq!(verified.applied.len(), 0);
        assert_eq!(world.all_rows().await, before);
    }
}

#[tokio::test]
async fn s10_baseline_makes_the_history_with_its_row() {
    let world = World::new().await;
    world.sql("CREATE TABLE loaded (a int)").await;
    let mut baseline = world.clone();
    baseline.flyway.baseline_version = "2.1".parse().unwrap();
    baseline.flyway.baseline_description = "from a dump".to_owned();
    let files = [("V2__b.sql", "select 1;"), ("V3__c.sql", "select 1;")];
    let ran = baseline.acted(PlannedAction::Baseline, &files).await;
    assert_eq!(world.all_rows().await, ["1|2.1|BASELINE|from a dump|null|t"]);
    assert_eq!(
        world
            .sql("SELECT what, installed_rank, \"row\" FROM belay.change")
            .await,
        ["baseline|1|null"]
    );
    assert!(
        ran.verified
            .findings
            .iter()
            .all(|finding| !finding.message.contains("somebody")),
        "{:?}",
        ran.verified
    );
    assert_eq!(
        baseline
            .planned_for(PlannedAction::Baseline, &files)
            .await
            .plan
            .pending(),
        0
    );
    assert_eq!(world.run("then").shipped(&files).await.verified.applied, ["V3__c.sql"]);
}

#[tokio::test]
async fn s10_baseline_with_schemas_to_make_writes_its_row_first() {
    let mut world = World::new().await;
    world.flyway.schemas = vec!["made".to_owned()];
    world
        .acted(PlannedAction::Baseline, &[("V2__b.sql", "select 1;")])
        .await;
    let rows = "SELECT installed_rank, type FROM made.flyway_schema_history ORDER BY 1";
    assert_eq!(world.sql(rows).await, ["1|BASELINE", "2|SCHEMA"]);
}

#[tokio::test]
async fn s10_a_history_that_was_made_meanwhile_stops_a_baseline() {
    let world = World::new().await;
    let files = [("V1__b.sql", "select 1;")];
    let planned = world.planned_for(PlannedAction::Baseline, &files).await;
    world.run("other").shipped(&files).await;
    let opened = world.opened(&bundle(&files));
    let error = world.migrate(&opened, &planned).await.unwrap_err().failure();
    assert_eq!(error.code.name(), "Belay.PlanStale");
    assert_eq!(world.verify(&opened, &planned, None).await.verdict, Verdict::Before);
    assert_eq!(
        world
            .value("SELECT string_agg(type, ' ') FROM flyway_schema_history")
            .await,
        "SQL"
    );
}

#[tokio::test]
async fn s13_callbacks_of_repair_and_baseline_share_the_transaction_of_the_change() {
    let look = |event: &str| {
        let rows = "(SELECT string_agg(type || success, ' ' ORDER BY installed_rank) FROM flyway_schema_history)";
        format!("INSERT INTO beside.log (what) SELECT '{event} ' || {rows}")
    };
    let world = callbacks::world().await;
    broken(&world).await;
    let (before, after) = (look("before"), look("after"));
    let mut files = vec![
        ("beforeRepair.sql", before.as_str()),
        ("afterRepair.sql", "SELECT nope"),
    ];
    files.extend(REPAIRED);
    let rows = world.all_rows().await;
    let ran = world.act(PlannedAction::Repair, &files).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("afterRepair.sql:1:8: "), "{}", ran.failure());
    assert_eq!(world.all_rows().await, rows);
    files[1].1 = &after;
    world.run("mended").acted(PlannedAction::Repair, &files).await;
    assert_eq!(
        callbacks::logged(&world).await,
        "before SQLtrue SQLtrue SQLfalse after SQLtrue SQLtrue DELETEtrue"
    );
    assert_eq!(
        world.sql("SELECT what FROM belay.change ORDER BY id").await,
        ["callback", "removed", "deleted", "aligned", "callback"]
    );

    let world = callbacks::world().await;
    let mut made = world.clone();
    made.flyway.schemas = vec!["made".to_owned()];
    let after = after.replace("flyway_schema_history", "made.flyway_schema_history");
    let files = [
        (
            "beforeCreateSchema.sql",
            "INSERT INTO beside.log (what) SELECT 'none' WHERE to_regnamespace('made') IS NULL",
        ),
        (
            "beforeBaseline.sql",
            "INSERT INTO beside.log (what) SELECT 'made' WHERE to_regnamespace('made') IS NOT NULL",
        ),
        ("afterBaseline.sql", after.as_str()),
        ("V1__a.sql", "SELECT 1"),
    ];
    made.acted(PlannedAction::Baseline, &files).await;
    let logged = callbacks::logged(&world).await;
    assert_eq!(logged, "none made after BASELINEtrue SCHEMAtrue");
}

/// Who dies with a change on the way leaves nothing, and who dies behind the COMMIT has done it: the journal says which.
#[tokio::test]
async fn v2_a_session_that_dies_on_the_way_of_a_change_leaves_nothing() {
    for action in [PlannedAction::Repair, PlannedAction::Undo] {
        let world = if action == PlannedAction::Repair {
            World::new().await
        } else {
            undoable().await
        };
        let mut undo = UNDOABLE;
        undo[5].1 = "DROP INDEX i";
        let files: &[_] = if action == PlannedAction::Repair {
            &REPAIRED
        } else {
            &undo
        };
        if action == PlannedAction::Repair {
            broken(&world).await;
        }
        let world = World {
            connect: belay_engine::Connect {
                locks: belay_model::LockSettings {
                    lock_timeout_ms: 20_000,
                    budget_s: 20,
                },
                ..world.connect.clone()
            },
            ..world
        };
        let opened = world.opened(&bundle(files));
        let planned = world.planned_for(action, files).await;
        // Somebody holds the row that is to be taken out.
        let holder = world
            .postgres
            .connect(world.postgres.superuser(), &world.database)
            .await
            .unwrap();
        holder
            .batch_execute("BEGIN; SELECT FROM flyway_schema_history WHERE installed_rank = 3 FOR UPDATE")
            .await
            .unwrap();
        let before = world.all_rows().await;
        let waiting = "FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = current_database() AND wait_event_type = 'Lock'";
        let (migrated, ()) = tokio::join!(world.migrate(&opened, &planned), async {
            world.wait_for(&format!("SELECT EXISTS (SELECT {waiting})")).await;
            world.sql(&format!("SELECT pg_terminate_backend(pid) {waiting}")).await;
        });
        migrated.unwrap_err();
        holder.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(
            world.verify(&opened, &planned, None).await.verdict,
            Verdict::Before,
            "{action:?}"
        );
        assert_eq!(world.all_rows().await, before);
        // The attempt is closed: as another run it goes in, and a lost answer changes nothing of that.
        let again = world.run("again");
        let planned = again.planned_for(action, files).await;
        again.migrate(&opened, &planned).await.unwrap();
        let verified = again.verify(&opened, &planned, None).await;
        assert_eq!(verified.verdict, Verdict::After, "{action:?} {verified:?}");
    }
}

/// What a run has done and somebody took back meanwhile was done all the same.
#[tokio::test]
async fn v2_a_row_of_ours_that_somebody_took_away_is_between_and_told() {
    let world = World::new().await;
    let files = [("V2__b.sql", "select 1;")];
    let opened = world.opened(&bundle(&files));
    let planned = world.planned_for(PlannedAction::Baseline, &files).await;
    world.migrate(&opened, &planned).await.unwrap();
    world.sql("DELETE FROM flyway_schema_history").await;
    let verified = world.verify(&opened, &planned, None).await;
    assert_eq!(verified.verdict, Verdict::Between);
    assert!(
        verified.findings[0]
            .message
            .contains("(rank 1) was committed by this run"),
        "{:?}",
        verified.findings
    );
}

/// V5: after `more`, units without a migration are known by the journal and don't run again.
#[tokio::test]
async fn v5_a_callback_that_committed_by_itself_does_not_run_again_after_more() {
    let world = World {
        transaction: TransactionMode::All,
        ..World::new().await
    };
    world.sql("CREATE SCHEMA beside; CREATE TABLE beside.log (a int); GRANT ALL ON SCHEMA beside TO public; GRANT ALL ON beside.log TO public").await;
    let files = bundle(&[
        ("beforeMigrate.sql", "INSERT INTO beside.log VALUES (1)"),
        ("V1__own.sql", "CREATE TABLE a (b int); COMMIT;"),
        ("afterEachMigrate.sql", "INSERT INTO beside.log VALUES (2)"),
        (
            "V2__slow.sql",
            "SELECT pg_sleep(CASE WHEN to_regclass('public.gate') IS NULL THEN 90 ELSE 0 END); COMMIT;",
        ),
    ]);
    let planned = world.plan(&files).await.unwrap();
    let hurried = World {
        budget: belay_engine::Budget::of(std::time::Duration::from_secs(8), std::time::Duration::ZERO),
        ..world.clone()
    };
    let first = hurried.migrate(&files, &planned).await.unwrap();
    assert_eq!(first.status, belay_model::MigrateStatus::More);
    assert_eq!(world.sql("SELECT a FROM beside.log ORDER BY a").await, ["1", "2"]);
    world.sql("CREATE TABLE gate (a int)").await;
    world.migrate(&files, &planned).await.unwrap();
    assert_eq!(world.sql("SELECT a FROM beside.log ORDER BY a").await, ["1", "2", "2"]);
    assert_eq!(world.verify(&files, &planned, None).await.verdict, Verdict::After);
}
