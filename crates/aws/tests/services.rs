//! Secrets, the lock, mail and executions.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use belay_aws::double::{Aws, Service};
use belay_aws::executions::{Executions, Started, Status};
use belay_aws::lock::{Door, LockItem, Locks, Phase};
use belay_aws::mail::{Letter, Mail};
use belay_aws::secrets::Secrets;
use belay_model::{Code, FrozenPlaceholder, LockRef, PlaceholderSource, Target};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop";
const OWNER: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:one";

fn target() -> Target {
    serde_json::from_value(json!({
        "engine": "postgresql",
        "endpoint": {"host": "db.example", "database": "shop"},
        "credentials": {"secret": ARN},
    }))
    .unwrap()
}

fn secrets(aws: &Aws) -> Secrets {
    Secrets::new(aws_sdk_secretsmanager::Client::new(&aws.config()))
}

#[tokio::test]
async fn a_login_is_read_from_a_plain_or_an_rds_secret() {
    for secret in [
        json!({"username": "mig", "password": "hunter2"}),
        json!({"username": "mig", "password": "hunter2", "host": "DB.example.", "port": 5432, "engine": "postgres"}),
        json!({"username": "mig", "password": "hunter2", "port": "5432"}),
    ] {
        let aws = Aws::new();
        aws.put_secret(ARN, "s1", &secret.to_string());
        let login = secrets(&aws).login(&target()).await.unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.expose_secret()),
            ("mig", "hunter2")
        );
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn an_odd_secret_is_refused_without_being_quoted() {
    for secret in [
        "hunter2".to_owned(),
        "\"hunter2\"".to_owned(),
        "[\"hunter2\"]".to_owned(),
        json!({"password": "hunter2"}).to_string(),
        json!({"username": "hunter2"}).to_string(),
        json!({"username": "", "password": "hunter2"}).to_string(),
        json!({"username": "mig", "password": ["hunter2"]}).to_string(),
        json!({"username": "mig", "password": "hunter2", "host": "hunter2.example"}).to_string(),
        json!({"username": "mig", "password": "hunter2", "port": 5433}).to_string(),
    ] {
        let aws = Aws::new();
        aws.put_secret(ARN, "s1", &secret);
        let error = secrets(&aws).login(&target()).await.unwrap_err();
        assert_eq!(error.failure().code, Code::Credentials, "{secret}");
        assert!(
            !format!("{error:?} {error} {}", error.failure()).contains("hunter2"),
            "{secret}"
        );
    }
}

#[tokio::test]
async fn a_missing_secret_and_a_refusal_are_credentials() {
    let aws = Aws::new();
    let code = async || secrets(&aws).login(&target()).await.unwrap_err().failure().code;
    assert_eq!(code().await, Code::Credentials);
    aws.put_secret(ARN, "s1", "{}");
    aws.refuse(Service::Secrets);
    assert_eq!(code().await, Code::Credentials);
}

#[tokio::test]
async fn a_frozen_placeholder_keeps_the_version_that_was_planned() {
    let aws = Aws::new();
    aws.put_secret(ARN, "s1", &json!({"api": "old", "pin": 7}).to_string());
    let secret = |key: &str| PlaceholderSource::Secret {
        arn: ARN.to_owned(),
        key: key.to_owned(),
    };
    let sources = BTreeMap::from([
        ("schema".to_owned(), PlaceholderSource::Value("app".to_owned())),
        ("api".to_owned(), secret("api")),
        ("pin".to_owned(), secret("pin")),
    ]);
    let placeholders = secrets(&aws).freeze(&sources).await.unwrap();
    assert_eq!(
        placeholders.frozen["schema"],
        FrozenPlaceholder::Value("app".to_owned())
    );
    assert_eq!(placeholders.secrets["api"].expose_secret(), "old");
    let text = serde_json::to_string(&placeholders.frozen).unwrap();
    assert!(text.contains("s1") && !text.contains("old"), "{text}");

    aws.put_secret(ARN, "s2", &json!({"api": "new"}).to_string());
    let thawed = secrets(&aws).thaw(&placeholders.frozen).await.unwrap();
    let thawed: BTreeMap<_, _> = thawed
        .iter()
        .map(|(at, v)| (at.key.as_str(), v.expose_secret()))
        .collect();
    assert_eq!(thawed, BTreeMap::from([("api", "old"), ("pin", "7")]));
}

fn locks(aws: &Aws) -> Locks {
    Locks::new(aws_sdk_dynamodb::Client::new(&aws.config()), "locks")
}

fn item(owner: &str, phase: &str, fence: u64) -> Value {
    json!({
        "key": {"S": "db"}, "owner": {"S": owner}, "phase": {"S": phase}, "fence": {"N": fence.to_string()},
        "run": {"S": "aaaaaaaaaaaa"}, "target": {"S": "shop"}, "since": {"S": "2026-11-20T10:00:00Z"},
    })
}

fn mine() -> LockRef {
    LockRef {
        key: "db".to_owned(),
        fence: 7,
    }
}

#[tokio::test]
async fn k3_only_the_owner_under_its_fence_may_change_anything() {
    let mine = mine();
    for (there, allowed) in [
        (Some(item(OWNER, "changing", 7)), true),
        // A redrive after the janitor saw it dead.
        (Some(item(OWNER, "quarantined", 7)), true),
        (Some(item(OWNER, "held", 7)), false),
        (Some(item(OWNER, "changing", 8)), false),
        (Some(item("arn:another", "changing", 7)), false),
        (Some(json!({"key": {"S": "db"}, "fence": {"N": "7"}})), false),
        (None, false),
    ] {
        let aws = Aws::new();
        if let Some(there) = &there {
            aws.put_lock(there.clone());
        }
        let code = locks(&aws)
            .assert_mine(&mine, OWNER)
            .await
            .map_err(|e| e.failure().code);
        assert_eq!(code, if allowed { Ok(()) } else { Err(Code::Fenced) }, "{there:?}");
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_read_is_not_mine() {
    let aws = Aws::new();
    aws.put_lock(item(OWNER, "changing", 7));
    aws.refuse(Service::Locks);
    let error = locks(&aws).assert_mine(&mine(), OWNER).await.unwrap_err();
    assert_eq!(error.failure().code, Code::Workflow);
}

#[tokio::test]
async fn k4_a_dead_owners_lock_is_freed_or_quarantined_by_its_phase() {
    for (phase, frees, quarantines, unlocks) in [
        ("held", true, false, false),
        ("changing", false, true, false),
        ("quarantined", false, false, true),
    ] {
        let fresh = || {
            let aws = Aws::new();
            aws.put_lock(item(OWNER, phase, 7));
            aws
        };
        let aws = fresh();
        let lock = locks(&aws).read("db").await.unwrap().unwrap();
        let holder = lock.holder.clone().unwrap();
        assert_eq!(locks(&aws).free_held(&lock, &holder).await.unwrap(), frees, "{phase}");
        let aws = fresh();
        assert_eq!(
            locks(&aws).quarantine_changing(&lock, &holder).await.unwrap(),
            quarantines,
            "{phase}"
        );
        let after = locks(&aws).read("db").await.unwrap().unwrap();
        assert_eq!(after.fence, 7, "quarantining does not count the fence up");
        let aws = fresh();
        assert_eq!(locks(&aws).unlock(&lock, &holder).await.unwrap(), unlocks, "{phase}");
        let after = aws.lock("db").unwrap();
        if unlocks {
            assert_eq!(after, json!({"key": {"S": "db"}, "fence": {"N": "8"}}));
        } else {
            assert_eq!(after, item(OWNER, phase, 7));
        }
    }
}

#[tokio::test]
async fn a_lock_that_moved_is_left_alone() {
    let aws = Aws::new();
    aws.put_lock(item(OWNER, "held", 7));
    let seen = locks(&aws).read("db").await.unwrap().unwrap();
    let holder = seen.holder.clone().unwrap();
    for moved in [item(OWNER, "held", 8), item("arn:another", "held", 7)] {
        aws.put_lock(moved.clone());
        assert!(!locks(&aws).free_held(&seen, &holder).await.unwrap());
        assert_eq!(aws.lock("db").unwrap(), moved);
    }
}

#[tokio::test]
async fn only_held_locks_are_listed() {
    let aws = Aws::new();
    aws.put_lock(item(OWNER, "changing", 7));
    aws.put_lock(json!({"key": {"S": "free"}, "fence": {"N": "3"}}));
    aws.put_lock(
        json!({"key": {"S": "bundle#bundles/shop/a.zip"}, "sequencer": {"S": "0A"}, "execution": {"S": OWNER}}),
    );
    let held: Vec<LockItem> = locks(&aws).held().await.unwrap();
    let held: Vec<_> = held
        .iter()
        .map(|lock| (lock.key.as_str(), lock.holder.as_ref().unwrap().phase))
        .collect();
    assert_eq!(held, [("db", Phase::Changing)]);
}

#[tokio::test]
async fn a_letter_arrives_fit_for_sns() {
    let aws = Aws::new();
    let mail = Mail::new(aws_sdk_sns::Client::new(&aws.config()));
    let letter = Letter {
        subject: "[belay] shöp:\nunchanged".to_owned(),
        body: "what & why = ü\n".to_owned(),
        outcome: "unchanged".to_owned(),
        target: String::new(),
    };
    mail.send("arn:topic", &letter).await.unwrap();
    let sent = aws.mails().remove(0);
    assert_eq!(sent.subject, "[belay] sh?p: unchanged");
    assert_eq!(sent.body, letter.body);
    assert_eq!(sent.attributes["outcome"], "unchanged");
    assert_eq!(sent.attributes["target"], "-");

    aws.refuse(Service::Mail);
    let error = mail.send("arn:topic", &letter).await.unwrap_err();
    assert_eq!(error.failure().code, Code::Notification);
}

#[tokio::test]
async fn a_name_starts_one_execution() {
    let aws = Aws::new();
    let executions = Executions::new(aws_sdk_sfn::Client::new(&aws.config()));
    let start = async || {
        executions
            .start("arn:stateMachine:belay", "shop-1", "{}".to_owned())
            .await
    };
    assert_eq!(
        start().await.unwrap(),
        Started::Now("arn:execution:belay:shop-1".to_owned())
    );
    assert_eq!(start().await.unwrap(), Started::Before);
    assert_eq!(aws.started().len(), 1);
    aws.refuse(Service::Workflow);
    assert_eq!(start().await.unwrap_err().failure().code, Code::Workflow);
}

#[tokio::test]
async fn an_execution_is_described_or_forgotten() {
    let aws = Aws::new();
    let executions = Executions::new(aws_sdk_sfn::Client::new(&aws.config()));
    assert_eq!(executions.describe(OWNER).await.unwrap(), None);
    for (text, status) in [
        ("RUNNING", Status::Running),
        ("PENDING_REDRIVE", Status::Running),
        ("SUCCEEDED", Status::Succeeded),
        ("FAILED", Status::Failed),
        ("TIMED_OUT", Status::TimedOut),
        ("ABORTED", Status::Aborted),
    ] {
        aws.put_execution(
            OWNER,
            json!({"status": text, "input": "{}", "startDate": 1.5, "redriveCount": 2}),
        );
        let found = executions.describe(OWNER).await.unwrap().unwrap();
        assert_eq!(found.status, status);
        assert_eq!(found.started_at.as_millisecond(), 1500);
        assert_eq!(found.redrives, 2);
    }
}

fn door(roles: &[&str]) -> Door {
    Door {
        run: belay_model::RunId::of_execution(OWNER),
        target: "shop".parse().unwrap(),
        at: "2026-11-20T10:00:00Z".parse().unwrap(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

#[tokio::test]
async fn q1_who_is_kept_out_is_noted_once_and_forgotten_by_the_owner() {
    let (aws, mine) = (Aws::new(), mine());
    aws.put_lock(item(OWNER, "changing", 7));
    let locks = locks(&aws);
    let first = door(&["app", "Web User"]);
    assert_eq!(locks.note_door(&mine, OWNER, &first).await, Ok(first.clone()));
    assert_eq!(locks.read("db").await.unwrap().unwrap().door, Some(first.clone()));
    let second = locks.note_door(&mine, OWNER, &door(&["other"])).await;
    assert_eq!(second, Ok(first.clone()), "the record that is there is kept");

    // Freeing the lock leaves it, and it is found.
    let held = locks.held().await.unwrap().remove(0);
    assert_eq!(locks.left_closed().await.unwrap(), Vec::new());
    assert!(
        locks
            .quarantine_changing(&held, held.holder.as_ref().unwrap())
            .await
            .unwrap()
    );
    assert!(locks.unlock(&held, held.holder.as_ref().unwrap()).await.unwrap());
    let left = locks.left_closed().await.unwrap();
    assert_eq!((left.len(), &left[0].door, &left[0].holder), (1, &Some(first), &None));

    let mut next = item("arn:next", "changing", 9);
    next["door"] = aws.lock("db").unwrap()["door"].clone();
    aws.put_lock(next);
    let next = LockRef { fence: 9, ..mine };
    assert_eq!(locks.forget_door(&next, "arn:next").await, Ok(()));
    assert_eq!(aws.lock("db").unwrap(), item("arn:next", "changing", 9));
    assert_eq!(
        locks.forget_door(&next, "arn:next").await,
        Ok(()),
        "nothing to forget is no error"
    );
}

#[tokio::test]
async fn q1_k3_only_the_owner_under_its_fence_notes_or_forgets() {
    for (owner, phase, fence, allowed) in [
        (OWNER, "changing", 7, true),
        (OWNER, "quarantined", 7, true),
        (OWNER, "held", 7, false),
        (OWNER, "changing", 8, false),
        ("arn:another", "changing", 7, false),
    ] {
        let aws = Aws::new();
        aws.put_lock(item(owner, phase, fence));
        let locks = locks(&aws);
        let expected = |code: Result<(), Code>| assert_eq!(code, if allowed { Ok(()) } else { Err(Code::Fenced) });
        let noted = locks.note_door(&mine(), OWNER, &door(&["app"])).await;
        expected(noted.map(|_| ()).map_err(|error| error.failure().code));
        assert_eq!(aws.lock("db").unwrap().get("door").is_some(), allowed);
        let forgotten = locks.forget_door(&mine(), OWNER).await;
        expected(forgotten.map_err(|error| error.failure().code));
    }
    let aws = Aws::new();
    let noted = locks(&aws).note_door(&mine(), OWNER, &door(&[])).await;
    assert_eq!(noted.unwrap_err().failure().code, Code::Fenced, "no item");
    aws.put_lock(item(OWNER, "changing", 7));
    aws.refuse(Service::Locks);
    let noted = locks(&aws).note_door(&mine(), OWNER, &door(&[])).await;
    assert_eq!(noted.unwrap_err().failure().code, Code::Workflow);
}

#[tokio::test]
async fn a_door_that_cannot_be_read_is_a_bug() {
    for odd in [
        json!({"S": "open"}),
        json!({"M": {}}),
        json!({"M": {"roles": {"L": [{"N": "1"}]}}}),
    ] {
        let aws = Aws::new();
        let mut there = item(OWNER, "changing", 7);
        there["door"] = odd;
        aws.put_lock(there);
        assert_eq!(locks(&aws).read("db").await.unwrap_err().failure().code, Code::Bug);
    }
}
