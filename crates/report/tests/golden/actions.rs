//! The mails of the actions restore, reopen and keep.

use belay_model::{Action, Outcome, RunId, RunResult};
use belay_report::{LockFate, Report};
use serde_json::{Value, json};

use crate::papers::{SNAPSHOT, door_refused, instance, restored, snapshot, writes};
use crate::told::{Told, result, verified};

/// The run that an action names.
fn of() -> RunId {
    "k3fq2zx7aa5b".parse().unwrap()
}

fn no_bundle(outcome: Outcome, more: &Value) -> RunResult {
    let mut with = json!({"bundle": null, "digest": null});
    for (name, value) in more.as_object().unwrap() {
        with[name] = value.clone();
    }
    result(outcome, &with)
}

#[test]
fn the_action_restore() {
    let with = json!({
        "verified": verified(&json!({})), "snapshot": SNAPSHOT,
        "restored": restored(&json!({"lossless": false, "writes": writes()})),
    });
    let result = no_bundle(Outcome::Done, &with);
    let told = Told {
        action: Action::Restore,
        of: Some(&of()),
        instance: Some(instance("never")),
        snapshot: Some(snapshot(false)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn the_action_restore_that_fails() {
    let compensation = json!({
        "code": "Belay.NoSnapshot", "message": "run k3fq2zx7aa5b took no snapshot",
        "next": "decide by hand, then start the action keep",
    });
    let result = no_bundle(Outcome::NeedsOperator, &json!({"compensation": compensation}));
    let told = Told {
        action: Action::Restore,
        of: Some(&of()),
        fate: LockFate::Quarantined { run: "k3fq2zx7aa5b" },
        instance: Some(instance("never")),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn the_action_reopen_of_a_quarantined_run() {
    let result = no_bundle(Outcome::Done, &json!({}));
    let told = Told {
        action: Action::Reopen,
        of: Some(&of()),
        fate: LockFate::Quarantined { run: "k3fq2zx7aa5b" },
        instance: Some(instance("if-lossless")),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn an_action_says_what_became_of_it() {
    let failure = json!({"code": "Belay.NotQuarantined", "message": "nobody holds the lock"});
    for (action, outcome, with, headline) in [
        (
            Action::Reopen,
            Outcome::Done,
            json!({}),
            "shop is open again: those who were kept out can log in.",
        ),
        (
            Action::Restore,
            Outcome::Rejected,
            json!({"failure": failure}),
            "The request to restore shop was refused; nothing was changed.",
        ),
        (
            Action::Keep,
            Outcome::Rejected,
            json!({"failure": failure}),
            "The request to keep shop was refused; nothing was changed.",
        ),
        (
            Action::Reopen,
            Outcome::Rejected,
            json!({"failure": failure}),
            "The request to open the door of shop was refused; nothing was changed.",
        ),
        (
            Action::Reopen,
            Outcome::NeedsOperator,
            json!({"compensation": door_refused()}),
            "The door of shop could not be opened.",
        ),
        (
            Action::Keep,
            Outcome::NeedsOperator,
            json!({"compensation": door_refused()}),
            "shop is accepted as it is. But those who were kept out could not be let in again.",
        ),
    ] {
        let result = no_bundle(outcome, &with);
        let told = Told {
            action,
            ..Told::of(&result)
        };
        assert_eq!(Report::of(&told.story()).headline, headline);
    }
}
