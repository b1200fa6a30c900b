//! Who may have a database restored, and when (rules Q1–Q3).

use belay_model::Code;

use crate::stage::{Stage, failed, name};

#[tokio::test]
async fn q2_lossless_from_before_the_snapshot_to_the_end() {
    let stage = Stage::new("if-lossless").await;
    assert_eq!(stage.door_step("quiesce").await.unwrap().roles.len(), 1);
    assert!(!stage.can_log_in().await);
    assert_eq!(
        stage.door_step("quiesce").await.unwrap().roles.len(),
        1,
        "the record is kept"
    );
    stage.snapshot().await.unwrap();
    let restored = stage.restore().await.unwrap();
    assert!(restored.lossless);
    assert_eq!((restored.compared.counted, restored.compared.rows), (1, 50));
    assert_eq!(restored.writes, Vec::new());
    assert_eq!(stage.door_step("reopen").await.unwrap().roles.len(), 1);
    assert!(stage.can_log_in().await);
}

#[tokio::test]
async fn q2_a_door_that_was_opened_is_not_lossless() {
    let stage = Stage::new("if-lossless").await;
    stage.door_step("quiesce").await.unwrap();
    stage.snapshot().await.unwrap();
    stage.door_step("reopen").await.unwrap();
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::NotLossless);
    assert!(failure.problems[0].message.contains("door"), "{failure}");
    assert_eq!(stage.under(&name()).as_deref(), Some("db-1"));
    assert_eq!(stage.memory.changes().len(), 1, "nothing but the snapshot was made");
}

/// What holds of a migration holds of every action that changes something.
#[tokio::test]
async fn q2_the_policy_is_for_every_action_that_changes_something() {
    for action in ["baseline", "repair", "undo"] {
        let mut stage = Stage::new("if-lossless").await;
        stage.action = action;
        stage.door_step("quiesce").await.unwrap();
        stage.snapshot().await.unwrap();
        stage.door_step("reopen").await.unwrap();
        assert_eq!(stage.restore().await.unwrap_err().code, Code::NotLossless, "{action}");

        let mut stage = Stage::new("always").await;
        stage.action = action;
        stage.snapshot().await.unwrap();
        assert!(!stage.restore().await.unwrap().lossless, "{action}");

        let mut stage = Stage::new("never").await;
        stage.action = action;
        stage.snapshot().await.unwrap();
        assert_eq!(stage.restore().await.unwrap_err().code, Code::Bug, "{action}");
    }
}

#[tokio::test]
async fn q2_whoever_could_write_is_told() {
    let stage = Stage::new("if-lossless").await;
    stage.door_step("quiesce").await.unwrap();
    stage.snapshot().await.unwrap();
    for _ in 0..3 {
        stage.restore_once().await.unwrap();
    }
    stage
        .admin()
        .await
        .batch_execute("CREATE ROLE intruder LOGIN")
        .await
        .unwrap();
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::NotLossless, "checked again right before the swap");
    assert!(
        failure.problems.iter().any(|p| p.message.contains("intruder")),
        "{failure}"
    );
    assert_eq!(stage.under(&name()).as_deref(), Some("db-1"));
}

#[tokio::test]
async fn q2_a_snapshot_that_was_taken_with_the_door_open_is_not_lossless() {
    let stage = Stage::new("if-lossless").await;
    stage.snapshot().await.unwrap();
    stage.door_step("quiesce").await.unwrap();
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::NotLossless);
    assert!(
        failure.problems[0].message.contains("when the snapshot was taken"),
        "{failure}"
    );
}

#[tokio::test]
async fn q3_always_closes_the_door_at_the_swap_to_everybody() {
    let mut stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage.instance["quiesce"]["roles"] = serde_json::json!([]);
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::DoorRefused);
    assert_eq!(failure.problems.len(), 1, "{failure}");
    assert_eq!(stage.under(&name()).as_deref(), Some("db-1"));
    assert!(stage.can_log_in().await && stage.door().is_none());
}

#[tokio::test]
async fn by_itself_a_run_restores_nothing_under_never_and_a_person_may() {
    let mut stage = Stage::new("never").await;
    stage.snapshot().await.unwrap();
    assert_eq!(stage.restore().await.unwrap_err().code, Code::Bug);
    "restore".clone_into(&mut stage.execution);
    stage.action = "restore";
    stage.hold("restore", 7);
    let restored = stage.restore().await.unwrap();
    assert_eq!((restored.failed, restored.lossless), (failed(), false));
    assert!(!stage.can_log_in().await, "the door was closed for the swap");
    stage.forget_door();
}
