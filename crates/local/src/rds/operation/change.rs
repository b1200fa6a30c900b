//! Changing what is there.

use serde_json::{Value, json};

use super::describe::no_resource;
use super::snapshot::not_available;
use super::{Object, identifier, new_name, tags, text};
use crate::rds::described::{apply, shown_as};
use crate::rds::instance::{Change, Effect, Instance, Step};
use crate::rds::model::Model;
use crate::rds::refusal::Refusal;
use crate::rds::world::{World, no_instance};

/// Below so many GiB, gp3's speed is fixed.
const GP3_STRIPED: i64 = 400;

impl World {
    pub(super) async fn modify(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = identifier(input, "DBInstanceIdentifier");
        let instance = self.instance(&name)?;
        if instance.status() != "available" {
            return Err(not_available(&name, instance.status()));
        }
        let mut wanted = input.clone();
        wanted.remove("DBInstanceIdentifier");
        let at_once = wanted.remove("ApplyImmediately") == Some(Value::Bool(true));
        check_modification(instance, &wanted)?;
        let new_name = self.new_name_of(&name, &mut wanted)?;
        if at_once && new_name.is_some() {
            // Sessions end now; what does not work is RDS's own trouble, and the renaming goes on.
            if let Err(error) = self.lead_nowhere(&name).await {
                self.trouble(&name, &error);
            }
        }
        let (model, address) = (self.model, self.address(&name, self.instance(&name)?.port));
        let instance = self.instances.get_mut(&name).ok_or_else(|| no_instance(&name))?;
        instance.ask(model, wanted, new_name, at_once);
        Ok(json!({"DBInstance": instance.describe(&address.to_string())}))
    }

    /// The name that the request gives to the instance, taken out of its parameters.
    fn new_name_of(&self, name: &str, wanted: &mut Object) -> Result<Option<String>, Refusal> {
        if !wanted.contains_key("NewDBInstanceIdentifier") {
            return Ok(None);
        }
        let to = new_name(wanted, "NewDBInstanceIdentifier", 63)?;
        wanted.remove("NewDBInstanceIdentifier");
        if to == name {
            return Ok(None);
        }
        if self.is_taken(&to) {
            return Err(Refusal::new("DBInstanceAlreadyExists", "DB instance already exists"));
        }
        Ok(Some(to))
    }

    pub(super) fn add_role(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = identifier(input, "DBInstanceIdentifier");
        let instance = self.instances.get_mut(&name).ok_or_else(|| no_instance(&name))?;
        if instance.status() != "available" {
            return Err(not_available(&name, instance.status()));
        }
        let role = json!({"RoleArn": input["RoleArn"], "FeatureName": input["FeatureName"], "Status": "ACTIVE"});
        let roles = instance.described.entry("AssociatedRoles").or_insert(json!([]));
        let roles = roles
            .as_array_mut()
            .ok_or_else(|| Refusal::bug("AssociatedRoles is no list"))?;
        if roles.iter().any(|known| known["FeatureName"] == role["FeatureName"]) {
            return Err(Refusal::new(
                "DBInstanceRoleAlreadyExists",
                "The role is already associated.",
            ));
        }
        roles.push(role);
        Ok(Value::Null)
    }

    pub(super) fn add_tags(&mut self, input: &Object) -> Result<Value, Refusal> {
        let name = text(input, "ResourceName");
        let instances = self
            .instances
            .values_mut()
            .map(|instance| (&mut instance.described, "DBInstanceArn"));
        let snapshots = self
            .snapshots
            .values_mut()
            .map(|snapshot| (&mut snapshot.described, "DBSnapshotArn"));
        let tagged = instances
            .chain(snapshots)
            .find(|(described, member)| described.get(*member).and_then(Value::as_str) == Some(name));
        let (described, _) = tagged.ok_or_else(|| no_resource(name))?;
        let tags = tags::with(described.get("TagList"), input.get("Tags"));
        described.insert("TagList".to_owned(), tags);
        Ok(Value::Null)
    }
}

impl Instance {
    /// Begins what was asked for: now, or, what can wait, in a maintenance window that never comes here. With "now" goes
    /// what was waiting, but for a renaming.
    fn ask(&mut self, model: &Model, wanted: Object, new_name: Option<String>, at_once: bool) {
        let mut steps = Vec::new();
        for (parameter, value) in wanted {
            let shown = shown_as(&parameter).filter(|shown| model.has("PendingModifiedValues", shown));
            if let Some(shown) = shown {
                self.pending.insert(shown.to_owned(), value.clone());
            }
            let waits = shown.is_some() && !at_once;
            let place = if waits { &mut self.waiting } else { &mut self.asked };
            place.insert(parameter, value);
        }
        if at_once {
            self.asked.append(&mut self.waiting);
        }
        if !self.asked.is_empty() {
            if self.asked.contains_key("MonitoringInterval") {
                steps.push(Step::new("configuring-enhanced-monitoring", Effect::Nothing));
            }
            steps.push(Step::new("modifying", Effect::Apply));
        }
        if let Some(to) = new_name {
            self.pending.insert("DBInstanceIdentifier".to_owned(), json!(to));
            if at_once {
                steps.push(Step::new("renaming", Effect::Rename { to }));
                steps.push(Step::new("rebooting", Effect::Lead));
            }
        }
        if !steps.is_empty() {
            self.change = Some(Change::of(steps));
        }
    }
}

fn check_modification(instance: &Instance, wanted: &Object) -> Result<(), Refusal> {
    check_storage(&instance.described, wanted)?;
    // What can't be made so must be known before anything is.
    let mut tried = instance.described.clone();
    for (parameter, value) in wanted {
        if parameter != "NewDBInstanceIdentifier" {
            apply(&mut tried, parameter, value, false)?;
        }
    }
    let monitored = tried
        .get("MonitoringInterval")
        .and_then(Value::as_i64)
        .unwrap_or_default()
        > 0;
    if monitored && tried.get("MonitoringRoleArn").is_none_or(Value::is_null) {
        let message = "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.";
        return Err(Refusal::combination(message));
    }
    Ok(())
}

/// Below 400 GiB gp3's speed can't be asked for, not even as RDS itself describes it.
pub(super) fn check_storage(described: &Object, wanted: &Object) -> Result<(), Refusal> {
    let now = |member: &str| wanted.get(member).or_else(|| described.get(member));
    let size = now("AllocatedStorage").and_then(Value::as_i64).unwrap_or_default();
    // A restore's storage is gp3 unless the request says otherwise; so is what RDS has by default.
    let gp3 = now("StorageType").and_then(Value::as_str) == Some("gp3");
    let speed = wanted.contains_key("Iops") || wanted.contains_key("StorageThroughput");
    if gp3 && speed && size < GP3_STRIPED {
        let message = format!(
            "You can't specify IOPS or storage throughput for engine postgres and a storage size less than {GP3_STRIPED}."
        );
        return Err(Refusal::combination(message));
    }
    let before = described
        .get("AllocatedStorage")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if size < before {
        return Err(Refusal::value(format!(
            "Storage can't shrink from {before} to {size} GiB."
        )));
    }
    Ok(())
}
