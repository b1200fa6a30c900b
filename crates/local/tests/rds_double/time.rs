//! How long RDS's states last, and when they are seen.

use std::time::{Duration, SystemTime};

use aws_sdk_rds::types::DbInstance;
use belay_local::{Pace, RdsSettings};

use crate::scene::{SHOP, Scene, at_once, refused, session, until};

#[tokio::test]
async fn a_state_lasts_as_many_looks_as_it_should() {
    for looks in [0, 1, 3] {
        let scene = Scene::new(RdsSettings {
            pace: Pace::Looks(looks),
            ..RdsSettings::default()
        })
        .await;
        scene.snapshot("one").await;
        for _ in 0..looks {
            assert_eq!(scene.status(SHOP).await, "backing-up");
        }
        assert_eq!(scene.snapshot_now("one").await.status(), Some("available"), "{looks}");
        // A look at the snapshot is one at the instance, and looking from outside is none.
        scene.snapshot("two").await;
        scene.rds.instance(SHOP).await.unwrap();
        for _ in 0..looks {
            assert_eq!(scene.snapshot_now("two").await.status(), Some("creating"));
        }
        assert_eq!(scene.status(SHOP).await, "available", "{looks}");
    }
}

#[tokio::test]
async fn what_lasts_a_time_ends_without_anybody_looking() {
    let scene = Scene::new(RdsSettings {
        pace: Pace::Time(Duration::from_millis(50)),
        ..RdsSettings::default()
    })
    .await;
    scene.rename(SHOP, "other").await;
    assert_eq!(scene.status(SHOP).await, "renaming");
    let url = || async {
        scene
            .rds
            .instance("other")
            .await
            .ok()
            .map(|found| found.url(found.migrator().unwrap(), "postgres"))
    };
    until(|| async {
        match url().await {
            Some(url) => session(&url).await.is_ok(),
            None => false,
        }
    })
    .await;
    assert_eq!(scene.status("other").await, "available");
}

#[tokio::test]
async fn what_is_over_is_told_with_its_times() {
    let scene = Scene::at_once().await;
    let before = SystemTime::now();
    scene.rename(SHOP, "other").await;
    let told = scene.rds.states().await;
    let names: Vec<_> = told
        .iter()
        .map(|state| (state.instance.as_str(), state.status))
        .collect();
    assert_eq!(names, [(SHOP, "renaming"), ("other", "rebooting")]);
    let times: Vec<_> = told.iter().flat_map(|state| [state.began, state.ended]).collect();
    // The next begins before the effect of the one before it is whole.
    let [renaming, renamed, rebooting, rebooted] = times[..] else {
        panic!("{times:?}")
    };
    assert!(
        before <= renaming && renaming <= rebooting && rebooting <= renamed && renamed <= rebooted,
        "{times:?}"
    );
}

#[tokio::test]
async fn a_change_is_seen_late() {
    let scene = Scene::new(RdsSettings {
        stale_describes: 2,
        ..at_once()
    })
    .await;
    let snapshots = || async {
        scene
            .client
            .describe_db_snapshots()
            .send()
            .await
            .unwrap()
            .db_snapshots()
            .len()
    };
    scene.snapshot("one").await;
    assert_eq!([snapshots().await, snapshots().await, snapshots().await], [0, 0, 1]);

    scene.restore("one", "beside").await;
    for status in ["DBInstanceNotFound", "DBInstanceNotFound", "available"] {
        assert_eq!(scene.status("beside").await, status);
    }
    scene.rename(SHOP, "other").await;
    // The world before: the old name is there and the new one isn't, although it is the other way round.
    assert_eq!(scene.status(SHOP).await, "available");
    assert_eq!(scene.status("other").await, "DBInstanceNotFound");
    assert_eq!(scene.status(SHOP).await, "DBInstanceNotFound");

    let instance = |found: &DbInstance| found.deletion_protection().unwrap();
    let modify = scene.client.modify_db_instance().db_instance_identifier("other");
    modify.deletion_protection(true).send().await.unwrap();
    for protected in [false, false, true] {
        assert_eq!(instance(&scene.describe("other").await.unwrap()), protected);
    }
}

#[tokio::test]
async fn rds_refuses_while_it_is_busy() {
    let scene = Scene::new(RdsSettings {
        pace: Pace::Looks(100),
        ..RdsSettings::default()
    })
    .await;
    let client = &scene.client;
    scene.snapshot("one").await;
    let modify = || client.modify_db_instance().db_instance_identifier(SHOP);
    let snapshot = client.create_db_snapshot().db_instance_identifier(SHOP);
    let delete = client.delete_db_snapshot().db_snapshot_identifier("one");
    let restore = client
        .restore_db_instance_from_db_snapshot()
        .db_snapshot_identifier("one");
    let role = client
        .add_role_to_db_instance()
        .db_instance_identifier(SHOP)
        .role_arn("arn:r");
    let busy = "InvalidDBInstanceState";
    assert_eq!(refused(modify().multi_az(true).send().await), busy);
    assert_eq!(refused(modify().new_db_instance_identifier("x").send().await), busy);
    assert_eq!(refused(snapshot.db_snapshot_identifier("two").send().await), busy);
    assert_eq!(refused(role.feature_name("f").send().await), busy);
    assert_eq!(refused(delete.send().await), "InvalidDBSnapshotState");
    assert_eq!(
        refused(restore.db_instance_identifier("x").send().await),
        "InvalidDBSnapshotState"
    );
}

#[tokio::test]
async fn a_status_of_ones_own_stays() {
    let scene = Scene::at_once().await;
    let set = |status: &'static str| scene.rds.set(SHOP, "DBInstanceStatus", status.into());
    let snapshot = |name: &str| {
        let create = scene.client.create_db_snapshot().db_instance_identifier(SHOP);
        create.db_snapshot_identifier(name).send()
    };
    set("storage-full").await.unwrap();
    assert_eq!(scene.status(SHOP).await, "storage-full");
    assert_eq!(refused(snapshot("one").await), "InvalidDBInstanceState");
    set("storage-optimization").await.unwrap();
    assert!(snapshot("one").await.is_ok());
    assert_eq!(scene.status(SHOP).await, "storage-optimization");
}
