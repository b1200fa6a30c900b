//! With roles enforced: each function may do what the template says it may, and no more.

use belay_model::RunId;
use serde_json::{Value, json};

use crate::case::Case;
use crate::restores::{FAILS, HELD, LONE, ORDERS, app_may_log_in, failed_is_kept, is_as_it_was, policy, released_in};
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
    let swept = case.invoke("JanitorFunction", &sweep).await;
    assert!(
        !swept["quarantined"].as_array().unwrap().contains(&json!(case.name)),
        "{swept}"
    );
}

/// A restore that a run does itself is in `permissions`.
#[tokio::test]
async fn the_roles_allow_to_restore_by_hand() {
    let case = released_in(guarded().await, "guarded-by-hand", policy("never")).await;
    let failed = case.ship(&[ORDERS, LONE, FAILS]).await;
    assert_eq!(failed.result.status, "needs-operator", "{:#?}", failed.result);
    let restored = case.start(&case.restore(&failed.result.run)).await;
    assert_eq!(restored.result.status, "done", "{:#?}", restored.result);
    is_as_it_was(&case).await;
    failed_is_kept(&case, &failed.result.run).await;
}

/// Q1: by hand, and by the sweep.
#[tokio::test]
async fn the_roles_allow_to_open_a_door() {
    let case = released_in(guarded().await, "guarded-door", policy("if-lossless"))
        .await
        .with_gates()
        .await;
    let run = stopped_with_the_door_closed(&case).await;
    let opened = case.start(&json!({"target": case.name, "action": "reopen"})).await;
    assert_eq!(opened.result.status, "done", "{:#?}", opened.result);
    assert!(app_may_log_in(&case).await);
    assert_eq!(case.start(&case.keep(&run)).await.result.status, "done");

    stopped_with_the_door_closed(&case).await;
    case.free_lock().await;
    let sweep: Value = serde_json::from_str(include_str!("../../events/sweep.json")).unwrap();
    case.invoke("JanitorFunction", &sweep).await;
    case.wait_for("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app'")
        .await;
}

/// A run that was stopped while the application's role was kept out.
async fn stopped_with_the_door_closed(case: &Case) -> RunId {
    let shipped = case.upload(&[ORDERS, LONE, HELD]).await;
    case.sleeps().await;
    let running = case.says(&shipped, "running").await;
    case.stop(&running.execution).await;
    let (result, _) = case.interrupted(&shipped).await;
    assert!(!app_may_log_in(case).await);
    result.run
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
