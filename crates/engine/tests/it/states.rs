//! The states of `info`, and the order in which they are shown: a table for each rule of Flyway's (section 6).

use belay_engine::{Info, PlanRequest};
use belay_model::PlannedAction;

use crate::flyway::{ONE, history};
use crate::world::{World, bundle};

impl World {
    pub(crate) async fn info(&self, files: &[(&str, &str)]) -> Info {
        let request = PlanRequest {
            action: PlannedAction::Migrate,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: None,
        };
        let info = belay_engine::info(&self.connect, &self.opened(&bundle(files)), &request).await;
        info.unwrap_or_else(|e| panic!("{}", e.failure()))
    }
}

/// `category version state` of each line, in order.
fn shown(info: &Info) -> Vec<String> {
    let line = |row: &belay_engine::InfoRow| {
        let name = row.version.as_ref().map_or(row.description.as_str(), |v| v.as_str());
        format!("{} {name} {}", row.category, row.state.as_str())
            .trim()
            .to_owned()
    };
    info.rows.iter().map(line).collect()
}

/// Files that all hold `select 1;`.
fn files<'a>(names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    names.iter().map(|name| (*name, "select 1;")).collect()
}

fn sql(rank: i32, version: &str) -> String {
    format!("{rank}, '{version}', 'x', 'SQL', {ONE}, true")
}

fn of_type(rank: i32, version: &str, kind: &str) -> String {
    format!("{rank}, {version}, 'x', '{kind}', {ONE}, true")
}

/// Rows, settings, files, and what is shown.
type Case<'a> = (&'a str, Vec<String>, &'a str, &'a [&'a str], &'a [&'a str]);

async fn check(cases: Vec<Case<'_>>) {
    for (what, rows, settings, names, expected) in cases {
        let mut world = World::new().await;
        if !rows.is_empty() {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            history(&world, &rows).await;
        }
        world.flyway = serde_json::from_str(settings).unwrap();
        assert_eq!(shown(&world.info(&files(names)).await), expected, "{what}");
    }
}

const FOUR_AND_B3: [&str; 5] = ["V1__x.sql", "V2__x.sql", "V3__x.sql", "B3__x.sql", "V4__x.sql"];

#[tokio::test]
async fn s6_baseline_files() {
    check(vec![
        (
            "a fresh database runs the highest B and what is above it",
            vec![],
            "{}",
            &[
                "V1__x.sql",
                "V2__x.sql",
                "B2__x.sql",
                "V3__x.sql",
                "B3__x.sql",
                "V4__x.sql",
            ],
            &[
                "Versioned 1 Below Baseline",
                "Versioned 2 Below Baseline",
                "Baseline 2 Below Baseline",
                "Versioned 3 Ignored (Baseline)",
                "Baseline 3 Pending",
                "Versioned 4 Pending",
            ],
        ),
        (
            "one with anything applied ignores it",
            vec![sql(1, "1"), sql(2, "2")],
            "{}",
            &FOUR_AND_B3,
            &[
                "Versioned 1 Success",
                "Versioned 2 Success",
                "Versioned 3 Pending",
                "Baseline 3 Ignored",
                "Versioned 4 Pending",
            ],
        ),
        (
            "an applied B file, with its file",
            vec![of_type(1, "'3'", "SQL_BASELINE"), sql(2, "4")],
            "{}",
            &FOUR_AND_B3,
            &[
                "Versioned 1 Below Baseline",
                "Versioned 2 Below Baseline",
                "Versioned 3 Ignored (Baseline)",
                "Baseline 3 Baseline",
                "Versioned 4 Success",
            ],
        ),
        (
            "under its old name, and its file is gone",
            vec![of_type(1, "'3'", "SQL_STATE_SCRIPT"), sql(2, "4")],
            "{}",
            &["V4__x.sql"],
            &["Baseline 3 Missing", "Versioned 4 Success"],
        ),
        (
            "after the command baseline, also the same version",
            vec![of_type(1, "'3'", "BASELINE")],
            "{}",
            &FOUR_AND_B3,
            &[
                "Versioned 1 Below Baseline",
                "Versioned 2 Below Baseline",
                "Versioned 3 Ignored (Baseline)",
                "Baseline 3 Ignored (Baseline)",
                "3 Baseline",
                "Versioned 4 Pending",
            ],
        ),
        (
            "a failed one",
            vec![of_type(1, "'3'", "SQL_BASELINE").replace("true", "false")],
            "{}",
            &["B3__x.sql"],
            &["Baseline 3 Failed"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn s6_deleted_and_undone_rows() {
    check(vec![
        (
            "a deleted version whose file came back late is ignored",
            vec![sql(1, "1"), sql(2, "2"), of_type(3, "'1'", "DELETE")],
            "{}",
            &["V1__x.sql", "V2__x.sql"],
            &["Versioned 1 Deleted", "Versioned 2 Success", "Versioned 1 Ignored"],
        ),
        (
            "or is out of order",
            vec![sql(1, "1"), sql(2, "2"), of_type(3, "'1'", "DELETE"), sql(4, "1")],
            "{}",
            &["V1__x.sql", "V2__x.sql"],
            &["Versioned 1 Deleted", "Versioned 2 Success", "Versioned 1 Out of Order"],
        ),
        (
            "a deleted repeatable runs again, and an older run of it stays superseded",
            vec![
                of_type(1, "NULL", "SQL"),
                of_type(2, "NULL", "SQL"),
                of_type(3, "NULL", "DELETE"),
            ],
            "{}",
            &["R__x.sql", "V1__x.sql"],
            &[
                "Repeatable x Superseded",
                "Repeatable x Deleted",
                "x Success",
                "Versioned 1 Pending",
                "Repeatable x Pending",
            ],
        ),
        (
            "what Flyway undid is pending again",
            vec![sql(1, "1"), sql(2, "2"), of_type(3, "'2'", "UNDO_SQL")],
            "{}",
            &["V1__x.sql", "V2__x.sql"],
            &[
                "Versioned 1 Success",
                "Versioned 2 Undone",
                "Undo 2 Success",
                "Versioned 2 Pending",
            ],
        ),
        (
            "what Belay undid is not in the history, and pending",
            vec![sql(1, "1"), sql(3, "3")],
            r#"{"outOfOrder": true}"#,
            &["V1__x.sql", "V2__x.sql", "V3__x.sql"],
            &["Versioned 1 Success", "Versioned 3 Success", "Versioned 2 Pending"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn s6_rows_without_a_file_and_files_without_a_row() {
    check(vec![
        (
            "missing, future, failed",
            vec![
                "0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', NULL, true".to_owned(),
                sql(1, "1"),
                "2, '2', 'x', 'SQL', 7, false".to_owned(),
                sql(3, "9"),
                "4, '8', 'x', 'SQL', 7, false".to_owned(),
                "5, NULL, 'gone', 'SQL', 7, true".to_owned(),
            ],
            "{}",
            &["V3__x.sql"],
            &[
                "<< Flyway Schema Creation >> Success",
                "Versioned 1 Missing",
                "Versioned 2 Failed (Missing)",
                "Versioned 9 Future",
                "Versioned 8 Failed (Future)",
                "Repeatable gone Missing",
                "Versioned 3 Ignored",
            ],
        ),
        (
            "a version that is there again in other words is the same",
            vec![sql(1, "1.0")],
            "{}",
            &["V001__x.sql"],
            &["Versioned 1.0 Success"],
        ),
        (
            "without rows all is in the order of versions",
            vec![],
            r#"{"target": "1.5?"}"#,
            &["V2__x.sql", "V1__x.sql", "R__a.sql", "R__B.sql", "V10__x.sql"],
            &[
                "Versioned 1 Pending",
                "Versioned 2 Above Target",
                "Versioned 10 Above Target",
                "Repeatable B Pending",
                "Repeatable a Pending",
            ],
        ),
        (
            "cherryPick leaves out the others",
            vec![sql(1, "1")],
            r#"{"cherryPick": ["3", "the_view"]}"#,
            &["V1__x.sql", "V2__x.sql", "V3__x.sql", "R__the_view.sql", "R__x.sql"],
            &[
                "Versioned 1 Success",
                "Versioned 2 Ignored",
                "Versioned 3 Pending",
                "Repeatable the view Pending",
                "Repeatable x Ignored",
            ],
        ),
    ])
    .await;
}

#[tokio::test]
async fn s6_an_undo_file_is_not_shown_but_what_it_can_undo() {
    let world = World::new().await;
    history(&world, &[&sql(1, "1"), &sql(2, "2"), &of_type(3, "NULL", "SQL")]).await;
    let names = [
        "V1__x.sql",
        "V2__x.sql",
        "U2__x.sql",
        "V3__x.sql",
        "U3__x.sql",
        "R__x.sql",
    ];
    let info = world.info(&files(&names)).await;
    let undoable: Vec<String> = info
        .rows
        .iter()
        .map(|row| {
            format!(
                "{:?} {:?} {:?}",
                row.version.as_ref().map(|v| v.as_str()),
                row.undoable,
                row.undo_path
            )
        })
        .collect();
    assert_eq!(
        undoable,
        [
            r#"Some("1") Some(false) None"#,
            r#"Some("2") Some(true) Some("U2__x.sql")"#,
            r#"None None None"#,
            r#"Some("3") Some(true) Some("U3__x.sql")"#,
        ]
    );
}

#[tokio::test]
async fn s8_should_execute_says_whether_a_file_runs_once_its_placeholders_are_replaced() {
    let mut world = World::new().await;
    world.flyway = serde_json::from_str(r#"{"placeholders": {"stage": "test"}}"#).unwrap();
    let files = [
        ("V1__x.sql", "select 1;"),
        ("V1__x.sql.conf", "shouldExecute=${stage}==test"),
        ("V2__x.sql", "select 1;"),
        ("V2__x.sql.conf", "shouldExecute=${stage}==production"),
        ("R__x.sql", "select 1;"),
        ("R__x.sql.conf", "shouldExecute=false"),
        ("V3__x.sql", "select 1;"),
    ];
    let info = world.info(&files).await;
    assert_eq!(
        shown(&info),
        [
            "Versioned 1 Pending",
            "Versioned 2 Ignored",
            "Versioned 3 Pending",
            "Repeatable x Ignored",
        ]
    );
    // What is left out on purpose is no problem, also below what is applied.
    let ran = world.shipped(&files).await;
    assert_eq!(ran.verified.applied, ["V1__x.sql", "V3__x.sql"]);
    assert!(world.info(&files).await.problems.is_empty());
}

#[tokio::test]
async fn s6_two_deletes_of_one_version_are_a_history_that_contradicts_itself() {
    let world = World::new().await;
    let rows = [sql(1, "1"), of_type(2, "'1'", "DELETE"), of_type(3, "'1'", "DELETE")];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    history(&world, &rows).await;
    let failure = world.plan(&bundle(&files(&["V1__x.sql"]))).await.unwrap_err().failure();
    let told = failure.to_string();
    assert!(
        told.contains("Belay.HistoryUnreadable") && told.contains("installed_rank 3"),
        "{told}"
    );
}
