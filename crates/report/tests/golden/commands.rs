//! The mails of the actions baseline, repair and undo, and what settings of one run do to a mail.

use belay_model::{Action, Outcome, Plan, RunSettings};
use serde_json::{Value, json};

use crate::papers::{instance, snapshot};
use crate::told::{Told, plan, quarantined, result, sql_failed, verified};

/// The plan of an action, with these parts instead of a migration's.
fn planned(action: &str, more: &Value) -> Plan {
    let mut planned = serde_json::to_value(plan()).unwrap();
    planned["action"] = json!(action);
    for (name, value) in more.as_object().unwrap() {
        planned[name] = value.clone();
    }
    serde_json::from_value(planned).unwrap()
}

fn changes(changes: &Value) -> Value {
    json!({"units": [{"kind": "group", "baseRank": 7, "files": [], "changes": changes}]})
}

fn repairing() -> Plan {
    planned(
        "repair",
        &changes(&json!([
            {"change": "removeFailed", "rank": 7, "script": "V7__orders.sql"},
            {"change": "markDeleted", "rank": 8, "of": 3, "script": "V3__gone.sql"},
            {"change": "align", "rank": 2, "script": "V2__a.sql",
             "to": {"description": "customers\nFORGED", "rowType": "SQL", "checksum": 42}},
        ])),
    )
}

fn undoing() -> Plan {
    let undo = |version: &str, rank: i32| {
        json!({"migration": {
            "kind": "undo", "version": version, "description": "d", "script": format!("U{version}__back.sql"),
            "path": format!("sql/U{version}__back.sql"), "checksum": 1, "sha256": "0".repeat(64), "rank": rank,
        }})
    };
    let units = json!([{"kind": "group", "baseRank": 9, "files": [undo("8", 9), undo("7", 8)]}]);
    planned("undo", &json!({"units": units}))
}

fn mail(action: Action, outcome: Outcome, plan: &Plan, more: &Value) -> String {
    let result = result(outcome, more);
    let told = Told {
        action,
        plan: Some(plan),
        ..Told::of(&result)
    };
    told.mail()
}

#[test]
fn the_action_baseline() {
    let plan = planned(
        "baseline",
        &changes(&json!([{"change": "baseline", "version": "7", "description": "as of November"}])),
    );
    let verified = json!({"verified": verified(&json!({"verdict": "after"}))});
    insta::assert_snapshot!(mail(Action::Baseline, Outcome::Done, &plan, &verified));
}

#[test]
fn the_action_repair_with_a_snapshot() {
    let plan = repairing();
    let result = result(
        Outcome::Done,
        &json!({"verified": verified(&json!({"verdict": "after", "assertions": "passed"}))}),
    );
    let told = Told {
        action: Action::Repair,
        plan: Some(&plan),
        instance: Some(instance("never")),
        snapshot: Some(snapshot(false)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn the_action_undo() {
    let verified = json!({"verified": verified(&json!({"verdict": "after"}))});
    insta::assert_snapshot!(mail(Action::Undo, Outcome::Done, &undoing(), &verified));
}

#[test]
fn an_action_with_nothing_to_do() {
    for (action, name) in [
        (Action::Baseline, "baseline"),
        (Action::Repair, "repair"),
        (Action::Undo, "undo"),
    ] {
        let mail = mail(action, Outcome::Done, &planned(name, &json!({"units": []})), &json!({}));
        let (subject, rest) = mail.split_once("\n\n").unwrap();
        assert_eq!(subject, "Subject: [belay] shop: done - nothing to do");
        let headline = rest.lines().next().unwrap();
        assert!(headline.contains("nothing"), "{headline}");
        assert!(!rest.contains("belay.change"), "{rest}");
    }
}

#[test]
fn the_action_undo_that_fails_and_runs_its_callbacks() {
    let mut failure = sql_failed();
    failure["notes"] = json!(["afterUndoError.sql failed, too: relation \"log\"\nFORGED does not exist"]);
    let mail = mail(
        Action::Undo,
        Outcome::Unchanged,
        &undoing(),
        &json!({"failure": failure, "verified": verified(&json!({"verdict": "before"}))}),
    );
    insta::assert_snapshot!(mail);
}

#[test]
fn an_undo_that_is_refused_is_asked_for_again_and_nothing_is_uploaded() {
    let problem = json!({"code": "Belay.UndoMissing", "place": null, "message": "version 8 has no undo file"});
    let failure = json!({"code": "Belay.PlanRejected", "message": "1 problem", "problems": [problem]});
    let mail = mail(
        Action::Undo,
        Outcome::Rejected,
        &undoing(),
        &json!({"failure": failure}),
    );
    assert!(
        mail.contains("Then ask for it again") && mail.contains("\"action\":\"undo\""),
        "{mail}"
    );
    assert!(!mail.contains("upload the bundle"), "{mail}");
}

#[test]
fn q1_a_repair_after_which_the_door_cannot_be_opened() {
    let compensation = json!({"code": "Belay.DoorRefused", "message": "the role app is gone", "next": "look"});
    let with =
        json!({"verified": verified(&json!({"verdict": "after"})), "compensation": compensation, "keptOut": ["app"]});
    let (plan, result) = (repairing(), result(Outcome::NeedsOperator, &with));
    let told = Told {
        action: Action::Repair,
        plan: Some(&plan),
        fate: quarantined(),
        instance: Some(instance("if-lossless")),
        ..Told::of(&result)
    };
    let mail = told.mail();
    assert!(
        mail.contains("The history of shop is repaired.") && mail.contains("could not be let in again"),
        "{mail}"
    );
}

#[test]
fn a_migration_with_notes_that_was_only_written_to_the_history() {
    let notes = json!([
        "flyway.driver has no effect here: Belay brings its own driver",
        "V9 is above the target 8"
    ]);
    let plan = planned("migrate", &json!({"notes": notes, "skipExecuting": true}));
    let verified = json!({"verified": verified(&json!({"verdict": "after"}))});
    insta::assert_snapshot!(mail(Action::Migrate, Outcome::Migrated, &plan, &verified));
}

/// What is offered to run again is what was asked: without its settings it would migrate more.
#[test]
fn an_interrupted_run_is_begun_anew_with_its_settings() {
    let flyway: RunSettings = serde_json::from_value(json!({"target": "6"})).unwrap();
    let result = result(Outcome::Interrupted, &json!({}));
    let told = Told {
        action: Action::Undo,
        flyway,
        ..Told::of(&result)
    };
    let mail = told.mail();
    assert!(
        mail.contains(r#""action":"undo""#) && mail.contains(r#""flyway":{"target":"6"}"#),
        "{mail}"
    );
}
