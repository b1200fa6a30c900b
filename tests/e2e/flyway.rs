//! Databases that Belay did not make.

use crate::case::Case;

const HISTORY: &str = "CREATE TABLE flyway_schema_history (
    installed_rank int NOT NULL, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL,
    script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
    installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
    ALTER TABLE flyway_schema_history ADD CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank);
    CREATE INDEX flyway_schema_history_s_idx ON flyway_schema_history (success);
    ALTER TABLE flyway_schema_history OWNER TO migrator;
    CREATE TABLE a (n int);
    ALTER TABLE a OWNER TO migrator;
    INSERT INTO flyway_schema_history VALUES ";

/// The checksum of `select 1;`, as Flyway has it.
const ONE: &str = "-690524359";

#[tokio::test]
async fn a_database_that_flyway_migrated_is_continued() {
    let case = Case::new("flyway").await;
    case.sql(&format!(
        "{HISTORY} (1, '1', 'a', 'SQL', 'V1__a.sql', {ONE}, 'flyway', now(), 3, true),
                   (2, NULL, 'r', 'SQL', 'R__r.sql', {ONE}, 'flyway', now(), 3, true)"
    ))
    .await;
    let files = [
        ("V1__a.sql", "select 1;"),
        ("R__r.sql", "select 1;"),
        ("V2__b.sql", "INSERT INTO a VALUES (2)"),
    ];
    let ran = case.ship(&files).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(ran.result.verified.unwrap().applied, ["V2__b.sql"]);
    assert_eq!(
        case.sql("SELECT installed_rank, version, type, script, success FROM flyway_schema_history ORDER BY 1")
            .await,
        ["1|1|SQL|V1__a.sql|t", "2|null|SQL|R__r.sql|t", "3|2|SQL|V2__b.sql|t"]
    );
    assert_eq!(case.sql("TABLE a").await, ["2"]);
}

/// P1: refused at Plan, before anything is written.
#[tokio::test]
async fn a_database_that_does_not_match_is_refused_unchanged() {
    let cases = [
        (
            "other-checksum",
            "1, '1', 'a', 'SQL', 'V1__a.sql', 7, 'flyway', now(), 3, true",
            "Belay.ChecksumMismatch",
        ),
        (
            "other-file",
            "1, '1', 'z', 'SQL', 'V1__z.sql', -690524359, 'flyway', now(), 3, true",
            "Belay.DescriptionMismatch",
        ),
        (
            "gone-file",
            "1, '0.5', 'z', 'SQL', 'V0.5__z.sql', 7, 'flyway', now(), 3, true",
            "Belay.MigrationMissing",
        ),
        (
            "failed-row",
            "1, '1', 'a', 'SQL', 'V1__a.sql', -690524359, 'flyway', now(), 3, false",
            "Belay.MigrationFailed",
        ),
    ];
    for (name, row, code) in cases {
        let case = Case::new(name).await;
        case.sql(&format!("{HISTORY} ({row})")).await;
        let before = case.sql("TABLE flyway_schema_history").await;
        refused(&case, code).await;
        assert_eq!(case.sql("TABLE flyway_schema_history").await, before);
    }
    let case = Case::new("never-migrated").await;
    case.sql("CREATE TABLE theirs (n int)").await;
    refused(&case, "Belay.NonEmptySchema").await;
}

async fn refused(case: &Case, code: &str) {
    let ran = case
        .ship(&[("V1__a.sql", "select 1;"), ("V2__b.sql", "CREATE TABLE b (n int)")])
        .await;
    assert_eq!(ran.result.status, "rejected", "{code}: {:#?}", ran.result);
    let problems = ran.result.failure.unwrap().problems;
    let codes: Vec<_> = problems.iter().map(|problem| problem.code.name()).collect();
    assert_eq!(codes, [code]);
    assert!(ran.mail.text.contains(code), "{}", ran.mail.text);
    assert!(!case.has("b").await && !case.has("belay.run").await);
    assert_eq!(case.lock("owner").await, None);
}
