//! The table of {step × fault}: whatever is refused, lost or described late on the way, it ends restored, and the failed
//! database is there at every moment (rule R3).

use std::cell::Cell;

use belay_aws::RdsCall;
use belay_aws::snapshots::Snapshots;
use belay_model::Code;

use crate::stage::{Stage, beside, failed, name};

/// What is refused for a while, or by RDS's own disorder.
const PASSING: &[&str] = &[
    "InvalidDBInstanceState",
    "Throttling",
    "InternalFailure",
    "InsufficientDBInstanceCapacity",
    "DBInstanceNotFound",
    "AccessDenied",
];

const CHANGES: &[RdsCall] = &[RdsCall::Restore, RdsCall::Modify, RdsCall::Rename, RdsCall::Tag];

async fn must_be_restored(stage: &Stage, before: impl Fn(u32)) {
    let restored = stage.restore_with(before).await.unwrap();
    assert_eq!(restored.differences, Vec::new());
    assert_eq!(stage.under(&failed()).as_deref(), Some("db-1"));
    assert_eq!(stage.under(&name()).as_deref(), Some("db-2"));
    assert_eq!(stage.under(&beside()), None);
}

async fn fresh() -> Stage {
    let stage = Stage::new("always").await;
    stage.snapshot().await.unwrap();
    stage
}

#[tokio::test]
async fn r3_each_change_is_refused_once_with_each_error_that_passes() {
    let stage = fresh().await;
    for error in PASSING {
        for call in CHANGES {
            stage.memory.fail(*call, error);
        }
    }
    must_be_restored(&stage, |_| {}).await;
}

#[tokio::test]
async fn r3_the_second_rename_is_refused_while_nothing_has_the_name() {
    let stage = fresh().await;
    let refused = Cell::new(0);
    must_be_restored(&stage, |_| {
        let between = stage.under(&name()).is_none() && stage.under(&failed()).is_some();
        if between && let Some(error) = PASSING.get(refused.get()) {
            stage.memory.fail(RdsCall::Rename, error);
            refused.set(refused.get() + 1);
        }
    })
    .await;
    assert_eq!(refused.get(), PASSING.len(), "each was tried");
}

#[tokio::test]
async fn r3_every_other_call_is_throttled_before_it_sees_anything() {
    let stage = fresh().await;
    must_be_restored(&stage, |call| {
        if call % 2 == 1 {
            stage.memory.fail(RdsCall::Describe, "Throttling");
        }
    })
    .await;
}

#[tokio::test]
async fn r3_the_answer_to_each_change_is_lost() {
    let stage = fresh().await;
    for call in CHANGES {
        for _ in 0..2 {
            stage.memory.lose(*call);
        }
    }
    must_be_restored(&stage, |_| {}).await;
}

#[tokio::test]
async fn r3_descriptions_are_late() {
    let mut stage = Stage::new("always").await;
    for stale in [1, 2, 3, 7] {
        stage = stage.anew().await;
        stage.snapshot().await.unwrap();
        stage.memory.describe_late(stale);
        stage.memory.take_time(stale % 3);
        must_be_restored(&stage, |_| {}).await;
    }
}

#[tokio::test]
async fn r3_a_refusal_for_good_leaves_both_databases() {
    let mut stage = Stage::new("always").await;
    for (call, error, code) in [
        (RdsCall::Restore, "InstanceQuotaExceeded", Code::SnapshotQuota),
        (RdsCall::Restore, "KMSKeyNotAccessibleFault", Code::RestoreFailed),
        (
            RdsCall::Restore,
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            Code::RestoreFailed,
        ),
        (RdsCall::Modify, "InvalidParameterCombination", Code::RestoreFailed),
        (RdsCall::Rename, "InvalidParameterValue", Code::RestoreFailed),
    ] {
        stage = stage.anew().await;
        stage.snapshot().await.unwrap();
        stage.memory.fail(call, error);
        let failure = stage.restore().await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.contains(error), "{failure}");
        assert_eq!(stage.under(&name()).as_deref(), Some("db-1"));
        // A person mends it, and has it restored.
        must_be_restored(&stage, |_| {}).await;
    }
}

#[tokio::test]
async fn r3_a_restored_database_that_is_lost_between_the_renames_gives_the_name_back() {
    let stage = fresh().await;
    let lost = stage
        .restore_with(|_| {
            if stage.under(&name()).is_none() && stage.under(&beside()).is_some() {
                stage.memory.remove(&beside());
            }
        })
        .await
        .unwrap_err();
    assert_eq!(lost.code, Code::RestoreFailed);
    assert!(lost.message.contains(beside().as_str()), "{lost}");
    // RDS is at it.
    let mut back = stage.under(&name());
    for _ in 0..5 {
        stage.memory.instance(&name()).await.unwrap();
        back = stage.under(&name());
    }
    assert_eq!(back.as_deref(), Some("db-1"));
    let restored = stage.restore().await.unwrap();
    assert_eq!(restored.failed, failed());
    assert_eq!(stage.under(&failed()).as_deref(), Some("db-1"));
}

#[tokio::test]
async fn k3_a_run_that_lost_the_lock_changes_nothing() {
    let stage = fresh().await;
    let changes = stage.memory.changes();
    stage.hold("arn:another", 8);
    assert_eq!(stage.restore().await.unwrap_err().code, Code::Fenced);
    assert_eq!(stage.memory.changes(), changes);
}
