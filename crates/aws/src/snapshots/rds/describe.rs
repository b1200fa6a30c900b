//! From what RDS describes to what Belay knows.

use aws_sdk_rds::operation::describe_account_attributes::DescribeAccountAttributesOutput;
use aws_sdk_rds::types::{ActivityStreamStatus, DbInstance, DbSnapshot, DomainMembership, Tag};
use belay_model::InstanceName;
use jiff::Timestamp;

use crate::AwsError;
use crate::snapshots::{Address, Configuration, Described, Domain, Quotas, Role, Room, Settings, Status, Tags, Taken};

/// An instance.
pub(super) fn instance(said: &DbInstance) -> Result<Described, AwsError> {
    let name = said.db_instance_identifier().unwrap_or_default();
    let name: InstanceName = name.parse().map_err(|_| lacking("an instance", "a name"))?;
    let text = |value: Option<&str>, what| value.map(str::to_owned).ok_or_else(|| lacking("an instance", what));
    let resource = text(said.dbi_resource_id(), "a DbiResourceId")?;
    let arn = text(said.db_instance_arn(), "an ARN")?;
    let tags = tags(said.tag_list());
    let address = said.endpoint().and_then(|endpoint| {
        Some(Address {
            host: endpoint.address()?.to_owned(),
            port: u16::try_from(endpoint.port()?).ok()?,
        })
    });
    Ok(Described {
        resource: resource.clone(),
        arn: arn.clone(),
        status: Status::of_instance(said.db_instance_status().unwrap_or_default()),
        address,
        tags: tags.clone(),
        pending: pending(said),
        configuration: Configuration {
            name: name.clone(),
            dbi_resource_id: resource,
            arn,
            replica_of: said
                .read_replica_source_db_instance_identifier()
                .or(said.read_replica_source_db_cluster_identifier())
                .map(str::to_owned),
            cluster: said.db_cluster_identifier().map(str::to_owned),
            replicas: sorted(
                said.read_replica_db_instance_identifiers()
                    .iter()
                    .chain(said.read_replica_db_cluster_identifiers()),
            ),
            associated_roles: roles(said),
            master_user_secret: said.master_user_secret().and_then(|secret| secret.secret_arn.clone()),
            activity_stream: match said.activity_stream_status() {
                Some(ActivityStreamStatus::Started | ActivityStreamStatus::Starting) => {
                    said.activity_stream_kinesis_stream_name().map(str::to_owned)
                }
                _ => None,
            },
            backup_replications: said
                .db_instance_automated_backups_replications()
                .iter()
                .filter_map(|copy| copy.db_instance_automated_backups_arn.clone())
                .collect(),
            proxies: None,
            settings: settings(said, tags),
        },
        name,
    })
}

fn settings(said: &DbInstance, tags: Tags) -> Settings {
    let multi_az = said.multi_az;
    Settings {
        class: said.db_instance_class.clone(),
        engine_version: said.engine_version.clone(),
        port: said.endpoint().and_then(|endpoint| endpoint.port),
        multi_az,
        availability_zone: said.availability_zone.clone().filter(|_| multi_az != Some(true)),
        subnet_group: said
            .db_subnet_group()
            .and_then(|group| group.db_subnet_group_name.clone()),
        vpc_security_group_ids: sorted(
            said.vpc_security_groups()
                .iter()
                .filter_map(|group| group.vpc_security_group_id.as_ref()),
        ),
        parameter_group: said
            .db_parameter_groups()
            .first()
            .and_then(|group| group.db_parameter_group_name.clone()),
        option_group_name: said
            .option_group_memberships()
            .first()
            .and_then(|group| group.option_group_name.clone()),
        storage_type: said.storage_type.clone(),
        allocated_storage: said.allocated_storage,
        iops: said.iops,
        storage_throughput: said.storage_throughput,
        storage_encrypted: said.storage_encrypted,
        kms_key_id: said.kms_key_id.clone(),
        dedicated_log_volume: said.dedicated_log_volume,
        copy_tags_to_snapshot: said.copy_tags_to_snapshot,
        tags,
        iam_authentication: said.iam_database_authentication_enabled,
        enabled_cloudwatch_logs_exports: sorted(said.enabled_cloudwatch_logs_exports()),
        processor_features: said
            .processor_features()
            .iter()
            .filter_map(|feature| Some((feature.name.clone()?, feature.value.clone()?)))
            .collect(),
        deletion_protection: said.deletion_protection,
        network_type: said.network_type.clone(),
        publicly_accessible: said.publicly_accessible,
        customer_owned_ip_enabled: said.customer_owned_ip_enabled,
        auto_minor_version_upgrade: said.auto_minor_version_upgrade,
        backup_retention_period: said.backup_retention_period,
        preferred_backup_window: said.preferred_backup_window.clone(),
        backup_target: said.backup_target.clone(),
        ca_certificate: said.ca_certificate_identifier.clone(),
        domain_memberships: said.domain_memberships().iter().map(domain).collect(),
        custom_iam_instance_profile: said.custom_iam_instance_profile.clone(),
        engine_lifecycle_support: said.engine_lifecycle_support.clone(),
        preferred_maintenance_window: said.preferred_maintenance_window.clone(),
        max_allocated_storage: said.max_allocated_storage,
        monitoring_interval: said.monitoring_interval,
        monitoring_role_arn: said.monitoring_role_arn.clone(),
        performance_insights_enabled: said.performance_insights_enabled,
        performance_insights_key: said.performance_insights_kms_key_id.clone(),
        performance_insights_retention_period: said.performance_insights_retention_period,
        database_insights_mode: said.database_insights_mode().map(|mode| mode.as_str().to_owned()),
    }
}

fn domain(said: &DomainMembership) -> Domain {
    Domain {
        domain: said.domain.clone(),
        fqdn: said.fqdn.clone(),
        iam_role_name: said.iam_role_name.clone(),
        ou: said.ou.clone(),
        auth_secret_arn: said.auth_secret_arn.clone(),
        dns_ips: said.dns_ips().to_vec(),
    }
}

fn roles(said: &DbInstance) -> Vec<Role> {
    said.associated_roles()
        .iter()
        .filter_map(|role| {
            Some(Role {
                role_arn: role.role_arn.clone()?,
                feature_name: role.feature_name.clone(),
            })
        })
        .collect()
}

/// Those that Belay itself could be waiting for: any other value that is pending waits for a maintenance window.
fn pending(said: &DbInstance) -> Vec<String> {
    let Some(values) = said.pending_modified_values() else {
        return Vec::new();
    };
    let there = [
        ("DBInstanceIdentifier", values.db_instance_identifier.is_some()),
        ("DBInstanceClass", values.db_instance_class.is_some()),
        ("MultiAZ", values.multi_az.is_some()),
        ("AllocatedStorage", values.allocated_storage.is_some()),
        ("StorageType", values.storage_type.is_some()),
        ("Iops", values.iops.is_some()),
        ("StorageThroughput", values.storage_throughput.is_some()),
        ("BackupRetentionPeriod", values.backup_retention_period.is_some()),
        ("CACertificateIdentifier", values.ca_certificate_identifier.is_some()),
        (
            "PendingCloudwatchLogsExports",
            values.pending_cloudwatch_logs_exports.is_some(),
        ),
        (
            "IAMDatabaseAuthenticationEnabled",
            values.iam_database_authentication_enabled.is_some(),
        ),
        ("DedicatedLogVolume", values.dedicated_log_volume.is_some()),
        ("MasterUserPassword", values.master_user_password.is_some()),
    ];
    let there = there.into_iter().filter(|(_, there)| *there);
    there.map(|(name, _)| name.to_owned()).collect()
}

/// A snapshot.
pub(super) fn snapshot(said: &DbSnapshot) -> Result<Taken, AwsError> {
    let name = said.db_snapshot_identifier().unwrap_or_default();
    Ok(Taken {
        name: name.parse().map_err(|_| lacking("a snapshot", "a name of ours"))?,
        resource: said
            .dbi_resource_id()
            .ok_or_else(|| lacking("a snapshot", "a DbiResourceId"))?
            .to_owned(),
        status: Status::of_snapshot(said.status().unwrap_or_default()),
        percent: u8::try_from(said.percent_progress.unwrap_or_default()).unwrap_or_default(),
        at: said
            .snapshot_create_time()
            .and_then(|at| Timestamp::new(at.secs(), 0).ok()),
        storage_gib: u32::try_from(said.allocated_storage.unwrap_or_default()).unwrap_or_default(),
        tags: tags(said.tag_list()),
    })
}

/// An account's room.
pub(super) fn quotas(said: &DescribeAccountAttributesOutput) -> Quotas {
    let room = |name: &str| {
        let quota = said
            .account_quotas()
            .iter()
            .find(|quota| quota.account_quota_name() == Some(name))?;
        Some(Room {
            used: u64::try_from(quota.used?).ok()?,
            max: u64::try_from(quota.max?).ok()?,
        })
    };
    Quotas {
        snapshots: room("ManualSnapshots"),
        instances: room("DBInstances"),
        storage_gib: room("AllocatedStorage"),
    }
}

/// Tags, by their keys.
pub(super) fn tags(said: &[Tag]) -> Tags {
    said.iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())))
        .collect()
}

fn sorted<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut texts: Vec<_> = texts.into_iter().cloned().collect();
    texts.sort_unstable();
    texts
}

fn lacking(of: &str, what: &str) -> AwsError {
    AwsError::Bug(format!("RDS describes {of} without {what}"))
}
