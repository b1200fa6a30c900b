//! Doors that runs left closed.

use belay_aws::double::Aws;
use belay_janitor::Done;
use serde_json::{Value, json};

use super::{MACHINE, OWNER, RESULT, describe, handle, run, sample};

fn door() -> Value {
    json!({"M": {
        "run": {"S": "aaaaaaaaaaaa"}, "target": {"S": "shop"}, "at": {"S": "2026-11-20T10:00:00Z"},
        "roles": {"L": [{"S": "shop_app"}, {"S": "etl"}]},
    }})
}

#[tokio::test]
async fn q1_a_door_that_nobody_is_behind_is_opened_once_for_each_freeing() {
    let aws = Aws::new();
    let free = |fence: &str| json!({"key": {"S": "db"}, "fence": {"N": fence}, "door": door()});
    for (fence, reopening) in [
        ("8", vec!["db".to_owned()]),
        ("8", Vec::new()),
        ("10", vec!["db".to_owned()]),
    ] {
        aws.put_lock(free(fence));
        let done = handle(&aws, sample("sweep")).await.unwrap();
        assert_eq!(
            done,
            Done {
                reopening,
                ..Done::default()
            },
            "{fence}"
        );
        assert_eq!(aws.lock("db").unwrap(), free(fence), "the janitor itself opens nothing");
    }
    let started = aws.started();
    let reopen = sample("input-reopen");
    assert!(
        started
            .iter()
            .all(|start| start.machine == MACHINE && start.input == reopen)
    );
    assert_eq!(started.len(), 2);
}

#[tokio::test]
async fn q1_a_door_with_somebody_behind_it_is_left_alone() {
    for (status, phase) in [("RUNNING", "changing"), ("SUCCEEDED", "quarantined")] {
        let aws = Aws::new();
        describe(&aws, status, &json!({}));
        aws.put_lock(json!({
            "key": {"S": "db"}, "owner": {"S": OWNER}, "phase": {"S": phase}, "fence": {"N": "7"}, "door": door(),
        }));
        assert_eq!(handle(&aws, sample("sweep")).await.unwrap(), Done::default());
        assert!(aws.started().is_empty());
    }
}

#[tokio::test]
async fn q1_the_door_of_a_run_that_died_before_it_changed_anything_is_opened_in_the_same_sweep() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    aws.put_lock(json!({
        "key": {"S": "db"}, "owner": {"S": OWNER}, "phase": {"S": "held"}, "fence": {"N": "7"}, "door": door(),
    }));
    let done = handle(&aws, sample("sweep")).await.unwrap();
    assert_eq!(
        (done.freed, done.reopening),
        (vec!["db".to_owned()], vec!["db".to_owned()])
    );
    assert_eq!(aws.json(RESULT).unwrap()["keptOut"], json!(["shop_app", "etl"]));
}

#[tokio::test]
async fn q3_the_mail_of_a_quarantine_behind_a_closed_door_says_so_first() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    aws.put_lock(json!({
        "key": {"S": "db"}, "owner": {"S": OWNER}, "phase": {"S": "changing"}, "fence": {"N": "7"}, "door": door(),
        "run": {"S": run().as_str()}, "target": {"S": "shop"},
    }));
    aws.put_object(
        &format!("runs/shop/{}/snapshot.json", run()),
        json!({
            "snapshot": "belay-shop-x-1", "instance": "db", "resource": "db-X", "attempt": 1, "quiesced": true,
            "plan": paper(), "digest": "0".repeat(64), "configuration": paper(), "census": paper(),
            "at": "2026-11-20T10:01:00Z",
        })
        .to_string()
        .as_bytes(),
    );
    handle(&aws, sample("run-aborted")).await.unwrap();
    let mail = aws.mails().remove(0).body;
    let first = mail.lines().next().unwrap();
    assert!(first.contains("shop_app, etl"), "{mail}");
    let opened = mail.find(r#"{"target":"shop","action":"reopen"}"#).unwrap();
    let restored = mail.find(&format!(r#"{{"target":"shop","action":"restore","run":"{}"}}"#, run()));
    assert!(Some(opened) < restored, "{mail}");
    let result = aws.json(RESULT).unwrap();
    assert_eq!(
        (&result["keptOut"], &result["snapshot"]),
        (&json!(["shop_app", "etl"]), &json!("belay-shop-x-1"))
    );
}

fn paper() -> Value {
    json!({"key": "runs/shop/x/p.json", "versionId": "v", "sha256": "0".repeat(64)})
}
