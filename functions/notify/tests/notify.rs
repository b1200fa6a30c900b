//! Results, reports and mails of runs.

#![expect(clippy::unwrap_used, reason = "tests")]

use belay_aws::config;
use belay_aws::double::{Aws, Service};
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_model::{Code, NotifyReply, NotifyRequest, Outcome, RunHeader};
use belay_notify::{Answer, Notify};
use jiff::Timestamp;
use serde_json::{Value, json};

const RESULT: &str = "results/shop/v1.json";

fn notify(aws: &Aws) -> Notify {
    let s3 = config::s3(&aws.config());
    Notify {
        results: Results::new(s3.clone(), "bucket"),
        papers: Papers::new(s3, "bucket"),
        mail: Mail::new(aws_sdk_sns::Client::new(&aws.config())),
        topic: "arn:stack-topic".to_owned(),
        bucket: "bucket".to_owned(),
        lock_table: "locks".to_owned(),
    }
}

fn header() -> Value {
    json!({
        "execution": "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-1",
        "startedAt": "2026-11-20T10:00:00Z",
        "target": "shop",
        "bundle": {"key": "bundles/shop/a.zip", "versionId": "v1", "sequencer": "0A"},
    })
}

async fn ask(aws: &Aws, request: Value) -> Result<Answer, Code> {
    let request: NotifyRequest = serde_json::from_value(request).unwrap();
    let now: Timestamp = "2026-11-20T10:00:09Z".parse().unwrap();
    notify(aws).handle(request, now).await.map_err(|failure| failure.code)
}

fn ended(more: &Value) -> Value {
    let mut ending = json!({"step": "ended", "run": header(), "outcome": "up-to-date"});
    for (name, value) in more.as_object().unwrap() {
        ending[name] = value.clone();
    }
    ending
}

fn caught(code: &str) -> Value {
    let failure = json!({"code": code, "message": "what happened"}).to_string();
    json!({"Error": code, "Cause": json!({"errorType": code, "errorMessage": failure}).to_string()})
}

fn status(aws: &Aws) -> Value {
    aws.json(RESULT).unwrap()["status"].clone()
}

#[tokio::test]
async fn a_run_is_told_from_its_beginning() {
    let aws = Aws::new();
    ask(&aws, json!({"step": "begun", "run": header()})).await.unwrap();
    assert_eq!(status(&aws), "running");
    ask(&aws, json!({"step": "waiting", "run": header(), "holder": "arn:x"}))
        .await
        .unwrap();
    let waiting = aws.json(RESULT).unwrap();
    assert_eq!(waiting["status"], "waiting");
    assert_eq!(waiting["summary"], "waits for arn:x, which has the database");
    assert!(aws.mails().is_empty());
}

#[tokio::test]
async fn an_ending_is_a_result_a_report_and_a_mail() {
    let aws = Aws::new();
    let Answer::Ended(reply) = ask(&aws, ended(&json!({}))).await.unwrap() else {
        panic!("not a reply to an ending")
    };
    assert_eq!(
        reply,
        NotifyReply {
            outcome: Outcome::UpToDate,
            cause: "shop is up to date: nothing was pending.".to_owned(),
            succeeded: true,
        }
    );
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["status"], "up-to-date");
    assert_eq!(result["exitCode"], 0);
    assert_eq!(result["told"], true);
    assert_eq!(result["endedAt"], "2026-11-20T10:00:09Z");
    let page = result["report"].as_str().unwrap().strip_prefix("s3://bucket/").unwrap();
    assert!(
        String::from_utf8(aws.object(page).unwrap())
            .unwrap()
            .contains("up to date")
    );
    let full = aws.json(&page.replace(".html", ".json")).unwrap();
    assert_eq!(full["result"]["status"], "up-to-date");

    let mail = aws.mails().remove(0);
    assert_eq!(mail.topic, "arn:stack-topic");
    assert_eq!(mail.subject, "[belay] shop: up-to-date");
    assert_eq!(mail.attributes["outcome"], "up-to-date");
    assert_eq!(mail.attributes["target"], "shop");
}

#[tokio::test]
async fn a_target_can_have_its_own_topic() {
    let aws = Aws::new();
    ask(&aws, ended(&json!({"topic": "arn:own"}))).await.unwrap();
    assert_eq!(aws.mails().remove(0).topic, "arn:own");
}

#[tokio::test]
async fn an_ending_that_is_told_again_sends_no_second_mail() {
    let aws = Aws::new();
    for _ in 0..2 {
        ask(&aws, ended(&json!({}))).await.unwrap();
    }
    assert_eq!(aws.mails().len(), 1);
    assert_eq!(aws.json(RESULT).unwrap()["told"], true);
}

#[tokio::test]
async fn v7_the_result_stands_if_the_mail_cannot_be_sent() {
    let aws = Aws::new();
    aws.refuse(Service::Mail);
    let failed = json!({"outcome": "unchanged", "failure": caught("Belay.SqlFailed")});
    assert_eq!(ask(&aws, ended(&failed)).await, Err(Code::Notification));
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["status"], "unchanged");
    assert_eq!(result["exitCode"], 1);
    assert_eq!(result.get("told"), None);

    aws.relent();
    ask(&aws, ended(&failed)).await.unwrap();
    assert_eq!(aws.mails().len(), 1);
    assert_eq!(aws.json(RESULT).unwrap()["told"], true);
}

#[tokio::test]
async fn a_failure_is_told_with_its_code_and_the_database_as_it_is() {
    let aws = Aws::new();
    let run: RunHeader = serde_json::from_value(header()).unwrap();
    let report = paper(&aws, "verified.json", &between()).await;
    let Answer::Ended(reply) = ask(
        &aws,
        ended(&json!({
            "outcome": "needs-operator", "failure": caught("Belay.SqlFailed"), "report": report, "lockKey": "db:5432",
        })),
    )
    .await
    .unwrap() else {
        panic!("not a reply to an ending")
    };
    assert!(!reply.succeeded);
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["failure"]["code"], "Belay.SqlFailed");
    assert_eq!(result["verified"]["applied"], json!(["V1__a.sql"]));
    let mail = aws.mails().remove(0).body;
    let unlock = format!("belay unlock --table locks --lock db:5432 --run {}", run.run());
    assert!(mail.contains(&unlock), "{mail}");
}

#[tokio::test]
async fn a_quarantine_that_a_run_met_is_not_its_own() {
    let aws = Aws::new();
    let met = json!({"outcome": "needs-operator", "failure": caught("Belay.Quarantined"), "lockKey": "db:5432"});
    ask(&aws, ended(&met)).await.unwrap();
    assert!(!aws.mails().remove(0).body.contains("belay unlock"));
}

#[tokio::test]
async fn a_paper_that_was_changed_does_not_keep_the_outcome_from_being_told() {
    let aws = Aws::new();
    let version = aws.put_object("runs/shop/x/plan.json", b"{}");
    let forged = json!({"key": "runs/shop/x/plan.json", "versionId": version, "sha256": "0".repeat(64)});
    ask(&aws, ended(&json!({"outcome": "migrated", "plan": forged})))
        .await
        .unwrap();
    assert_eq!(status(&aws), "migrated");
    assert_eq!(aws.mails().len(), 1);
}

fn between() -> Value {
    json!({
        "verdict": "between", "assertions": "none", "applied": ["V1__a.sql"], "missing": ["V2__b.sql"],
        "openUnits": [], "findings": [],
    })
}

fn snapshotted() -> Value {
    let paper = json!({"key": "runs/shop/x/plan.json", "versionId": "v", "sha256": "0".repeat(64)});
    json!({
        "snapshot": "belay-shop-x-1", "instance": "shop-db", "resource": "db-1", "attempt": 1, "plan": paper,
        "digest": "0".repeat(64), "configuration": paper, "census": paper, "quiesced": true,
        "at": "2026-11-20T10:00:03Z",
    })
}

fn instance() -> Value {
    json!({"rds": {"instance": "shop-db"}, "restore": "if-lossless", "quiesce": {"roles": ["app"]}})
}

async fn paper(aws: &Aws, name: &str, content: &Value) -> Value {
    let run: RunHeader = serde_json::from_value(header()).unwrap();
    let paper = notify(aws).papers.put_json(&run, name, content).await.unwrap();
    serde_json::to_value(paper).unwrap()
}

#[tokio::test]
async fn a_restore_is_told_with_its_papers() {
    let aws = Aws::new();
    let restored = json!({
        "instance": "shop-db", "failed": "shop-db-failed-x", "snapshot": "belay-shop-x-1", "lossless": true,
        "compared": {"tables": 2, "counted": 2, "rows": 100_000}, "differences": [], "left": [], "writes": [],
    });
    let ending = json!({
        "outcome": "restored", "failure": caught("Belay.SqlFailed"), "lockKey": "shop-db", "instance": instance(),
        "snapshot": paper(&aws, "snapshot.json", &snapshotted()).await,
        "restored": paper(&aws, "restored.json", &restored).await,
        "cleaned": ["an index was dropped"],
    });
    ask(&aws, ended(&ending)).await.unwrap();
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["exitCode"], 1);
    assert_eq!(result["snapshot"], "belay-shop-x-1");
    assert_eq!(result["restored"], restored);
    let mail = aws.mails().remove(0);
    assert_eq!(mail.subject, "[belay] shop: restored - SqlFailed");
    assert!(mail.body.contains("every row and object is back"), "{}", mail.body);
    assert!(
        mail.body.contains("--db-instance-identifier shop-db-failed-x"),
        "{}",
        mail.body
    );
    let full = result["report"].as_str().unwrap().replace(".html", ".json");
    let full = aws.json(full.strip_prefix("s3://bucket/").unwrap()).unwrap();
    assert_eq!(full["snapshot"], snapshotted());
    assert_eq!(full["cleaned"], json!(["an index was dropped"]));
}

#[tokio::test]
async fn q3_who_is_kept_out_comes_first() {
    let aws = Aws::new();
    let run: RunHeader = serde_json::from_value(header()).unwrap();
    let ending = json!({
        "outcome": "needs-operator", "failure": caught("Belay.SqlFailed"), "lockKey": "shop-db",
        "instance": instance(), "snapshot": paper(&aws, "snapshot.json", &snapshotted()).await,
        "report": paper(&aws, "verified.json", &between()).await,
        "compensation": caught("Belay.RestoreFailed"), "keptOut": ["app"],
    });
    ask(&aws, ended(&ending)).await.unwrap();
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["failure"]["code"], "Belay.SqlFailed");
    assert_eq!(result["compensation"]["code"], "Belay.RestoreFailed");
    assert_eq!(result["keptOut"], json!(["app"]));
    let mail = aws.mails().remove(0).body;
    assert!(mail.starts_with("CAN'T LOG IN to shop-db: app."), "{mail}");
    let restore = format!(r#"'{{"target":"shop","action":"restore","run":"{}"}}'"#, run.run());
    assert!(mail.contains(&restore), "{mail}");
}

#[tokio::test]
async fn an_action_that_fails_leaves_the_quarantine_of_the_run_that_it_names() {
    for (action, outcome, code, quarantined) in [
        ("restore", "needs-operator", "Belay.RestoreFailed", true),
        ("restore", "needs-operator", "Belay.Fenced", false),
        ("restore", "rejected", "Belay.NotQuarantined", false),
    ] {
        let aws = Aws::new();
        let snapshot = snapshotted().to_string();
        aws.put_object("runs/shop/k3fq2zx7aa5b/snapshot.json", snapshot.as_bytes());
        let mut run = header();
        run["action"] = json!(action);
        run.as_object_mut().unwrap().remove("bundle");
        let ending = json!({
            "step": "ended", "run": run, "outcome": outcome, "lockKey": "shop-db", "of": "k3fq2zx7aa5b",
            "compensation": caught(code),
        });
        ask(&aws, ending).await.unwrap();
        let mail = aws.mails().remove(0).body;
        for way in [
            "belay unlock --table locks --lock shop-db --run k3fq2zx7aa5b",
            r#"{"target":"shop","action":"restore","run":"k3fq2zx7aa5b"}"#,
        ] {
            assert_eq!(mail.contains(way), quarantined, "{code}: {mail}");
        }
    }
}

#[tokio::test]
async fn a_door_that_is_opened_leaves_the_quarantine() {
    for (of, quarantined) in [(json!("k3fq2zx7aa5b"), true), (Value::Null, false)] {
        let aws = Aws::new();
        let mut run = header();
        run["action"] = json!("reopen");
        run.as_object_mut().unwrap().remove("bundle");
        ask(
            &aws,
            json!({"step": "ended", "run": run, "outcome": "done", "lockKey": "shop-db", "of": of}),
        )
        .await
        .unwrap();
        let mail = aws.mails().remove(0).body;
        assert!(mail.starts_with("shop is open again"), "{mail}");
        assert_eq!(
            mail.contains("quarantined because of run k3fq2zx7aa5b"),
            quarantined,
            "{mail}"
        );
    }
}

#[tokio::test]
async fn papers_of_a_restore_that_cannot_be_read_do_not_keep_it_from_being_told() {
    let aws = Aws::new();
    let strange = paper(&aws, "strange.json", &json!({"strange": true})).await;
    let ending = json!({
        "outcome": "restored", "failure": caught("Belay.SqlFailed"), "lockKey": "shop-db", "instance": instance(),
        "snapshot": strange, "restored": strange,
    });
    ask(&aws, ended(&ending)).await.unwrap();
    assert_eq!(status(&aws), "restored");
    assert!(aws.mails().remove(0).body.starts_with("shop is as it was"));
}

#[tokio::test]
async fn a_crash_is_told_as_what_it_was() {
    let aws = Aws::new();
    let crash = json!({"Error": "Sandbox.Timedout", "Cause": "after 900 seconds"});
    ask(&aws, ended(&json!({"outcome": "unchanged", "failure": crash})))
        .await
        .unwrap();
    assert!(
        aws.mails()
            .remove(0)
            .body
            .contains("Sandbox.Timedout: after 900 seconds")
    );
}

#[tokio::test]
async fn a_request_that_is_nonsense_is_told() {
    let aws = Aws::new();
    let mut run = header();
    run["target"] = json!("");
    run["bundle"] = json!({"key": "elsewhere/x", "sequencer": "0A"});
    for request in [
        json!({"step": "begun", "run": run}),
        json!({"step": "ended", "run": run, "outcome": "rejected", "failure": caught("Belay.RequestInvalid")}),
    ] {
        ask(&aws, request).await.unwrap();
    }
    assert_eq!(aws.json("results/-/0A.json").unwrap()["exitCode"], 4);
    assert_eq!(
        aws.mails().remove(0).subject,
        "[belay] (no target): rejected - RequestInvalid"
    );
}

#[tokio::test]
async fn a_bucket_that_refuses_is_storage() {
    let aws = Aws::new();
    aws.refuse(Service::Storage);
    for request in [json!({"step": "begun", "run": header()}), ended(&json!({}))] {
        assert_eq!(ask(&aws, request).await, Err(Code::Storage));
    }
    assert!(aws.mails().is_empty());
}
