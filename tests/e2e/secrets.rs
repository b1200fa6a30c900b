//! Secrets that are missing, wrong or odd: retried, then left for a redrive and told as `interrupted`. Nothing was
//! changed by then, so the lock is free.

use belay_local::Shipped;
use belay_model::{NotifySettings, Target};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::case::Case;

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (n int)");

#[tokio::test]
async fn a_secret_that_does_not_fit_interrupts_the_run() {
    let cases = [
        ("secret-missing", None, "Secrets Manager can't find"),
        (
            "secret-wrong",
            Some(json!({"username": "migrator", "password": "WRONG-9f2c"})),
            "password authentication failed",
        ),
        ("secret-text", Some(json!("just WRONG-9f2c")), "is not a JSON object"),
        (
            "secret-bare",
            Some(json!({"password": "WRONG-9f2c"})),
            "has no \"username\"",
        ),
        (
            "secret-elsewhere",
            Some(json!({"username": "migrator", "password": "WRONG-9f2c", "host": "other.example"})),
            "is for another host",
        ),
    ];
    join_all(cases.map(|(name, secret, said)| async move { odd(name, secret, said).await })).await;
}

async fn odd(name: &str, secret: Option<Value>, said: &str) {
    let case = Case::new(name).await;
    let arn = &case.target.credentials.secret;
    let good = case
        .aws
        .secrets
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .unwrap()
        .secret_string
        .unwrap();
    match &secret {
        None => {
            let delete = case
                .aws
                .secrets
                .delete_secret()
                .secret_id(arn)
                .force_delete_without_recovery(true);
            delete.send().await.unwrap();
        }
        Some(odd) => {
            let text = odd.as_str().map_or_else(|| odd.to_string(), str::to_owned);
            case.aws
                .secrets
                .put_secret_value()
                .secret_id(arn)
                .secret_string(text)
                .send()
                .await
                .unwrap();
        }
    }
    let shipped = case.upload(&[A]).await;
    let (result, mail) = case.interrupted(&shipped).await;
    let failure = result.failure.unwrap();
    assert_eq!(
        (failure.code.name(), result.exit_code),
        ("Infra.Credentials", Some(2)),
        "{name}"
    );
    assert!(mail.text.contains(said), "{name}: {}", mail.text);
    assert!(
        mail.text.contains("before it changed anything"),
        "{name}: {}",
        mail.text
    );
    assert!(!mail.text.contains("WRONG-9f2c"), "{name}: {}", mail.text);
    assert_eq!(case.lock("owner").await, None, "{name}");
    assert!(!case.has("belay.run").await, "{name}");

    // Mended, the same input goes in. (The emulator knows no redrive.)
    if secret.is_some() {
        case.aws
            .secrets
            .put_secret_value()
            .secret_id(arn)
            .secret_string(good)
            .send()
            .await
            .unwrap();
        assert_eq!(
            case.start(&case.input(&shipped)).await.result.status,
            "migrated",
            "{name}"
        );
    }
}

/// The outcome stays, and says that nobody could be told; the alarm is in the log.
#[tokio::test]
async fn a_mail_that_can_not_be_sent_leaves_the_outcome() {
    let topic = "arn:aws:sns:us-east-1:000000000000:nobody-made-it".to_owned();
    let with_topic = |target: &mut Target| target.notify = Some(NotifySettings { topic });
    let case = Case::with("untold", with_topic).await;
    let shipped = case.upload(&[A]).await;
    let stack = &case.world.stack;
    let is_untold = |result: &belay_model::RunResult| result.told == Some(false);
    let result = stack
        .wait_for_result(&case.aws, &shipped, crate::world::LONG, is_untold)
        .await
        .unwrap();
    assert_eq!((result.status.as_str(), result.exit_code), ("migrated", Some(0)));
    assert_eq!((case.has("a").await, case.lock("owner").await), (true, None));
    let is_alarm = |line: &Value| line["Untold"] == 1 && line["run"] == result.run.as_str();
    let logged = logged(&case).await;
    assert!(logged.iter().any(is_alarm), "{logged:#?}");
}

/// What the functions logged as JSON, and every line of it that an alarm is made of.
async fn logged(case: &Case) -> Vec<Value> {
    let lines = case.world.stack.logs(&case.aws).await.unwrap();
    let json = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    json.filter(|line| line.get("_aws").is_some()).collect()
}

/// Between Check and Plan, the object's version is deleted.
#[tokio::test]
async fn a_bundle_that_is_gone_is_refused() {
    let case = Case::new("gone").await.with_gates().await;
    let holder = case
        .upload_as("other.zip", &[("V1__held.sql", "SELECT gate.pass('on')")])
        .await;
    case.sleeper().await;
    let gone = case
        .upload(&[("V1__held.sql", "SELECT gate.pass('on')"), ("V2__a.sql", "SELECT 1")])
        .await;
    case.says(&gone, "waiting").await;
    delete(&case, &gone).await;
    case.open("on").await;
    assert_eq!(case.ran(&holder).await.result.status, "migrated");
    let ran = case.ran(&gone).await;
    assert_eq!(ran.result.status, "rejected");
    assert_eq!(ran.result.failure.unwrap().code.name(), "Belay.BundleGone");
    assert_eq!(case.lock("owner").await, None);
}

async fn delete(case: &Case, shipped: &Shipped) {
    let delete = case.aws.s3.delete_object().bucket(case.world.stack.bucket().unwrap());
    delete
        .key(&shipped.key)
        .version_id(&shipped.version_id)
        .send()
        .await
        .unwrap();
}
