//! What must go well, and what people and CI are told of it.

use belay_local::{Build, Settings};
use belay_model::{AssertionState, TransactionMode, Verdict};
use serde_json::json;

use crate::bundle::zip;
use crate::case::Case;

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, total numeric NOT NULL)";
const ROWS: &str = "INSERT INTO orders SELECT n, n FROM generate_series(1, 100) n";
const VIEW: &str = "CREATE OR REPLACE VIEW large AS SELECT * FROM orders WHERE total > 90";

const RELEASE: [(&str, &str); 4] = [
    ("db/migration/V1__orders.sql", ORDERS),
    ("db/migration/V2__rows.sql", ROWS),
    ("db/migration/R__large.sql", VIEW),
    ("verify/orders.sql", "SELECT count(*) = 100 FROM orders"),
];

#[tokio::test]
async fn a_release_is_migrated_and_told_and_the_same_again_is_up_to_date() {
    let case = Case::new("release").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("release 1+ä.zip");
    std::fs::write(&path, zip(&RELEASE)).unwrap();

    // As a user does it: the real `aws s3 cp`.
    let shipped = case.world.stack.ship_file(&case.aws, "release", &path).await.unwrap();
    let ran = case.ran(&shipped).await;
    let result = &ran.result;
    let scripts = ["V1__orders.sql", "V2__rows.sql", "R__large.sql"];
    assert_eq!((result.status.as_str(), result.exit_code), ("migrated", Some(0)));
    assert_eq!(
        (result.target.as_str(), &result.failure, &result.superseded_by),
        ("release", &None, &None)
    );
    assert_eq!(result.bundle.as_ref().unwrap().key, "bundles/release/release 1+ä.zip");
    assert!(result.digest.is_some() && result.ended_at.unwrap() > result.started_at);
    let verified = result.verified.as_ref().unwrap();
    assert_eq!(
        (verified.verdict, verified.assertions),
        (Verdict::After, AssertionState::Passed)
    );
    assert_eq!(verified.applied, scripts);
    assert_eq!(
        ran.mail.subject,
        "[belay] release: migrated - 3 migrations, now at version 2"
    );
    for script in scripts {
        assert!(ran.mail.text.contains(script), "{}", ran.mail.text);
    }
    for paper in ["plan.json", "verified.json", "report.json", "report.html"] {
        let key = format!("runs/release/{}/{paper}", result.run);
        assert!(case.objects(&key).await.contains_key(&key), "{key}");
    }
    assert_eq!(case.history().await, scripts);
    assert_eq!(case.value("SELECT count(*) FROM large").await, "10");
    assert_eq!(case.lock("owner").await, None);
    case.assert_no_orphan().await;

    // The same object again; then the same bytes uploaded again.
    let again = case.start(&case.input(&shipped)).await;
    assert_eq!(
        (again.result.status.as_str(), again.result.exit_code),
        ("up-to-date", Some(0))
    );
    assert_eq!(again.result.digest, result.digest);
    assert!(
        !again.ended.states.contains(&"MarkChanging".to_owned()),
        "{:?}",
        again.ended.states
    );
    let uploaded = case.ship(&RELEASE).await;
    assert_eq!(uploaded.result.status, "up-to-date");
    assert_eq!(uploaded.mail.subject, "[belay] release: up-to-date");
    assert_eq!(case.history().await, scripts);
    // Who looks at the first upload's result sees the latest run of it.
    let latest = case.world.stack.result(&case.aws, &shipped).await.unwrap().unwrap();
    assert_eq!(latest.run, again.result.run);
}

/// A role that is not a superuser does it all.
#[tokio::test]
async fn info_and_validate_look_and_change_nothing() {
    let case = Case::new("actions").await;
    let shipped = case.upload(&RELEASE).await;
    assert_eq!(case.ran(&shipped).await.result.status, "migrated");
    let other = [
        ("V1__orders.sql", "CREATE TABLE orders (id bigint)"),
        ("V3__more.sql", "SELECT 1"),
    ];
    let refused = case.upload_as("other.zip", &other).await;
    let ran = case.ran(&refused).await;
    assert_eq!(
        (ran.result.status.as_str(), ran.result.exit_code),
        ("rejected", Some(4))
    );
    assert!(ran.mail.text.contains("Belay.ChecksumMismatch"), "{}", ran.mail.text);
    let before = journal(&case).await;

    for (shipped, action, outcome, said) in [
        (&shipped, "info", "done", "orders"),
        (&shipped, "validate", "done", "Success"),
        (&refused, "info", "done", "Belay.ChecksumMismatch"),
        (&refused, "validate", "rejected", "Belay.ChecksumMismatch"),
    ] {
        let mut input = case.input(shipped);
        input["action"] = json!(action);
        let ran = case.start(&input).await;
        assert_eq!(ran.result.status, outcome, "{action}: {:#?}", ran.result);
        assert!(ran.mail.text.contains(said), "{action}: {}", ran.mail.text);
        assert!(!ran.ended.states.contains(&"Lock".to_owned()), "{action}");
        // A question's answer does not hide what became of the upload.
        let result = case.world.stack.result(&case.aws, shipped).await.unwrap().unwrap();
        assert_ne!(result.run, ran.result.run, "{action}");
    }
    assert_eq!(journal(&case).await, before);
    assert_eq!(
        case.value("SELECT DISTINCT rolsuper FROM flyway_schema_history JOIN pg_roles ON rolname = installed_by")
            .await,
        "f"
    );
}

async fn journal(case: &Case) -> Vec<String> {
    case.sql("SELECT run, attempt, state FROM belay.run ORDER BY id").await
}

#[tokio::test]
async fn what_needs_an_operator_is_quarantined_until_it_is_kept() {
    let case = Case::new("kept").await;
    let fails = [
        ("V1__a.sql", "CREATE TABLE a (n int)"),
        ("V2__b.sql", "INSERT INTO a VALUES (1); COMMIT; SELECT 1 / 0"),
    ];
    let failed = case.ship(&fails).await;
    assert_eq!(
        (failed.result.status.as_str(), failed.result.exit_code),
        ("needs-operator", Some(2))
    );
    let verified = failed.result.verified.as_ref().unwrap();
    assert_eq!(
        (verified.applied.as_slice(), verified.missing.as_slice()),
        (&["V1__a.sql".to_owned()][..], &["V2__b.sql".to_owned()][..])
    );
    assert_eq!(verified.open_units.len(), 1, "{verified:?}");
    let run = &failed.result.run;
    for words in [
        "V1__a.sql",
        "V2__b.sql",
        "division by zero",
        "quarantined",
        "belay unlock",
        "keep",
        run.as_str(),
    ] {
        assert!(failed.mail.text.contains(words), "{words}: {}", failed.mail.text);
    }
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));

    // Nothing runs until then.
    let mended = [fails[0], ("V2__b.sql", "INSERT INTO a VALUES (2)")];
    let met = case.ship(&mended).await;
    assert_eq!(met.result.status, "needs-operator");
    assert_eq!(met.result.failure.as_ref().unwrap().code.name(), "Belay.Quarantined");
    assert!(met.mail.text.contains(run.as_str()), "{}", met.mail.text);
    assert_eq!(case.sql("SELECT n FROM a").await, ["1"]);
    let wrong = case.start(&case.keep(&met.result.run)).await;
    assert_eq!(wrong.result.status, "rejected");
    assert_eq!(wrong.result.failure.unwrap().code.name(), "Belay.NotQuarantined");
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));

    let kept = case.start(&case.keep(run)).await;
    assert_eq!(
        (kept.result.status.as_str(), kept.result.exit_code),
        ("done", Some(0)),
        "{kept:#?}"
    );
    assert_eq!(case.lock("owner").await, None);
    let next = case.ship(&mended).await;
    assert_eq!(next.result.status, "migrated");
    assert_eq!(next.result.verified.unwrap().applied, ["V2__b.sql"]);
    assert_eq!(case.sql("SELECT n FROM a ORDER BY 1").await, ["1", "2"]);
    // Kept once is kept: there is nothing to keep any more.
    let again = case.start(&case.keep(run)).await;
    assert_eq!(again.result.status, "rejected");
}

#[tokio::test]
async fn an_error_leaves_the_database_as_it_was_and_is_told_with_its_place() {
    let case = Case::new("error").await;
    assert_eq!(case.ship(&RELEASE).await.result.status, "migrated");
    let schema = "SELECT c.oid, relname, relkind, attname FROM pg_class c JOIN pg_attribute ON attrelid = c.oid \
                  WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 4";
    let before = (
        case.sql(schema).await,
        case.sql("TABLE orders").await,
        case.history().await,
    );
    let mut files = RELEASE.to_vec();
    files.push((
        "db/migration/V3__more.sql",
        "ALTER TABLE orders ADD COLUMN note text;\nUPDATE orders SET note = 'x'",
    ));
    for (bad, place, code) in [
        (
            (
                "db/migration/V4__bad.sql",
                "SELECT 1;\nALTER TABLE orders ADD COLUMN note text",
            ),
            "V4__bad.sql:2",
            "SqlFailed",
        ),
        (("verify/more.sql", "SELECT 'x' = 'y'"), "more.sql:1", "AssertionFailed"),
    ] {
        files.push(bad);
        let ran = case.ship(&files).await;
        files.pop();
        assert_eq!(
            (ran.result.status.as_str(), ran.result.exit_code),
            ("unchanged", Some(1)),
            "{:#?}",
            ran.result
        );
        assert_eq!(ran.mail.subject, format!("[belay] error: unchanged - {place} {code}"));
        assert_eq!(ran.result.verified.unwrap().verdict, Verdict::Before);
        let after = (
            case.sql(schema).await,
            case.sql("TABLE orders").await,
            case.history().await,
        );
        assert_eq!(after, before);
        assert_eq!(case.lock("owner").await, None);
    }
    assert_eq!(case.ship(&files).await.result.status, "migrated");
}

#[tokio::test]
async fn a_release_goes_into_postgresql_16() {
    let settings = Settings {
        build: Build::V16,
        ..Settings::default()
    };
    let case = Case::alone("sixteen", settings).await;
    assert!(case.value("SHOW server_version").await.starts_with("16."));
    assert_eq!(case.ship(&RELEASE).await.result.status, "migrated");
    let mut files = RELEASE.to_vec();
    files.push(("db/migration/V3__bad.sql", "CREATE TABLE c (n int); SELECT 1 / 0"));
    assert_eq!(case.ship(&files).await.result.status, "unchanged");
    assert!(!case.has("c").await);
    files[4] = (
        "db/migration/V3__lone.sql",
        "CREATE INDEX CONCURRENTLY by_total ON orders (total)",
    );
    assert_eq!(case.ship(&files).await.result.status, "migrated");
    assert_eq!(case.ship(&files).await.result.status, "up-to-date");
}

#[tokio::test]
async fn two_thousand_migrations_go_in() {
    const MANY: usize = 2_000;
    let case = Case::new("many").await;
    let names: Vec<String> = (1..=MANY).map(|n| format!("V{n}__step_{n}.sql")).collect();
    let texts: Vec<String> = (1..=MANY)
        .map(|n| match n {
            1 => "CREATE TABLE steps (n int)".to_owned(),
            n => format!("INSERT INTO steps VALUES ({n})"),
        })
        .collect();
    let files: Vec<_> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let ran = case.ship(&files).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result.failure);
    assert_eq!(
        ran.mail.subject,
        "[belay] many: migrated - 2000 migrations, now at version 2000"
    );
    assert_eq!(case.history().await, names);
    assert_eq!(
        case.value("SELECT count(DISTINCT n) || ' ' || count(*) FROM steps")
            .await,
        "1999 1999"
    );
    assert_eq!(case.ship(&files).await.result.status, "up-to-date");
}

/// Its value is frozen in the plan, so that Migrate and Verify see what Plan saw; and it is another each time, so that
/// such a file runs each time.
#[tokio::test]
async fn a_repeatable_with_a_timestamp_runs_each_time() {
    let case = Case::with("timestamp", |target| target.transaction = TransactionMode::Each).await;
    let files = [
        ("V1__log.sql", "CREATE TABLE log (at timestamp)"),
        ("R__stamp.sql", "INSERT INTO log VALUES ('${flyway:timestamp}')"),
    ];
    let first = case.ship(&files).await;
    assert_eq!(first.result.verified.unwrap().applied, ["V1__log.sql", "R__stamp.sql"]);
    case.wait_for("SELECT date_trunc('second', now() AT TIME ZONE 'UTC') > max(at) FROM log")
        .await;
    let second = case.ship(&files).await;
    assert_eq!(
        (second.result.status.as_str(), second.result.verified.unwrap().applied),
        ("migrated", vec!["R__stamp.sql".to_owned()])
    );
    assert_eq!(case.value("SELECT count(DISTINCT at) FROM log").await, "2");
}
