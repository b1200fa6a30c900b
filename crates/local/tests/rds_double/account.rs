//! What the account has and may have.

use aws_sdk_rds::types::{Filter, Tag};
use belay_local::{Quotas, RdsSettings};
use serde_json::json;

use crate::scene::{SHOP, Scene, at_once, refused};

#[tokio::test]
async fn quotas_are_told_and_kept() {
    let quotas = Quotas {
        instances: 2,
        snapshots: 2,
        storage: 50,
    };
    let scene = Scene::new(RdsSettings { quotas, ..at_once() }).await;
    let quotas = || async {
        let told = scene.client.describe_account_attributes().send().await.unwrap();
        let told = told.account_quotas.unwrap();
        told.into_iter()
            .map(|quota| {
                (
                    quota.account_quota_name.unwrap(),
                    quota.used.unwrap(),
                    quota.max.unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let told = |instances, storage, snapshots| {
        [
            ("DBInstances", instances, 2),
            ("AllocatedStorage", storage, 50),
            ("ManualSnapshots", snapshots, 2),
        ]
        .map(|(name, used, max)| (name.to_owned(), used, max))
    };
    assert_eq!(quotas().await, told(1, 20, 0));
    for name in ["one", "two"] {
        scene.snapshot(name).await;
    }
    let create = scene.client.create_db_snapshot().db_instance_identifier(SHOP);
    assert_eq!(
        refused(create.db_snapshot_identifier("three").send().await),
        "SnapshotQuotaExceeded"
    );
    let restore = || {
        scene
            .client
            .restore_db_instance_from_db_snapshot()
            .db_snapshot_identifier("one")
    };
    let large = restore().db_instance_identifier("large").allocated_storage(31);
    assert_eq!(refused(large.send().await), "StorageQuotaExceeded");
    scene.restore("one", "beside").await;
    assert_eq!(
        refused(restore().db_instance_identifier("more").send().await),
        "InstanceQuotaExceeded"
    );
    assert_eq!(quotas().await, told(2, 40, 2));
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_there_is_not_made_again() {
    let scene = Scene::at_once().await;
    let client = &scene.client;
    scene.snapshot("one").await;
    let missing = "DBInstanceNotFound";
    assert_eq!(scene.status("nobody").await, missing);
    let modify = |name: &str| client.modify_db_instance().db_instance_identifier(name);
    assert_eq!(refused(modify("nobody").send().await), missing);
    let snapshot = |instance: &str, name: &str| {
        let create = client.create_db_snapshot().db_instance_identifier(instance);
        create.db_snapshot_identifier(name).send()
    };
    assert_eq!(refused(snapshot("nobody", "two").await), missing);
    assert_eq!(refused(snapshot(SHOP, "one").await), "DBSnapshotAlreadyExists");
    let restore = |from: &str, name: &str| {
        let restore = client
            .restore_db_instance_from_db_snapshot()
            .db_snapshot_identifier(from);
        restore.db_instance_identifier(name).send()
    };
    assert_eq!(refused(restore("none", "x").await), "DBSnapshotNotFound");
    assert_eq!(refused(restore("one", SHOP).await), "DBInstanceAlreadyExists");
    scene.restore("one", "beside").await;
    let rename = modify("beside")
        .new_db_instance_identifier("SHOP")
        .apply_immediately(true);
    assert_eq!(refused(rename.send().await), "DBInstanceAlreadyExists");
    for bad in ["-x", "x-", "a--b", "1x", "a_b", &"x".repeat(64)] {
        assert_eq!(refused(restore("one", bad).await), "InvalidParameterValue", "{bad}");
    }
    let delete = |name: &str| client.delete_db_snapshot().db_snapshot_identifier(name).send();
    assert_eq!(refused(delete("none").await), "DBSnapshotNotFound");
    let deleted = delete("one").await.unwrap().db_snapshot.unwrap();
    assert_eq!(deleted.status(), Some("deleted"));
    let describe = client.describe_db_snapshots().db_snapshot_identifier("one");
    assert_eq!(refused(describe.send().await), "DBSnapshotNotFound");
    assert_eq!(scene.rds.snapshots().await, Vec::<serde_json::Value>::new());
}

/// Both names of a renaming are taken until it is over.
#[tokio::test]
async fn names_are_taken_while_an_instance_is_renamed() {
    let scene = Scene::new(RdsSettings::default()).await;
    scene.snapshot("one").await;
    for _ in 0..2 {
        scene.snapshot_now("one").await;
    }
    scene.rename(SHOP, "other").await;
    for name in [SHOP, "other"] {
        let restore = scene
            .client
            .restore_db_instance_from_db_snapshot()
            .db_snapshot_identifier("one");
        assert_eq!(
            refused(restore.db_instance_identifier(name).send().await),
            "DBInstanceAlreadyExists"
        );
    }
}

#[tokio::test]
async fn snapshots_are_found_by_what_they_are() {
    let scene = Scene::at_once().await;
    let resource = scene.rds.instance(SHOP).await.unwrap().resource_id;
    for number in 1..=22 {
        scene.snapshot(&format!("s{number:02}")).await;
    }
    scene.rename(SHOP, "other").await;
    let describe = || scene.client.describe_db_snapshots();
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    for (request, found) in [
        (describe(), 22),
        (describe().db_instance_identifier(SHOP), 22),
        (describe().db_instance_identifier("other"), 0),
        (describe().dbi_resource_id(&resource), 22),
        (describe().snapshot_type("manual"), 22),
        (describe().snapshot_type("automated"), 0),
        (describe().filters(filter("db-snapshot-id", "s07")), 1),
        (describe().filters(filter("dbi-resource-id", "db-X")), 0),
    ] {
        let snapshots = request.clone().send().await.unwrap().db_snapshots.unwrap();
        assert_eq!(snapshots.len(), found, "{:?}", request.as_input());
    }
    assert_eq!(
        refused(describe().filters(filter("colour", "x")).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(refused(describe().max_records(5).send().await), "InvalidParameterValue");
    let mut pages = describe().max_records(20).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().db_snapshots().len());
    }
    assert_eq!(sizes, [20, 2]);
}

#[tokio::test]
async fn tags_are_kept_and_copied_where_the_instance_says_so() {
    for copied in [false, true] {
        let tags = json!([{"Key": "team", "Value": "a b"}, {"Key": "run", "Value": "old"}]);
        let scene = Scene::with(at_once(), json!({"TagList": tags, "CopyTagsToSnapshot": copied})).await;
        let run = Tag::builder().key("run").value("new/+=").build();
        let create = scene.client.create_db_snapshot().db_instance_identifier(SHOP);
        create.db_snapshot_identifier("one").tags(run).send().await.unwrap();
        let arn = scene.snapshot_now("one").await.db_snapshot_arn.unwrap();
        let again = Tag::builder().key("kept").value("").build();
        let add = scene.client.add_tags_to_resource().resource_name(&arn);
        add.tags(again).send().await.unwrap();

        let list = |arn: &str| scene.client.list_tags_for_resource().resource_name(arn).send();
        let listed = list(&arn).await.unwrap().tag_list.unwrap();
        let listed: Vec<_> = listed
            .iter()
            .map(|tag| (tag.key().unwrap(), tag.value().unwrap()))
            .collect();
        let expected = [("team", "a b"), ("run", "new/+="), ("kept", "")];
        assert_eq!(listed, expected[usize::from(!copied)..]);
        assert_eq!(
            refused(list("arn:aws:rds:us-east-1:0:snapshot:x").await),
            "DBSnapshotNotFound"
        );
        assert_eq!(
            refused(list("arn:aws:rds:us-east-1:0:db:x").await),
            "DBInstanceNotFound"
        );
    }
}

#[tokio::test]
async fn any_text_arrives_as_it_is() {
    let scene = Scene::at_once().await;
    let text = "<a> & \"b\" ü";
    scene.rds.set(SHOP, "DBName", text.into()).await.unwrap();
    assert_eq!(scene.describe(SHOP).await.unwrap().db_name(), Some(text));
}

#[tokio::test]
async fn a_proxy_follows_the_instance_and_not_the_name() {
    let scene = Scene::at_once().await;
    let client = &scene.client;
    scene.rds.add_proxy("front", SHOP).await.unwrap();
    let proxies = client.describe_db_proxies().send().await.unwrap().db_proxies.unwrap();
    assert_eq!(proxies[0].db_proxy_name(), Some("front"));
    scene.rename(SHOP, "failed").await;
    let targets = |proxy: &str| client.describe_db_proxy_targets().db_proxy_name(proxy).send();
    let found = targets("front").await.unwrap().targets.unwrap();
    assert_eq!(found[0].rds_resource_id(), Some("failed"));
    assert_eq!(refused(targets("back").await), "DBProxyNotFoundFault");
    let back = client.describe_db_proxies().db_proxy_name("back");
    assert_eq!(refused(back.send().await), "DBProxyNotFoundFault");
}
