//! What plans of baseline, repair and undo hold (Flyway's rules, section 10).

use belay_model::{PlannedAction, PlannedFile, TransactionMode};

use crate::flyway::{ONE, history};
use crate::planned::{all, shape};
use crate::world::{World, codes};

#[tokio::test]
async fn s10_a_baseline_is_made_once() {
    let files = all(&[
        "V1__a.sql",
        "beforeBaseline.sql",
        "afterBaseline.sql",
        "createSchema.sql",
        "beforeMigrate.sql",
    ]);
    let grown = World::new().await.set(r#"{"baselineVersion": "7"}"#);
    grown.sql("CREATE TABLE public.old (a int)").await;
    let row = "<the database is taken to be at version 7 (<< Flyway Baseline >>)>";
    let plan = grown.plan_of(PlannedAction::Baseline, &files).await;
    assert_eq!(shape(&plan), format!("[beforeBaseline afterBaseline {row}]-"));
    assert_eq!(
        (plan.pending(), plan.baseline.is_some(), plan.assertions.len()),
        (1, false, 0)
    );
    let schemas = World::new()
        .await
        .set(r#"{"baselineVersion": "7", "schemas": ["app"]}"#);
    let plan = schemas.plan_of(PlannedAction::Baseline, &files).await;
    assert_eq!(
        shape(&plan),
        format!("[createSchema beforeBaseline afterBaseline {row}]-")
    );
    assert_eq!(plan.schema_rank(), Some(2));

    for (rows, told) in [
        (&["1, '7.0', '<< Flyway Baseline >>', 'BASELINE', NULL, true"][..], ""),
        (
            &[
                "0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', NULL, true",
                "1, '7', '<< Flyway Baseline >>', 'BASELINE', NULL, true",
            ],
            "",
        ),
        (
            &["1, '6', '<< Flyway Baseline >>', 'BASELINE', NULL, true"],
            "version 6 (<< Flyway Baseline >>), not 7",
        ),
        (&["1, '7', 'other', 'BASELINE', NULL, true"], "version 7 (other), not 7"),
        (&["1, '1', 'a', 'SQL', 7, true"], "tells of migrations already"),
        (
            &["0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', NULL, true"],
            "tells of migrations already",
        ),
    ] {
        let world = World::new().await.set(r#"{"baselineVersion": "7"}"#);
        history(&world, rows).await;
        check_refusal(&world, told).await;
    }
    let empty = World::new().await.set(r#"{"baselineVersion": "7"}"#);
    history(&empty, &["1, '1', 'a', 'SQL', 7, true"]).await;
    empty.sql("DELETE FROM flyway_schema_history").await;
    check_refusal(&empty, "is there and empty").await;
}

/// That there is nothing to do, or why a baseline is refused.
async fn check_refusal(world: &World, told: &str) {
    let planned = world.try_plan(PlannedAction::Baseline, &all(&["V1__a.sql"])).await;
    match (planned, told) {
        (Ok(planned), "") => assert_eq!(planned.plan.pending(), 0),
        (Err(error), told) if !told.is_empty() => {
            let failure = error.failure().to_string();
            assert!(
                failure.contains("Belay.BaselineRefused") && failure.contains(told),
                "{failure}"
            );
        }
        (planned, told) => panic!("{told:?}: {planned:?}"),
    }
}

#[tokio::test]
async fn s10_repair_takes_out_marks_and_aligns_in_this_order() {
    let world = World::new().await;
    history(
        &world,
        &[
            "1, '1', 'old words', 'SQL', 7, true",
            "2, '2', 'gone', 'SQL', 7, true",
            "3, NULL, 'r', 'SQL', 9, true",
            &format!("4, NULL, 's', 'SQL', {ONE}, true"),
            "5, '3', 'c', 'SQL', 7, false",
            "6, '9', 'future', 'SQL', 7, true",
            "7, '4', 'd', 'SQL', 7, false",
        ],
    )
    .await;
    let mut files = all(&[
        "V1__a.sql",
        "V3__c.sql",
        "R__r.sql",
        "V4__d.sql",
        "beforeRepair.sql",
        "afterRepair.sql",
    ]);
    files.push(("R__s.sql", "select ${one};"));
    let raw = belay_bundle::checksum("select ${one};").0;
    let after = belay_bundle::checksum("select 1;").0;
    assert_eq!(after.to_string(), ONE);
    world
        .sql(&format!(
            "UPDATE flyway_schema_history SET checksum = {raw} WHERE installed_rank = 4"
        ))
        .await;
    let world = world.set(r#"{"placeholders": {"one": "1"}}"#);
    let plan = world.plan_of(PlannedAction::Repair, &files).await;
    let changes: Vec<String> = plan.changes().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "row 5 of script, which failed, is taken out".to_owned(),
            "row 7 of script, which failed, is taken out".to_owned(),
            // The last row was taken out, and its rank with it.
            "row 2 of script, whose file is gone, is marked as deleted by a new row 7".to_owned(),
            format!("row 1 of script says what its file says: a, checksum {ONE}"),
            format!("row 4 of script says what its file says: s, checksum {ONE}"),
        ]
    );
    assert_eq!(plan.units.len(), 1);
    assert_eq!(plan.units[0].base_rank, Some(7));
    let beside: Vec<&str> = plan.units[0].files.iter().map(PlannedFile::path).collect();
    assert_eq!(beside, ["beforeRepair.sql", "afterRepair.sql"]);

    for (settings, count) in [
        (
            r#"{"placeholders": {"one": "1"}, "ignoreMigrationPatterns": ["*:missing", "*:future"]}"#,
            4,
        ),
        (r#"{"placeholders": {"one": "1"}, "ignoreMigrationPatterns": []}"#, 6),
        (r#"{"placeholders": {"one": "1"}, "cherryPick": ["3", "1"]}"#, 2),
    ] {
        let plan = world.set(settings).plan_of(PlannedAction::Repair, &files).await;
        assert_eq!(plan.pending(), count, "{settings}");
    }
    let whole = World::new().await;
    assert_eq!(
        whole
            .plan_of(PlannedAction::Repair, &all(&["V1__a.sql"]))
            .await
            .pending(),
        0
    );
    history(&whole, &[&format!("1, '1', 'a', 'SQL', {ONE}, true")]).await;
    assert_eq!(
        whole
            .plan_of(PlannedAction::Repair, &all(&["V1__a.sql"]))
            .await
            .pending(),
        0
    );
}

#[tokio::test]
async fn s10_undo_goes_from_the_last_applied_down_to_the_target() {
    let world = World::new().await;
    let row = |rank: i32, version: &str| format!("{rank}, '{version}', 'x', 'SQL', {ONE}, true");
    history(
        &world,
        &[
            &row(1, "1"),
            &row(2, "3"),
            &row(3, "2"),
            "4, NULL, 'r', 'SQL', -690524359, true",
        ],
    )
    .await;
    let files = all(&[
        "V1__x.sql",
        "V2__x.sql",
        "V3__x.sql",
        "R__r.sql",
        "U1__x.sql",
        "U2__x.sql",
        "U3__x.sql",
        "beforeUndo.sql",
        "beforeEachUndo.sql",
        "afterEachUndo.sql",
        "afterUndo.sql",
        "afterUndoError.sql",
        "beforeMigrate.sql",
    ]);
    for (settings, expected) in [
        ("{}", "U2__x 3"),
        (r#"{"target": "latest"}"#, "U2__x 3"),
        (r#"{"target": "2"}"#, "U2__x 3, U3__x 2"),
        (r#"{"target": "3"}"#, ""),
        (r#"{"target": "1"}"#, "U2__x 3, U3__x 2, U1__x 1"),
        (r#"{"target": "0?"}"#, "U2__x 3, U3__x 2, U1__x 1"),
        (r#"{"cherryPick": ["1", "3"]}"#, "U3__x 2, U1__x 1"),
    ] {
        let plan = world.set(settings).plan_of(PlannedAction::Undo, &files).await;
        let undone: Vec<String> = plan
            .migrations()
            .map(|m| format!("{} {}", m.script.trim_end_matches(".sql"), m.rank))
            .collect();
        assert_eq!(undone.join(", "), expected, "{settings}");
        assert!(plan.migrations().all(|m| m.undoes.as_deref() == Some("script")));
    }
    let each = World {
        transaction: TransactionMode::Each,
        ..world.set(r#"{"target": "1"}"#)
    };
    let plan = each.plan_of(PlannedAction::Undo, &files).await;
    assert_eq!(
        shape(&plan),
        "[beforeUndo beforeEachUndo U2__x afterEachUndo]4 [beforeEachUndo U3__x afterEachUndo]4 \
         [beforeEachUndo U1__x afterEachUndo afterUndo]4"
    );
    assert_eq!(plan.on_error.len(), 1);
}

#[tokio::test]
async fn s10_undo_is_refused_where_a_file_is_missing_and_is_nothing_where_nothing_is() {
    let row = |rank: i32, version: &str| format!("{rank}, '{version}', 'x', 'SQL', {ONE}, true");
    let world = World::new().await;
    history(&world, &[&row(1, "1"), &row(2, "2")]).await;
    let files = all(&["V1__x.sql", "V2__x.sql", "U2__x.sql"]);
    assert_eq!(world.plan_of(PlannedAction::Undo, &files).await.pending(), 1);
    let both = world
        .set(r#"{"target": "1"}"#)
        .try_plan(PlannedAction::Undo, &files)
        .await;
    assert_eq!(codes(both), ["Belay.UndoMissing"]);
    let absent = world
        .set(r#"{"cherryPick": ["7"]}"#)
        .try_plan(PlannedAction::Undo, &files)
        .await;
    assert!(codes(absent).contains(&"Belay.TargetInvalid".to_owned()));
    // Flyway validates before it undoes.
    world
        .sql("UPDATE flyway_schema_history SET checksum = 7 WHERE version = '1'")
        .await;
    assert_eq!(
        codes(world.try_plan(PlannedAction::Undo, &files).await),
        ["Belay.ChecksumMismatch"]
    );

    let empty = World::new().await;
    assert_eq!(empty.plan_of(PlannedAction::Undo, &files).await.pending(), 0);
    history(&empty, &["1, '1', 'x', 'BASELINE', NULL, true"]).await;
    assert_eq!(empty.plan_of(PlannedAction::Undo, &files).await.pending(), 0);
    let based = World::new().await;
    history(&based, &["1, '2', 'x', 'SQL_BASELINE', -690524359, true"]).await;
    let files = all(&["B2__x.sql", "U2__x.sql"]);
    assert_eq!(
        codes(based.try_plan(PlannedAction::Undo, &files).await),
        ["Belay.UndoMissing"]
    );
}
