//! Runs that end without a handler: stopped by a person (which stands for a timeout: the workflow knows no other way to
//! be ended from outside), and told by the janitor (rules K4 and V7).

use std::time::Duration;

use belay_local::{Mail, wait_for_end};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::case::Case;
use crate::world::LONG;

/// A sweep looks at every lock, so a test that needs a dead owner's lock to stay keeps sweeps away.
pub(crate) static SWEEPS: Mutex<()> = Mutex::const_new(());

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (n int)");
const HELD: (&str, &str) = ("V2__held.sql", "SELECT gate.pass('on')");
const C: (&str, &str) = ("V3__c.sql", "CREATE TABLE c (n int)");

#[tokio::test]
async fn a_run_that_is_stopped_while_it_changes_leaves_a_quarantine() {
    let case = Case::new("stopped").await.with_gates().await;
    let shipped = case.upload(&[A, HELD]).await;
    case.sleeper().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;

    let (result, mail) = case.interrupted(&shipped).await;
    assert_eq!((result.exit_code, &result.run), (Some(2), &running.run));
    assert_eq!(mail.subject, "[belay] stopped: interrupted");
    for words in [
        "stopped",
        "quarantined",
        "belay unlock",
        "redrive-execution",
        "keep",
        running.run.as_str(),
    ] {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    assert_eq!(
        (case.lock("phase").await.as_deref(), case.lock("owner").await),
        (Some("quarantined"), Some(running.execution))
    );

    // What the function still does is behind the quarantine: the next run changes nothing.
    let next = case.ship(&[A, HELD, C]).await;
    assert_eq!(next.result.status, "needs-operator");
    assert_eq!(next.result.failure.unwrap().code.name(), "Belay.Quarantined");
    assert_eq!((case.history().await, case.has("c").await), (vec![], false));

    // Accepting it ends what still runs.
    let kept = case.start(&case.keep(&running.run)).await;
    assert_eq!(kept.result.status, "done", "{kept:#?}");
    case.assert_no_orphan().await;
    assert_eq!(case.history().await, [""; 0]);
    case.open("on").await;
    let after = case.ship(&[A, HELD, C]).await;
    assert_eq!(after.result.status, "migrated", "{:#?}", after.result);
    assert_eq!(case.history().await, ["V1__a.sql", "V2__held.sql", "V3__c.sql"]);
}

#[tokio::test]
async fn a_run_that_is_stopped_before_it_changes_anything_leaves_nothing() {
    let case = Case::new("stopped-early").await.with_gates().await;
    let holder = case.upload_as("other.zip", &[A, HELD]).await;
    case.sleeper().await;
    let waits = case.upload(&[A, HELD, C]).await;
    let waiting = case.says(&waits, "waiting").await;
    case.stop(&waiting.execution).await;
    let (_, mail) = case.interrupted(&waits).await;
    assert!(mail.text.contains("before it changed anything"), "{}", mail.text);
    case.open("on").await;
    assert_eq!(case.ran(&holder).await.result.status, "migrated");
    assert_eq!(case.lock("owner").await, None);
    assert_eq!(case.start(&case.input(&waits)).await.result.status, "migrated");
}

/// The event of an execution's end is best effort. An execution of another workflow, whose end the rule does not see,
/// stands for one whose event was lost.
#[tokio::test]
async fn the_sweep_finds_what_no_event_told() {
    let _alone = SWEEPS.lock().await;
    let case = Case::new("swept").await;
    let shipped = case.upload(&[A]).await;
    assert_eq!(case.ran(&shipped).await.result.status, "migrated");
    let sweep: Value = serde_json::from_str(include_str!("../../events/sweep.json")).unwrap();
    for (phase, left, said) in [
        ("changing", Some("quarantined"), "quarantined"),
        ("held", None, "before it changed anything"),
    ] {
        let version = format!("lost-while-{phase}");
        let input = json!({"target": "swept", "bundle": {"key": shipped.key, "versionId": version}});
        let lost = lost_execution(&case, &version, &input).await;
        case.write_lock(&lost, phase).await;

        let done = case.invoke("JanitorFunction", &sweep).await;
        let result = case.result_of(&lost).await.unwrap();
        assert_eq!((result.status.as_str(), result.told), ("interrupted", Some(true)));
        assert!(done["told"].as_array().unwrap().contains(&json!(result.run)), "{done}");
        assert_eq!(case.lock("phase").await.as_deref(), left);
        let mail = case.mail(&result).await;
        assert!(mail.text.contains(said), "{}", mail.text);

        // Nobody is told twice.
        let again = case.invoke("JanitorFunction", &sweep).await;
        assert!(
            !again["told"].as_array().unwrap().contains(&json!(result.run)),
            "{again}"
        );
        let of_it = |mail: &&Mail| mail.text.contains(result.run.as_str());
        assert_eq!(case.world.mails().iter().filter(of_it).count(), 1);
        if left.is_some() {
            let met = case.ship(&[A, C]).await;
            assert_eq!(met.result.status, "needs-operator");
            assert_eq!(case.start(&case.keep(&result.run)).await.result.status, "done");
        }
    }
    assert_eq!(case.ship(&[A, C]).await.result.status, "migrated");
}

/// An execution with this input that was stopped, and whose end nobody was told of.
async fn lost_execution(case: &Case, name: &str, input: &Value) -> String {
    let definition = json!({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": true}}});
    let role = "arn:aws:iam::000000000000:role/nobody";
    let machine = case
        .aws
        .sfn
        .create_state_machine()
        .name(name)
        .definition(definition.to_string())
        .role_arn(role);
    let machine = machine.send().await.unwrap().state_machine_arn;
    let start = case
        .aws
        .sfn
        .start_execution()
        .state_machine_arn(machine)
        .input(input.to_string());
    let execution = start.send().await.unwrap().execution_arn;
    case.stop(&execution).await;
    let ended = wait_for_end(&case.aws, &execution, Duration::from_secs(20).min(LONG), |_| ())
        .await
        .unwrap();
    assert_eq!(ended.status.as_str(), "ABORTED");
    execution
}
