//! What Belay says to RDS, and what it makes of the answers: the SDK's own requests and RDS's own XML.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::test_util::infallible_client_fn;
use belay_aws::snapshots::{Answer, Configuration, Described, Rds, Room, Snapshots, Status};
use belay_model::{Code, InstanceName, SnapshotName};
use http::{Request, Response};

/// RDS with one answer to everything, and what it was asked.
struct Said {
    rds: Rds,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Said {
    fn new(status: u16, answer: impl Into<String>) -> Self {
        let (asked, answer) = (Arc::<Mutex<Vec<String>>>::default(), answer.into());
        let log = asked.clone();
        let client = infallible_client_fn(move |request: Request<SdkBody>| {
            let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
            log.lock().unwrap().push(body);
            Response::builder()
                .status(status)
                .body(SdkBody::from(answer.clone()))
                .unwrap()
        });
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(aws_sdk_rds::config::retry::RetryConfig::disabled())
            .http_client(client)
            .build();
        Self {
            rds: Rds::new(aws_sdk_rds::Client::from_conf(config)),
            asked,
        }
    }

    fn refusing(status: u16, word: &str) -> Self {
        let error = format!("<Error><Type>Sender</Type><Code>{word}</Code><Message>because</Message></Error>");
        Self::new(status, format!("<ErrorResponse>{error}</ErrorResponse>"))
    }

    /// The members of the only request, without what is the same in all.
    fn members(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "{asked:?}");
        let members = asked[0].split('&').filter(|member| !member.starts_with("Version="));
        members
            .map(|member| member.replace("%3A", ":").replace("%2F", "/"))
            .collect()
    }
}

fn name() -> InstanceName {
    "shop-db".parse().unwrap()
}

fn snapshot() -> SnapshotName {
    "belay-shop-aaaaaaaaaaaa-1".parse().unwrap()
}

const INSTANCE: &str = "
<DBInstanceIdentifier>shop-db</DBInstanceIdentifier><DbiResourceId>db-ABC</DbiResourceId>
<DBInstanceArn>arn:aws:rds:eu-west-1:123456789012:db:shop-db</DBInstanceArn>
<DBInstanceStatus>storage-optimization</DBInstanceStatus>
<DBInstanceClass>db.r6g.large</DBInstanceClass><Engine>postgres</Engine><EngineVersion>16.4</EngineVersion>
<Endpoint><Address>shop-db.abc.eu-west-1.rds.amazonaws.com</Address><Port>5433</Port></Endpoint>
<AllocatedStorage>500</AllocatedStorage><StorageType>gp3</StorageType><Iops>12000</Iops><StorageThroughput>500</StorageThroughput>
<PreferredBackupWindow>02:00-02:30</PreferredBackupWindow><BackupRetentionPeriod>14</BackupRetentionPeriod>
<VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-2</VpcSecurityGroupId></VpcSecurityGroupMembership>
<VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId></VpcSecurityGroupMembership></VpcSecurityGroups>
<DBParameterGroups><DBParameterGroup><DBParameterGroupName>shop</DBParameterGroupName></DBParameterGroup></DBParameterGroups>
<OptionGroupMemberships><OptionGroupMembership><OptionGroupName>default:postgres-16</OptionGroupName></OptionGroupMembership></OptionGroupMemberships>
<AvailabilityZone>eu-west-1a</AvailabilityZone><MultiAZ>false</MultiAZ>
<DBSubnetGroup><DBSubnetGroupName>private</DBSubnetGroupName></DBSubnetGroup>
<PreferredMaintenanceWindow>mon:03:00-mon:03:30</PreferredMaintenanceWindow>
<PendingModifiedValues><DBInstanceClass>db.r6g.xlarge</DBInstanceClass></PendingModifiedValues>
<AutoMinorVersionUpgrade>false</AutoMinorVersionUpgrade><PubliclyAccessible>false</PubliclyAccessible>
<StorageEncrypted>true</StorageEncrypted><KmsKeyId>key</KmsKeyId><CACertificateIdentifier>rds-ca-rsa2048-g1</CACertificateIdentifier>
<CopyTagsToSnapshot>true</CopyTagsToSnapshot><MonitoringInterval>30</MonitoringInterval><MonitoringRoleArn>role</MonitoringRoleArn>
<IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled><DatabaseInsightsMode>advanced</DatabaseInsightsMode>
<PerformanceInsightsEnabled>true</PerformanceInsightsEnabled><PerformanceInsightsKMSKeyId>key</PerformanceInsightsKMSKeyId>
<PerformanceInsightsRetentionPeriod>465</PerformanceInsightsRetentionPeriod>
<EnabledCloudwatchLogsExports><member>upgrade</member><member>postgresql</member></EnabledCloudwatchLogsExports>
<DeletionProtection>true</DeletionProtection><MaxAllocatedStorage>1000</MaxAllocatedStorage><NetworkType>IPV4</NetworkType>
<BackupTarget>region</BackupTarget><DedicatedLogVolume>false</DedicatedLogVolume>
<EngineLifecycleSupport>open-source-rds-extended-support</EngineLifecycleSupport>
<AssociatedRoles><DBInstanceRole><RoleArn>s3-role</RoleArn><FeatureName>s3Import</FeatureName></DBInstanceRole></AssociatedRoles>
<ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>shop-ro</ReadReplicaDBInstanceIdentifier></ReadReplicaDBInstanceIdentifiers>
<MasterUserSecret><SecretArn>secret</SecretArn></MasterUserSecret>
<TagList><Tag><Key>team</Key><Value>shop</Value></Tag><Tag><Key>belay:run</Key><Value>old</Value></Tag>
<Tag><Key>aws:cloudformation:stack-name</Key><Value>db</Value></Tag></TagList>";

async fn described() -> Described {
    let xml = format!(
        "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>{INSTANCE}</DBInstance>\
         </DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
    );
    let said = Said::new(200, xml);
    let described = said.rds.instance(&name()).await.unwrap().unwrap();
    assert_eq!(
        said.members(),
        ["Action=DescribeDBInstances", "DBInstanceIdentifier=shop-db"]
    );
    described
}

#[tokio::test]
async fn an_instance_is_described_with_everything_that_a_restore_needs() {
    let described = described().await;
    assert_eq!(
        (described.resource.as_str(), &described.status),
        ("db-ABC", &Status::Available)
    );
    let address = described.address.clone().unwrap();
    assert_eq!(
        (address.host.as_str(), address.port),
        ("shop-db.abc.eu-west-1.rds.amazonaws.com", 5433)
    );
    assert_eq!(described.pending, ["DBInstanceClass"]);
    let configuration = &described.configuration;
    assert_eq!(
        (&configuration.replicas[..], configuration.associated_roles.len()),
        (&["shop-ro".to_owned()][..], 1)
    );
    assert_eq!(configuration.master_user_secret.as_deref(), Some("secret"));
    assert_eq!(configuration.settings.vpc_security_group_ids, ["sg-1", "sg-2"]);

    let paper = serde_json::to_string(configuration).unwrap();
    assert_eq!(serde_json::from_str::<Configuration>(&paper).unwrap(), *configuration);
    assert!(paper.contains(r#""DBInstanceClass":"db.r6g.large""#), "{paper}");
}

#[tokio::test]
async fn a_restore_names_every_setting_that_rds_would_not_keep() {
    let wanted = described().await.configuration;
    let said = Said::new(
        200,
        "<RestoreDBInstanceFromDBSnapshotResponse><RestoreDBInstanceFromDBSnapshotResult/></RestoreDBInstanceFromDBSnapshotResponse>",
    );
    let ours = [("belay:run".to_owned(), "aaaaaaaaaaaa".to_owned())].into();
    let answer = said
        .rds
        .restore(&snapshot(), &"beside".parse().unwrap(), &wanted, &ours)
        .await;
    assert_eq!(answer, Ok(Answer::Accepted));
    let mut members = said.members();
    members.sort();
    assert_eq!(
        members,
        [
            "Action=RestoreDBInstanceFromDBSnapshot",
            "AllocatedStorage=500",
            "AutoMinorVersionUpgrade=false",
            "AvailabilityZone=eu-west-1a",
            "BackupRetentionPeriod=14",
            "BackupTarget=region",
            "CACertificateIdentifier=rds-ca-rsa2048-g1",
            "CopyTagsToSnapshot=true",
            "DBInstanceClass=db.r6g.large",
            "DBInstanceIdentifier=beside",
            "DBParameterGroupName=shop",
            "DBSnapshotIdentifier=belay-shop-aaaaaaaaaaaa-1",
            "DBSubnetGroupName=private",
            "DedicatedLogVolume=false",
            "DeletionProtection=true",
            "EnableCloudwatchLogsExports.member.1=postgresql",
            "EnableCloudwatchLogsExports.member.2=upgrade",
            "EnableIAMDatabaseAuthentication=true",
            "EngineLifecycleSupport=open-source-rds-extended-support",
            "Iops=12000",
            "MultiAZ=false",
            "NetworkType=IPV4",
            "OptionGroupName=default:postgres-16",
            "Port=5433",
            "PreferredBackupWindow=02:00-02:30",
            "PubliclyAccessible=false",
            "StorageThroughput=500",
            "StorageType=gp3",
            "Tags.Tag.1.Key=belay:run",
            "Tags.Tag.1.Value=aaaaaaaaaaaa",
            "Tags.Tag.2.Key=team",
            "Tags.Tag.2.Value=shop",
            "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
            "VpcSecurityGroupIds.VpcSecurityGroupId.2=sg-2",
        ]
    );
}

#[tokio::test]
async fn a_small_gp3_volume_does_not_name_its_speed() {
    let mut wanted = described().await.configuration;
    wanted.settings.allocated_storage = Some(399);
    let said = Said::new(
        200,
        "<RestoreDBInstanceFromDBSnapshotResponse><RestoreDBInstanceFromDBSnapshotResult/></RestoreDBInstanceFromDBSnapshotResponse>",
    );
    let answer = said.rds.restore(&snapshot(), &name(), &wanted, &[].into()).await;
    assert_eq!(answer, Ok(Answer::Accepted));
    let members = said.members();
    assert!(
        !members
            .iter()
            .any(|member| member.starts_with("Iops") || member.starts_with("StorageThroughput"))
    );
}

#[tokio::test]
async fn the_rest_is_modified_at_once() {
    let wanted = described().await.configuration;
    let mut now = wanted.clone();
    now.settings.max_allocated_storage = None;
    now.settings.monitoring_role_arn = None;
    now.settings.preferred_maintenance_window = Some("sun:00:00-sun:00:30".to_owned());
    now.settings.performance_insights_enabled = Some(false);
    let settings = wanted.to_modify(&now);
    let said = Said::new(
        200,
        "<ModifyDBInstanceResponse><ModifyDBInstanceResult/></ModifyDBInstanceResponse>",
    );
    assert_eq!(said.rds.modify(&name(), &wanted, &settings).await, Ok(Answer::Accepted));
    let mut members = said.members();
    members.sort();
    assert_eq!(
        members,
        [
            "Action=ModifyDBInstance",
            "ApplyImmediately=true",
            "DBInstanceIdentifier=shop-db",
            "DatabaseInsightsMode=advanced",
            "EnablePerformanceInsights=true",
            "MaxAllocatedStorage=1000",
            "MonitoringInterval=30",
            "MonitoringRoleArn=role",
            "PerformanceInsightsKMSKeyId=key",
            "PerformanceInsightsRetentionPeriod=465",
            "PreferredMaintenanceWindow=mon:03:00-mon:03:30",
        ]
    );
}

#[tokio::test]
async fn differences_are_of_settings_and_not_of_the_one_database() {
    let before = described().await.configuration;
    let mut after = before.clone();
    after.dbi_resource_id = "db-NEW".to_owned();
    after.arn = "arn:new".to_owned();
    after.name = "beside".parse().unwrap();
    after.settings.tags.insert("belay:run".to_owned(), "new".to_owned());
    after.settings.tags.remove("aws:cloudformation:stack-name");
    assert_eq!(before.differences(&after), Vec::new());

    after.settings.deletion_protection = Some(false);
    after.settings.vpc_security_group_ids.pop();
    after.settings.max_allocated_storage = None;
    after.settings.iops = None;
    after.settings.tags.remove("team");
    let differences = before.differences(&after);
    let told: Vec<_> = differences
        .iter()
        .map(|d| format!("{}: {} → {}", d.setting, d.before, d.after))
        .collect();
    assert_eq!(
        told,
        [
            "DeletionProtection: true → false",
            "Iops: 12000 → nothing",
            "MaxAllocatedStorage: 1000 → nothing",
            "Tags: {\"team\":\"shop\"} → nothing",
            "VpcSecurityGroupIds: sg-1, sg-2 → sg-1",
        ]
    );
    assert_eq!(
        before.to_modify(&after),
        ["MaxAllocatedStorage"],
        "a restore gives the others"
    );
}

#[tokio::test]
async fn a_refusal_is_an_answer_a_failure_or_a_reason_to_try_again() {
    let not_now = Ok("not now");
    for (status, word, meaning) in [
        (400, "InvalidDBInstanceState", not_now),
        (400, "InvalidDBInstanceStateFault", not_now),
        (400, "InvalidDBSnapshotState", not_now),
        (400, "InsufficientDBInstanceCapacity", not_now),
        (400, "DBInstanceAlreadyExists", Ok("exists")),
        (400, "DBSnapshotAlreadyExistsFault", Ok("exists")),
        (404, "DBInstanceNotFound", Ok("gone")),
        (404, "DBSnapshotNotFoundFault", Ok("gone")),
        (400, "InstanceQuotaExceeded", Err(Code::SnapshotQuota)),
        (400, "StorageQuotaExceeded", Err(Code::SnapshotQuota)),
        (400, "KMSKeyNotAccessibleFault", Err(Code::RestoreFailed)),
        (404, "DBSubnetGroupNotFoundFault", Err(Code::RestoreFailed)),
        (404, "DBParameterGroupNotFound", Err(Code::RestoreFailed)),
        (400, "InvalidParameterCombination", Err(Code::RestoreFailed)),
        (400, "InvalidRestoreFault", Err(Code::RestoreFailed)),
        (400, "Throttling", Err(Code::Rds)),
        (403, "AccessDenied", Err(Code::Rds)),
        (403, "ExpiredToken", Err(Code::Rds)),
        (500, "InternalFailure", Err(Code::Rds)),
        (503, "ServiceUnavailable", Err(Code::Rds)),
    ] {
        let wanted = described().await.configuration;
        let said = Said::refusing(status, word);
        let answer = said.rds.restore(&snapshot(), &name(), &wanted, &[].into()).await;
        let answer = answer.map_err(|error| error.failure());
        if let Err(failure) = &answer {
            assert!(
                failure.message.contains(&format!("{word}: because")),
                "RDS's own words: {failure}"
            );
            assert!(failure.next.is_some());
        }
        let answer = answer.map_err(|failure| failure.code).map(|answer| match answer {
            Answer::Accepted => "accepted",
            Answer::NotNow(why) if why.contains("because") => "not now",
            Answer::NotNow(_) => "not now, and no reason",
            Answer::Exists => "exists",
            Answer::Gone => "gone",
        });
        assert_eq!(answer, meaning, "{word}");
    }
}

#[tokio::test]
async fn what_is_not_found_is_nothing() {
    let said = Said::refusing(404, "DBInstanceNotFound");
    assert_eq!(said.rds.instance(&name()).await, Ok(None));
    let said = Said::refusing(404, "DBSnapshotNotFound");
    assert_eq!(said.rds.snapshot(&snapshot()).await, Ok(None));
    let said = Said::refusing(400, "Throttling");
    assert_eq!(said.rds.instance(&name()).await.unwrap_err().failure().code, Code::Rds);
}

#[tokio::test]
async fn snapshots_are_found_by_their_tags_whatever_else_there_is() {
    let one = |name: &str, tags: &str| {
        format!(
            "<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier><DbiResourceId>db-ABC</DbiResourceId>\
             <Status>available</Status><PercentProgress>100</PercentProgress><AllocatedStorage>500</AllocatedStorage>\
             <SnapshotCreateTime>2026-11-20T10:00:00.5Z</SnapshotCreateTime><TagList>{tags}</TagList></DBSnapshot>"
        )
    };
    let tag = "<Tag><Key>belay:stack</Key><Value>belay</Value></Tag>";
    let all = [one("Somebody--elses", ""), one("belay-shop-aaaaaaaaaaaa-1", tag)].concat();
    let said = Said::new(
        200,
        format!(
            "<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><DBSnapshots>{all}</DBSnapshots>\
             </DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>"
        ),
    );
    let tags = [("belay:stack".to_owned(), "belay".to_owned())].into();
    let found = said.rds.snapshots(&tags).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].name.as_str(), found[0].storage_gib),
        ("belay-shop-aaaaaaaaaaaa-1", 500)
    );
    assert_eq!(found[0].at.unwrap().to_string(), "2026-11-20T10:00:00Z");
    assert_eq!(said.members(), ["Action=DescribeDBSnapshots", "SnapshotType=manual"]);
}

#[tokio::test]
async fn an_accounts_room_is_known_where_rds_tells_it() {
    let quota = |name: &str| {
        format!("<AccountQuota><AccountQuotaName>{name}</AccountQuotaName><Used>3</Used><Max>40</Max></AccountQuota>")
    };
    let said = Said::new(
        200,
        format!(
            "<DescribeAccountAttributesResponse><DescribeAccountAttributesResult><AccountQuotas>{}{}</AccountQuotas>\
             </DescribeAccountAttributesResult></DescribeAccountAttributesResponse>",
            quota("DBInstances"),
            quota("ManualSnapshots")
        ),
    );
    let quotas = said.rds.quotas().await.unwrap();
    let room = Some(Room { used: 3, max: 40 });
    assert_eq!(
        (quotas.instances, quotas.snapshots, quotas.storage_gib),
        (room, room, None)
    );
}
