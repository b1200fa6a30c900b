//! How an instance is configured: by a restore, by a modification, and by nobody.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, Tag};
use belay_local::{DbInstance, RdsSettings};
use serde_json::{Value, json};

use crate::scene::{SHOP, Scene, at_once, refused};

/// An instance that has nothing as RDS has it by default.
pub(crate) fn odd() -> Value {
    json!({
        "DBInstanceClass": "db.m7g.large", "AllocatedStorage": 400, "Iops": 14000, "StorageThroughput": 600,
        "MaxAllocatedStorage": 1000, "AvailabilityZone": "us-east-1a", "MultiAZ": true,
        "DBSubnetGroup": {"DBSubnetGroupName": "private", "VpcId": "vpc-1", "SubnetGroupStatus": "Complete", "Subnets": []},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}, {"VpcSecurityGroupId": "sg-2", "Status": "active"}],
        "DBParameterGroups": [{"DBParameterGroupName": "tuned", "ParameterApplyStatus": "in-sync"}],
        "OptionGroupMemberships": [{"OptionGroupName": "options", "Status": "in-sync"}],
        "PubliclyAccessible": false, "AutoMinorVersionUpgrade": false, "BackupRetentionPeriod": 14,
        "PreferredBackupWindow": "01:00-01:30", "PreferredMaintenanceWindow": "mon:01:00-mon:01:30",
        "CopyTagsToSnapshot": true, "DeletionProtection": true, "IAMDatabaseAuthenticationEnabled": true,
        "CACertificateIdentifier": "rds-ca-ecc384-g1", "MonitoringInterval": 60, "MonitoringRoleArn": "arn:aws:iam::1:role/m",
        "PerformanceInsightsEnabled": true, "PerformanceInsightsRetentionPeriod": 7, "DatabaseInsightsMode": "advanced",
        "DedicatedLogVolume": true, "NetworkType": "DUAL", "EnabledCloudwatchLogsExports": ["postgresql"],
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "AssociatedRoles": [{"RoleArn": "arn:aws:iam::1:role/s3", "FeatureName": "s3Import", "Status": "ACTIVE"}],
        "ReadReplicaDBInstanceIdentifiers": ["replica"],
        "MasterUserSecret": {"SecretArn": "arn:aws:secretsmanager:us-east-1:1:secret:rds!db-1", "SecretStatus": "active"},
        "TagList": [{"Key": "team", "Value": "shop"}, {"Key": "aws:cloudformation:stack-name", "Value": "shop"}]
    })
}

/// What never is the same in two instances.
const OWN: [&str; 10] = [
    "DBInstanceIdentifier",
    "DBInstanceArn",
    "DbiResourceId",
    "InstanceCreateTime",
    "Endpoint",
    "AvailabilityZone",
    "SecondaryAvailabilityZone",
    "CertificateDetails",
    "LatestRestorableTime",
    "EnhancedMonitoringResourceArn",
];

fn differences(one: &DbInstance, other: &DbInstance) -> BTreeSet<String> {
    let [one, other] = [one, other].map(|instance| instance.described.as_object().unwrap());
    let names = one
        .keys()
        .chain(other.keys())
        .filter(|name| !OWN.contains(&name.as_str()));
    names
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

#[tokio::test]
async fn what_a_restore_is_not_told_is_as_rds_has_it_by_default() {
    let scene = Scene::with(at_once(), odd()).await;
    scene.snapshot("one").await;
    scene.restore("one", "bare").await;
    let [odd, bare] = [SHOP, "bare"].map(|name| scene.rds.instance(name));
    let (odd, bare) = (odd.await.unwrap(), bare.await.unwrap());
    // These a restore takes over by itself.
    let kept = [
        "DBInstanceClass",
        "AllocatedStorage",
        "BackupRetentionPeriod",
        "PreferredBackupWindow",
    ];
    let kept: BTreeSet<&str> = kept.into_iter().chain(OWN).collect();
    let set: BTreeSet<String> = self::odd().as_object().unwrap().keys().cloned().collect();
    let lost: BTreeSet<String> = set.into_iter().filter(|name| !kept.contains(name.as_str())).collect();
    assert_eq!(differences(&odd, &bare), lost);
    assert_eq!(
        bare.described["VpcSecurityGroups"][0]["VpcSecurityGroupId"],
        "sg-default"
    );
    assert_eq!(
        bare.described["DBParameterGroups"][0]["DBParameterGroupName"],
        "default.postgres18"
    );
}

#[tokio::test]
async fn with_everything_that_the_calls_take_a_restore_is_configured_as_before() {
    let scene = Scene::with(at_once(), odd()).await;
    scene.snapshot("one").await;
    let restore = scene.client.restore_db_instance_from_db_snapshot();
    let restore = restore.db_snapshot_identifier("one").db_instance_identifier("whole");
    let restore = restore
        .multi_az(true)
        .db_subnet_group_name("private")
        .publicly_accessible(false);
    let restore = restore
        .vpc_security_group_ids("sg-1")
        .vpc_security_group_ids("sg-2")
        .db_parameter_group_name("tuned");
    let restore = restore
        .option_group_name("options")
        .iops(14000)
        .storage_throughput(600)
        .storage_type("gp3");
    let restore = restore
        .auto_minor_version_upgrade(false)
        .copy_tags_to_snapshot(true)
        .deletion_protection(true);
    let restore = restore
        .enable_iam_database_authentication(true)
        .ca_certificate_identifier("rds-ca-ecc384-g1");
    let restore = restore
        .dedicated_log_volume(true)
        .network_type("DUAL")
        .enable_cloudwatch_logs_exports("postgresql");
    let restore = restore.engine_lifecycle_support("open-source-rds-extended-support-disabled");
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    restore
        .tags(tag("team", "shop"))
        .tags(tag("belay:run", "r"))
        .send()
        .await
        .unwrap();

    let modify = scene
        .client
        .modify_db_instance()
        .db_instance_identifier("whole")
        .apply_immediately(true);
    let modify = modify
        .monitoring_interval(60)
        .monitoring_role_arn("arn:aws:iam::1:role/m")
        .max_allocated_storage(1000);
    let modify = modify
        .enable_performance_insights(true)
        .performance_insights_retention_period(7);
    let modify = modify
        .database_insights_mode("advanced".into())
        .preferred_maintenance_window("mon:01:00-mon:01:30");
    modify.manage_master_user_password(true).send().await.unwrap();
    let role = scene.client.add_role_to_db_instance().db_instance_identifier("whole");
    let role = role.role_arn("arn:aws:iam::1:role/s3").feature_name("s3Import");
    role.clone().send().await.unwrap();
    assert_eq!(refused(role.send().await), "DBInstanceRoleAlreadyExists");

    let [odd, whole] = [SHOP, "whole"].map(|name| scene.rds.instance(name));
    let (odd, whole) = (odd.await.unwrap(), whole.await.unwrap());
    // Replicas stay with the old one, a managed secret is another, and the tags are new.
    let differences: Vec<String> = differences(&odd, &whole).into_iter().collect();
    assert_eq!(
        differences,
        ["MasterUserSecret", "ReadReplicaDBInstanceIdentifiers", "TagList"]
    );
    assert_eq!(whole.described["TagList"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_modification_waits_for_its_window_or_is_made_now() {
    let scene = Scene::new(RdsSettings::default()).await;
    let modify = || scene.client.modify_db_instance().db_instance_identifier(SHOP);
    // One that can wait, and one that never does.
    modify().multi_az(true).deletion_protection(true).send().await.unwrap();
    assert_eq!(scene.status(SHOP).await, "modifying");
    let waiting = scene.describe(SHOP).await.unwrap();
    assert_eq!(
        (waiting.multi_az(), waiting.deletion_protection()),
        (Some(false), Some(true))
    );
    assert_eq!(waiting.pending_modified_values().unwrap().multi_az(), Some(true));
    modify().new_db_instance_identifier("later").send().await.unwrap();
    let waiting = scene.describe(SHOP).await.unwrap();
    let pending = waiting.pending_modified_values().unwrap();
    assert_eq!(
        (pending.db_instance_identifier(), waiting.db_instance_status()),
        (Some("later"), Some("available"))
    );

    // What was waiting goes with what is made now; until then it is as it was.
    modify()
        .db_parameter_group_name("tuned")
        .apply_immediately(true)
        .send()
        .await
        .unwrap();
    let now = scene.describe(SHOP).await.unwrap();
    assert_eq!(
        (now.multi_az(), now.db_instance_status()),
        (Some(false), Some("modifying"))
    );
    let now = scene.describe(SHOP).await.unwrap();
    assert_eq!(
        (now.multi_az(), now.db_instance_status()),
        (Some(true), Some("available"))
    );
    assert_eq!(now.pending_modified_values().unwrap().multi_az(), None);
    let group = &now.db_parameter_groups()[0];
    assert_eq!(group.db_parameter_group_name(), Some("tuned"));
    assert_eq!(
        group.parameter_apply_status(),
        Some("pending-reboot"),
        "only a restore takes it at once"
    );
}

#[tokio::test]
async fn log_exports_are_added_and_taken_away() {
    let scene = Scene::at_once().await;
    for (enable, disable, left) in [
        ("postgresql", "none", vec!["postgresql"]),
        ("upgrade", "postgresql", vec!["upgrade"]),
    ] {
        let change = CloudwatchLogsExportConfiguration::builder()
            .enable_log_types(enable)
            .disable_log_types(disable);
        let modify = scene.client.modify_db_instance().db_instance_identifier(SHOP);
        modify
            .cloudwatch_logs_export_configuration(change.build())
            .send()
            .await
            .unwrap();
        assert_eq!(
            scene.describe(SHOP).await.unwrap().enabled_cloudwatch_logs_exports(),
            left
        );
    }
}

#[tokio::test]
async fn settings_that_cannot_be_together_are_refused() {
    let scene = Scene::at_once().await;
    scene.snapshot("one").await;
    let restore = || {
        let restore = scene.client.restore_db_instance_from_db_snapshot();
        restore.db_snapshot_identifier("one").db_instance_identifier("x")
    };
    let modify = || scene.client.modify_db_instance().db_instance_identifier(SHOP);
    let combination = "InvalidParameterCombination";
    assert_eq!(refused(restore().iops(3000).send().await), combination);
    assert_eq!(refused(restore().storage_throughput(125).send().await), combination);
    assert_eq!(
        refused(restore().manage_master_user_password(true).send().await),
        combination
    );
    assert_eq!(
        refused(restore().multi_az(true).availability_zone("us-east-1a").send().await),
        combination
    );
    assert_eq!(refused(restore().db_name("shop").send().await), "InvalidParameterValue");
    assert_eq!(refused(restore().engine("mysql").send().await), "InvalidParameterValue");
    assert_eq!(
        refused(restore().allocated_storage(5).send().await),
        "InvalidParameterValue"
    );
    for (key, value) in [
        ("aws:cloudformation:stack-name", "shop"),
        ("team", "a,b"),
        ("RDS:x", ""),
        ("", "x"),
    ] {
        let tag = Tag::builder().key(key).value(value).build();
        assert_eq!(
            refused(restore().tags(tag).send().await),
            "InvalidParameterValue",
            "{key}={value}"
        );
    }
    assert_eq!(refused(modify().iops(3000).send().await), combination);
    assert_eq!(refused(modify().monitoring_interval(60).send().await), combination);
    // What the double can't do is no success.
    assert_eq!(
        refused(modify().master_user_password("new password").send().await),
        "InternalFailure"
    );
    assert_eq!(scene.rds.names().await, [SHOP]);
    restore().storage_type("io2").iops(3000).send().await.unwrap();
}
