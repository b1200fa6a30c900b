//! The mails of runs on an instance: snapshots, restores, the door.

use belay_model::{Outcome, RunResult};
use belay_report::Report;
use serde_json::{Value, json};

use crate::papers::{SNAPSHOT, door_refused, instance, restored, snapshot, writes};
use crate::told::{Told, plan, quarantined, result, sql_failed, verified};

/// A run that failed between its files.
fn between(more: &Value) -> RunResult {
    let verified = verified(&json!({
        "verdict": "between", "applied": ["V7__orders.sql"], "missing": ["V8__refunds.sql"],
        "writes": more.get("writes").cloned().unwrap_or_else(|| json!([])),
    }));
    let mut with = json!({"failure": sql_failed(), "verified": verified, "snapshot": SNAPSHOT});
    for (name, value) in more.as_object().unwrap().iter().filter(|(name, _)| *name != "writes") {
        with[name] = value.clone();
    }
    result(Outcome::NeedsOperator, &with)
}

fn after_restore(more: &Value) -> RunResult {
    let with = json!({
        "failure": sql_failed(), "verified": verified(&json!({})), "snapshot": SNAPSHOT, "restored": restored(more),
    });
    result(Outcome::Restored, &with)
}

#[test]
fn migrated_with_a_snapshot() {
    let verified =
        verified(&json!({"verdict": "after", "applied": ["V7__orders.sql", "V8__refunds.sql", "R__views.sql"]}));
    let result = result(Outcome::Migrated, &json!({"verified": verified, "snapshot": SNAPSHOT}));
    let told = Told {
        plan: Some(&plan()),
        instance: Some(instance("never")),
        snapshot: Some(snapshot(false)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn restored_and_nothing_lost() {
    let left = json!([{
        "what": "the replica shop-db-replica follows shop-db-failed-byfmepjfivk6",
        "next": "aws rds create-db-instance-read-replica --db-instance-identifier shop-db-replica-new --source-db-instance-identifier shop-db, then let its readers go there",
    }]);
    let result = after_restore(&json!({"left": left}));
    let told = Told {
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn restored_and_others_had_written() {
    let differences = json!([{"setting": "DBParameterGroups", "before": "shop-pg16 (in-sync)", "after": "shop-pg16 (pending-reboot)"}]);
    let result = after_restore(&json!({
        "lossless": false, "compared": {"tables": 14, "counted": 2, "rows": 19}, "differences": differences,
        "writes": writes(),
    }));
    let told = Told {
        instance: Some(instance("always")),
        snapshot: Some(snapshot(false)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn needs_operator_since_the_policy_is_never() {
    let result = between(&json!({"writes": writes()}));
    let told = Told {
        fate: quarantined(),
        instance: Some(instance("never")),
        snapshot: Some(snapshot(false)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn q2_needs_operator_since_it_is_not_lossless() {
    let compensation = json!({
        "code": "Belay.NotLossless", "message": "2 problems",
        "problems": [
            {"code": "Belay.NotLossless", "message": "the role billing can log in to shop and is not in quiesce.roles"},
            {"code": "Belay.NotLossless", "message": "a session of our own role shop_migrator is not this run's: psql from 10.0.3.17"},
        ],
    });
    let result = between(&json!({"compensation": compensation, "keptOut": ["shop_app", "reporting"]}));
    let told = Told {
        fate: quarantined(),
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn q3_needs_operator_since_the_restore_failed_with_the_door_closed() {
    let compensation = json!({
        "code": "Belay.RestoreFailed",
        "message": "shop-db-belay-byfmepjfivk6 is incompatible-network; shop-db was not touched",
        "next": "delete shop-db-belay-byfmepjfivk6, mend the subnet group, and start the action restore",
    });
    let result = between(&json!({"compensation": compensation, "keptOut": ["shop_app", "reporting"]}));
    let told = Told {
        fate: quarantined(),
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn v3_what_was_restored_is_not_as_it_was() {
    let mut result = after_restore(&json!({}));
    result.status = Outcome::NeedsOperator.to_string();
    result.verified.as_mut().unwrap().verdict = belay_model::Verdict::Unknown;
    let told = Told {
        fate: quarantined(),
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        ..Told::of(&result)
    };
    let mail = told.mail();
    assert!(
        mail.contains("but what is there is not what it was before the run"),
        "{mail}"
    );
    assert!(mail.contains("To accept what was restored: free the target"), "{mail}");
    assert!(!mail.contains(r#""action":"restore""#), "never restored twice: {mail}");
}

#[test]
fn q1_migrated_but_the_door_cannot_be_opened() {
    let verified =
        verified(&json!({"verdict": "after", "applied": ["V7__orders.sql", "V8__refunds.sql", "R__views.sql"]}));
    let with = json!({
        "verified": verified, "snapshot": SNAPSHOT, "compensation": door_refused(), "keptOut": ["reporting"],
    });
    let result = result(Outcome::NeedsOperator, &with);
    let told = Told {
        plan: Some(&plan()),
        fate: quarantined(),
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn q1_the_door_is_told_whatever_the_run_came_to() {
    let before = verified(&json!({}));
    for (with, headline) in [
        (
            json!({"failure": sql_failed(), "verified": before}),
            "shop is unchanged: the run failed",
        ),
        (json!({"failure": sql_failed()}), "shop is unchanged: the run failed"),
        (
            json!({"failure": sql_failed(), "verified": before, "restored": restored(&json!({}))}),
            "shop is as it was: the run failed",
        ),
    ] {
        let mut with = with;
        with["compensation"] = door_refused();
        with["keptOut"] = json!(["reporting"]);
        let result = result(Outcome::NeedsOperator, &with);
        let report = Report::of(
            &Told {
                fate: quarantined(),
                instance: Some(instance("if-lossless")),
                snapshot: Some(snapshot(true)),
                ..Told::of(&result)
            }
            .story(),
        );
        assert!(report.headline.starts_with(headline), "{}", report.headline);
        assert!(
            report.headline.contains("could not be let in again"),
            "{}",
            report.headline
        );
        let text = report.text();
        assert!(
            text.starts_with("CAN'T LOG IN to shop-db: reporting. To open the door: aws "),
            "{text}"
        );
        assert!(text.contains(r#"'{"target":"shop","action":"reopen"}'"#), "{text}");
        assert!(report.cause().starts_with("CAN'T LOG IN"), "{text}");
        assert!(report.html(false).contains("<strong>CAN&#39;T LOG IN to shop-db"));
    }
}

#[test]
fn q3_the_door_is_told_by_whoever_meets_it() {
    let kept_out = |more: Value| {
        let mut with = json!({"keptOut": ["shop_app"]});
        if let Some(code) = more.as_str() {
            with["failure"] = json!({"code": code, "message": "what happened"});
        }
        with
    };
    for (outcome, more, how, then) in [
        (
            Outcome::Interrupted,
            Value::Null,
            "To open the door: aws",
            "Belay opens it by itself",
        ),
        (
            Outcome::NeedsOperator,
            json!("Belay.Quarantined"),
            "To open the door: aws",
            "Opening it ends \"lossless\"",
        ),
        (Outcome::Unchanged, json!("Belay.Busy"), "opens the door at its end", ""),
    ] {
        let result = result(outcome, &kept_out(more));
        let text = Report::of(&Told::of(&result).story()).text();
        assert!(text.starts_with("CAN'T LOG IN to shop: shop_app. "), "{text}");
        assert!(text.contains(how) && text.contains(then), "{text}");
    }
}

#[test]
fn cleaned_up_and_so_unchanged() {
    let cleaned = [
        "the INVALID index orders_by_customer, which the failed CREATE INDEX CONCURRENTLY left, was dropped".to_owned(),
    ];
    let verified = verified(&json!({"missing": ["V8__refunds.sql"]}));
    let with = json!({"failure": sql_failed(), "verified": verified, "snapshot": SNAPSHOT});
    let result = result(Outcome::Unchanged, &with);
    let told = Told {
        instance: Some(instance("if-lossless")),
        snapshot: Some(snapshot(true)),
        cleaned: &cleaned,
        ..Told::of(&result)
    };
    insta::assert_snapshot!(told.mail());
}

#[test]
fn only_a_run_whose_restore_is_possible_is_told_to_restore() {
    for (snapshot, offered) in [(Some(snapshot(true)), true), (None, false)] {
        let result = between(&json!({}));
        let told = Told {
            fate: quarantined(),
            instance: Some(instance("if-lossless")),
            snapshot,
            ..Told::of(&result)
        };
        assert_eq!(told.mail().contains(r#""action":"restore""#), offered);
    }
}
