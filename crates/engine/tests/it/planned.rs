//! What a plan of each action holds, without running it (Flyway's rules, sections 8, 10 and 13).

use belay_bundle::Bundle;
use belay_engine::{PlanRequest, Planned, dry_run};
use belay_model::{Plan, PlannedAction, PlannedFile, TransactionMode, Unit, UnitKind};

use crate::flyway::{ONE, history};
use crate::world::{World, bundle, codes};

pub(crate) const LONE: &str = "CREATE INDEX CONCURRENTLY i ON t (a)";

impl World {
    pub(crate) async fn try_plan(
        &self,
        action: PlannedAction,
        files: &[(&str, &str)],
    ) -> Result<Planned, belay_engine::EngineError> {
        self.plan_bundle(action, &self.opened(&bundle(files))).await
    }

    pub(crate) async fn plan_bundle(
        &self,
        action: PlannedAction,
        bundle: &Bundle,
    ) -> Result<Planned, belay_engine::EngineError> {
        let request = PlanRequest {
            action,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: None,
        };
        belay_engine::plan(&self.connect, bundle, &request).await
    }

    pub(crate) async fn plan_of(&self, action: PlannedAction, files: &[(&str, &str)]) -> Plan {
        let planned = self.try_plan(action, files).await;
        planned.unwrap_or_else(|e| panic!("{}", e.failure())).plan
    }

    pub(crate) fn set(&self, json: &str) -> Self {
        Self {
            flyway: serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}")),
            ..self.clone()
        }
    }
}

/// Each unit's files, changes and base: `[a b]7` for a group, `(a)` for a lone one.
pub(crate) fn shape(plan: &Plan) -> String {
    let unit = |unit: &Unit| {
        let file = |file: &PlannedFile| file.path().trim_end_matches(".sql").to_owned();
        let mut parts: Vec<String> = unit.files.iter().map(file).collect();
        parts.extend(unit.changes.iter().map(|change| format!("<{change}>")));
        let base = unit.base_rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
        match unit.kind {
            UnitKind::Group => format!("[{}]{base}", parts.join(" ")),
            UnitKind::Lone => format!("({}){base}", parts.join(" ")),
        }
    };
    plan.units.iter().map(unit).collect::<Vec<_>>().join(" ")
}

pub(crate) fn all(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    names.iter().map(|name| (*name, "select 1;")).collect()
}

const MIGRATE_EVENTS: [&str; 12] = [
    "createSchema.sql",
    "beforeMigrate.sql",
    "beforeMigrate__b.sql",
    "beforeEachMigrate.sql",
    "afterEachMigrate.sql",
    "afterVersioned.sql",
    "beforeRepeatables.sql",
    "afterMigrateApplied.sql",
    "afterMigrate.sql",
    "afterMigrateError.sql",
    "beforeEachMigrateStatement.sql",
    "beforeUndo.sql",
];

#[tokio::test]
async fn s13_callbacks_are_in_the_plan_in_flyways_order() {
    let world = World::new().await;
    let files = [&all(&MIGRATE_EVENTS)[..], &all(&["V1__a.sql", "R__r.sql"])].concat();
    let plan = world.plan_of(PlannedAction::Migrate, &files).await;
    assert_eq!(
        shape(&plan),
        "[beforeMigrate beforeMigrate__b beforeEachMigrate V1__a afterEachMigrate afterVersioned beforeRepeatables \
         beforeEachMigrate R__r afterEachMigrate afterMigrateApplied afterMigrate]-"
    );
    let paths = |callbacks: &[belay_model::PlannedCallback]| {
        callbacks
            .iter()
            .map(|callback| callback.path.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&plan.on_error), ["afterMigrateError.sql"]);
    assert_eq!(paths(&plan.on_statement), ["beforeEachMigrateStatement.sql"]);

    // Schemas that are made come after what is said of it; beside a lone file callbacks are units of their own.
    let schemas = world.set(r#"{"schemas": ["app"]}"#);
    let lone = [
        &all(&MIGRATE_EVENTS)[..],
        &[("V1__a.sql", LONE), ("V2__b.sql", "select 1;")],
    ]
    .concat();
    assert_eq!(
        shape(&schemas.plan_of(PlannedAction::Migrate, &lone).await),
        "[createSchema beforeMigrate beforeMigrate__b beforeEachMigrate]- (V1__a)0 [afterEachMigrate]1 \
         [beforeEachMigrate V2__b afterEachMigrate afterVersioned afterMigrateApplied afterMigrate]1"
    );

    // Only versions, only repeatables, and files that are only recorded.
    let versions = [&all(&MIGRATE_EVENTS)[..], &all(&["V1__a.sql"])].concat();
    assert!(
        shape(&world.plan_of(PlannedAction::Migrate, &versions).await)
            .contains("afterEachMigrate afterVersioned afterMigrateApplied")
    );
    let repeatables = [&all(&MIGRATE_EVENTS)[..], &all(&["R__r.sql"])].concat();
    assert!(
        shape(&world.plan_of(PlannedAction::Migrate, &repeatables).await)
            .contains("beforeMigrate__b afterVersioned beforeRepeatables beforeEachMigrate R__r")
    );
    let recorded = world.set(r#"{"skipExecutingMigrations": true}"#);
    assert_eq!(
        shape(&recorded.plan_of(PlannedAction::Migrate, &lone).await),
        "[beforeMigrate beforeMigrate__b V1__a V2__b afterVersioned afterMigrateApplied afterMigrate]-"
    );
}

#[tokio::test]
async fn s13_callbacks_run_only_if_something_is_pending_and_must_fit_into_a_transaction() {
    let world = World::new().await;
    history(&world, &[&format!("1, '1', 'a', 'SQL', {ONE}, true")]).await;
    let files = [&all(&MIGRATE_EVENTS)[..], &all(&["V1__a.sql"])].concat();
    assert_eq!(world.plan_of(PlannedAction::Migrate, &files).await.pending(), 0);
    for wrong in [LONE, "COMMIT", "BEGIN; select 1; COMMIT"] {
        let files = [
            ("V2__b.sql", "select 1;"),
            ("V1__a.sql", "select 1;"),
            ("afterMigrate.sql", wrong),
        ];
        let refused = world.try_plan(PlannedAction::Migrate, &files).await;
        assert_eq!(codes(refused), ["Belay.Unsupported"], "{wrong}");
    }
    // What is said of it in its .conf.
    let left_out = [
        ("V1__a.sql", "select 1;"),
        ("V2__b.sql", "select 1;"),
        ("afterMigrate.sql", "select 1;"),
        ("afterMigrate.sql.conf", "shouldExecute=false"),
    ];
    assert_eq!(
        shape(&world.plan_of(PlannedAction::Migrate, &left_out).await),
        "[V2__b]1"
    );
}

#[tokio::test]
async fn s8_cherry_pick_runs_in_the_order_in_which_it_is_listed() {
    let world = World::new().await;
    let files = all(&["V1__a.sql", "V2__b.sql", "V3__c.sql", "R__r_r.sql"]);
    for (settings, expected) in [
        (
            r#"{"cherryPick": ["r_r", "3", "1"]}"#,
            "R__r_r.sql 1, V3__c.sql 2, V1__a.sql 3",
        ),
        (r#"{"cherryPick": ["2.0"]}"#, "V2__b.sql 1"),
        (r#"{"target": "next", "group": true}"#, "V1__a.sql 1, R__r_r.sql 2"),
        (r#"{"target": "next"}"#, "V1__a.sql 1"),
    ] {
        let plan = world.set(settings).plan_of(PlannedAction::Migrate, &files).await;
        let planned: Vec<String> = plan.migrations().map(|m| format!("{} {}", m.script, m.rank)).collect();
        assert_eq!(planned.join(", "), expected, "{settings}");
    }
    let plan = world
        .set(r#"{"target": "1"}"#)
        .plan_of(PlannedAction::Migrate, &files)
        .await;
    assert_eq!(
        plan.notes,
        ["not run, as it is above the target version: V2__b.sql and 1 more"]
    );
}

#[tokio::test]
async fn s8_group_mixed_and_execute_in_transaction() {
    let mixed = [
        (
            "V1__a.sql",
            "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY i ON t (a)",
        ),
        ("V2__b.sql", "select 1;"),
    ];
    let conf = |text| [&mixed[..], &[("V1__a.sql.conf", text)]].concat();
    let world = World::new().await;
    let refused = world.try_plan(PlannedAction::Migrate, &mixed).await;
    let failure = refused.as_ref().unwrap_err().failure().to_string();
    assert!(failure.contains("V1__a.sql:2"), "{failure}");
    assert_eq!(codes(refused), ["Belay.Mixed"]);
    for (settings, files, mode, expected) in [
        (
            r#"{"mixed": true}"#,
            mixed.to_vec(),
            TransactionMode::Auto,
            "(V1__a)- [V2__b]1",
        ),
        (
            "{}",
            conf("executeInTransaction=false"),
            TransactionMode::Auto,
            "(V1__a)- [V2__b]1",
        ),
        (
            r#"{"executeInTransaction": false}"#,
            mixed.to_vec(),
            TransactionMode::Auto,
            "(V1__a)- (V2__b)1",
        ),
        (
            r#"{"executeInTransaction": false}"#,
            vec![
                ("V2__b.sql", "select 1;"),
                ("V2__b.sql.conf", "executeInTransaction=true"),
            ],
            TransactionMode::Auto,
            "[V2__b]-",
        ),
        (
            r#"{"group": true}"#,
            vec![
                ("V1__a.sql", "select 1;"),
                ("V2__b.sql", LONE),
                ("V3__c.sql", "select 1;"),
                ("V4__d.sql", "select 1;"),
            ],
            TransactionMode::Auto,
            "[V1__a]- (V2__b)1 [V3__c V4__d]2",
        ),
        (
            r#"{"group": true}"#,
            all(&["V1__a.sql", "V2__b.sql"]),
            TransactionMode::Each,
            "[V1__a]- [V2__b]1",
        ),
    ] {
        let world = World {
            transaction: mode,
            ..world.set(settings)
        };
        let plan = world.plan_of(PlannedAction::Migrate, &files).await;
        assert_eq!(shape(&plan), expected, "{settings} {files:?}");
    }
}

#[tokio::test]
async fn s11_placeholders_of_the_settings_are_under_the_targets() {
    let mut world = World::new().await.set(
        r#"{"placeholders": {"a": "settings", "B": "settings"}, "placeholderPrefix": "<<", "placeholderSuffix": ">>",
            "placeholderSeparator": "_", "environment": "staging", "tablespace": "pg_default"}"#,
    );
    let given = belay_engine::Given::Value("target".to_owned());
    world.placeholders.insert("b".to_owned(), given);
    let files = [(
        "V1__a.sql",
        "select '<<A>> <<b>> <<flyway_environment>> <<flyway_table>> ${x}'",
    )];
    let planned = world.try_plan(PlannedAction::Migrate, &files).await.unwrap();
    let script = dry_run(&world.opened(&bundle(&files)), &planned.plan, &world.values(&planned)).unwrap();
    assert!(
        script.contains("select 'settings target staging flyway_schema_history ${x}'\n;\n"),
        "{script}"
    );
    assert!(script.contains("TABLESPACE \"pg_default\""), "{script}");
}

#[tokio::test]
async fn s14_init_sql_may_hold_only_what_fits_into_each_files_transaction() {
    let world = World::new().await;
    for (init_sql, refused) in [
        ("SET lock_timeout = '1s'; SELECT 1", &[][..]),
        ("SET ROLE ${flyway:user}", &[]),
        ("COMMIT", &["Belay.ConfigInvalid"]),
        ("VACUUM", &["Belay.ConfigInvalid"]),
        ("SELECT '", &["Belay.Unterminated"]),
        ("SELECT ${nothing}", &["Belay.PlaceholderUnknown"]),
    ] {
        let mut world = world.clone();
        world.flyway.init_sql = Some(init_sql.to_owned());
        assert_eq!(
            codes(world.plan(&bundle(&all(&["V1__a.sql"]))).await),
            refused,
            "{init_sql}"
        );
    }
}
