//! What is known of a run, for tests.

use belay_model::{Action, Instance, Outcome, Plan, RunId, RunResult, RunSettings, Snapshotted, Verified};
use belay_report::{LockFate, Report, Story};
use serde_json::{Value, json};

const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-0f3a";

pub(crate) fn result(outcome: Outcome, more: &Value) -> RunResult {
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

pub(crate) fn plan() -> Plan {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let migration = |version: Option<&str>, script: &str, rank: i32| {
        json!({"migration": {
            "kind": if version.is_some() { "versioned" } else { "repeatable" }, "version": version,
            "description": "d", "script": script, "path": format!("sql/{script}"), "checksum": 1, "sha256": digest,
            "rank": rank,
        }})
    };
    serde_json::from_value(json!({
        "bundle": digest, "history": {"schema": "public", "table": "flyway_schema_history"}, "historyExists": true,
        "baseRank": 7, "journal": null, "createSchemas": [], "searchPath": null, "defersConstraints": false,
        "transaction": "auto", "reason": "all in one",
        "units": [{"kind": "group", "baseRank": 7, "files": [
            migration(Some("7"), "V7__orders.sql", 8), migration(Some("8"), "V8__refunds.sql", 9),
            migration(None, "R__views.sql", 10),
        ]}],
        "placeholders": {}, "placeholderReplacement": true, "assertions": [], "installedBy": null, "fromVersion": "6",
    }))
    .unwrap()
}

pub(crate) fn verified(more: &Value) -> Value {
    let mut verified = json!({
        "verdict": "before", "assertions": "none", "applied": [], "missing": [], "openUnits": [], "findings": [],
    });
    for (name, value) in more.as_object().unwrap() {
        verified[name] = value.clone();
    }
    serde_json::to_value(serde_json::from_value::<Verified>(verified).unwrap()).unwrap()
}

pub(crate) fn sql_failed() -> Value {
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

pub(crate) fn quarantined() -> LockFate<'static> {
    LockFate::Quarantined { run: "byfmepjfivk6" }
}

/// A story, with what the test is about put in.
pub(crate) struct Told<'a> {
    pub(crate) result: &'a RunResult,
    pub(crate) action: Action,
    pub(crate) flyway: RunSettings,
    pub(crate) plan: Option<&'a Plan>,
    pub(crate) fate: LockFate<'a>,
    pub(crate) of: Option<&'a RunId>,
    pub(crate) instance: Option<Instance>,
    pub(crate) snapshot: Option<Snapshotted>,
    pub(crate) cleaned: &'a [String],
}

impl<'a> Told<'a> {
    /// A run that migrates, with nothing else known.
    pub(crate) fn of(result: &'a RunResult) -> Self {
        Self {
            result,
            action: Action::Migrate,
            flyway: RunSettings::default(),
            plan: None,
            fate: LockFate::Free,
            of: None,
            instance: None,
            snapshot: None,
            cleaned: &[],
        }
    }

    pub(crate) fn story(&self) -> Story<'_> {
        Story {
            result: self.result,
            action: self.action,
            flyway: &self.flyway,
            why: None,
            of: self.of,
            instance: self.instance.as_ref(),
            snapshot: self.snapshot.as_ref(),
            cleaned: self.cleaned,
            plan: self.plan,
            info: None,
            lock: Some("db.example:5432"),
            fate: self.fate,
            lock_table: "belay-locks",
            bucket: "belay-bucket",
            result_key: "results/shop/3sL4kqtJlcpXroDTDmJ.json",
        }
    }

    pub(crate) fn mail(&self) -> String {
        let report = Report::of(&self.story());
        format!("Subject: {}\n\n{}", report.subject, report.text())
    }
}

pub(crate) fn report(result: &RunResult, plan: Option<&Plan>, action: Action, fate: LockFate<'_>) -> Report {
    let told = Told {
        plan,
        action,
        fate,
        ..Told::of(result)
    };
    Report::of(&told.story())
}

pub(crate) fn mail(result: &RunResult, plan: Option<&Plan>, action: Action, fate: LockFate<'_>) -> String {
    let report = report(result, plan, action, fate);
    format!("Subject: {}\n\n{}", report.subject, report.text())
}
