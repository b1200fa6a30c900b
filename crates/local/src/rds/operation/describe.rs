//! What there is.

use serde_json::{Value, json};

use super::{Object, identifier, text};
use crate::rds::described::arn;
use crate::rds::instance::Instance;
use crate::rds::refusal::Refusal;
use crate::rds::world::{Described, World, no_instance};

impl World {
    pub(super) fn describe_instances(&mut self, input: &Object) -> Result<Value, Refusal> {
        let wanted = identifier(input, "DBInstanceIdentifier");
        // Who asks for a name that an instance is about to get looks at that.
        let mut found = self
            .seen(|name, instance| wanted.is_empty() || name == wanted || instance.next_name() == Some(&wanted))
            .instances;
        filter(&mut found, input, |filter| match filter {
            "db-instance-id" => Some("DBInstanceIdentifier"),
            "dbi-resource-id" => Some("DbiResourceId"),
            "engine" => Some("Engine"),
            _ => None,
        })?;
        if !wanted.is_empty() {
            found.retain(|instance| instance["DBInstanceIdentifier"] == *wanted);
            if found.is_empty() {
                return Err(no_instance(&wanted));
            }
        }
        page(found, input, "DBInstances")
    }

    pub(super) fn describe_snapshots(&mut self, input: &Object) -> Result<Value, Refusal> {
        let wanted = identifier(input, "DBSnapshotIdentifier");
        let mut found = self
            .seen(|_, instance| {
                instance
                    .copied_into()
                    .is_some_and(|name| wanted.is_empty() || name == wanted)
            })
            .snapshots;
        filter(&mut found, input, |filter| match filter {
            "db-instance-id" => Some("DBInstanceIdentifier"),
            "db-snapshot-id" => Some("DBSnapshotIdentifier"),
            "dbi-resource-id" => Some("DbiResourceId"),
            "snapshot-type" => Some("SnapshotType"),
            "engine" => Some("Engine"),
            _ => None,
        })?;
        let instance = identifier(input, "DBInstanceIdentifier");
        for (member, value) in [
            ("DBInstanceIdentifier", instance.as_str()),
            ("SnapshotType", text(input, "SnapshotType")),
            ("DbiResourceId", text(input, "DbiResourceId")),
        ] {
            found.retain(|snapshot| value.is_empty() || snapshot[member] == *value);
        }
        if !wanted.is_empty() {
            found.retain(|snapshot| snapshot["DBSnapshotIdentifier"] == *wanted);
            if found.is_empty() {
                return Err(no_snapshot(&wanted));
            }
        }
        page(found, input, "DBSnapshots")
    }

    /// What a describing request sees: the world as it is, or as it was before the last change. Who sees it as it is has
    /// looked at some instances: statuses last by looks.
    fn seen(&mut self, looks_at: impl Fn(&str, &Instance) -> bool) -> Described {
        if let Some((before, left)) = &mut self.before
            && *left > 0
        {
            *left -= 1;
            return before.clone();
        }
        let seen = self.described();
        for (name, instance) in &mut self.instances {
            if looks_at(name, instance) {
                instance.looked_at();
            }
        }
        seen
    }

    pub(super) fn describe_account(&self) -> Value {
        let quotas = self.settings.quotas;
        let quota = |name: &str, used: i64, max: u32| json!({"AccountQuotaName": name, "Used": used, "Max": max});
        json!({"AccountQuotas": [
            quota("DBInstances", count(self.instances.len()), quotas.instances),
            quota("AllocatedStorage", self.storage(), quotas.storage),
            quota("ManualSnapshots", count(self.snapshots.len()), quotas.snapshots),
        ]})
    }

    /// The storage of all instances in GiB.
    pub(super) fn storage(&self) -> i64 {
        self.instances
            .values()
            .map(|instance| instance.number("AllocatedStorage"))
            .sum()
    }

    pub(super) fn describe_proxies(&self, input: &Object) -> Result<Value, Refusal> {
        let wanted = text(input, "DBProxyName");
        if !wanted.is_empty() {
            self.proxied(wanted)?;
        }
        let names = self.proxies.keys().filter(|name| wanted.is_empty() || *name == wanted);
        let shown = names.map(|name| {
            json!({"DBProxyName": name, "DBProxyArn": arn("db-proxy", name), "Status": "available",
                   "EngineFamily": "POSTGRESQL", "RequireTLS": true})
        });
        Ok(json!({"DBProxies": shown.collect::<Vec<_>>()}))
    }

    pub(super) fn describe_proxy_targets(&self, input: &Object) -> Result<Value, Refusal> {
        let resource = self.proxied(text(input, "DBProxyName"))?;
        let is_target = |name: &&String| {
            self.instance(name)
                .is_ok_and(|found| found.text("DbiResourceId") == resource)
        };
        let targets = self.instances.keys().filter(is_target).map(|name| {
            json!({"Type": "RDS_INSTANCE", "RdsResourceId": name, "TargetArn": arn("db", name), "Role": "READ_WRITE",
                   "TargetHealth": {"State": "AVAILABLE"}})
        });
        Ok(json!({"Targets": targets.collect::<Vec<_>>()}))
    }

    /// The resource id of the instance that a proxy leads to.
    fn proxied(&self, proxy: &str) -> Result<&str, Refusal> {
        let missing = || Refusal::new("DBProxyNotFoundFault", format!("DBProxy {proxy} not found."));
        self.proxies.get(proxy).map(String::as_str).ok_or_else(missing)
    }

    pub(super) fn list_tags(&self, input: &Object) -> Result<Value, Refusal> {
        let name = text(input, "ResourceName");
        let (instances, snapshots) = (self.instances.values(), self.snapshots.values());
        let tagged = instances
            .map(|instance| (&instance.described, "DBInstanceArn"))
            .chain(snapshots.map(|snapshot| (&snapshot.described, "DBSnapshotArn")))
            .find(|(described, member)| described.get(*member).and_then(Value::as_str) == Some(name));
        match tagged {
            Some((described, _)) => Ok(json!({"TagList": described.get("TagList")})),
            None => Err(no_resource(name)),
        }
    }
}

pub(super) fn no_snapshot(name: &str) -> Refusal {
    Refusal::new("DBSnapshotNotFound", format!("DBSnapshot {name} not found."))
}

pub(super) fn no_resource(arn: &str) -> Refusal {
    let code = if arn.contains(":snapshot:") {
        "DBSnapshotNotFound"
    } else {
        "DBInstanceNotFound"
    };
    Refusal::new(code, format!("{arn} not found."))
}

/// A length as JSON has numbers.
pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Applies the request's filters; `member` says what a filter looks at.
fn filter(found: &mut Vec<Value>, input: &Object, member: fn(&str) -> Option<&'static str>) -> Result<(), Refusal> {
    let filters = input.get("Filters").and_then(Value::as_array);
    for wanted in filters.into_iter().flatten() {
        let name = wanted["Name"].as_str().unwrap_or_default();
        let member = member(name).ok_or_else(|| Refusal::value(format!("Unrecognized filter name: {name}")))?;
        let values = wanted["Values"].as_array().cloned().unwrap_or_default();
        found.retain(|described| values.contains(&described[member]));
    }
    Ok(())
}

/// The part of a list that the request asks for, and where the next begins.
fn page(found: Vec<Value>, input: &Object, member: &str) -> Result<Value, Refusal> {
    let size = input.get("MaxRecords").and_then(Value::as_u64).unwrap_or(100);
    if !(20..=100).contains(&size) {
        return Err(Refusal::value("MaxRecords is not from 20 to 100"));
    }
    let size = usize::try_from(size).unwrap_or(100);
    let start = match text(input, "Marker") {
        "" => 0,
        marker => marker
            .parse()
            .map_err(|_| Refusal::value("Marker is not one of ours"))?,
    };
    let (total, mut answer) = (found.len(), Object::new());
    let records: Vec<Value> = found.into_iter().skip(start).take(size).collect();
    if start.saturating_add(size) < total {
        answer.insert("Marker".to_owned(), json!((start + size).to_string()));
    }
    answer.insert(member.to_owned(), Value::Array(records));
    Ok(Value::Object(answer))
}
