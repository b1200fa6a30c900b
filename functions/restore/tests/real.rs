//! Rows really come back: from the closed door to the restored database, on the double of RDS over real servers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use belay_access::Access;
use belay_aws::double::Aws;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Rds;
use belay_local::{DbInstance, Fault, RdsSettings, Settings, StaleAddresses};
use belay_model::{
    BundleDigest, Code, Failure, FileDigest, HistoryTable, PaperRef, Plan, Progress, Restored, RunId, TransactionMode,
};
use belay_restore::Restore;
use belay_snapshot::{Answer, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop";
const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:one";

struct World {
    aws: Aws,
    double: belay_local::Rds,
    live: DbInstance,
    policy: &'static str,
}

impl World {
    async fn new(policy: &'static str) -> Self {
        let settings = RdsSettings {
            stale_describes: 1,
            ..RdsSettings::default()
        };
        let double = belay_local::Rds::start(settings).await.unwrap();
        let settings = json!({
            "DeletionProtection": true, "MultiAZ": true, "MonitoringInterval": 30,
            "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
            "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
        });
        let live = double
            .new_instance("shop-db", Settings::default(), settings)
            .await
            .unwrap();
        let world = Self {
            aws: Aws::new(),
            double,
            live,
            policy,
        };
        let migrator = world.live.migrator().unwrap();
        let login = json!({"username": migrator.name(), "password": migrator.password()});
        world.aws.put_secret(SECRET, "login1", &login.to_string());
        world.aws.put_lock(json!({
            "key": {"S": "db"}, "owner": {"S": EXECUTION}, "phase": {"S": "changing"}, "fence": {"N": "7"},
        }));
        world
    }

    fn common(&self) -> Value {
        json!({
            "run": {"execution": EXECUTION, "startedAt": "2026-11-20T10:00:00Z", "target": "shop"},
            "target": {
                "engine": "postgresql",
                "endpoint": {"host": self.live.host, "port": self.live.port, "database": "postgres"},
                "instance": "shop-db", "credentials": {"secret": SECRET}, "tls": "off",
            },
            "instance": {
                "rds": {"instance": "shop-db"}, "restore": self.policy,
                "quiesce": {"roles": [self.live.app().unwrap().name()]},
            },
            "lock": {"key": "db", "fence": 7},
        })
    }

    fn rds(&self) -> Rds {
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .endpoint_url(self.double.endpoint_url())
            .build();
        Rds::new(aws_sdk_rds::Client::from_conf(config))
    }

    fn locks(&self) -> Locks {
        Locks::new(aws_sdk_dynamodb::Client::new(&self.aws.config()), "locks")
    }

    async fn ask(&self, more: Value) -> Result<Answer, Failure> {
        let mut request = self.common();
        if more["step"] == "prepare" {
            request.as_object_mut().unwrap().remove("lock");
        }
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let snapshot = Snapshot {
            access: Access::new(&self.aws.config(), "bucket"),
            locks: self.locks(),
            snapshots: self.rds(),
            stack: "belay".to_owned(),
        };
        snapshot.handle(read(request)).await
    }

    async fn snapshot(&self) {
        let Answer::Prepared(prepared) = self.ask(json!({"step": "prepare", "attempt": 1})).await.unwrap() else {
            panic!("not prepared")
        };
        if self.policy == "if-lossless" {
            self.ask(json!({"step": "quiesce"})).await.unwrap();
        }
        let plan = plan();
        let bytes = serde_json::to_vec(&plan).unwrap();
        let key = format!("runs/shop/{}/plan.json", run());
        let paper = PaperRef {
            version_id: self.aws.put_object(&key, &bytes),
            sha256: FileDigest::of(&bytes),
            key,
        };
        let request = json!({
            "step": "snapshot", "attempt": 1, "configuration": prepared.configuration, "plan": paper,
            "digest": plan.digest().unwrap(),
        });
        for _ in 0..200 {
            match self.ask(request.clone()).await {
                Ok(Answer::Snapshot(reply)) if reply.status == Progress::Done => return,
                Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                Err(failure) => panic!("{failure}"),
            }
        }
        panic!("the snapshot does not end")
    }

    /// As the workflow asks: what is wrong with the infrastructure is tried again.
    async fn restore(&self) -> Restored {
        self.restore_despite(&[]).await
    }

    /// As [`Self::restore`], and a person starts again after these failures.
    async fn restore_despite(&self, passing: &[Code]) -> Restored {
        let mut request = self.common();
        request["of"] = json!(run());
        let restore = Restore {
            access: Access::new(&self.aws.config(), "bucket"),
            locks: self.locks(),
            snapshots: self.rds(),
            stack: "belay".to_owned(),
        };
        let mut seen = Vec::new();
        for _ in 0..200 {
            match restore.handle(read(request.clone())).await {
                Ok(reply) if reply.status == Progress::Done => {
                    return read(self.aws.json(&reply.restored.unwrap().paper.key).unwrap());
                }
                Ok(reply) => seen.push(reply.seen),
                Err(failure) if failure.code.is_infrastructure() || passing.contains(&failure.code) => {
                    seen.push(failure.to_string());
                }
                Err(failure) => panic!("{failure}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the restore does not end: {seen:#?}")
    }

    async fn fill(&self) {
        let (app, migrator) = (self.live.app().unwrap().name(), self.live.migrator().unwrap().name());
        let sql = format!(
            "CREATE TABLE items AS SELECT generate_series(1, 1000) id; ALTER TABLE items OWNER TO {migrator};
             GRANT SELECT ON items TO {app}"
        );
        self.live
            .look("postgres")
            .await
            .unwrap()
            .batch_execute(&sql)
            .await
            .unwrap();
    }

    /// What a run's attempt does that fails after something was committed.
    async fn damage(&self) {
        let sql = format!(
            "DELETE FROM items WHERE id > 10; CREATE SCHEMA belay;
             CREATE TABLE belay.applied (run text, attempt int, history text, installed_rank int, script text);
             CREATE TABLE belay.run AS SELECT text '{}' run, 1 attempt, text 'open' state, text '' plan,
                 false assertions_passed, text '\"public\".\"flyway_schema_history\"' history, NULL::int base_rank;
             GRANT USAGE ON SCHEMA belay TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA belay TO PUBLIC",
            run()
        );
        self.live
            .look("postgres")
            .await
            .unwrap()
            .batch_execute(&sql)
            .await
            .unwrap();
    }

    /// Every row is there under the name's address, and the failed database is kept as it was left.
    async fn must_be_restored(&self, restored: &Restored) {
        assert_eq!(restored.differences, Vec::new());
        self.ask(json!({"step": "reopen"})).await.unwrap();
        assert_eq!(sum(&self.by_address().await).await, 500_500);
        let now = self.double.instance("shop-db").await.unwrap();
        assert_eq!((&now.host, now.port), (&self.live.host, self.live.port));
        assert_ne!(now.resource_id, self.live.resource_id);
        let kept = self.double.instance(restored.failed.as_str()).await.unwrap();
        assert_eq!(kept.resource_id, self.live.resource_id);
        assert_eq!(sum(&kept.look("postgres").await.unwrap()).await, 55);
        assert_eq!(self.double.names().await, ["shop-db", restored.failed.as_str()]);
    }

    /// A session by the address that the name leads to.
    async fn by_address(&self) -> Client {
        let url = self.live.url(self.live.app().unwrap(), "postgres");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        client
    }
}

fn run() -> RunId {
    RunId::of_execution(EXECUTION)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn sum(client: &Client) -> i64 {
    client
        .query_one("SELECT sum(id)::int8 FROM items", &[])
        .await
        .unwrap()
        .get(0)
}

fn plan() -> Plan {
    Plan {
        bundle: BundleDigest::of(b"bundle"),
        history: HistoryTable {
            schema: "public".to_owned(),
            table: "flyway_schema_history".to_owned(),
        },
        history_exists: false,
        base_rank: None,
        journal: None,
        resume: None,
        create_schemas: Vec::new(),
        baseline: None,
        search_path: None,
        defers_constraints: false,
        transaction: TransactionMode::Auto,
        reason: String::new(),
        units: Vec::new(),
        placeholders: BTreeMap::new(),
        placeholder_replacement: true,
        assertions: Vec::new(),
        installed_by: None,
        from_version: None,
    }
}

#[tokio::test]
async fn r1_every_row_comes_back_under_the_same_address() {
    for policy in ["if-lossless", "always"] {
        let world = World::new(policy).await;
        world.fill().await;
        world.snapshot().await;
        world.damage().await;
        world
            .double
            .set_settings(|settings| settings.stale_addresses = StaleAddresses::Connections(2))
            .await
            .unwrap();

        let restored = world.restore().await;
        assert_eq!(restored.lossless, policy == "if-lossless");
        assert_eq!(restored.compared.tables, 1);
        world
            .double
            .set_settings(|settings| settings.stale_addresses = StaleAddresses::Never)
            .await
            .unwrap();
        world.must_be_restored(&restored).await;
    }
}

/// Every error that RDS documents for a call, one after the other, and lost answers.
#[tokio::test]
async fn r3_whatever_rds_answers_it_can_be_restored_in_the_end() {
    for action in [
        "RestoreDBInstanceFromDBSnapshot",
        "ModifyDBInstance",
        "AddTagsToResource",
        "DescribeDBInstances",
    ] {
        let world = World::new("always").await;
        world.fill().await;
        world.snapshot().await;
        world.damage().await;
        for code in world.double.errors_of(action).unwrap() {
            world.double.fail(Fault::error(action, code));
        }
        world.double.fail(Fault::cut(action));
        world.double.fail(Fault::cut(action).after_effect());
        let restored = world.restore_despite(&[Code::RestoreFailed, Code::SnapshotQuota]).await;
        world.must_be_restored(&restored).await;
    }
}
