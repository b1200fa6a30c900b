//! RDS.

mod describe;
mod request;
pub(super) mod said;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::Tag;
use belay_model::{InstanceName, SnapshotName};

use self::said::{answer, asked, found};
use super::{Answer, Configuration, Described, Quotas, Snapshots, Tags, Taken};
use crate::AwsError;
use crate::error::RdsCall;

/// The instances and snapshots of an account in one region.
#[derive(Debug, Clone)]
pub struct Rds {
    client: Client,
}

impl Rds {
    /// RDS by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Snapshots for Rds {
    async fn instance(&self, name: &InstanceName) -> Result<Option<Described>, AwsError> {
        let request = self
            .client
            .describe_db_instances()
            .db_instance_identifier(name.as_str());
        let found = found(RdsCall::Describe, name.as_str(), request.send().await)?;
        let instances = found.and_then(|answer| answer.db_instances).unwrap_or_default();
        instances.first().map(describe::instance).transpose()
    }

    async fn proxies(&self, name: &InstanceName) -> Result<Vec<(String, String)>, AwsError> {
        let mut with_it = Vec::new();
        let mut proxies = self.client.describe_db_proxies().into_paginator().items().send();
        while let Some(proxy) = proxies.next().await {
            let proxy = asked(RdsCall::Describe, "the proxies", proxy)?;
            let Some(proxy) = proxy.db_proxy_name else { continue };
            let mut targets = self
                .client
                .describe_db_proxy_targets()
                .db_proxy_name(&proxy)
                .into_paginator()
                .items()
                .send();
            while let Some(target) = targets.next().await {
                let target = asked(RdsCall::Describe, &proxy, target)?;
                if target.rds_resource_id() == Some(name.as_str()) {
                    // A proxy has one target group, and its name is this one.
                    with_it.push((proxy.clone(), "default".to_owned()));
                }
            }
        }
        Ok(with_it)
    }

    async fn quotas(&self) -> Result<Quotas, AwsError> {
        let said = self.client.describe_account_attributes().send().await;
        Ok(describe::quotas(&asked(
            RdsCall::Describe,
            "the account's quotas",
            said,
        )?))
    }

    async fn snapshot(&self, name: &SnapshotName) -> Result<Option<Taken>, AwsError> {
        let request = self
            .client
            .describe_db_snapshots()
            .db_snapshot_identifier(name.as_str());
        let found = found(RdsCall::Describe, name.as_str(), request.send().await)?;
        let snapshots = found.and_then(|answer| answer.db_snapshots).unwrap_or_default();
        snapshots.first().map(describe::snapshot).transpose()
    }

    async fn snapshots(&self, tags: &Tags) -> Result<Vec<Taken>, AwsError> {
        let request = self.client.describe_db_snapshots().snapshot_type("manual");
        let mut pages = request.into_paginator().items().send();
        let mut taken = Vec::new();
        while let Some(snapshot) = pages.next().await {
            let snapshot = asked(RdsCall::Describe, "the snapshots", snapshot)?;
            let all = describe::tags(snapshot.tag_list());
            // Names of others need not be ones that Belay could have given.
            if tags.iter().all(|(key, value)| all.get(key) == Some(value)) {
                taken.push(describe::snapshot(&snapshot)?);
            }
        }
        Ok(taken)
    }

    async fn take(&self, snapshot: &SnapshotName, of: &InstanceName, tags: &Tags) -> Result<Answer, AwsError> {
        let request = self
            .client
            .create_db_snapshot()
            .db_snapshot_identifier(snapshot.as_str())
            .db_instance_identifier(of.as_str())
            .set_tags(Some(as_tags(tags)));
        answer(RdsCall::Snapshot, snapshot.as_str(), request.send().await)
    }

    async fn delete(&self, snapshot: &SnapshotName) -> Result<Answer, AwsError> {
        let request = self
            .client
            .delete_db_snapshot()
            .db_snapshot_identifier(snapshot.as_str());
        answer(RdsCall::Delete, snapshot.as_str(), request.send().await)
    }

    async fn restore(
        &self,
        snapshot: &SnapshotName,
        to: &InstanceName,
        wanted: &Configuration,
        tags: &Tags,
    ) -> Result<Answer, AwsError> {
        let mut all = wanted.settings.tags_to_carry();
        all.extend(tags.clone());
        let request = request::restored(self.client.restore_db_instance_from_db_snapshot(), &wanted.settings)
            .db_snapshot_identifier(snapshot.as_str())
            .db_instance_identifier(to.as_str())
            .set_tags(Some(as_tags(&all)));
        answer(RdsCall::Restore, to.as_str(), request.send().await)
    }

    async fn modify(
        &self,
        name: &InstanceName,
        wanted: &Configuration,
        settings: &[&'static str],
    ) -> Result<Answer, AwsError> {
        let request = request::modified(self.client.modify_db_instance(), &wanted.settings, settings)
            .db_instance_identifier(name.as_str())
            .apply_immediately(true);
        answer(RdsCall::Modify, name.as_str(), request.send().await)
    }

    async fn rename(&self, from: &InstanceName, to: &InstanceName) -> Result<Answer, AwsError> {
        let request = self
            .client
            .modify_db_instance()
            .db_instance_identifier(from.as_str())
            .new_db_instance_identifier(to.as_str())
            .apply_immediately(true);
        answer(RdsCall::Rename, from.as_str(), request.send().await)
    }

    async fn tag(&self, arn: &str, tags: &Tags) -> Result<Answer, AwsError> {
        let request = self.client.add_tags_to_resource().resource_name(arn);
        let request = request.set_tags(Some(as_tags(tags)));
        answer(RdsCall::Tag, arn, request.send().await)
    }
}

fn as_tags(tags: &Tags) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}
