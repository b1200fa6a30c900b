//! A run's surroundings: AWS and instances in memory, and one real server that answers under every address.
//!
//! The server has no attempt of the run, and everything that was noted at the snapshot: so it is the restored database
//! wherever one is asked for. That data really comes back is tested where instances are real.

use std::collections::BTreeMap;

use belay_access::Access;
use belay_aws::double::Aws;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Described;
use belay_aws::snapshots::memory::Memory;
use belay_local::{Postgres, Settings};
use belay_model::{
    BundleDigest, Code, DoorReply, Failure, FileDigest, HistoryTable, InstanceName, PaperRef, Plan, PlannedAction,
    Progress, RestoreReply, Restored, RunId, SnapshotReply, TransactionMode,
};
use belay_restore::Restore;
use belay_snapshot::{Answer, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::Client;

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop";
const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:one";
const STACK: &str = "belay";

/// How often a function is called before it counts as never ending.
const PATIENCE: u32 = 60;

pub(crate) struct Stage {
    pub(crate) aws: Aws,
    pub(crate) memory: Memory,
    pub(crate) target: Value,
    pub(crate) instance: Value,
    pub(crate) execution: String,
    pub(crate) action: &'static str,
    pub(crate) postgres: Postgres,
    plan: (PaperRef, Plan),
}

impl Stage {
    /// The same server, with a world around it in which nothing has happened yet.
    pub(crate) async fn anew(self) -> Self {
        let app = self.postgres.app().name();
        self.admin()
            .await
            .batch_execute(&format!("ALTER ROLE {app} LOGIN"))
            .await
            .unwrap();
        let policy = self.instance["restore"].clone();
        Self::around(self.postgres, policy.as_str().unwrap())
    }

    /// A server with a table, whose instance has this policy and lets nobody else in.
    pub(crate) async fn new(policy: &str) -> Self {
        let postgres = Postgres::start(Settings::default()).await.unwrap();
        postgres.create_database("shop", postgres.migrator()).await.unwrap();
        let stage = Self::around(postgres, policy);
        let admin = stage.admin().await;
        let (app, ours) = (stage.postgres.app().name(), stage.postgres.migrator().name());
        let sql = format!(
            "GRANT {app} TO {ours} WITH ADMIN OPTION;
             CREATE TABLE items AS SELECT generate_series(1, 50) id; ALTER TABLE items OWNER TO {ours}"
        );
        admin.batch_execute(&sql).await.unwrap();
        stage
    }

    fn around(postgres: Postgres, policy: &str) -> Self {
        let aws = Aws::new();
        let login = json!({"username": postgres.migrator().name(), "password": postgres.migrator().password()});
        aws.put_secret(SECRET, "login1", &login.to_string());
        let memory = Memory::new();
        memory.lead_to("127.0.0.1", postgres.port());
        memory.make(&name());
        let stage = Self {
            target: json!({
                "engine": "postgresql",
                "endpoint": {"host": "127.0.0.1", "port": postgres.port(), "database": "shop"},
                "instance": name(),
                "credentials": {"secret": SECRET},
                "tls": "off",
            }),
            instance: json!({
                "rds": {"instance": name()}, "restore": policy, "quiesce": {"roles": [postgres.app().name()]},
            }),
            execution: EXECUTION.to_owned(),
            action: "migrate",
            plan: plan(&aws),
            aws,
            memory,
            postgres,
        };
        stage.hold(EXECUTION, 7);
        stage
    }

    pub(crate) fn hold(&self, owner: &str, fence: u64) {
        let mut item = json!({
            "key": {"S": "db"}, "owner": {"S": owner}, "phase": {"S": "changing"}, "fence": {"N": fence.to_string()},
        });
        if let Some(door) = self.door() {
            item["door"] = door;
        }
        self.aws.put_lock(item);
    }

    /// The door's record, as it is in the lock's item.
    pub(crate) fn door(&self) -> Option<Value> {
        self.aws.lock("db")?.get("door").cloned()
    }

    pub(crate) fn forget_door(&self) {
        let mut item = self.aws.lock("db").unwrap();
        item.as_object_mut().unwrap().remove("door");
        self.aws.put_lock(item);
    }

    /// A session of a superuser.
    pub(crate) async fn admin(&self) -> Client {
        self.postgres.connect(self.postgres.superuser(), "shop").await.unwrap()
    }

    /// Leaves what the old server has: the attempt's row in the journal.
    pub(crate) async fn put_attempt(&self) {
        let sql = format!(
            "CREATE SCHEMA belay; CREATE TABLE belay.applied ();
             CREATE TABLE belay.run AS SELECT text '{}' run, 1 attempt, text 'open' state, text '' plan, false assertions_passed;
             GRANT USAGE ON SCHEMA belay TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA belay TO PUBLIC",
            run()
        );
        self.admin().await.batch_execute(&sql).await.unwrap();
    }

    pub(crate) async fn can_log_in(&self) -> bool {
        self.postgres.connect(self.postgres.app(), "shop").await.is_ok()
    }

    fn header(&self) -> Value {
        json!({
            "execution": self.execution, "startedAt": "2026-11-20T10:00:00Z", "target": "shop", "action": self.action,
        })
    }

    fn lock(&self) -> Value {
        json!({"key": "db", "fence": 7})
    }

    async fn ask_snapshot(&self, mut request: Value) -> Result<Answer, Failure> {
        request["run"] = self.header();
        request["target"] = self.target.clone();
        request["instance"] = self.instance.clone();
        let snapshot = Snapshot {
            access: Access::new(&self.aws.config(), "bucket"),
            locks: locks(&self.aws),
            snapshots: self.memory.clone(),
            stack: STACK.to_owned(),
        };
        snapshot.handle(read(request)).await
    }

    pub(crate) async fn prepare(&self) -> Result<PaperRef, Failure> {
        match self.ask_snapshot(json!({"step": "prepare", "attempt": 1})).await? {
            Answer::Prepared(reply) => Ok(reply.configuration),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn door_step(&self, step: &str) -> Result<DoorReply, Failure> {
        match self.ask_snapshot(json!({"step": step, "lock": self.lock()})).await? {
            Answer::Door(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn snapshot_once(&self, configuration: &PaperRef) -> Result<SnapshotReply, Failure> {
        let request = json!({
            "step": "snapshot", "attempt": 1, "configuration": configuration, "lock": self.lock(),
            "plan": self.plan.0, "digest": self.plan.1.digest().unwrap(),
        });
        match self.ask_snapshot(request).await? {
            Answer::Snapshot(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    /// Asks until it is done, as the workflow does: what is wrong with the infrastructure is tried again.
    pub(crate) async fn snapshot(&self) -> Result<SnapshotReply, Failure> {
        let configuration = self.prepare().await?;
        for _ in 0..PATIENCE {
            match self.snapshot_once(&configuration).await {
                Ok(reply) if reply.status == Progress::Done => return Ok(reply),
                Err(failure) if !failure.code.is_infrastructure() => return Err(failure),
                _ => {}
            }
        }
        panic!("the snapshot does not end")
    }

    pub(crate) async fn restore_once(&self) -> Result<RestoreReply, Failure> {
        let request = json!({
            "run": self.header(), "target": self.target, "instance": self.instance, "of": run(), "lock": self.lock(),
        });
        let restore = Restore {
            access: Access::new(&self.aws.config(), "bucket"),
            locks: locks(&self.aws),
            snapshots: self.memory.clone(),
            stack: STACK.to_owned(),
        };
        restore.handle(read(request)).await
    }

    /// Asks until it is done. After each call the failed database is there, under one name (rule R3).
    pub(crate) async fn restore(&self) -> Result<Restored, Failure> {
        self.restore_with(|_| {}).await
    }

    /// As [`Self::restore`]; before each call something happens to the world.
    pub(crate) async fn restore_with(&self, before: impl Fn(u32)) -> Result<Restored, Failure> {
        for call in 0..PATIENCE {
            before(call);
            let reply = self.restore_once().await;
            self.must_hold_both();
            match reply {
                Ok(reply) if reply.status == Progress::Done => {
                    let paper = reply.restored.unwrap().paper;
                    return Ok(read(self.aws.json(&paper.key).unwrap()));
                }
                Err(failure) if failure.code != Code::Bug && failure.code.is_infrastructure() => {}
                Err(failure) => return Err(failure),
                Ok(_) => {}
            }
        }
        panic!("the restore does not end: {:?}", self.memory.changes())
    }

    fn must_hold_both(&self) {
        let is_old = |there: &Described| there.resource == "db-1";
        let old = [name(), beside(), failed()]
            .iter()
            .filter_map(|name| self.memory.really(name))
            .filter(is_old)
            .count();
        assert_eq!(
            old,
            1,
            "the failed database is there, once: {:?}",
            self.memory.changes()
        );
    }

    /// What is under a name, by the provider's own name for it.
    pub(crate) fn under(&self, name: &InstanceName) -> Option<String> {
        self.memory.really(name).map(|there| there.resource)
    }
}

pub(crate) fn run() -> RunId {
    RunId::of_execution(EXECUTION)
}

pub(crate) fn name() -> InstanceName {
    "shop-db".parse().unwrap()
}

pub(crate) fn beside() -> InstanceName {
    name().beside(&run())
}

pub(crate) fn failed() -> InstanceName {
    name().failed(&run())
}

fn locks(aws: &Aws) -> Locks {
    Locks::new(aws_sdk_dynamodb::Client::new(&aws.config()), "locks")
}

fn plan(aws: &Aws) -> (PaperRef, Plan) {
    let plan = Plan {
        action: PlannedAction::Migrate,
        tablespace: None,
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
        on_error: Vec::new(),
        on_statement: Vec::new(),
        skip_executing: false,
        init_sql: None,
        error_overrides: Vec::new(),
        notes: Vec::new(),
        units: Vec::new(),
        placeholders: BTreeMap::new(),
        placeholder_replacement: true,
        placeholder_syntax: Default::default(),
        assertions: Vec::new(),
        installed_by: None,
        from_version: None,
    };
    let bytes = serde_json::to_vec(&plan).unwrap();
    let key = format!("runs/shop/{}/plan.json", run());
    let paper = PaperRef {
        version_id: aws.put_object(&key, &bytes),
        sha256: FileDigest::of(&bytes),
        key,
    };
    (paper, plan)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
