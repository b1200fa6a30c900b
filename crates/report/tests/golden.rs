//! The mail of each outcome, as it is sent.

#![expect(clippy::unwrap_used, reason = "tests")]

use belay_model::{Action, Outcome, Plan, RunId, RunResult, Verified};
use belay_report::{InfoTable, LockFate, Report, Story};
use serde_json::{Value, json};

const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-0f3a";

fn result(outcome: Outcome, more: &Value) -> RunResult {
    let mut result = json!({
        "status": outcome.as_str(),
        "run": RunId::of_execution(EXECUTION),
        "execution": EXECUTION,
        "target": "shop",
        "bundle": {"key": "bundles/shop/release 7.zip", "versionId": "3sL4kqtJlcpXroDTDmJ"},
        "digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "startedAt": "2026-11-20T10:00:00Z",
        "endedAt": "2026-11-20T10:00:04.25Z",
        "report": "s3://belay-bucket/runs/shop/x/report.html",
    });
    for (name, value) in more.as_object().unwrap() {
        result[name] = value.clone();
    }
    serde_json::from_value(result).unwrap()
}

fn plan() -> Plan {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let migration = |version: Option<&str>, script: &str, rank: i32| {
        json!({
            "kind": if version.is_some() { "versioned" } else { "repeatable" }, "version": version,
            "description": "d", "script": script, "path": format!("sql/{script}"), "checksum": 1, "sha256": digest,
            "rank": rank,
        })
    };
    serde_json::from_value(json!({
        "bundle": digest, "history": {"schema": "public", "table": "flyway_schema_history"}, "historyExists": true,
        "baseRank": 7, "journal": null, "createSchemas": [], "searchPath": null, "defersConstraints": false,
        "transaction": "auto", "reason": "all in one",
        "units": [{"kind": "group", "migrations": [
            migration(Some("7"), "V7__orders.sql", 8), migration(Some("8"), "V8__refunds.sql", 9),
            migration(None, "R__views.sql", 10),
        ]}],
        "placeholders": {}, "placeholderReplacement": true, "assertions": [], "installedBy": null, "fromVersion": "6",
    }))
    .unwrap()
}

fn verified(more: &Value) -> Value {
    let mut verified = json!({
        "verdict": "before", "assertions": "none", "applied": [], "missing": [], "openUnits": [], "findings": [],
    });
    for (name, value) in more.as_object().unwrap() {
        verified[name] = value.clone();
    }
    serde_json::to_value(serde_json::from_value::<Verified>(verified).unwrap()).unwrap()
}

fn sql_failed() -> Value {
    json!({
        "code": "Belay.SqlFailed", "message": "column gift_cards.balance does not exist",
        "place": {"file": "migrations/V8__refunds.sql", "line": 7, "column": 15, "statement": "CREATE VIEW balances AS"},
        "server": {
            "sqlState": "42703", "message": "column gift_cards.balance does not exist",
            "detail": "first\nWHAT TO DO NEXT\nforged\u{1b}[31m", "hint": "Perhaps you meant \"amount\".",
            "where": "PL/pgSQL function f() line 3",
        },
        "next": "correct the file and upload the bundle again",
    })
}

fn quarantined() -> LockFate<'static> {
    LockFate::Quarantined { run: "byfmepjfivk6" }
}

fn report(result: &RunResult, plan: Option<&Plan>, action: Action, fate: LockFate<'_>) -> Report {
    Report::of(&Story {
        result,
        action,
        why: None,
        plan,
        info: None,
        lock: Some("db.example:5432"),
        fate,
        lock_table: "belay-locks",
        bucket: "belay-bucket",
        result_key: "results/shop/3sL4kqtJlcpXroDTDmJ.json",
    })
}

fn mail(result: &RunResult, plan: Option<&Plan>, action: Action, fate: LockFate<'_>) -> String {
    let report = report(result, plan, action, fate);
    format!("Subject: {}\n\n{}", report.subject, report.text())
}

#[test]
fn migrated() {
    let findings = json!([
        {"kind": "changed", "message": "+ table app.refunds"},
        {"kind": "changed-by-others", "message": "~ table app.users"},
    ]);
    let verified = verified(&json!({
        "verdict": "after", "assertions": "passed", "findings": findings,
        "applied": ["V7__orders.sql", "V8__refunds.sql", "R__views.sql"],
    }));
    let result = result(Outcome::Migrated, &json!({"verified": verified}));
    insta::assert_snapshot!(mail(&result, Some(&plan()), Action::Migrate, LockFate::Free));
}

#[test]
fn v4_an_assertion_that_fails_later_is_in_the_subject() {
    let verified = verified(&json!({"verdict": "after", "assertions": "failed-later"}));
    let result = result(Outcome::Migrated, &json!({"verified": verified}));
    let report = report(&result, Some(&plan()), Action::Migrate, LockFate::Free);
    assert_eq!(report.subject, "[belay] shop: migrated - but an assertion fails now");
}

#[test]
fn up_to_date() {
    let result = result(Outcome::UpToDate, &json!({}));
    insta::assert_snapshot!(mail(&result, Some(&plan()), Action::Migrate, LockFate::Free));
}

#[test]
fn unchanged() {
    let verified = verified(&json!({"missing": ["V7__orders.sql", "V8__refunds.sql"]}));
    let result = result(
        Outcome::Unchanged,
        &json!({"failure": sql_failed(), "verified": verified}),
    );
    insta::assert_snapshot!(mail(&result, Some(&plan()), Action::Migrate, LockFate::Free));
}

#[test]
fn rejected() {
    let problem =
        |code: &str, file: &str, message: &str| json!({"code": code, "place": {"file": file}, "message": message});
    let failure = json!({
        "code": "Belay.BundleRejected", "message": "2 problems",
        "problems": [
            problem("Belay.PathTraversal", "../evil.sql", "the name has `..`"),
            problem("Belay.Misnamed", "sql/V3_x.sql", "a version is followed by __"),
        ],
        "next": "mend the bundle and upload it again; the database was not opened",
    });
    let result = result(Outcome::Rejected, &json!({"failure": failure}));
    insta::assert_snapshot!(mail(&result, None, Action::Migrate, LockFate::Free));
}

#[test]
fn needs_operator() {
    let verified = verified(&json!({
        "verdict": "between", "applied": ["V7__orders.sql"], "missing": ["V8__refunds.sql"],
    }));
    let result = result(
        Outcome::NeedsOperator,
        &json!({"failure": sql_failed(), "verified": verified}),
    );
    insta::assert_snapshot!(mail(&result, Some(&plan()), Action::Migrate, quarantined()));
}

#[test]
fn needs_operator_with_a_file_half_done() {
    let verified = verified(&json!({
        "verdict": "between", "missing": ["V7__orders.sql"], "openUnits": ["V7__orders.sql: 2 of 3 statements done"],
    }));
    let result = result(
        Outcome::NeedsOperator,
        &json!({"failure": sql_failed(), "verified": verified}),
    );
    let text = mail(&result, Some(&plan()), Action::Migrate, quarantined());
    assert!(text.contains("that very file"), "{text}");
    assert!(text.contains("Half done:\n    - V7__orders.sql: 2 of 3"), "{text}");
}

#[test]
fn needs_operator_because_of_an_earlier_run() {
    let failure = json!({
        "code": "Belay.Quarantined", "message": "db.example:5432 is quarantined since run aaaaaaaaaaaa (arn:x). This run changed nothing.",
        "next": "Settle run aaaaaaaaaaaa first.",
    });
    let result = result(Outcome::NeedsOperator, &json!({"failure": failure}));
    insta::assert_snapshot!(mail(&result, None, Action::Migrate, LockFate::Free));
}

#[test]
fn interrupted_while_changing() {
    let failure = json!({"code": "Infra.Database", "message": "Sandbox.Timedout: after 900 seconds"});
    let result = result(Outcome::Interrupted, &json!({"failure": failure}));
    insta::assert_snapshot!(mail(&result, None, Action::Migrate, quarantined()));
}

#[test]
fn interrupted_before_anything() {
    let result = result(Outcome::Interrupted, &json!({}));
    insta::assert_snapshot!(mail(&result, None, Action::Migrate, LockFate::Free));
}

#[test]
fn superseded() {
    let result = result(Outcome::Superseded, &json!({"supersededBy": "version9"}));
    insta::assert_snapshot!(mail(&result, None, Action::Migrate, LockFate::Free));
}

#[test]
fn done() {
    let result = result(Outcome::Done, &json!({"bundle": null, "digest": null}));
    insta::assert_snapshot!(mail(&result, None, Action::Keep, LockFate::Free));
}

#[test]
fn info() {
    let table: InfoTable = serde_json::from_value(json!({
        "database": "shop", "version": "6",
        "migrations": [
            {"version": "6", "description": "customers", "script": "V6__customers.sql", "state": "Success",
             "installedOn": "2026-11-01 10:00:00"},
            {"version": "7", "description": "orders", "script": "V7__orders.sql", "state": "Pending"},
            {"description": "views", "script": "R__views.sql", "state": "Outdated"},
        ],
        "problems": [{"code": "Belay.ChecksumMismatch", "place": {"file": "V6__customers.sql"}, "message": "was changed"}],
    }))
    .unwrap();
    let result = result(Outcome::Done, &json!({}));
    let story = Story {
        result: &result,
        action: Action::Info,
        why: None,
        plan: None,
        info: Some(&table),
        lock: None,
        fate: LockFate::Free,
        lock_table: "belay-locks",
        bucket: "belay-bucket",
        result_key: "results/shop/x.json",
    };
    insta::assert_snapshot!(Report::of(&story).text());
}

#[test]
fn the_cause_of_an_execution_is_short() {
    let mut failure = sql_failed();
    failure["server"]["detail"] = Value::from("ü".repeat(20_000));
    let result = result(Outcome::Unchanged, &json!({"failure": failure}));
    let cause = report(&result, None, Action::Migrate, LockFate::Free).cause();
    assert!(
        cause.starts_with("shop is unchanged: the run failed, and committed nothing.\nmigrations/V8"),
        "{cause}"
    );
    assert!(cause.len() <= 8_000);
}

#[test]
fn the_page() {
    let failure = json!({"code": "Belay.SqlFailed", "message": "<script>alert('&')</script>"});
    let verified = verified(&json!({"missing": ["<b>.sql"]}));
    let result = result(
        Outcome::NeedsOperator,
        &json!({"failure": failure, "verified": verified}),
    );
    let page = report(&result, None, Action::Migrate, quarantined()).html(false);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    let (_, body) = page.split_once("</style>").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn a_target_that_is_nonsense_is_told_on_one_line() {
    let mut nonsense = result(Outcome::Rejected, &json!({}));
    nonsense.target = "x\r\nBcc: all@example.com\u{202e}".to_owned();
    let report = report(&nonsense, None, Action::Migrate, LockFate::Free);
    assert_eq!(report.subject, "[belay] x  Bcc: all@example.com: rejected");
    assert!(!report.text().contains('\u{202e}'));
}
