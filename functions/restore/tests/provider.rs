//! The adapter to RDS keeps every promise of its trait, on the double of RDS over real servers.

#![expect(clippy::unwrap_used, reason = "tests")]

use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use belay_aws::RdsCall;
use belay_aws::snapshots::conformance::{self, World};
use belay_aws::snapshots::{Rds, Snapshots};
use belay_local::{Fault, RdsSettings, Settings};
use belay_model::InstanceName;
use serde_json::json;

struct OnTheDouble {
    double: belay_local::Rds,
    rds: Rds,
}

impl OnTheDouble {
    async fn new(stale_describes: u32) -> Self {
        let settings = RdsSettings {
            stale_describes,
            ..RdsSettings::default()
        };
        let double = belay_local::Rds::start(settings).await.unwrap();
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .endpoint_url(double.endpoint_url())
            .build();
        Self {
            double,
            rds: Rds::new(aws_sdk_rds::Client::from_conf(config)),
        }
    }
}

impl World for OnTheDouble {
    type Provider = Rds;

    fn provider(&self) -> &Rds {
        &self.rds
    }

    async fn make(&self, name: &InstanceName) {
        let settings = json!({
            "DBInstanceClass": "db.r6g.large", "DeletionProtection": true, "CopyTagsToSnapshot": true, "MultiAZ": true,
            "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}, {"VpcSecurityGroupId": "sg-1"}],
            "DBParameterGroups": [{"DBParameterGroupName": "shop", "ParameterApplyStatus": "in-sync"}],
            "DBSubnetGroup": {"DBSubnetGroupName": "private"}, "PubliclyAccessible": false,
            "EnabledCloudwatchLogsExports": ["upgrade", "postgresql"], "IAMDatabaseAuthenticationEnabled": true,
            "BackupRetentionPeriod": 14, "PreferredBackupWindow": "02:00-02:30", "AutoMinorVersionUpgrade": false,
            "PreferredMaintenanceWindow": "mon:03:00-mon:03:30", "MaxAllocatedStorage": 1000,
            "MonitoringInterval": 30, "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
            "PerformanceInsightsEnabled": true, "PerformanceInsightsRetentionPeriod": 465,
            "DatabaseInsightsMode": "advanced",
            "TagList": [{"Key": "team", "Value": "shop"}, {"Key": "aws:cloudformation:stack-name", "Value": "db"}],
        });
        let made = self
            .double
            .new_instance(name.as_str(), Settings::default(), settings)
            .await;
        made.unwrap();
    }

    fn fail(&self, call: RdsCall, error: &str) {
        let action = match call {
            RdsCall::Describe => "DescribeDBInstances",
            RdsCall::Snapshot => "CreateDBSnapshot",
            RdsCall::Delete => "DeleteDBSnapshot",
            RdsCall::Restore => "RestoreDBInstanceFromDBSnapshot",
            RdsCall::Modify | RdsCall::Rename => "ModifyDBInstance",
            RdsCall::Tag => "AddTagsToResource",
        };
        self.double.fail(Fault::error(action, error));
    }

    async fn pass(&self) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

macro_rules! promises {
    ($($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                conformance::$promise(&OnTheDouble::new(1).await).await;
            }
        )*
    };
}

promises! {
    what_is_not_there_is_nothing
    a_snapshot_is_taken_and_deleted
    a_restore_has_every_setting
    a_name_leads_to_one_database
    a_refusal_says_whether_waiting_helps
}

#[tokio::test]
async fn quotas_and_proxies_are_told() {
    let world = OnTheDouble::new(0).await;
    let name: InstanceName = "shop-db".parse().unwrap();
    world.make(&name).await;
    let quotas = world.rds.quotas().await.unwrap();
    assert_eq!(quotas.instances.map(|room| (room.used, room.max)), Some((1, 40)));
    assert!(quotas.snapshots.is_some() && quotas.storage_gib.is_some());
    assert_eq!(world.rds.proxies(&name).await.unwrap(), Vec::new());
    world.double.add_proxy("shop-proxy", name.as_str()).await.unwrap();
    let proxies = world.rds.proxies(&name).await.unwrap();
    assert_eq!(proxies, [("shop-proxy".to_owned(), "default".to_owned())]);
}
