//! From the snapshot to the end of a restore, with whatever can go wrong on the way.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod faults;
mod policies;
mod retention;
mod stage;

use belay_aws::snapshots::{FAILED_TAG, RUN_TAG};
use belay_model::Code;

use crate::stage::{Stage, beside, failed, name, run};

#[tokio::test]
async fn r1_the_restored_database_takes_the_name_and_every_setting() {
    let stage = Stage::new("always").await;
    let snapshot = stage.snapshot().await.unwrap();
    assert!(snapshot.snapshot.is_some());
    let restored = stage.restore().await.unwrap();
    assert_eq!(restored.differences, Vec::new());
    assert_eq!((&restored.instance, &restored.failed), (&name(), &failed()));
    assert_eq!((restored.lossless, restored.compared.tables), (false, 1));
    assert!(
        restored.left.iter().any(|left| left.what.contains("db-1")),
        "{:?}",
        restored.left
    );
    assert_eq!(stage.under(&failed()).as_deref(), Some("db-1"));
    assert_eq!(stage.under(&name()).as_deref(), Some("db-2"));
    assert_eq!(stage.under(&beside()), None);
    let kept = stage.memory.really(&failed()).unwrap();
    assert_eq!(kept.tags.get(FAILED_TAG).map(String::as_str), Some(run().as_str()));
    assert_eq!(kept.tags.get(RUN_TAG), None);
    assert_eq!(
        stage.memory.changes(),
        [
            format!("create the snapshot belay-shop-{}-1", run()),
            format!("restore to {}", beside()),
            format!("modify {}", beside()),
            format!("tag arn:aws:rds:eu-west-1:123456789012:db:{}", beside()),
            format!("rename {}", name()),
            format!("rename {}", beside()),
            format!("tag arn:aws:rds:eu-west-1:123456789012:db:{}", failed()),
        ]
    );
    // Q3: the door is closed before the swap, and Reopen opens it.
    assert!(stage.door().is_some() && !stage.can_log_in().await);
    assert_eq!(stage.door_step("reopen").await.unwrap().roles.len(), 1);
    assert!(stage.door().is_none() && stage.can_log_in().await);
    assert_eq!(stage.door_step("reopen").await.unwrap().roles, Vec::<String>::new());
}

#[tokio::test]
async fn v3_what_is_done_is_never_done_again() {
    let stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage.restore().await.unwrap();
    let changes = stage.memory.changes().len();
    stage.restore().await.unwrap();
    assert_eq!(
        stage.memory.changes().len(),
        changes + 1,
        "only the tag is put on again"
    );
    assert_eq!(stage.under(&name()).as_deref(), Some("db-2"));
}

#[tokio::test]
async fn v3_while_the_old_server_answers_or_none_it_waits() {
    let mut stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    let is_last = |stage: &Stage| stage.memory.changes().last() == Some(&format!("rename {}", beside()));
    while !is_last(&stage) {
        assert!(stage.restore_once().await.unwrap().restored.is_none());
    }
    stage.put_attempt().await;
    for _ in 0..4 {
        stage.restore_once().await.unwrap();
    }
    let reply = stage.restore_once().await.unwrap();
    assert!(
        reply.restored.is_none() && reply.seen.contains("leads to the failed database still"),
        "{reply:?}"
    );
    stage.postgres.down();
    let reply = stage.restore_once().await.unwrap();
    assert!(
        reply.restored.is_none() && reply.seen.contains("does not answer yet"),
        "{reply:?}"
    );
    stage.postgres.up().await.unwrap();
    stage
        .admin()
        .await
        .batch_execute("DROP SCHEMA belay CASCADE")
        .await
        .unwrap();
    stage.restore().await.unwrap();
    assert!(
        is_last(&stage) || stage.memory.changes().last().unwrap().starts_with("tag"),
        "never restored again"
    );
}

#[tokio::test]
async fn v3_what_holds_the_attempt_is_not_the_snapshot() {
    let stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage.put_attempt().await;
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::RestoreIncomplete);
    assert!(failure.problems[0].message.contains("attempt"), "{failure}");
    assert_eq!(stage.under(&name()).as_deref(), Some("db-1"));
}

#[tokio::test]
async fn r1_what_is_not_what_was_noted_is_not_swapped_in() {
    let stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage.admin().await.batch_execute("DROP TABLE items").await.unwrap();
    let failure = stage.restore().await.unwrap_err();
    assert_eq!(failure.code, Code::RestoreIncomplete);
    assert!(failure.problems[0].message.contains("items"), "{failure}");
    assert!(failure.next.as_ref().unwrap().contains(beside().as_str()), "{failure}");
    assert_eq!(
        stage.under(&name()).as_deref(),
        Some("db-1"),
        "the live one is not touched"
    );
    assert!(stage.door().is_none() && stage.can_log_in().await);
}

#[tokio::test]
async fn a_run_without_a_snapshot_restores_nothing() {
    let stage = Stage::new("always").await;
    assert_eq!(stage.restore().await.unwrap_err().code, Code::NoSnapshot);
    stage.snapshot().await.unwrap();
    stage
        .memory
        .remove_snapshot(&format!("belay-shop-{}-1", run()).parse().unwrap());
    assert_eq!(stage.restore().await.unwrap_err().code, Code::NoSnapshot);
    assert_eq!(stage.memory.changes().len(), 1, "the snapshot alone");
}

#[tokio::test]
async fn what_somebody_else_did_stops_it() {
    let stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage
        .memory
        .change(&name(), |there| there.resource = "db-other".to_owned());
    assert_eq!(stage.restore_once().await.unwrap_err().code, Code::InstanceReplaced);
}
