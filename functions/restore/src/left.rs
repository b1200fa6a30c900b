//! What a restore can't carry over, each with what to type.

use belay_aws::snapshots::Configuration;
use belay_model::{InstanceName, LeftOver};

/// What belongs to the failed database still, because RDS ties it to that very database and not to its name.
pub(crate) fn left_overs(before: &Configuration, now: &Configuration, failed: &InstanceName) -> Vec<LeftOver> {
    let name = &before.name;
    let mut left = Vec::new();
    let mut add = |what: String, next: String| left.push(LeftOver { what, next });
    for replica in &before.replicas {
        add(
            format!("the replica {replica} follows {failed}"),
            format!(
                "aws rds create-db-instance-read-replica --db-instance-identifier {replica}-new \
                 --source-db-instance-identifier {name}, then let its readers go there"
            ),
        );
    }
    proxies(before, failed, &mut add);
    let has_role = |role: &str| now.associated_roles.iter().any(|there| there.role_arn == role);
    for role in before.associated_roles.iter().filter(|role| !has_role(&role.role_arn)) {
        let feature = role.feature_name.as_deref().unwrap_or_default();
        add(
            format!("{name} may not use the role {} any more", role.role_arn),
            format!(
                "aws rds add-role-to-db-instance --db-instance-identifier {name} --role-arn {} --feature-name {feature}",
                role.role_arn
            ),
        );
    }
    if let Some(secret) = before
        .master_user_secret
        .as_ref()
        .filter(|_| now.master_user_secret.is_none())
    {
        add(
            format!(
                "RDS keeps the master password in the secret {secret} for {failed}, and changes it there; that of {name} \
                 is the one of the snapshot"
            ),
            format!(
                "aws rds modify-db-instance --db-instance-identifier {name} --manage-master-user-password \
                 --apply-immediately, then give the new secret's ARN to whoever used the old one"
            ),
        );
    }
    if before.settings.iam_authentication == Some(true) {
        let (old, new) = (&before.dbi_resource_id, &now.dbi_resource_id);
        add(
            format!("IAM policies that let somebody log in by the resource id {old} do not fit {name} any more"),
            format!("in every policy with rds-db:connect, replace dbuser:{old}/… by dbuser:{new}/…"),
        );
    }
    if let Some(stream) = before
        .activity_stream
        .as_ref()
        .filter(|_| now.activity_stream.is_none())
    {
        add(
            format!("the activity stream {stream} is that of {failed}"),
            format!(
                "aws rds start-activity-stream --resource-arn {} --mode async --kms-key-id …",
                now.arn
            ),
        );
    }
    for copy in &before.backup_replications {
        add(
            format!("the backups that are copied to {copy} are those of {failed}"),
            format!(
                "aws rds start-db-instance-automated-backups-replication --source-db-instance-arn {} in the other region",
                now.arn
            ),
        );
    }
    left
}

fn proxies(before: &Configuration, failed: &InstanceName, add: &mut impl FnMut(String, String)) {
    let name = &before.name;
    let Some(proxies) = &before.proxies else {
        add(
            format!("whether an RDS Proxy leads to {name} could not be asked"),
            "aws rds describe-db-proxies, and aws rds describe-db-proxy-targets --db-proxy-name … for each".to_owned(),
        );
        return;
    };
    for (proxy, group) in proxies {
        let of_proxy = format!("--db-proxy-name {proxy} --target-group-name {group} --db-instance-identifiers");
        add(
            format!("the proxy {proxy} leads to {failed}"),
            format!(
                "aws rds deregister-db-proxy-targets {of_proxy} {failed} && aws rds register-db-proxy-targets \
                 {of_proxy} {name}"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn configuration(more: Value) -> Configuration {
        let mut all = json!({
            "DBInstanceIdentifier": "shop-db", "DbiResourceId": "db-OLD", "DBInstanceArn": "arn:old", "Proxies": [],
            "Settings": {},
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn left(before: Value, now: Value) -> Vec<LeftOver> {
        let failed = "shop-db-failed-x".parse().unwrap();
        left_overs(&configuration(before), &configuration(now), &failed)
    }

    #[test]
    fn what_a_restore_cannot_carry_over_is_told_with_what_to_type() {
        let role = json!({"AssociatedRoles": [{"RoleArn": "arn:role", "FeatureName": "s3Import"}]});
        for (before, now, what, next) in [
            (
                json!({"Replicas": ["shop-ro"]}),
                json!({}),
                "the replica shop-ro follows shop-db-failed-x",
                "--source-db-instance-identifier shop-db,",
            ),
            (
                json!({"Proxies": [["shop-proxy", "default"]]}),
                json!({}),
                "the proxy shop-proxy leads to shop-db-failed-x",
                "aws rds register-db-proxy-targets --db-proxy-name shop-proxy --target-group-name default \
                 --db-instance-identifiers shop-db",
            ),
            (
                role.clone(),
                json!({}),
                "arn:role",
                "aws rds add-role-to-db-instance --db-instance-identifier shop-db --role-arn arn:role --feature-name s3Import",
            ),
            (
                json!({"MasterUserSecret": "arn:secret"}),
                json!({}),
                "the secret arn:secret",
                "--manage-master-user-password",
            ),
            (
                json!({"Settings": {"IAMDatabaseAuthenticationEnabled": true}}),
                json!({"DbiResourceId": "db-NEW"}),
                "resource id db-OLD",
                "dbuser:db-NEW/",
            ),
            (
                json!({"ActivityStream": "stream"}),
                json!({}),
                "the activity stream stream",
                "start-activity-stream",
            ),
            (
                json!({"BackupReplications": ["arn:copy"]}),
                json!({"DBInstanceArn": "arn:new"}),
                "arn:copy",
                "--source-db-instance-arn arn:new",
            ),
            (
                json!({"Proxies": null}),
                json!({}),
                "could not be asked",
                "aws rds describe-db-proxies",
            ),
        ] {
            let left = left(before.clone(), now);
            assert_eq!(left.len(), 1, "{before}");
            assert!(left[0].what.contains(what) && left[0].next.contains(next), "{left:?}");
        }
        assert_eq!(left(json!({}), json!({})), Vec::new());
        assert_eq!(
            left(role.clone(), role),
            Vec::new(),
            "what is there already is not left over"
        );
    }
}
