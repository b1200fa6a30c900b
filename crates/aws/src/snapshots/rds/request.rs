//! From what an instance was set to, to the requests that set a restored one so.

use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder as Modify;
use aws_sdk_rds::operation::restore_db_instance_from_db_snapshot::builders::RestoreDBInstanceFromDBSnapshotFluentBuilder as Restore;
use aws_sdk_rds::types::{DatabaseInsightsMode, ProcessorFeature};

use crate::snapshots::{Domain, Settings};

/// Below so many GiB RDS gives a gp3 volume its least speed, and refuses a request that names it.
const GP3_STRIPED: i32 = 400;

/// A restore with every setting that it takes. What is left out takes RDS's default, which is another than it was for
/// most of them (the VPC's security group, the engine's parameter group, no deletion protection).
pub(super) fn restored(request: Restore, wanted: &Settings) -> Restore {
    let wanted = wanted.clone();
    let (iops, throughput) = speed(&wanted);
    let features = wanted.processor_features.iter();
    let features = features.map(|(name, value)| ProcessorFeature::builder().name(name).value(value).build());
    let request = request
        .set_db_instance_class(wanted.class)
        .set_port(wanted.port)
        .set_multi_az(wanted.multi_az)
        .set_availability_zone(wanted.availability_zone)
        .set_db_subnet_group_name(wanted.subnet_group)
        .set_vpc_security_group_ids(some(wanted.vpc_security_group_ids))
        .set_db_parameter_group_name(wanted.parameter_group)
        .set_option_group_name(wanted.option_group_name)
        .set_storage_type(wanted.storage_type)
        .set_allocated_storage(wanted.allocated_storage)
        .set_iops(iops)
        .set_storage_throughput(throughput)
        .set_dedicated_log_volume(wanted.dedicated_log_volume)
        .set_copy_tags_to_snapshot(wanted.copy_tags_to_snapshot)
        .set_enable_iam_database_authentication(wanted.iam_authentication)
        .set_enable_cloudwatch_logs_exports(some(wanted.enabled_cloudwatch_logs_exports))
        .set_processor_features(some(features.collect()))
        .set_deletion_protection(wanted.deletion_protection)
        .set_network_type(wanted.network_type)
        .set_publicly_accessible(wanted.publicly_accessible)
        .set_enable_customer_owned_ip(wanted.customer_owned_ip_enabled.filter(|enabled| *enabled))
        .set_auto_minor_version_upgrade(wanted.auto_minor_version_upgrade)
        .set_backup_retention_period(wanted.backup_retention_period)
        .set_preferred_backup_window(wanted.preferred_backup_window)
        .set_backup_target(wanted.backup_target)
        .set_ca_certificate_identifier(wanted.ca_certificate)
        .set_custom_iam_instance_profile(wanted.custom_iam_instance_profile)
        .set_engine_lifecycle_support(wanted.engine_lifecycle_support);
    match wanted.domain_memberships.into_iter().next() {
        Some(domain) => in_domain(request, domain),
        None => request,
    }
}

/// A directory of AWS is named by its id, one of somebody else by its name and the secret of who joins.
fn in_domain(request: Restore, domain: Domain) -> Restore {
    if domain.auth_secret_arn.is_none() {
        return request
            .set_domain(domain.domain)
            .set_domain_iam_role_name(domain.iam_role_name);
    }
    request
        .set_domain_fqdn(domain.fqdn)
        .set_domain_ou(domain.ou)
        .set_domain_auth_secret_arn(domain.auth_secret_arn)
        .set_domain_dns_ips(some(domain.dns_ips))
}

/// IOPS and throughput, where the kind of storage takes them.
fn speed(wanted: &Settings) -> (Option<i32>, Option<i32>) {
    match wanted.storage_type.as_deref() {
        Some("io1" | "io2") => (wanted.iops, None),
        Some("gp3") if wanted.allocated_storage.is_some_and(|gib| gib >= GP3_STRIPED) => {
            (wanted.iops, wanted.storage_throughput)
        }
        _ => (None, None),
    }
}

/// A change of these settings, which [`crate::snapshots::Configuration::AFTERWARDS`] names. RDS wants some of them
/// together.
pub(super) fn modified(request: Modify, wanted: &Settings, settings: &[&'static str]) -> Modify {
    settings.iter().fold(request, |request, setting| match *setting {
        "PreferredMaintenanceWindow" => {
            request.set_preferred_maintenance_window(wanted.preferred_maintenance_window.clone())
        }
        "MaxAllocatedStorage" => request.set_max_allocated_storage(wanted.max_allocated_storage),
        "MonitoringInterval" | "MonitoringRoleArn" => request
            .set_monitoring_interval(wanted.monitoring_interval)
            .set_monitoring_role_arn(wanted.monitoring_role_arn.clone()),
        // Performance Insights, all of it.
        _ => request
            .set_enable_performance_insights(wanted.performance_insights_enabled)
            .set_performance_insights_kms_key_id(wanted.performance_insights_key.clone())
            .set_performance_insights_retention_period(wanted.performance_insights_retention_period)
            .set_database_insights_mode(wanted.database_insights_mode.as_deref().map(DatabaseInsightsMode::from)),
    })
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}
