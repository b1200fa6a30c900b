//! What an instance in memory is set to.

use std::collections::BTreeMap;

use crate::snapshots::Settings;

/// What a restore can't take is as RDS sets it by itself.
pub(super) fn without_the_rest(settings: &Settings) -> Settings {
    Settings {
        preferred_maintenance_window: Some("sun:00:00-sun:00:30".to_owned()),
        max_allocated_storage: None,
        monitoring_interval: Some(0),
        monitoring_role_arn: None,
        performance_insights_enabled: Some(false),
        performance_insights_key: None,
        performance_insights_retention_period: None,
        database_insights_mode: None,
        ..settings.clone()
    }
}

/// Something of every kind.
pub(super) fn settings() -> Settings {
    let text = |text: &str| Some(text.to_owned());
    Settings {
        class: text("db.r6g.large"),
        engine_version: text("16.4"),
        port: Some(5432),
        multi_az: Some(true),
        availability_zone: None,
        subnet_group: text("private"),
        vpc_security_group_ids: vec!["sg-1".to_owned(), "sg-2".to_owned()],
        parameter_group: text("shop"),
        option_group_name: text("default:postgres-16"),
        storage_type: text("gp3"),
        allocated_storage: Some(500),
        iops: Some(12_000),
        storage_throughput: Some(500),
        storage_encrypted: Some(true),
        kms_key_id: text("arn:aws:kms:eu-west-1:123456789012:key/k"),
        dedicated_log_volume: Some(false),
        copy_tags_to_snapshot: Some(true),
        tags: [("team".to_owned(), "shop".to_owned())].into(),
        iam_authentication: Some(true),
        enabled_cloudwatch_logs_exports: vec!["postgresql".to_owned(), "upgrade".to_owned()],
        processor_features: BTreeMap::new(),
        deletion_protection: Some(true),
        network_type: text("IPV4"),
        publicly_accessible: Some(false),
        customer_owned_ip_enabled: Some(false),
        auto_minor_version_upgrade: Some(false),
        backup_retention_period: Some(14),
        preferred_backup_window: text("02:00-02:30"),
        backup_target: text("region"),
        ca_certificate: text("rds-ca-rsa2048-g1"),
        domain_memberships: Vec::new(),
        custom_iam_instance_profile: None,
        engine_lifecycle_support: text("open-source-rds-extended-support-disabled"),
        preferred_maintenance_window: text("mon:03:00-mon:03:30"),
        max_allocated_storage: Some(1_000),
        monitoring_interval: Some(30),
        monitoring_role_arn: text("arn:aws:iam::123456789012:role/monitoring"),
        performance_insights_enabled: Some(true),
        performance_insights_key: text("arn:aws:kms:eu-west-1:123456789012:key/k"),
        performance_insights_retention_period: Some(465),
        database_insights_mode: text("advanced"),
    }
}
