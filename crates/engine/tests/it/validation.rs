//! What is validated: a line for each row of Flyway's table of codes (section 7).

use belay_model::Problem;

use crate::flyway::{ONE, history};
use crate::world::World;

fn codes(problems: &[Problem]) -> String {
    let codes: Vec<String> = problems.iter().map(|problem| problem.code.to_string()).collect();
    codes.join(" ").replace("Belay.", "")
}

/// Rows, settings, names of files (which hold `select 1;`), what `migrate` refuses, and what `validate` does besides.
type Case<'a> = (&'a [&'a str], &'a str, &'a [&'a str], &'a str, &'a str);

const CASES: &[Case<'_>] = &[
    // 1. A failed state.
    (
        &["1, '1', 'x', 'SQL', 7, false"],
        "{}",
        &["V1__x.sql"],
        "MigrationFailed",
        "",
    ),
    (
        &["1, NULL, 'x', 'SQL', 7, false"],
        "{}",
        &["R__x.sql"],
        "MigrationFailed",
        "NotApplied",
    ),
    (
        &["1, '1', 'x', 'SQL', 7, false"],
        "{}",
        &["V2__x.sql"],
        "MigrationFailed",
        "NotApplied",
    ),
    // 2. A row without its file, which a command did not write.
    (
        &["1, '1', 'x', 'SQL', 7, true"],
        "{}",
        &["V2__x.sql"],
        "MigrationMissing",
        "NotApplied",
    ),
    (
        &["1, NULL, 'x', 'SQL', 7, true"],
        "{}",
        &["V2__x.sql"],
        "MigrationMissing",
        "NotApplied",
    ),
    (
        &["1, '1', 'x', 'SCRIPT', 7, true"],
        "{}",
        &["V2__x.sql"],
        "MigrationMissing",
        "NotApplied",
    ),
    (
        &["1, '1', 'x', 'SQL_BASELINE', 7, true"],
        "{}",
        &["V2__x.sql"],
        "MigrationMissing",
        "NotApplied",
    ),
    (
        &["1, '1', 'x', 'BASELINE', NULL, true"],
        "{}",
        &["V2__x.sql"],
        "",
        "NotApplied",
    ),
    (
        &["0, NULL, 'x', 'SCHEMA', NULL, true"],
        "{}",
        &["V2__x.sql"],
        "",
        "NotApplied",
    ),
    (&["1, '3', 'x', 'SQL', 7, true"], "{}", &["V2__x.sql"], "OutOfOrder", ""),
    (
        &["1, '3', 'x', 'SQL', 7, true"],
        r#"{"ignoreMigrationPatterns": []}"#,
        &["V2__x.sql"],
        "MigrationMissing OutOfOrder",
        "",
    ),
    (
        &["1, NULL, 'x', 'SQL', 7, true", "2, NULL, 'x', 'SQL', -690524359, true"],
        "{}",
        &["R__x.sql"],
        "",
        "",
    ),
    // 3. Ignored: below an applied one, but not a B or a U file.
    (
        &["1, '2', 'x', 'SQL', -690524359, true"],
        "{}",
        &["V1__x.sql", "V2__x.sql", "B1__x.sql", "U1__x.sql"],
        "OutOfOrder",
        "",
    ),
    (
        &["1, '2', 'x', 'SQL', -690524359, true"],
        r#"{"cherryPick": ["2"]}"#,
        &["V1__x.sql", "V2__x.sql"],
        "",
        "",
    ),
    // 4. Pending, and 5. outdated: only if asked to validate.
    (&[], "{}", &["V1__x.sql", "R__x.sql"], "", "NotApplied NotApplied"),
    (
        &[],
        r#"{"ignoreMigrationPatterns": ["*:pending"]}"#,
        &["V1__x.sql", "R__x.sql"],
        "",
        "",
    ),
    (
        &[],
        r#"{"ignoreMigrationPatterns": ["versioned:pending"]}"#,
        &["V1__x.sql", "R__x.sql"],
        "",
        "NotApplied",
    ),
    (&[], r#"{"target": "1"}"#, &["V1__x.sql", "V2__x.sql"], "", "NotApplied"),
    (
        &["1, NULL, 'x', 'SQL', 7, true"],
        "{}",
        &["R__x.sql"],
        "",
        "RepeatableOutdated NotApplied",
    ),
    (
        &["1, NULL, 'x', 'SQL', 7, true"],
        r#"{"ignoreMigrationPatterns": ["*:pending"]}"#,
        &["R__x.sql"],
        "",
        "",
    ),
    // 6. Pairs above the baseline.
    (
        &["1, '1', 'x', 'JDBC', NULL, true"],
        "{}",
        &["V1__x.sql"],
        "TypeMismatch",
        "",
    ),
    (
        &["1, NULL, 'x', 'SCRIPT', -690524359, true"],
        "{}",
        &["R__x.sql"],
        "TypeMismatch",
        "",
    ),
    (
        &["1, '1', 'x', 'SQL', 7, true"],
        "{}",
        &["V1__x.sql"],
        "ChecksumMismatch",
        "",
    ),
    (&["1, '1', 'x', 'SQL', NULL, true"], "{}", &["V1__x.sql"], "", ""),
    (
        &["1, '1', 'y', 'SQL', -690524359, true"],
        "{}",
        &["V1__x.sql"],
        "DescriptionMismatch",
        "",
    ),
    (
        &["1, '1', 'y', 'SQL', 7, true"],
        "{}",
        &["V1__x.sql"],
        "ChecksumMismatch",
        "",
    ),
    (&["1, '1', 'x', 'SQL_BASELINE', 7, true"], "{}", &["B1__x.sql"], "", ""),
    (
        &["1, '1', 'y', 'SQL', 7, true", "2, '1', 'x', 'BASELINE', NULL, true"],
        "{}",
        &["V1__x.sql"],
        "",
        "",
    ),
    // Skipped entirely: undone, deleted, above the target, and what a pattern matches.
    (
        &["1, '1', 'y', 'SQL', 7, true", "2, '1', 'y', 'DELETE', 7, true"],
        "{}",
        &["V1__x.sql"],
        "",
        "NotApplied",
    ),
    (
        &["1, '1', 'y', 'SQL', 7, true", "2, '1', 'y', 'UNDO_SQL', 7, true"],
        "{}",
        &["V1__x.sql"],
        "",
        "NotApplied",
    ),
    (
        &["1, '1', 'y', 'SQL', 7, true"],
        r#"{"ignoreMigrationPatterns": ["*:*"]}"#,
        &["V1__x.sql"],
        "",
        "",
    ),
    // Where there is no schema, only that is told.
    (&[], r#"{"schemas": ["later"]}"#, &["V1__x.sql"], "", "SchemaMissing"),
    (
        &[],
        r#"{"schemas": ["later"], "ignoreMigrationPatterns": ["*:pending"]}"#,
        &["V1__x.sql"],
        "",
        "",
    ),
    // Nobody has it.
    (
        &[],
        r#"{"target": "7"}"#,
        &["V1__x.sql", "U7__x.sql"],
        "TargetInvalid",
        "NotApplied",
    ),
    (
        &[],
        r#"{"cherryPick": ["7", "y"]}"#,
        &["V1__x.sql"],
        "TargetInvalid TargetInvalid",
        "",
    ),
];

#[tokio::test]
async fn s7_every_code() {
    for (rows, settings, names, migrate, validate) in CASES {
        let mut world = World::new().await;
        if !rows.is_empty() {
            history(&world, rows).await;
        }
        world.flyway = serde_json::from_str(settings).unwrap();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (*name, "select 1;")).collect();
        let info = world.info(&files).await;
        let found = (codes(&info.problems), codes(&info.not_applied));
        assert_eq!(
            (found.0.as_str(), found.1.as_str()),
            (*migrate, *validate),
            "{rows:?} {settings} {names:?}"
        );
    }
}

#[tokio::test]
async fn s7_every_problem_is_told_at_once_and_with_its_place() {
    let world = World::new().await;
    history(
        &world,
        &[
            "1, '1', 'x', 'SQL', 7, true",
            &format!("2, '2', 'other', 'SQL', {ONE}, true"),
            "3, '3', 'gone', 'SQL', 7, true",
            "4, '5', 'x', 'SQL', 7, false",
        ],
    )
    .await;
    let files: Vec<(&str, &str)> = ["V1__x.sql", "V2__x.sql", "V4__x.sql", "V5__x.sql"]
        .iter()
        .map(|name| (*name, "select 1;"))
        .collect();
    let problems = world.info(&files).await.problems;
    assert_eq!(
        codes(&problems),
        "MigrationFailed ChecksumMismatch DescriptionMismatch MigrationMissing OutOfOrder"
    );
    let places: Vec<&str> = problems
        .iter()
        .map(|problem| problem.place.as_ref().map_or("", |place| place.file.as_str()))
        .collect();
    assert_eq!(places, ["V5__x.sql", "V1__x.sql", "V2__x.sql", "", "V4__x.sql"]);
}
