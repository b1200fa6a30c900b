//! What the snapshot asks before it is taken, and what becomes of it.

use belay_local::{Fault, RdsSettings};
use belay_model::Code;
use serde_json::json;

use crate::stage::{NAME, Stage};

fn never() -> serde_json::Value {
    json!({"restore": "never"})
}

/// An account without room is told before anything is changed.
#[tokio::test]
async fn a_full_account_is_told_at_prepare() {
    for (policy, change, word) in [
        (
            never(),
            (|s: &mut RdsSettings| s.quotas.snapshots = 0) as fn(&mut RdsSettings),
            "snapshots",
        ),
        (
            json!({"restore": "always", "quiesce": {"roles": ["app"]}}),
            |s: &mut RdsSettings| s.quotas.instances = 1,
            "instances",
        ),
    ] {
        let stage = Stage::new(policy).await;
        stage.rds.set_settings(change).await.unwrap();
        let failure = stage.prepare().await.unwrap_err();
        assert_eq!(failure.code, Code::SnapshotQuota, "{failure:#?}");
        assert!(failure.message.contains(word), "{failure}");
    }
}

#[tokio::test]
async fn an_instance_that_can_not_be_snapshotted_is_told_at_prepare() {
    let stage = Stage::new(never()).await;
    stage.rds.set(NAME, "DBInstanceStatus", json!("stopped")).await.unwrap();
    let failure = stage.prepare().await.unwrap_err();
    assert_eq!(failure.code, Code::InstanceUnfit, "{failure:#?}");
}

/// Each request of a snapshot is refused with each error that RDS documents, then asked again.
#[tokio::test]
async fn a_snapshot_that_is_refused_is_told_and_can_be_asked_again() {
    let stage = Stage::new(never()).await;
    let (plan, prepared) = (stage.plan().await.unwrap(), stage.prepare().await.unwrap());
    let codes = stage.rds.errors_of("CreateDBSnapshot").unwrap();
    for code in &codes {
        stage.rds.fail(Fault::error("CreateDBSnapshot", code));
    }
    let mut told = Vec::new();
    let paper = loop {
        match stage.snapshot_once(&plan, &prepared).await {
            Ok(reply) => {
                if let Some(paper) = reply.snapshot {
                    break paper;
                }
            }
            Err(failure) => told.push(failure.code),
        }
        assert!(told.len() <= codes.len(), "{told:?}");
    };
    assert!(stage.aws.json(&paper.key).is_some());
    assert!(told.contains(&Code::SnapshotQuota), "{told:?}");
    assert_eq!(stage.rds.snapshots().await.len(), 1);
}
