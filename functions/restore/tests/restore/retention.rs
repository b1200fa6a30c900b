//! Which snapshots a run deletes after it took its own.

use belay_aws::snapshots::{INSTANCE_TAG, RUN_TAG, STACK_TAG, Snapshots, TARGET_TAG, Tags};
use belay_model::{RunId, SnapshotName};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::stage::{Stage, name, run};

/// A snapshot that a run took before, so many days ago.
async fn taken_before(stage: &Stage, word: &str, days: i64, tags: &[(&str, &str)]) -> SnapshotName {
    let run = RunId::of_execution(word);
    let snapshot: SnapshotName = format!("belay-shop-{run}-1").parse().unwrap();
    let mut all: Tags = [
        (STACK_TAG, "belay"),
        (TARGET_TAG, "shop"),
        (RUN_TAG, run.as_str()),
        (INSTANCE_TAG, name().as_str()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    all.extend(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    stage.memory.take(&snapshot, &name(), &all).await.unwrap();
    for _ in 0..3 {
        stage.memory.snapshot(&snapshot).await.unwrap();
    }
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    stage.memory.change_snapshot(&snapshot, |taken| taken.at = Some(at));
    snapshot
}

fn verdict(stage: &Stage, word: &str, verdict: &str) {
    let key = format!("runs/shop/{}/verified.json", RunId::of_execution(word));
    let verified = json!({
        "verdict": verdict, "assertions": "none", "applied": [], "missing": [], "openUnits": [], "findings": [],
    });
    stage.aws.put_object(&key, verified.to_string().as_bytes());
}

#[tokio::test]
async fn the_last_good_one_the_newest_the_young_and_those_of_others_are_kept() {
    let mut stage = Stage::new("never").await;
    stage.instance["retention"] = json!({"count": 2, "days": 10});
    let newest = taken_before(&stage, "newest", 20, &[]).await;
    let failed = taken_before(&stage, "failed", 30, &[]).await;
    let good = taken_before(&stage, "good", 40, &[]).await;
    let good_before = taken_before(&stage, "good before", 50, &[]).await;
    let stranger = taken_before(&stage, "stranger", 60, &[(STACK_TAG, "another")]).await;
    let elsewhere = taken_before(&stage, "elsewhere", 60, &[(INSTANCE_TAG, "another-db")]).await;
    verdict(&stage, "failed", "between");
    verdict(&stage, "good", "after");
    verdict(&stage, "good before", "after");

    stage.snapshot().await.unwrap();
    let mine: SnapshotName = format!("belay-shop-{}-1", run()).parse().unwrap();
    for kept in [&mine, &newest, &good, &stranger, &elsewhere] {
        assert!(stage.memory.snapshot(kept).await.unwrap().is_some(), "{kept}");
    }
    for deleted in [&failed, &good_before] {
        assert_eq!(stage.memory.snapshot(deleted).await.unwrap(), None, "{deleted}");
    }
}

#[tokio::test]
async fn one_that_cannot_be_deleted_is_no_failure() {
    let mut stage = Stage::new("never").await;
    stage.instance["retention"] = json!({"count": 0, "days": 0});
    let old = [
        taken_before(&stage, "one", 1, &[]).await,
        taken_before(&stage, "two", 2, &[]).await,
        taken_before(&stage, "three", 3, &[]).await,
    ];
    stage.memory.fail(belay_aws::RdsCall::Delete, "AccessDenied");
    stage.memory.fail(belay_aws::RdsCall::Delete, "InvalidDBSnapshotState");
    stage.snapshot().await.unwrap();
    let mut left = 0;
    for snapshot in &old {
        left += usize::from(stage.memory.snapshot(snapshot).await.unwrap().is_some());
    }
    assert_eq!(left, 2, "and the third is tried all the same");
}
