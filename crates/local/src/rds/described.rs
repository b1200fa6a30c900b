//! How an instance is described: RDS's defaults, and how a parameter of a request shows.

use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::emulator::REGION;

/// The emulator's account.
pub(super) const ACCOUNT: &str = "000000000000";

/// An ARN of RDS's.
pub(super) fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{name}")
}

/// Now, as RDS writes it.
pub(super) fn now() -> Value {
    json!(Timestamp::now().to_string())
}

/// Letters and digits that nobody has seen before.
fn random() -> String {
    let random = RandomState::new();
    format!("{:016X}{:016X}", random.hash_one(0), random.hash_one(1))
}

/// A PostgreSQL instance of which nothing was said but its name and its version: as RDS makes it.
pub(super) fn defaults(name: &str, version: &str) -> Map<String, Value> {
    let major = version.split('.').next().unwrap_or(version);
    let resource: String = random().chars().take(26).collect();
    let mut described = Map::new();
    for part in [
        itself(name, version, &format!("db-{resource}")),
        network(major),
        operations(),
    ] {
        described.extend(part.as_object().cloned().unwrap_or_default());
    }
    described
}

fn itself(name: &str, version: &str, resource: &str) -> Value {
    json!({
        "DBInstanceIdentifier": name,
        "DBInstanceArn": arn("db", name),
        "DbiResourceId": resource,
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "postgres",
        "EngineVersion": version,
        "EngineLifecycleSupport": "open-source-rds-extended-support",
        "LicenseModel": "postgresql-license",
        "MasterUsername": "migrator",
        "InstanceCreateTime": now(),
        "AllocatedStorage": 20,
        // Below 400 GiB RDS shows these of gp3, and refuses them in a request.
        "StorageType": "gp3",
        "Iops": 3000,
        "StorageThroughput": 125,
        "StorageEncrypted": true,
        "KmsKeyId": format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"),
    })
}

/// Where it is, who reaches it, and what it belongs to.
fn network(major: &str) -> Value {
    json!({
        "AvailabilityZone": format!("{REGION}c"),
        "MultiAZ": false,
        "DBSubnetGroup": subnet_group("default"),
        "VpcSecurityGroups": security_groups(&json!(["sg-default"])),
        "DBSecurityGroups": [],
        "DBParameterGroups": [{"DBParameterGroupName": format!("default.postgres{major}"), "ParameterApplyStatus": "in-sync"}],
        "OptionGroupMemberships": [{"OptionGroupName": format!("default:postgres-{major}"), "Status": "in-sync"}],
        "PubliclyAccessible": true,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "CustomerOwnedIpEnabled": false,
        "NetworkType": "IPV4",
        "DomainMemberships": [],
        "DbInstancePort": 0,
    })
}

/// How it is kept.
fn operations() -> Value {
    json!({
        "AutoMinorVersionUpgrade": true,
        "BackupRetentionPeriod": 1,
        "PreferredBackupWindow": "05:10-05:40",
        "PreferredMaintenanceWindow": "sun:06:00-sun:06:30",
        "BackupTarget": "region",
        "CopyTagsToSnapshot": false,
        "DeletionProtection": false,
        "IAMDatabaseAuthenticationEnabled": false,
        "MonitoringInterval": 0,
        "PerformanceInsightsEnabled": false,
        "DatabaseInsightsMode": "standard",
        "DedicatedLogVolume": false,
        "MultiTenant": false,
        "AssociatedRoles": [],
        "ReadReplicaDBInstanceIdentifiers": [],
        "TagList": [],
        "ActivityStreamStatus": "stopped",
    })
}

fn subnet_group(name: &str) -> Value {
    json!({"DBSubnetGroupName": name, "VpcId": "vpc-1", "SubnetGroupStatus": "Complete", "Subnets": []})
}

fn security_groups(ids: &Value) -> Value {
    let shown = |id: &Value| json!({"VpcSecurityGroupId": id, "Status": "active"});
    Value::Array(
        ids.as_array()
            .map_or_else(Vec::new, |ids| ids.iter().map(shown).collect()),
    )
}

/// Under which name a parameter shows, where the value is the same.
pub(super) fn shown_as(parameter: &str) -> Option<&str> {
    match parameter {
        "EnableIAMDatabaseAuthentication" => Some("IAMDatabaseAuthenticationEnabled"),
        "EnableCloudwatchLogsExports" => Some("EnabledCloudwatchLogsExports"),
        "EnablePerformanceInsights" => Some("PerformanceInsightsEnabled"),
        "EnableCustomerOwnedIp" => Some("CustomerOwnedIpEnabled"),
        "NewDBInstanceIdentifier" => Some("DBInstanceIdentifier"),
        "Tags" => Some("TagList"),
        "DBInstanceClass"
        | "AvailabilityZone"
        | "MultiAZ"
        | "StorageType"
        | "Iops"
        | "StorageThroughput"
        | "AllocatedStorage"
        | "MaxAllocatedStorage"
        | "CopyTagsToSnapshot"
        | "ProcessorFeatures"
        | "DeletionProtection"
        | "NetworkType"
        | "PubliclyAccessible"
        | "AutoMinorVersionUpgrade"
        | "BackupRetentionPeriod"
        | "PreferredBackupWindow"
        | "PreferredMaintenanceWindow"
        | "CACertificateIdentifier"
        | "DedicatedLogVolume"
        | "CustomIamInstanceProfile"
        | "EngineLifecycleSupport"
        | "BackupTarget"
        | "LicenseModel"
        | "MonitoringInterval"
        | "MonitoringRoleArn"
        | "PerformanceInsightsKMSKeyId"
        | "PerformanceInsightsRetentionPeriod"
        | "DatabaseInsightsMode"
        | "MultiTenant"
        | "EngineVersion"
        | "PromotionTier" => Some(parameter),
        _ => None,
    }
}

/// Makes a parameter of a request so. In a new instance a parameter group is in use at once, else after a reboot.
pub(super) fn apply(
    described: &mut Map<String, Value>,
    parameter: &str,
    value: &Value,
    new: bool,
) -> Result<(), Refusal> {
    let (member, shown) = match (parameter, shown_as(parameter)) {
        (_, Some(member)) => (member, value.clone()),
        ("VpcSecurityGroupIds", _) => ("VpcSecurityGroups", security_groups(value)),
        ("DBSubnetGroupName", _) => ("DBSubnetGroup", subnet_group(value.as_str().unwrap_or_default())),
        ("OptionGroupName", _) => {
            let group = json!([{"OptionGroupName": value, "Status": "in-sync"}]);
            ("OptionGroupMemberships", group)
        }
        ("DBParameterGroupName", _) => {
            let state = if new { "in-sync" } else { "pending-reboot" };
            let group = json!([{"DBParameterGroupName": value, "ParameterApplyStatus": state}]);
            ("DBParameterGroups", group)
        }
        ("CloudwatchLogsExportConfiguration", _) => {
            let shown = exports(described.get("EnabledCloudwatchLogsExports"), value);
            ("EnabledCloudwatchLogsExports", shown)
        }
        ("Domain" | "DomainFqdn" | "DomainOu" | "DomainAuthSecretArn" | "DomainDnsIps" | "DomainIAMRoleName", _) => {
            let mut domain = described
                .get("DomainMemberships")
                .map_or(Value::Null, |known| known[0].clone());
            domain[domain_member(parameter)] = value.clone();
            domain["Status"] = json!("joined");
            ("DomainMemberships", json!([domain]))
        }
        ("ManageMasterUserPassword", _) => ("MasterUserSecret", secret(value)),
        // What they mean is in what else is asked for.
        ("UseDefaultProcessorFeatures" | "AllowMajorVersionUpgrade" | "CertificateRotationRestart", _) => return Ok(()),
        ("MasterUserSecretKmsKeyId", _) => return Ok(()),
        _ => {
            return Err(Refusal::bug(format!(
                "the double of RDS does not know what {parameter} does"
            )));
        }
    };
    described.insert(member.to_owned(), shown);
    Ok(())
}

/// What RDS calls a domain's parameter where it describes the domain.
fn domain_member(parameter: &str) -> &str {
    match parameter {
        "DomainFqdn" => "FQDN",
        "DomainIAMRoleName" => "IAMRoleName",
        "DomainOu" => "OU",
        "DomainAuthSecretArn" => "AuthSecretArn",
        "DomainDnsIps" => "DnsIps",
        other => other,
    }
}

fn exports(enabled: Option<&Value>, configuration: &Value) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let disabled = list(configuration.get("DisableLogTypes"));
    let mut exports = list(enabled);
    exports.retain(|export| !disabled.contains(export));
    for export in list(configuration.get("EnableLogTypes")) {
        if !exports.contains(&export) {
            exports.push(export);
        }
    }
    Value::Array(exports)
}

/// A new secret each time: nobody who holds the ARN of the one before finds it.
fn secret(managed: &Value) -> Value {
    if managed != &Value::Bool(true) {
        return Value::Null;
    }
    let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-{}", random());
    json!({"SecretArn": arn, "SecretStatus": "active"})
}
