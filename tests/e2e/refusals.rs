//! What is refused, and told (rule P3). The database is not opened.

use std::io::ErrorKind;
use std::net::TcpListener;

use belay_model::RunResult;
use serde_json::{Value, json};

use crate::bundle::zip;
use crate::case::{Case, Ran};
use crate::queue::event;

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (n int)");

/// A target whose database nobody opens: whoever tried would be heard.
async fn unopened(name: &str) -> (Case, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (Case::with(name, |target| target.endpoint.port = port).await, listener)
}

/// What holds of every refusal before Plan.
async fn assert_refused(case: &Case, database: &TcpListener, ran: &Ran, code: &str) {
    let RunResult { status, failure, .. } = &ran.result;
    let failure = failure.as_ref().unwrap();
    assert_eq!(
        (status.as_str(), ran.result.exit_code, failure.code.name()),
        ("rejected", Some(4), code),
        "{ran:#?}"
    );
    assert!(failure.next.is_some(), "{failure:#?}");
    assert!(!ran.ended.states.contains(&"Lock".to_owned()), "{:?}", ran.ended.states);
    assert_eq!(
        database.accept().unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "the database was opened"
    );
    assert_eq!(case.lock("owner").await, None);
}

#[tokio::test]
async fn a_bundle_that_is_none_is_refused() {
    let (case, database) = unopened("hostile").await;
    let cases = [
        (
            "traversal.zip",
            zip(&[A, ("../../etc/V2__x.sql", "x")]),
            "Belay.BundleRejected",
            "Belay.PathTraversal",
        ),
        (
            "rubbish.zip",
            b"rubbish".to_vec(),
            "Belay.BundleRejected",
            "Belay.NotAZip",
        ),
        (
            "twice.zip",
            zip(&[A, ("V01__b.sql", "x")]),
            "Belay.BundleRejected",
            "Belay.DuplicateVersion",
        ),
        (
            "control.zip",
            zip(&[A, ("verify/x.sql", "SELECT true; COMMIT")]),
            "Belay.BundleRejected",
            "Belay.AssertionControl",
        ),
        ("notes.txt", zip(&[A]), "Belay.RequestInvalid", "notes.txt"),
        ("", Vec::new(), "", ""),
    ];
    for (name, bytes, code, said) in cases {
        let stack = &case.world.stack;
        if name.is_empty() {
            // A folder, as consoles make them, is nothing at all.
            let folder = stack.ship(&case.aws, "hostile", "", bytes).await.unwrap();
            let made = json!({"key": folder.key, "version-id": folder.version_id, "size": 0, "sequencer": "0F"});
            assert_eq!(
                case.invoke("IntakeFunction", &event(&case, &made)).await,
                json!({"taken": "folder"})
            );
            continue;
        }
        let shipped = stack.ship(&case.aws, "hostile", name, bytes).await.unwrap();
        let ran = case.ran(&shipped).await;
        assert_refused(&case, &database, &ran, code).await;
        assert!(ran.mail.text.contains(said), "{name}: {}", ran.mail.text);
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_refused() {
    let ((case, database), other) = (unopened("asked").await, Case::new("asked-other").await);
    let theirs = other.upload(&[A]).await;
    assert_eq!(other.ran(&theirs).await.result.status, "migrated");
    let mine = json!({"key": "bundles/asked/release.zip", "versionId": "v"});
    let cases = [
        // Another target's prefix: a development bundle can't be pointed at production.
        (
            json!({"target": "asked", "bundle": {"key": theirs.key, "versionId": theirs.version_id}}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "bundle": {"key": "bundles/asked/../asked-other/release.zip", "versionId": "v"}}),
            "Belay.BundleGone",
        ),
        (
            json!({"target": "asked", "bundle": {"key": "bundles/asked/release.zip"}}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "bundle": {"key": "bundles/asked/release.zip", "versionId": "null"}}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "bundle": mine, "action": "migrat"}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "bundle": mine, "actoin": "info"}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "bundle": mine, "action": "keep", "run": "aaaaaaaaaaaa"}),
            "Belay.RequestInvalid",
        ),
        (
            json!({"target": "asked", "action": "keep", "run": "not-a-run"}),
            "Belay.RequestInvalid",
        ),
        (json!({"target": "asked"}), "Belay.RequestInvalid"),
        (
            json!({"target": "Asked!", "bundle": {"key": "bundles/Asked!/a.zip", "versionId": "v"}}),
            "Belay.RequestInvalid",
        ),
        (json!({"target": 7, "bundle": mine}), "Belay.RequestInvalid"),
        (json!({}), "Belay.RequestInvalid"),
        (
            json!({"target": "nowhere", "bundle": {"key": "bundles/nowhere/a.zip", "versionId": "v"}}),
            "Belay.TargetUnknown",
        ),
        // The object is gone, or never was.
        (json!({"target": "asked", "bundle": mine}), "Belay.BundleGone"),
    ];
    for (input, code) in cases {
        let ran = case.start(&input).await;
        assert_refused(&case, &database, &ran, code).await;
    }
    assert_eq!(other.history().await, ["V1__a.sql"]);
}

/// Events as S3 may send them, for what can't be run: each starts a run, so that somebody is told.
#[tokio::test]
async fn an_event_that_can_not_be_run_is_told() {
    let (case, database) = unopened("events").await;
    let cases = [
        (
            json!({"key": "bundles/events/a.zip", "size": 9, "sequencer": "0A"}),
            "events/0A",
            "Belay.RequestInvalid",
        ),
        (
            json!({"key": "bundles/events/a.zip", "version-id": "null", "size": 9, "sequencer": "0B"}),
            "events/0B",
            "Belay.RequestInvalid",
        ),
        (
            json!({"key": "bundles/nobodys/a.zip", "version-id": "v1", "size": 9, "sequencer": "0C"}),
            "nobodys/v1",
            "Belay.TargetUnknown",
        ),
        (
            json!({"key": "bundles/a.zip", "version-id": "v2", "size": 9, "sequencer": "0D"}),
            "-/v2",
            "Belay.RequestInvalid",
        ),
        (
            json!({"key": "bundles/events/gone.zip", "version-id": "v3", "size": 9, "sequencer": "0E"}),
            "events/v3",
            "Belay.BundleGone",
        ),
    ];
    for (object, place, code) in cases {
        let answer = case.invoke("IntakeFunction", &event(&case, &object)).await;
        assert_eq!(answer["taken"], "started", "{answer}");
        let machine = case.world.stack.state_machine().unwrap();
        let execution = format!(
            "{}:{}",
            machine.replace(":stateMachine:", ":execution:"),
            answer["name"].as_str().unwrap()
        );
        let ran = case.finished(&execution).await;
        assert_refused(&case, &database, &ran, code).await;
        // CI finds it where it looks.
        let key = format!("results/{place}.json");
        let stored: Value = serde_json::from_slice(&case.objects(&key).await[&key]).unwrap();
        assert_eq!(stored["run"], json!(ran.result.run));
        // It comes again, and starts nothing.
        assert_eq!(
            case.invoke("IntakeFunction", &event(&case, &object)).await["taken"],
            "before"
        );
    }
}

/// A target that can't be trusted names no topic either: the stack's own is told.
#[tokio::test]
async fn a_target_that_is_none_is_refused() {
    let case = Case::new("targets").await;
    let good = json!(case.target);
    let with = |key: &str, value: Value| {
        let mut target = good.clone();
        target[key] = value;
        target.to_string()
    };
    let shipped = case.upload(&[A]).await;
    let elsewhere = "arn:aws:sns:us-east-1:000000000000:elsewhere";
    let cases = [
        "rubbish".to_owned(),
        "[]".to_owned(),
        with("retsore", json!("never")),
        with("engine", json!("mysql")),
        with("tls", json!("maybe")),
        with("locks", json!({"lock_timeout_ms": 0})),
        with("endpoint", json!({"host": "", "database": "targets"})),
        with("notify", json!({"topic": elsewhere, "mail": "x"})),
    ];
    case.ran(&shipped).await;
    for value in cases {
        let put = case
            .aws
            .ssm
            .put_parameter()
            .name("/belay/targets/targets")
            .value(&value)
            .overwrite(true);
        put.send().await.unwrap();
        let ran = case.start(&case.input(&shipped)).await;
        let failure = ran.result.failure.as_ref().unwrap();
        assert_eq!(
            (ran.result.status.as_str(), failure.code.name()),
            ("rejected", "Belay.TargetInvalid"),
            "{value}: {ran:#?}"
        );
        assert!(!ran.ended.states.contains(&"Lock".to_owned()), "{:?}", ran.ended.states);
    }
    assert_eq!(case.sql("SELECT count(*) FROM belay.run").await, ["1"]);
}
