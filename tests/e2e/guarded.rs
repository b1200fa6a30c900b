//! With roles enforced: each function may do what the template says it may, and no more.

use serde_json::{Value, json};

use crate::case::Case;
use crate::world::guarded;

#[tokio::test]
async fn the_roles_allow_what_a_run_does() {
    let case = Case::make(guarded().await, None, "guarded", |_| ()).await;
    let first = ("V1__a.sql", "CREATE TABLE a (n int)");
    let migrated = case.ship(&[first]).await;
    assert_eq!(migrated.result.status, "migrated", "{:#?}", migrated.result);
    let mut info = json!({"target": "guarded", "bundle": {"key": "bundles/guarded/release.zip"}, "action": "info"});
    info["bundle"]["versionId"] = json!(migrated.result.bundle.unwrap().version_id);
    assert_eq!(case.start(&info).await.result.status, "done");

    let failed = case
        .ship(&[first, ("V2__b.sql", "INSERT INTO a VALUES (1); COMMIT; SELECT 1 / 0")])
        .await;
    assert_eq!(failed.result.status, "needs-operator", "{:#?}", failed.result);
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));
    let kept = case.start(&case.keep(&failed.result.run)).await;
    assert_eq!(kept.result.status, "done", "{kept:#?}");
    let rejected = case.ship(&[("V1_a.sql", "x")]).await;
    assert_eq!(rejected.result.status, "rejected");

    // The janitor: it sees who has died, tells, and quarantines.
    let case = Case::make(guarded().await, None, "guarded-death", |_| ())
        .await
        .with_gates()
        .await;
    let shipped = case.upload(&[first, ("V2__held.sql", "SELECT gate.pass('on')")]).await;
    case.sleeper().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;
    case.interrupted(&shipped).await;
    assert_eq!(case.lock("phase").await.as_deref(), Some("quarantined"));
    let sweep: Value = serde_json::from_str(include_str!("../../events/sweep.json")).unwrap();
    assert_eq!(case.invoke("JanitorFunction", &sweep).await["quarantined"], json!([]));
}

/// That roles are enforced at all: a secret that the template does not name can't be read.
#[tokio::test]
async fn a_secret_that_the_roles_do_not_name_is_not_read() {
    let world = guarded().await;
    let aws = world.stack.aws();
    let elsewhere = aws
        .secrets
        .create_secret()
        .name("elsewhere")
        .secret_string(r#"{"username": "x", "password": "y"}"#);
    let arn = elsewhere.send().await.unwrap().arn.unwrap();
    let case = Case::make(world, None, "guarded-secret", |target| target.credentials.secret = arn).await;
    let shipped = case.upload(&[("V1__a.sql", "CREATE TABLE a (n int)")]).await;
    let (result, mail) = case.interrupted(&shipped).await;
    assert_eq!(result.failure.unwrap().code.name(), "Infra.Credentials");
    assert!(mail.text.contains("AccessDenied"), "{}", mail.text);
}
