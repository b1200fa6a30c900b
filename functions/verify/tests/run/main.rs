//! Runs through validate, migrate and verify on a real PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod compensation;
mod stage;

use belay_model::{Code, FindingKind, MigrateStatus, Outcome, Verdict};
use serde_json::json;

use crate::stage::{SECRET, Stage};

const GOOD: &[(&str, &str)] = &[
    ("V1__items.sql", "CREATE TABLE items (id int PRIMARY KEY);"),
    ("V2__rows.sql", "INSERT INTO items VALUES (1), (2);"),
    ("verify/rows.sql", "SELECT count(*) = 2 FROM items;"),
];

#[tokio::test]
async fn what_is_planned_is_applied_and_proved() {
    let stage = Stage::new("good", GOOD).await;
    let plan = stage.plan().await.unwrap();
    assert_eq!(plan.pending, 2);
    assert!(!stage.has_table("flyway_schema_history").await, "P1: Plan only reads");
    assert_eq!(stage.migrate(&plan).await.unwrap(), MigrateStatus::Done);
    let (reply, verified) = stage.verify(&plan, None).await.unwrap();
    assert_eq!((reply.outcome, reply.stale), (Outcome::Migrated, false));
    assert_eq!(verified.applied, ["V1__items.sql", "V2__rows.sql"]);
    let changed = |kind| verified.findings.iter().filter(move |f| f.kind == kind);
    assert!(
        changed(FindingKind::Changed).any(|f| f.message.contains("items")),
        "{:?}",
        verified.findings
    );
    assert_eq!(
        changed(FindingKind::ChangedByOthers).count(),
        0,
        "{:?}",
        verified.findings
    );

    let again = stage.next("again", GOOD);
    assert_eq!(again.plan().await.unwrap().pending, 0);
}

#[tokio::test]
async fn a_failure_rolls_back_and_is_told_with_its_place() {
    let files = [
        ("V1__items.sql", "CREATE TABLE items (id int);"),
        ("V2__bad.sql", "SELECT 1;\nSELECT nothing FROM items;"),
    ];
    let stage = Stage::new("bad", &files).await;
    let plan = stage.plan().await.unwrap();
    let failure = stage.migrate(&plan).await.unwrap_err();
    assert_eq!(failure.code, Code::SqlFailed);
    assert_eq!(failure.place.as_ref().unwrap().to_string(), "V2__bad.sql:2:8");
    let (reply, _) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!((reply.verdict, reply.outcome), (Verdict::Before, Outcome::Unchanged));
    assert!(!stage.has_table("items").await);
}

#[tokio::test]
async fn what_a_lone_file_left_needs_an_operator_until_it_is_kept() {
    let files = [
        (
            "V1__lone.sql",
            "BEGIN; CREATE TABLE lone (id int); COMMIT;\nSELECT nothing;",
        ),
        ("V2__after.sql", "CREATE TABLE later (id int);"),
    ];
    let stage = Stage::new("lone", &files).await;
    let plan = stage.plan().await.unwrap();
    let failure = stage.migrate(&plan).await.unwrap_err();
    let (reply, verified) = stage.verify(&plan, Some(&failure)).await.unwrap();
    assert_eq!(
        (reply.verdict, reply.outcome),
        (Verdict::Between, Outcome::NeedsOperator)
    );
    assert_eq!(verified.open_units.len(), 1);

    let keeper = stage.next("keep", &files);
    assert_eq!(keeper.keep(&stage.run()).await.unwrap(), 1);
    assert_eq!(
        keeper.keep(&stage.run()).await.unwrap(),
        0,
        "closing what is closed changes nothing"
    );
}

#[tokio::test]
async fn keeping_a_run_that_never_began_closes_nothing() {
    let stage = Stage::new("nothing_to_keep", GOOD).await;
    assert_eq!(stage.keep(&stage.run()).await.unwrap(), 0);
    assert!(!stage.has_table("belay.run").await);
}

#[tokio::test]
async fn k3_a_lock_that_is_lost_stops_it_before_anything_changes() {
    let stage = Stage::new("fenced", GOOD).await;
    let plan = stage.plan().await.unwrap();
    for (owner, phase, fence) in [
        (stage.execution.as_str(), "changing", 8),
        ("arn:another", "changing", 7),
        (stage.execution.as_str(), "held", 7),
    ] {
        stage.lock(owner, phase, fence);
        let failure = stage.migrate(&plan).await.unwrap_err();
        assert_eq!(failure.code, Code::Fenced);
        assert_eq!(stage.keep(&stage.run()).await.unwrap_err().code, Code::Fenced);
    }
    assert!(!stage.has_table("belay.run").await && !stage.has_table("items").await);
    let (reply, _) = stage.verify(&plan, None).await.unwrap();
    assert_eq!(reply.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_secret_placeholder_is_in_no_paper_and_keeps_its_version() {
    let files = [("V1__key.sql", "CREATE TABLE key AS SELECT '${api}' AS value;")];
    let mut stage = Stage::new("placeholder", &files).await;
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api";
    stage.aws.put_secret(arn, "api1", r#"{"key": "hunter2"}"#);
    stage.target["placeholders"] = json!({"api": {"secret": {"arn": arn, "key": "key"}}});
    let plan = stage.plan().await.unwrap();
    stage.aws.put_secret(arn, "api2", r#"{"key": "rotated"}"#);
    stage.migrate(&plan).await.unwrap();
    let (reply, _) = stage.verify(&plan, None).await.unwrap();
    assert_eq!(reply.outcome, Outcome::Migrated);
    let value: String = stage
        .client()
        .await
        .query_one("SELECT value FROM key", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(value, "hunter2");
    for key in stage.aws.keys().iter().filter(|key| key.starts_with("runs/")) {
        let paper = String::from_utf8(stage.aws.object(key).unwrap()).unwrap();
        assert!(!paper.contains("hunter2"), "{key}");
    }
}

#[tokio::test]
async fn a_login_that_does_not_work_is_credentials() {
    let stage = Stage::new("login", GOOD).await;
    stage.aws.put_secret(
        SECRET,
        "login2",
        r#"{"username": "migrator", "password": "wrong-hunter2"}"#,
    );
    let failure = stage.plan().await.unwrap_err();
    assert_eq!(failure.code, Code::Credentials);
    assert!(!failure.to_string().contains("hunter2"), "{failure}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_the_database() {
    let mut stage = Stage::new("down", GOOD).await;
    let plan = stage.plan().await.unwrap();
    stage.target["endpoint"]["port"] = json!(1);
    assert_eq!(stage.plan().await.unwrap_err().code, Code::Database);
    assert_eq!(stage.migrate(&plan).await.unwrap_err().code, Code::Database);
    assert_eq!(stage.verify(&plan, None).await.unwrap_err().code, Code::Database);
}

#[tokio::test]
async fn tls_is_off_for_loopback_addresses_only() {
    let mut stage = Stage::new("no_tls", GOOD).await;
    stage.target["endpoint"]["host"] = json!("db.example");
    assert_eq!(stage.plan().await.unwrap_err().code, Code::TargetInvalid);
}

#[tokio::test]
async fn a_bundle_or_a_plan_that_was_exchanged_is_refused() {
    let stage = Stage::new("exchanged", GOOD).await;
    let mut mixed = stage.next("mixed", &[("V1__other.sql", "SELECT 1;")]);
    mixed.digest = stage.digest;
    assert_eq!(mixed.plan().await.unwrap_err().code, Code::PlanMismatch);

    stage.lock(&stage.execution, "changing", 7);
    let plan = stage.plan().await.unwrap();
    let foreign = belay_model::PlanReply {
        digest: belay_model::PlanDigest::of(b"another"),
        ..plan.clone()
    };
    assert_eq!(stage.migrate(&foreign).await.unwrap_err().code, Code::PlanMismatch);
    assert_eq!(stage.verify(&foreign, None).await.unwrap_err().code, Code::PlanMismatch);
    assert!(!stage.has_table("items").await);
}

#[tokio::test]
async fn info_tells_and_validate_judges() {
    let stage = Stage::new("info", GOOD).await;
    let table = stage.info("info").await.unwrap();
    assert_eq!(table["pending"], 2);
    assert_eq!(table["migrations"][0]["state"], "Pending");
    // As Flyway's: whether the database is as the bundle says, and not whether it could be.
    let failure = stage.info("validate").await.unwrap_err();
    let codes: Vec<_> = failure.problems.iter().map(|problem| problem.code).collect();
    assert_eq!((failure.code, codes), (Code::PlanRejected, vec![Code::NotApplied; 2]));

    let plan = stage.plan().await.unwrap();
    stage.migrate(&plan).await.unwrap();
    stage.info("validate").await.unwrap();
    let changed = stage.next("changed", &[("V1__items.sql", "CREATE TABLE other (id int);"), GOOD[1]]);
    let table = changed.info("info").await.unwrap();
    assert_eq!(table["problems"][0]["code"], "Belay.ChecksumMismatch");
    let failure = changed.info("validate").await.unwrap_err();
    assert_eq!(
        (failure.code, failure.problems[0].code),
        (Code::PlanRejected, Code::ChecksumMismatch)
    );
}

#[tokio::test]
async fn more_problems_than_cross_are_in_a_paper() {
    let files: Vec<(String, &str)> = (1..=400)
        .map(|i| {
            (
                format!("V{i}__a_rather_long_description_of_what_it_does.sql"),
                "SELECT '${unknown_placeholder}';",
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let stage = Stage::new("problems", &files).await;
    let failure = stage.plan().await.unwrap_err();
    assert_eq!(failure.code, Code::PlanRejected);
    let paper = format!("runs/shop/{}/problems.json", stage.run());
    assert!(failure.message.contains(&paper), "{}", failure.message);
    assert_eq!(stage.aws.json(&paper).unwrap().as_array().unwrap().len(), 400);
}
