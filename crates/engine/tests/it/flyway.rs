//! Databases that Flyway migrated: rows as Flyway writes them, and histories that do not match.

use belay_engine::{PlanRequest, State};
use belay_model::PlannedAction;

use crate::world::{World, bundle, codes};

const TABLE: &str = r#"CREATE TABLE flyway_schema_history (
    installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL,
    script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
    installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
    ALTER TABLE flyway_schema_history OWNER TO migrator;"#;

/// `(rank, version, description, type, checksum, success)` as SQL values.
pub(crate) async fn history(world: &World, rows: &[&str]) {
    let values: Vec<String> = rows
        .iter()
        .map(|row| {
            let parts: Vec<&str> = row.split(", ").collect();
            let [rank, version, description, kind, checksum, success] = parts.as_slice() else {
                panic!("{row}")
            };
            format!("({rank}, {version}, {description}, {kind}, 'script', {checksum}, 'flyway', now(), 1, {success})")
        })
        .collect();
    world
        .sql(&format!(
            "{TABLE} INSERT INTO flyway_schema_history VALUES {}",
            values.join(", ")
        ))
        .await;
}

/// The checksum of `select 1;`, as Flyway has it.
pub(crate) const ONE: &str = "-690524359";

#[tokio::test]
async fn a_database_that_flyway_migrated_is_continued() {
    let world = World::new().await;
    history(
        &world,
        &[
            "0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', NULL, true",
            &format!("1, '1', 'a', 'SQL', {ONE}, true"),
            &format!("2, '1.1', 'b', 'SQL', {ONE}, true"),
            &format!("3, NULL, 'r', 'SQL', {ONE}, true"),
        ],
    )
    .await;
    let files = [
        ("V1__a.sql", "select 1;"),
        ("V001.1__b.sql", "select 1;\r\n"),
        ("R__r.sql", "select\n 1;"),
        ("V2__c.sql", "CREATE TABLE c (a int)"),
    ];
    let ran = world.shipped(&files).await;
    assert_eq!(ran.verified.applied, ["V2__c.sql"]);
    let rows = world
        .sql("SELECT installed_rank, version FROM flyway_schema_history ORDER BY 1")
        .await;
    assert_eq!(rows, ["0|null", "1|1", "2|1.1", "3|null", "4|2"]);
}

#[tokio::test]
async fn what_does_not_match_is_refused_with_its_code() {
    /// Rows, files, and the codes of what keeps a plan from being made.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 11] = [
        (
            &["1, '1', 'a', 'SQL', 7, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.ChecksumMismatch"],
        ),
        (
            &["1, '1', 'b', 'SQL', -690524359, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.DescriptionMismatch"],
        ),
        (
            &["1, '1', 'a', 'JDBC', NULL, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.TypeMismatch"],
        ),
        (
            &["1, '1', 'a', 'SQL', 7, false"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.MigrationFailed"],
        ),
        (
            &["1, '1', 'a', 'SQL', 7, true"],
            &[("V2__b.sql", "select 1;")],
            &["Belay.MigrationMissing"],
        ),
        (
            &["1, '2', 'b', 'SQL', -690524359, true"],
            &[("V1__a.sql", "select 1;"), ("V2__b.sql", "select 1;")],
            &["Belay.OutOfOrder"],
        ),
        (
            &["1, NULL, 'r', 'SQL', 7, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.MigrationMissing"],
        ),
        (
            &["1, '1', 'a', 'NEW_TYPE', 7, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.HistoryUnreadable"],
        ),
        (
            &["1, '9', 'future', 'SQL', 7, true"],
            &[("V1__a.sql", "select 1;")],
            &["Belay.OutOfOrder"],
        ),
        // A baseline hides what is below it, and is no file.
        (
            &["1, '1', '<< Flyway Baseline >>', 'BASELINE', NULL, true"],
            &[("V1__a.sql", "x"), ("V2__b.sql", "select 1;")],
            &[],
        ),
        // Deleted by repair: the file is gone for good.
        (
            &["1, '1', 'a', 'SQL', 7, true", "2, '1', 'a', 'DELETE', 7, true"],
            &[("V2__b.sql", "select 1;")],
            &[],
        ),
    ];
    for (rows, files, expected) in cases {
        let world = World::new().await;
        history(&world, rows).await;
        assert_eq!(codes(world.plan(&bundle(files)).await), expected, "{rows:?}");
    }
}

#[tokio::test]
async fn out_of_order_runs_when_the_target_says_so() {
    let mut world = World::new().await;
    world.flyway.out_of_order = true;
    history(&world, &[&format!("1, '2', 'b', 'SQL', {ONE}, true")]).await;
    let ran = world
        .shipped(&[("V1__a.sql", "select 1;"), ("V2__b.sql", "select 1;")])
        .await;
    assert_eq!(ran.verified.applied, ["V1__a.sql"]);
}

#[tokio::test]
async fn a_table_of_that_name_that_is_not_flyways_is_told() {
    let world = World::new().await;
    world.sql("CREATE TABLE flyway_schema_history (a int)").await;
    assert_eq!(
        codes(world.plan(&bundle(&[("V1__a.sql", "select 1;")])).await),
        ["Belay.HistoryUnreadable"]
    );
}

#[tokio::test]
async fn info_tells_flyways_states() {
    let world = World::new().await;
    history(
        &world,
        &[
            "1, '1', '<< Flyway Baseline >>', 'BASELINE', NULL, true",
            &format!("2, '3', 'c', 'SQL', {ONE}, true"),
            &format!("3, '2.5', 'late', 'SQL', {ONE}, true"),
            "4, NULL, 'r', 'SQL', 7, true",
            "5, NULL, 'r', 'SQL', 8, true",
            "6, '4', 'gone', 'SQL', 8, true",
            "7, '99', 'future', 'SQL', 8, true",
        ],
    )
    .await;
    let files = bundle(&[
        ("V0.5__below.sql", "x"),
        ("V1__base.sql", "x"),
        ("V2.5__late.sql", "select 1;"),
        ("V3__c.sql", "select 1;"),
        ("V5__ignored.sql", "x"),
        ("R__r.sql", "select 2;"),
        ("R__new.sql", "select 2;"),
    ]);
    let request = PlanRequest {
        action: PlannedAction::Migrate,
        transaction: world.transaction,
        placeholders: &world.placeholders,
        instance: None,
    };
    let info = belay_engine::info(&world.connect, &world.opened(&files), &request)
        .await
        .unwrap();
    let shown: Vec<String> = info
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row.version.as_ref().map_or("-", |v| v.as_str()),
                row.description,
                row.state.as_str()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "0.5 below Below Baseline",
            "1 base Ignored (Baseline)",
            "1 << Flyway Baseline >> Baseline",
            "3 c Success",
            "2.5 late Out of Order",
            "- r Superseded",
            "- r Outdated",
            "4 gone Missing",
            "99 future Future",
            "5 ignored Ignored",
            "- new Pending",
            "- r Pending",
        ]
    );
    assert_eq!(info.rows[3].state, State::Success);
    assert_eq!(info.version.unwrap().as_str(), "99");
}
