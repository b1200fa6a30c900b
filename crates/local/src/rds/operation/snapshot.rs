//! Taking and deleting snapshots.

use serde_json::{Value, json};

use super::describe::{count, no_snapshot};
use super::{Object, identifier, new_name, tags};
use crate::rds::described::{arn, now};
use crate::rds::instance::{Change, Effect, Instance, Step};
use crate::rds::refusal::Refusal;
use crate::rds::world::{Snapshot, World, no_instance};

impl World {
    pub(super) fn create_snapshot(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = new_name(input, "DBSnapshotIdentifier", 255)?;
        let source = identifier(input, "DBInstanceIdentifier");
        let instance = self.instance(&source)?;
        if self.snapshots.contains_key(&name) {
            let message =
                format!("Cannot create the snapshot because a snapshot with the identifier {name} already exists.");
            return Err(Refusal::new("DBSnapshotAlreadyExists", message));
        }
        let status = instance.status();
        if !matches!(status, "available" | "storage-optimization") {
            return Err(not_available(&source, status));
        }
        if count(self.snapshots.len()) >= i64::from(self.settings.quotas.snapshots) {
            return Err(Refusal::new(
                "SnapshotQuotaExceeded",
                "Cannot create more than the allowed manual snapshots.",
            ));
        }
        let snapshot = Snapshot {
            described: described(&name, instance, input),
            backup: None,
            source: instance.described.clone(),
            port: instance.port,
        };
        self.snapshots.insert(name.clone(), snapshot);
        let instance = self.instances.get_mut(&source).ok_or_else(|| no_instance(&source))?;
        let snapshot = name.clone();
        instance.change = Some(Change::of([Step::new("backing-up", Effect::Copy { snapshot })]));
        self.snapshot_as_described(&name)
    }

    pub(super) fn delete_snapshot(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = identifier(input, "DBSnapshotIdentifier");
        let mut answer = self.snapshot_as_described(&name)?;
        if answer["DBSnapshot"]["Status"] == "creating" {
            let message = format!("DBSnapshot {name} is not in available state.");
            return Err(Refusal::new("InvalidDBSnapshotState", message));
        }
        self.snapshots.remove(&name);
        answer["DBSnapshot"]["Status"] = json!("deleted");
        Ok(answer)
    }

    fn snapshot_as_described(&self, name: &str) -> Result<Value, Refusal> {
        let all = self.described().snapshots;
        let found = all.into_iter().find(|found| found["DBSnapshotIdentifier"] == *name);
        found
            .map(|found| json!({"DBSnapshot": found}))
            .ok_or_else(|| no_snapshot(name))
    }
}

pub(super) fn not_available(name: &str, status: &str) -> Refusal {
    let message = format!("Database instance {name} is not in available state: {status}.");
    Refusal::new("InvalidDBInstanceState", message)
}

fn described(name: &str, instance: &Instance, input: &Object) -> Object {
    let mut described: Object = [
        "DBInstanceIdentifier",
        "DbiResourceId",
        "InstanceCreateTime",
        "Engine",
        "EngineVersion",
        "LicenseModel",
        "MasterUsername",
        "AllocatedStorage",
        "StorageType",
        "Iops",
        "StorageThroughput",
        "AvailabilityZone",
        "KmsKeyId",
        "IAMDatabaseAuthenticationEnabled",
        "DedicatedLogVolume",
        "MultiTenant",
    ]
    .iter()
    .filter_map(|member| Some(((*member).to_owned(), instance.described.get(*member)?.clone())))
    .collect();
    let copies = instance.described.get("CopyTagsToSnapshot") == Some(&Value::Bool(true));
    let copied = copies.then(|| tags::copied(instance.described.get("TagList")));
    let more = json!({
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": arn("snapshot", name),
        "SnapshotType": "manual",
        "SnapshotCreateTime": now(),
        "Encrypted": instance.described.get("StorageEncrypted"),
        "Port": instance.port,
        "OptionGroupName": instance.described.get("OptionGroupMemberships").map(|groups| &groups[0]["OptionGroupName"]),
        "VpcId": instance.described.get("DBSubnetGroup").map(|group| &group["VpcId"]),
        "TagList": tags::with(copied.as_ref(), input.get("Tags")),
    });
    described.extend(more.as_object().cloned().unwrap_or_default());
    described
}
