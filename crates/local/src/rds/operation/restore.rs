//! A new instance with what is in a snapshot.

use serde_json::{Value, json};

use super::change::check_storage;
use super::describe::{count, no_snapshot};
use super::{Object, identifier, new_name, tags, text};
use crate::rds::described::{apply, defaults};
use crate::rds::instance::{Change, Effect, Instance, Step};
use crate::rds::refusal::Refusal;
use crate::rds::world::{Snapshot, World};

/// What a new instance takes over from the one that the snapshot was taken of, unless the request says otherwise, beside
/// its tags. All else is RDS's default.
const KEPT: [&str; 10] = [
    "Engine",
    "EngineVersion",
    "LicenseModel",
    "MasterUsername",
    "DBInstanceClass",
    "AllocatedStorage",
    "StorageEncrypted",
    "KmsKeyId",
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
];

impl World {
    pub(super) fn restore(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = new_name(input, "DBInstanceIdentifier", 63)?;
        let from = identifier(input, "DBSnapshotIdentifier");
        let snapshot = self.snapshots.get(&from).ok_or_else(|| no_snapshot(&from))?;
        if self.is_taken(&name) {
            return Err(Refusal::new("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        let Some(backup) = snapshot.backup.clone() else {
            let message = format!("DBSnapshot {from} is not in available state.");
            return Err(Refusal::new("InvalidDBSnapshotState", message));
        };
        check_parameters(input)?;
        let (described, port) = configured(&name, snapshot, input)?;
        self.check_quotas(&described)?;
        let backups = described
            .get("BackupRetentionPeriod")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        let first = Step::new("creating", Effect::Build { backup });
        // Where backups are on, RDS takes the first one at once.
        let second = (backups > 0).then(|| Step::new("backing-up", Effect::Nothing));
        let mut instance = Instance::new(described, port, None);
        instance.change = Some(Change::of([first].into_iter().chain(second)));
        let answer = json!({"DBInstance": instance.describe("")});
        self.address(&name, port);
        self.instances.insert(name, instance);
        Ok(answer)
    }

    fn check_quotas(&self, new: &Object) -> Result<(), Refusal> {
        let quotas = self.settings.quotas;
        if count(self.instances.len()) >= i64::from(quotas.instances) {
            return Err(Refusal::new("InstanceQuotaExceeded", "DB Instance quota exceeded"));
        }
        let storage = new.get("AllocatedStorage").and_then(Value::as_i64).unwrap_or_default();
        if self.storage() + storage > i64::from(quotas.storage) {
            return Err(Refusal::new("StorageQuotaExceeded", "Storage quota exceeded"));
        }
        Ok(())
    }
}

fn check_parameters(input: &Object) -> Result<(), Refusal> {
    for oracle in ["ManageMasterUserPassword", "MasterUserSecretKmsKeyId"] {
        if input.contains_key(oracle) {
            return Err(Refusal::combination(format!(
                "{oracle} isn't supported for engine postgres."
            )));
        }
    }
    if input.contains_key("DBName") {
        return Err(Refusal::value("DBName must be null when Restoring for this Engine."));
    }
    match text(input, "Engine") {
        "" | "postgres" => Ok(()),
        other => Err(Refusal::value(format!(
            "The engine {other} can't be restored from this snapshot."
        ))),
    }
}

/// How the new instance is configured, and its port.
fn configured(name: &str, snapshot: &Snapshot, input: &Object) -> Result<(Object, u16), Refusal> {
    let version = snapshot.source.get("EngineVersion").and_then(Value::as_str);
    let mut described = defaults(name, version.unwrap_or_default());
    let kept = |member: &&str| Some(((*member).to_owned(), snapshot.source.get(*member)?.clone()));
    described.extend(KEPT.iter().filter_map(kept));
    described.insert("TagList".to_owned(), tags::copied(snapshot.source.get("TagList")));
    check_storage(&described, input)?;
    if input.contains_key("DBSubnetGroupName") {
        described.insert("PubliclyAccessible".to_owned(), json!(false));
    }
    let mut port = snapshot.port;
    for (parameter, value) in input {
        match parameter.as_str() {
            "DBInstanceIdentifier" | "DBSnapshotIdentifier" | "Engine" => {}
            "Port" => {
                let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
                port = number.ok_or_else(|| Refusal::value("Port is not a port"))?;
            }
            _ => apply(&mut described, parameter, value, true)?,
        }
    }
    // RDS asks the zone only where there is one.
    if described.get("MultiAZ") == Some(&Value::Bool(true)) && input.contains_key("AvailabilityZone") {
        let message = "Requesting a specific availability zone is not valid for Multi-AZ instances.";
        return Err(Refusal::combination(message));
    }
    Ok((described, port))
}
