//! The mail of each outcome, as it is sent.

#![expect(clippy::unwrap_used, reason = "tests")]

mod actions;
mod commands;
mod papers;
mod restores;
mod told;

use belay_model::{Action, Outcome};
use belay_report::{InfoTable, LockFate, Report, Story};
use serde_json::{Value, json};

use crate::told::{Told, mail, plan, quarantined, report, result, sql_failed, verified};

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
    let told = Told::of(&result);
    let story = Story {
        action: Action::Info,
        info: Some(&table),
        lock: None,
        ..told.story()
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
