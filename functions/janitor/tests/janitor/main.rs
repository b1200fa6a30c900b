//! Runs that ended without a handler.

#![expect(clippy::unwrap_used, reason = "tests")]

mod doors;

use belay_aws::config;
use belay_aws::double::{Aws, Service};
use belay_aws::executions::Executions;
use belay_aws::lock::Locks;
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_janitor::{Done, Event, Janitor};
use belay_model::{Code, RunId};
use serde_json::{Value, json};

const OWNER: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-5f0c7a9e";
const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay";
const RESULT: &str = "results/shop/IYV3p45BT0ac8hjHg1houSdS1a.Mro8e.json";

fn janitor(aws: &Aws) -> Janitor {
    let s3 = config::s3(&aws.config());
    Janitor {
        executions: Executions::new(aws_sdk_sfn::Client::new(&aws.config())),
        machine: MACHINE.to_owned(),
        locks: Locks::new(aws_sdk_dynamodb::Client::new(&aws.config()), "locks"),
        results: Results::new(s3.clone(), "bucket"),
        papers: Papers::new(s3, "bucket"),
        mail: Mail::new(aws_sdk_sns::Client::new(&aws.config())),
        topic: "arn:stack-topic".to_owned(),
        stack: "belay".to_owned(),
        bucket: "bucket".to_owned(),
        lock_table: "locks".to_owned(),
    }
}

/// An event of the project's samples.
fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

async fn handle(aws: &Aws, event: Value) -> Result<Done, Code> {
    let event: Event = serde_json::from_value(event).unwrap();
    janitor(aws).handle(event).await.map_err(|failure| failure.code)
}

/// What Step Functions says of the execution of a sample event.
fn describe(aws: &Aws, status: &str, more: &Value) {
    let input = sample("run-aborted")["detail"]["input"].clone();
    let mut execution =
        json!({"status": status, "input": input, "startDate": 1_795_168_800.123, "stopDate": 1_795_169_221.456});
    for (name, value) in more.as_object().unwrap() {
        execution[name] = value.clone();
    }
    aws.put_execution(OWNER, execution);
}

fn lock(aws: &Aws, owner: &str, phase: &str) {
    aws.put_lock(json!({
        "key": {"S": "db"}, "owner": {"S": owner}, "phase": {"S": phase}, "fence": {"N": "7"},
        "run": {"S": RunId::of_execution(owner).as_str()}, "target": {"S": "shop"},
    }));
}

fn run() -> RunId {
    RunId::of_execution(OWNER)
}

#[tokio::test]
async fn k4_a_run_that_was_aborted_before_it_changed_anything_is_told_and_its_lock_is_free() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({"cause": "wrong target"}));
    lock(&aws, OWNER, "held");
    let done = handle(&aws, sample("run-aborted")).await.unwrap();
    assert_eq!((done.told, done.freed), (vec![run()], vec!["db".to_owned()]));
    assert_eq!(aws.lock("db").unwrap().get("owner"), None);
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["status"], "interrupted");
    assert_eq!(result["exitCode"], 2);
    assert_eq!(result["told"], true);
    assert_eq!(result["endedAt"], "2026-11-20T10:07:01.456Z");
    let mail = aws.mails().remove(0);
    assert_eq!(mail.subject, "[belay] shop: interrupted");
    assert!(
        mail.body.contains("Somebody stopped the execution: wrong target"),
        "{}",
        mail.body
    );
    assert!(mail.body.contains("redrive-execution"), "{}", mail.body);
    assert!(!mail.body.contains("unlock"), "{}", mail.body);
}

/// What is offered to begin anew is what was asked, with the settings of that run and nothing that is none.
#[tokio::test]
async fn an_interrupted_undo_is_told_with_its_settings() {
    let aws = Aws::new();
    let mut input: Value = sample("input-undo");
    input["flyway"]["password"] = json!("hunter2");
    describe(&aws, "ABORTED", &json!({"input": input.to_string()}));
    lock(&aws, OWNER, "held");
    handle(&aws, sample("run-aborted")).await.unwrap();
    // Not under the version, where the migration's own result is.
    assert_eq!(aws.json(RESULT), None);
    let result = aws.json(&format!("results/shop/{}.json", run())).unwrap();
    assert_eq!(result["status"], "interrupted");
    let mail = aws.mails().remove(0).body;
    assert!(mail.contains(r#""action":"undo""#), "{mail}");
    assert!(
        mail.contains(r#""flyway":{"target":"6"}"#) && !mail.contains("hunter2"),
        "{mail}"
    );
}

#[tokio::test]
async fn k4_a_run_that_died_while_changing_leaves_a_quarantine() {
    let aws = Aws::new();
    let failed = sample("run-failed")["detail"].clone();
    describe(
        &aws,
        "FAILED",
        &json!({"error": failed["error"], "cause": failed["cause"]}),
    );
    lock(&aws, OWNER, "changing");
    let done = handle(&aws, sample("run-failed")).await.unwrap();
    assert_eq!(done.quarantined, ["db"]);
    let lock = aws.lock("db").unwrap();
    assert_eq!(
        (&lock["phase"]["S"], &lock["fence"]["N"]),
        (&json!("quarantined"), &json!("7"))
    );
    let result = aws.json(RESULT).unwrap();
    assert_eq!(result["failure"]["code"], "Infra.Database");
    let mail = aws.mails().remove(0).body;
    assert!(mail.contains("shop.example:5432 does not answer"), "{mail}");
    assert!(
        mail.contains(&format!("belay unlock --table locks --lock db --run {}", run())),
        "{mail}"
    );
}

#[tokio::test]
async fn a_keep_that_died_names_the_run_that_it_was_to_keep() {
    let aws = Aws::new();
    let input = json!({"target": "shop", "action": "keep", "run": "aaaaaaaaaaaa"}).to_string();
    aws.put_execution(
        OWNER,
        json!({"status": "ABORTED", "input": input, "startDate": 1, "stopDate": 2}),
    );
    aws.put_lock(json!({
        "key": {"S": "db"}, "owner": {"S": OWNER}, "phase": {"S": "changing"}, "fence": {"N": "8"},
        "run": {"S": "aaaaaaaaaaaa"}, "target": {"S": "shop"},
    }));
    handle(&aws, sample("run-aborted")).await.unwrap();
    let mail = aws.mails().remove(0).body;
    assert!(
        mail.contains("belay unlock --table locks --lock db --run aaaaaaaaaaaa"),
        "{mail}"
    );
    assert!(
        mail.contains(r#"{"target":"shop","action":"keep","run":"aaaaaaaaaaaa"}"#),
        "{mail}"
    );
}

#[tokio::test]
async fn a_handled_ending_is_left_alone() {
    for outcome in ["unchanged", "needs-operator", "rejected", "superseded"] {
        let aws = Aws::new();
        describe(&aws, "FAILED", &json!({"error": outcome}));
        lock(&aws, OWNER, "quarantined");
        let mut event = sample("run-failed");
        event["detail"]["error"] = json!(outcome);
        assert_eq!(handle(&aws, event).await.unwrap(), Done::default());
        assert_eq!(handle(&aws, sample("sweep")).await.unwrap(), Done::default());
        assert!(aws.mails().is_empty() && aws.keys().is_empty());
    }
}

#[tokio::test]
async fn doing_it_again_changes_nothing_and_tells_nobody_twice() {
    let aws = Aws::new();
    describe(&aws, "TIMED_OUT", &json!({}));
    lock(&aws, OWNER, "changing");
    handle(&aws, sample("run-aborted")).await.unwrap();
    let (result, lock) = (aws.json(RESULT), aws.lock("db"));
    for event in ["run-aborted", "sweep", "sweep"] {
        assert_eq!(handle(&aws, sample(event)).await.unwrap(), Done::default());
    }
    assert_eq!((aws.json(RESULT), aws.lock("db")), (result, lock));
    assert_eq!(aws.mails().len(), 1);
}

#[tokio::test]
async fn a_run_that_is_redriven_and_interrupted_again_is_told_again() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    handle(&aws, sample("run-aborted")).await.unwrap();

    describe(&aws, "RUNNING", &json!({"redriveCount": 1}));
    assert_eq!(
        handle(&aws, sample("run-aborted")).await.unwrap(),
        Done::default(),
        "it lives"
    );

    describe(&aws, "ABORTED", &json!({"redriveCount": 1, "stopDate": 1_795_170_000}));
    let mut event = sample("run-aborted");
    event["detail"]["redriveCount"] = json!(1);
    assert_eq!(handle(&aws, event).await.unwrap().told, [run()]);
    assert_eq!(aws.mails().len(), 2);
}

#[tokio::test]
async fn v7_an_outcome_stands_and_its_missing_mail_raises_the_alarm() {
    let aws = Aws::new();
    describe(&aws, "FAILED", &json!({"error": "Infra.Notification", "cause": "{}"}));
    let mut outcome = json!({
        "status": "migrated", "run": run(), "execution": OWNER, "target": "shop", "startedAt": "2026-11-20T10:00:00Z",
        "exitCode": 0,
    });
    aws.put_object(RESULT, outcome.to_string().as_bytes());
    let mut event = sample("run-failed");
    event["detail"]["error"] = json!("Infra.Notification");
    let done = handle(&aws, event.clone()).await.unwrap();
    assert_eq!(
        done,
        Done {
            untold: vec![run()],
            ..Done::default()
        }
    );
    outcome["told"] = json!(false);
    assert_eq!(aws.json(RESULT).unwrap(), outcome);
    assert!(aws.mails().is_empty());
    assert_eq!(
        handle(&aws, event).await.unwrap(),
        Done::default(),
        "one alarm is enough"
    );
}

#[tokio::test]
async fn a_later_run_keeps_its_result_and_the_earlier_one_is_told_once() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    let later = json!({
        "status": "running", "run": "bbbbbbbbbbbb", "execution": "arn:later", "target": "shop",
        "startedAt": "2027-01-01T00:00:00Z",
    });
    aws.put_object(RESULT, later.to_string().as_bytes());
    for _ in 0..2 {
        handle(&aws, sample("run-aborted")).await.unwrap();
    }
    assert_eq!(aws.json(RESULT).unwrap(), later);
    assert_eq!(aws.mails().len(), 1);
}

#[tokio::test]
async fn the_sweep_finds_dead_owners_and_leaves_living_ones() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    lock(&aws, OWNER, "held");
    let living = "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-living";
    aws.put_execution(living, json!({"status": "RUNNING", "input": "{}", "startDate": 1}));
    let item = json!({"key": {"S": "other"}, "owner": {"S": living}, "phase": {"S": "changing"}, "fence": {"N": "1"}});
    aws.put_lock(item.clone());
    for (event, freed) in [(sample("sweep"), vec!["db".to_owned()]), (json!({}), Vec::new())] {
        assert_eq!(handle(&aws, event).await.unwrap().freed, freed);
    }
    assert_eq!(aws.lock("other").unwrap(), item);
    assert_eq!(aws.mails().len(), 1);
}

#[tokio::test]
async fn the_sweep_tells_of_a_quarantine_that_another_run_made() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    lock(&aws, OWNER, "quarantined");
    assert_eq!(handle(&aws, sample("sweep")).await.unwrap().told, [run()]);
    assert_eq!(handle(&aws, sample("sweep")).await.unwrap(), Done::default());
    assert!(aws.mails().remove(0).body.contains("belay unlock"));
}

#[tokio::test]
async fn an_owner_that_is_forgotten_leaves_no_lock_behind() {
    for (phase, free) in [("held", true), ("changing", false)] {
        let aws = Aws::new();
        lock(&aws, OWNER, phase);
        let done = handle(&aws, sample("sweep")).await.unwrap();
        assert_eq!(
            (done.freed.len(), done.quarantined.len()),
            if free { (1, 0) } else { (0, 1) }
        );
    }
}

#[tokio::test]
async fn one_lock_that_fails_does_not_hide_the_others() {
    let aws = Aws::new();
    describe(&aws, "ABORTED", &json!({}));
    lock(&aws, OWNER, "held");
    let odd = "arn:odd";
    aws.put_execution(odd, json!({"status": "ABORTED", "input": "not json", "startDate": 1}));
    aws.put_lock(json!({"key": {"S": "a"}, "owner": {"S": odd}, "phase": {"S": "held"}, "fence": {"N": "1"}}));
    aws.refuse(Service::Mail);
    assert_eq!(handle(&aws, sample("sweep")).await, Err(Code::Notification));
    assert_eq!(aws.lock("a").unwrap().get("owner"), None);
    assert_eq!(aws.lock("db").unwrap().get("owner"), None);
    assert_eq!(aws.json(RESULT).unwrap()["told"], false);
}

#[tokio::test]
async fn what_is_no_request_is_told_too() {
    let aws = Aws::new();
    for input in ["", "[]", r#"{"target": 7, "bundle": "x"}"#] {
        aws.put_execution(
            OWNER,
            json!({"status": "ABORTED", "input": input, "startDate": 1, "stopDate": 2}),
        );
        handle(&aws, sample("run-aborted")).await.unwrap();
    }
    assert_eq!(
        aws.json(&format!("results/-/{}.json", run())).unwrap()["status"],
        "interrupted"
    );
    assert_eq!(aws.mails().len(), 1);
}

#[test]
fn an_event_of_another_kind_is_refused() {
    let event = json!({"detail-type": "Object Created", "detail": {}});
    assert!(serde_json::from_value::<Event>(event).is_err());
}
