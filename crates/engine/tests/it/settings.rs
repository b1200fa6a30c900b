//! Flyway's settings of `validate` and `migrate`; each test names the section of Flyway's rules that it holds.

use belay_engine::PlanRequest;
use belay_model::{FlywaySettings, PlannedAction, Verdict};

use crate::flyway::{ONE, history};
use crate::world::{World, bundle, codes};

/// Settings as a target's parameter has them.
fn settings(json: &str) -> FlywaySettings {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"))
}

impl World {
    fn with(&self, json: &str) -> Self {
        Self {
            flyway: settings(json),
            ..self.clone()
        }
    }

    /// The scripts that would run, or the codes of what keeps them from it.
    async fn pending(&self, files: &[(&str, &str)]) -> Vec<String> {
        match self.plan(&bundle(files)).await {
            Ok(planned) => planned.plan.migrations().map(|m| m.script.clone()).collect(),
            refused => codes(refused),
        }
    }

    /// `version description state` of what has no row.
    async fn not_applied(&self, files: &[(&str, &str)]) -> Vec<String> {
        let request = PlanRequest {
            action: PlannedAction::Migrate,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: None,
        };
        let info = belay_engine::info(&self.connect, &self.opened(&bundle(files)), &request)
            .await
            .unwrap();
        let rows = info.rows.iter().filter(|row| row.installed_on.is_none());
        rows.map(|row| {
            let version = row.version.as_ref().map_or("-", |version| version.as_str());
            format!("{version} {}", row.state.as_str())
        })
        .collect()
    }
}

const FILES: [(&str, &str); 6] = [
    ("V1__a.sql", "select 1;"),
    ("V2__late.sql", "select 1;"),
    ("V3__c.sql", "select 1;"),
    ("V4__d.sql", "select 1;"),
    ("V5.0__e.sql", "select 1;"),
    ("R__r.sql", "select 2;"),
];

#[tokio::test]
async fn s8_target_says_how_far_files_run() {
    let world = World::new().await;
    history(
        &world,
        &[
            &format!("1, '1', 'a', 'SQL', {ONE}, true"),
            &format!("2, '3', 'c', 'SQL', {ONE}, true"),
        ],
    )
    .await;
    // V2 came late: it is ignored, and validation of that is not what is looked at here.
    let ignoring = r#""ignoreMigrationPatterns": ["*:ignored"]"#;
    let late = r#""outOfOrder": true"#;
    for (target, order, runs) in [
        ("latest", ignoring, "V4__d.sql V5.0__e.sql R__r.sql"),
        ("4", ignoring, "V4__d.sql R__r.sql"),
        ("4.0", ignoring, "V4__d.sql R__r.sql"),
        ("5", ignoring, "V4__d.sql V5.0__e.sql R__r.sql"),
        ("3", ignoring, "R__r.sql"),
        ("1", ignoring, "R__r.sql"),
        ("current", ignoring, "R__r.sql"),
        ("next", ignoring, "V4__d.sql"),
        ("4.5", ignoring, "Belay.TargetInvalid"),
        ("4.5?", ignoring, "V4__d.sql R__r.sql"),
        ("5?", ignoring, "V4__d.sql V5.0__e.sql R__r.sql"),
        ("latest", late, "V2__late.sql V4__d.sql V5.0__e.sql R__r.sql"),
        ("current", late, "V2__late.sql R__r.sql"),
        ("next", late, "V2__late.sql"),
        ("2", late, "V2__late.sql R__r.sql"),
        // Above the target a late file is out of scope, also for validation.
        ("1", r#""outOfOrder": false"#, "R__r.sql"),
        ("2", r#""outOfOrder": false"#, "Belay.OutOfOrder"),
    ] {
        let world = world.with(&format!(r#"{{"target": "{target}", {order}}}"#));
        assert_eq!(world.pending(&FILES).await.join(" "), runs, "{target} {order}");
    }
}

#[tokio::test]
async fn s8_target_on_an_empty_database() {
    let world = World::new().await;
    for (target, runs) in [
        ("current", "R__r.sql"),
        ("next", "V1__a.sql"),
        ("2", "V1__a.sql V2__late.sql R__r.sql"),
        ("0", "Belay.TargetInvalid"),
        ("0?", "R__r.sql"),
    ] {
        let world = world.with(&format!(r#"{{"target": "{target}"}}"#));
        assert_eq!(world.pending(&FILES).await.join(" "), runs, "{target}");
    }
    // Only repeatables are left: the next is the first of them.
    let repeatables = [("R__a.sql", "select 1;"), ("R__b.sql", "select 1;")];
    let next = world.with(r#"{"target": "next"}"#);
    assert_eq!(next.pending(&repeatables).await, ["R__a.sql"]);
}

#[tokio::test]
async fn s8_next_runs_one_migration_at_a_time_to_the_end() {
    let world = World::new().await.with(r#"{"target": "next"}"#);
    let mut applied = Vec::new();
    for run in 0..FILES.len() {
        let ran = world.run(&run.to_string()).shipped(&FILES).await;
        assert_eq!(ran.verified.verdict, Verdict::After);
        applied.extend(ran.verified.applied);
    }
    assert_eq!(applied, FILES.map(|(path, _)| path));
    assert!(world.pending(&FILES).await.is_empty());
}

#[tokio::test]
async fn s6_what_is_above_the_target_says_so() {
    let world = World::new().await;
    history(
        &world,
        &[
            "1, '2', '<< Flyway Baseline >>', 'BASELINE', NULL, true",
            &format!("2, '4', 'd', 'SQL', {ONE}, true"),
        ],
    )
    .await;
    for (target, states) in [
        (
            "latest",
            "1 Below Baseline, 2 Ignored (Baseline), 3 Ignored, 5.0 Pending, - Pending",
        ),
        (
            "current",
            "1 Below Baseline, 2 Ignored (Baseline), 3 Ignored, 5.0 Above Target, - Pending",
        ),
        (
            "next",
            "1 Below Baseline, 2 Ignored (Baseline), 3 Ignored, 5.0 Pending, - Pending",
        ),
        (
            "2",
            "1 Below Baseline, 2 Ignored (Baseline), 3 Above Target, 5.0 Above Target, - Pending",
        ),
    ] {
        let world = world.with(&format!(r#"{{"target": "{target}"}}"#));
        assert_eq!(world.not_applied(&FILES).await.join(", "), states, "{target}");
    }
}

#[tokio::test]
async fn s7_patterns_say_what_is_not_validated() {
    /// Rows, and for each list of patterns the codes.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 7] = [
        (
            &["1, '1', 'gone', 'SQL', 7, true", "2, '3', 'c', 'SQL', -690524359, true"],
            &[
                (r#""*:future""#, "Belay.MigrationMissing"),
                ("", "Belay.MigrationMissing"),
                (r#""*:missing""#, ""),
                (r#""VERSIONED:Missing""#, ""),
                (r#""repeatable:missing""#, "Belay.MigrationMissing"),
                (r#""*:ignored", "*:*""#, ""),
            ],
        ),
        (
            &[
                "1, '3', 'c', 'SQL', -690524359, true",
                "2, NULL, 'gone', 'SQL', 7, true",
            ],
            &[
                (r#""versioned:missing""#, "Belay.MigrationMissing"),
                (r#""repeatable:missing""#, ""),
            ],
        ),
        (
            &[
                "1, '3', 'c', 'SQL', -690524359, true",
                "2, '9', 'newer', 'SQL', 7, true",
            ],
            &[
                (r#""*:future", "*:ignored""#, ""),
                (r#""*:ignored""#, "Belay.MigrationMissing"),
                (r#""repeatable:future", "*:ignored""#, "Belay.MigrationMissing"),
            ],
        ),
        // Above every file, and a row that failed: Flyway goes on if it may ignore the future.
        (
            &[
                "1, '3', 'c', 'SQL', -690524359, true",
                "2, '9', 'newer', 'SQL', 7, false",
            ],
            &[
                (r#""*:future", "*:ignored""#, ""),
                (r#""*:ignored""#, "Belay.MigrationFailed"),
            ],
        ),
        // Any other failed row stops everything.
        (
            &["1, '3', 'c', 'SQL', -690524359, false"],
            &[(r#""*:*""#, "Belay.MigrationFailed")],
        ),
        (
            &["1, '4', 'd', 'SQL', -690524359, true"],
            &[
                (r#""*:future""#, "Belay.OutOfOrder"),
                (r#""*:ignored""#, ""),
                (r#""versioned:ignored""#, ""),
                (r#""repeatable:ignored""#, "Belay.OutOfOrder"),
            ],
        ),
        // No pattern but *:* hides a file that changed.
        (
            &["1, '3', 'c', 'SQL', 7, true"],
            &[
                (
                    r#""*:missing", "*:pending", "*:ignored", "*:future""#,
                    "Belay.ChecksumMismatch",
                ),
                (r#""versioned:*""#, ""),
            ],
        ),
    ];
    let files = [("V3__c.sql", "select 1;"), ("V4__d.sql", "select 1;")];
    for (rows, expected) in cases {
        let world = World::new().await;
        history(&world, rows).await;
        for (patterns, refused) in expected {
            let world = world.with(&format!(r#"{{"ignoreMigrationPatterns": [{patterns}]}}"#));
            let codes = codes(world.plan(&bundle(&files)).await);
            assert_eq!(codes.join(" "), *refused, "{rows:?} [{patterns}]");
        }
    }
}

#[tokio::test]
async fn s8_without_validation_what_is_pending_runs_but_a_failed_row_stops_it() {
    let rows = [
        "1, '1', 'a', 'SQL', 7, true",
        "2, '2', 'gone', 'SQL', 7, true",
        "3, '4', 'd', 'SQL', -690524359, true",
    ];
    let files = [
        ("V1__a.sql", "select 1;"),
        ("V3__c.sql", "CREATE TABLE never (a int)"),
        ("V4__other.sql", "select 1;"),
        ("V5__e.sql", "CREATE TABLE e (a int)"),
    ];
    let world = World::new().await.with(r#"{"validateOnMigrate": false}"#);
    history(&world, &rows).await;
    let ran = world.shipped(&files).await;
    assert_eq!(ran.verified.applied, ["V5__e.sql"]);
    assert!(!world.has("never").await);
    // What is wrong is still shown.
    let strict = world.with("{}");
    assert_eq!(
        codes(strict.plan(&bundle(&files)).await),
        [
            "Belay.ChecksumMismatch",
            "Belay.MigrationMissing",
            "Belay.DescriptionMismatch",
            "Belay.OutOfOrder"
        ]
    );
    world
        .sql("UPDATE flyway_schema_history SET success = false WHERE version = '2'")
        .await;
    let more = [&files[..], &[("V6__f.sql", "select 1;")]].concat();
    assert_eq!(world.pending(&more).await, ["Belay.MigrationFailed"]);
}
