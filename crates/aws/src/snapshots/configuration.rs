//! What an instance is set to, under AWS's own names: noted before a run changes anything, and compared after a restore.

use std::collections::BTreeMap;

use belay_model::{Difference, InstanceName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TAG_PREFIX, Tags};

/// The paper `configuration.json`: what an instance is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Configuration {
    /// Its name.
    #[serde(rename = "DBInstanceIdentifier")]
    pub name: InstanceName,
    /// RDS's own name for that very database.
    pub dbi_resource_id: String,
    /// Its ARN.
    #[serde(rename = "DBInstanceArn")]
    pub arn: String,
    /// The instance that it is a replica of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_of: Option<String>,
    /// The cluster that it is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "DBClusterIdentifier")]
    pub cluster: Option<String>,
    /// What a restore should bring back.
    pub settings: Settings,
    /// Instances and clusters that replicate it.
    #[serde(default)]
    pub replicas: Vec<String>,
    /// Roles that it may use.
    #[serde(default)]
    pub associated_roles: Vec<Role>,
    /// The secret that RDS keeps for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_user_secret: Option<String>,
    /// The stream that its activity goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_stream: Option<String>,
    /// Where its backups are copied to.
    #[serde(default)]
    pub backup_replications: Vec<String>,
    /// The proxies that have it among their targets, each with its target group; nothing if they could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxies: Option<Vec<(String, String)>>,
}

/// A role that an instance may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    /// Its ARN.
    pub role_arn: String,
    /// What for.
    #[serde(default)]
    pub feature_name: Option<String>,
}

/// A directory that an instance is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Domain {
    /// The directory's id, where AWS keeps it.
    pub domain: Option<String>,
    /// Its name, where somebody else does.
    pub fqdn: Option<String>,
    /// The role that RDS uses for it.
    #[serde(rename = "IAMRoleName")]
    pub iam_role_name: Option<String>,
    /// The organisational unit.
    #[serde(rename = "OU")]
    pub ou: Option<String>,
    /// The secret of who joins it.
    pub auth_secret_arn: Option<String>,
    /// Its name servers.
    pub dns_ips: Vec<String>,
}

/// Every setting that a restored instance should have as before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "each is the setting that RDS calls so")]
pub struct Settings {
    #[serde(rename = "DBInstanceClass")]
    pub class: Option<String>,
    pub engine_version: Option<String>,
    pub port: Option<i32>,
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<bool>,
    /// Of an instance in several zones, which of them is the first changes by itself: not noted.
    pub availability_zone: Option<String>,
    #[serde(rename = "DBSubnetGroupName")]
    pub subnet_group: Option<String>,
    pub vpc_security_group_ids: Vec<String>,
    #[serde(rename = "DBParameterGroupName")]
    pub parameter_group: Option<String>,
    pub option_group_name: Option<String>,
    pub storage_type: Option<String>,
    pub allocated_storage: Option<i32>,
    pub iops: Option<i32>,
    pub storage_throughput: Option<i32>,
    pub storage_encrypted: Option<bool>,
    pub kms_key_id: Option<String>,
    pub dedicated_log_volume: Option<bool>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub tags: Tags,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled")]
    pub iam_authentication: Option<bool>,
    pub enabled_cloudwatch_logs_exports: Vec<String>,
    pub processor_features: BTreeMap<String, String>,
    pub deletion_protection: Option<bool>,
    pub network_type: Option<String>,
    pub publicly_accessible: Option<bool>,
    pub customer_owned_ip_enabled: Option<bool>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub backup_retention_period: Option<i32>,
    pub preferred_backup_window: Option<String>,
    pub backup_target: Option<String>,
    #[serde(rename = "CACertificateIdentifier")]
    pub ca_certificate: Option<String>,
    pub domain_memberships: Vec<Domain>,
    pub custom_iam_instance_profile: Option<String>,
    pub engine_lifecycle_support: Option<String>,
    // A restore can't take these.
    pub preferred_maintenance_window: Option<String>,
    pub max_allocated_storage: Option<i32>,
    pub monitoring_interval: Option<i32>,
    pub monitoring_role_arn: Option<String>,
    pub performance_insights_enabled: Option<bool>,
    #[serde(rename = "PerformanceInsightsKMSKeyId")]
    pub performance_insights_key: Option<String>,
    pub performance_insights_retention_period: Option<i32>,
    pub database_insights_mode: Option<String>,
}

impl Configuration {
    /// The settings that a restore can't give, and that can be given afterwards.
    pub const AFTERWARDS: [&'static str; 8] = [
        "PreferredMaintenanceWindow",
        "MaxAllocatedStorage",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "PerformanceInsightsEnabled",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
        "DatabaseInsightsMode",
    ];

    /// Every setting that is not as it was. What belongs to the one instance (its resource id, its ARN, when it was
    /// made) is none, nor are tags that Belay or AWS itself has put on it.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let (before, after) = (self.settings.comparable(), now.settings.comparable());
        before
            .keys()
            .chain(after.keys().filter(|name| !before.contains_key(*name)))
            .filter(|name| before.get(*name) != after.get(*name))
            .map(|name| Difference {
                setting: name.clone(),
                before: in_words(before.get(name)),
                after: in_words(after.get(name)),
            })
            .collect()
    }

    /// Of [`Self::AFTERWARDS`], those that an instance has not as it should.
    #[must_use]
    pub fn to_modify(&self, now: &Self) -> Vec<&'static str> {
        let (before, after) = (self.settings.comparable(), now.settings.comparable());
        Self::AFTERWARDS
            .into_iter()
            .filter(|name| before.contains_key(*name) && before.get(*name) != after.get(*name))
            .collect()
    }
}

impl Settings {
    /// Each setting that there is, by its name.
    fn comparable(&self) -> BTreeMap<String, Value> {
        let tags = |tags: &Tags| -> Tags {
            let kept = tags.iter().filter(|(key, _)| is_somebodys(key));
            kept.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let shown = Self {
            tags: tags(&self.tags),
            ..self.clone()
        };
        let Ok(Value::Object(settings)) = serde_json::to_value(shown) else {
            return BTreeMap::new();
        };
        settings.into_iter().filter(|(_, value)| !is_nothing(value)).collect()
    }

    /// The tags that a restore must give: neither Belay's own nor those that AWS and RDS keep to themselves.
    #[must_use]
    pub fn tags_to_carry(&self) -> Tags {
        let carried = self.tags.iter().filter(|(key, _)| is_somebodys(key));
        carried.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn is_somebodys(tag: &str) -> bool {
    let reserved = tag.to_ascii_lowercase();
    !tag.starts_with(TAG_PREFIX) && !reserved.starts_with("aws:") && !reserved.starts_with("rds:")
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn in_words(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let words: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            words.join(", ")
        }
        Some(other) => other.to_string(),
    }
}
