//! What Belay wants of a provider of snapshots, of the double by Belay's own adapter of RDS.

use belay_aws::RdsCall;
use belay_aws::snapshots::{Rds as Adapter, Snapshots, conformance};
use belay_local::{Fault, Pace, Rds, RdsSettings, Settings};
use belay_model::InstanceName;

use crate::scene::client;
use crate::settings::odd;

struct World {
    rds: Rds,
    adapter: Adapter,
}

impl World {
    /// With everything that makes it hard: states that last, and answers that are old.
    async fn new() -> Self {
        let settings = RdsSettings {
            pace: Pace::Looks(2),
            stale_describes: 1,
            ..RdsSettings::default()
        };
        let rds = Rds::start(settings).await.unwrap();
        let adapter = Adapter::new(client(&rds));
        Self { rds, adapter }
    }
}

impl conformance::World for World {
    type Provider = Adapter;

    fn provider(&self) -> &Adapter {
        &self.adapter
    }

    async fn make(&self, name: &InstanceName) {
        let mut settings = odd();
        settings["Endpoint"] = serde_json::json!({"Port": 15432});
        let made = self.rds.new_instance(name.as_str(), Settings::default(), settings);
        assert_eq!(made.await.unwrap().port, 15432);
    }

    fn fail(&self, call: RdsCall, error: &str) {
        let action = match call {
            RdsCall::Describe => "DescribeDBInstances",
            RdsCall::Snapshot => "CreateDBSnapshot",
            RdsCall::Delete => "DeleteDBSnapshot",
            RdsCall::Restore => "RestoreDBInstanceFromDBSnapshot",
            RdsCall::Modify | RdsCall::Rename => "ModifyDBInstance",
            RdsCall::Tag => "AddTagsToResource",
        };
        self.rds.fail(Fault::error(action, error));
    }
}

#[tokio::test]
async fn what_is_not_there_is_nothing() {
    conformance::what_is_not_there_is_nothing(&World::new().await).await;
}

#[tokio::test]
async fn a_snapshot_is_taken_and_deleted() {
    conformance::a_snapshot_is_taken_and_deleted(&World::new().await).await;
}

#[tokio::test]
async fn a_restore_has_every_setting() {
    conformance::a_restore_has_every_setting(&World::new().await).await;
}

#[tokio::test]
async fn a_name_leads_to_one_database() {
    conformance::a_name_leads_to_one_database(&World::new().await).await;
}

#[tokio::test]
async fn a_refusal_says_whether_waiting_helps() {
    conformance::a_refusal_says_whether_waiting_helps(&World::new().await).await;
}

#[tokio::test]
async fn quotas_and_proxies_are_told() {
    let world = World::new().await;
    let name: InstanceName = "shop-db".parse().unwrap();
    conformance::World::make(&world, &name).await;
    let quotas = world.adapter.quotas().await.unwrap();
    assert_eq!(quotas.instances.map(|room| (room.used, room.max)), Some((1, 40)));
    assert!(quotas.snapshots.is_some() && quotas.storage_gib.is_some());
    assert_eq!(world.adapter.proxies(&name).await.unwrap(), Vec::new());
    world.rds.add_proxy("shop-proxy", name.as_str()).await.unwrap();
    let proxies = world.adapter.proxies(&name).await.unwrap();
    assert_eq!(proxies, [("shop-proxy".to_owned(), "default".to_owned())]);
}
