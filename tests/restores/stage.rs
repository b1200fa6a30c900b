//! A run on an instance: the real functions, called as the workflow calls them, on RDS's double over real servers. The
//! bucket, the lock table and the secrets are in memory.

use std::fs;
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rds::config::{Credentials, SharedCredentialsProvider};
use belay_access::Access;
use belay_aws::double::Aws;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Rds as Provider;
use belay_bundle::{Bundle, Limits};
use belay_local::{DbInstance, Rds, RdsSettings, Settings};
use belay_migrate::Migrate;
use belay_model::{
    BundleDigest, Code, Failure, FlywayKeys, PlanReply, PrepareReply, Progress, RestoreReply, Restored, RestoredRef,
    RunId, SnapshotReply, Snapshotted, VerifyReply,
};
use belay_restore::Restore;
use belay_snapshot::{Answer, Snapshot};
use belay_validate::Validate;
use belay_verify::Verify;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// The instance, the database on it, and the target.
pub(crate) const NAME: &str = "shop";

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop";

/// How often a function is called before a test gives up.
const ROUNDS: usize = 400;

/// What the runs ship: the first file commits, the second one fails.
const FILES: &[(&str, &str)] = &[
    (
        "V1__lone.sql",
        "BEGIN; CREATE TABLE added (id int); DELETE FROM orders WHERE id > 900; COMMIT;",
    ),
    ("V2__fails.sql", "SELECT 1 / 0;"),
];

/// What the instance is set to, so that each of its settings must be carried over: none is RDS's default.
fn odd() -> Value {
    json!({
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0b1e1a7", "Status": "active"}],
        "DBParameterGroups": [{"DBParameterGroupName": "shop-pg18", "ParameterApplyStatus": "in-sync"}],
        "MultiAZ": true, "DeletionProtection": true, "MaxAllocatedStorage": 500, "MonitoringInterval": 60,
        "MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring", "PerformanceInsightsEnabled": true,
        "PreferredMaintenanceWindow": "sun:03:00-sun:03:30", "BackupRetentionPeriod": 14,
        "CopyTagsToSnapshot": true, "AutoMinorVersionUpgrade": false,
        "TagList": [{"Key": "team", "Value": "checkout"}],
    })
}

/// A run.
pub(crate) struct Stage {
    pub(crate) rds: Rds,
    pub(crate) aws: Aws,
    pub(crate) instance: Value,
    execution: String,
    target: Value,
    digest: BundleDigest,
    version: String,
    locks: SdkConfig,
    login: [String; 2],
    app: [String; 2],
}

/// How far the run came before it is restored.
pub(crate) struct Ready {
    pub(crate) plan: PlanReply,
    pub(crate) snapshotted: Snapshotted,
    /// `DbiResourceId` of the database that failed.
    pub(crate) old: String,
}

impl Stage {
    /// An instance with 1,000 orders, and a run that has its lock.
    pub(crate) async fn new(policy: Value) -> Self {
        Self::with(RdsSettings::default(), policy).await
    }

    pub(crate) async fn with(settings: RdsSettings, mut policy: Value) -> Self {
        let (aws, rds) = (Aws::new(), Rds::start(settings).await.unwrap());
        let instance = rds.new_instance(NAME, Settings::default(), odd()).await.unwrap();
        let (migrator, app) = (instance.migrator().unwrap(), instance.app().unwrap());
        let postgres = instance.look("postgres").await.unwrap();
        let create = format!("CREATE DATABASE {NAME} OWNER {}", migrator.name());
        postgres.batch_execute(&create).await.unwrap();
        let orders = format!(
            "CREATE TABLE orders (id int PRIMARY KEY, text text); ALTER TABLE orders OWNER TO {};
             INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 1000) n;
             CREATE SCHEMA visits; CREATE TABLE visits.visit (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now());
             GRANT USAGE ON SCHEMA visits TO {app}; GRANT INSERT, SELECT ON visits.visit TO {app};
             GRANT USAGE ON SCHEMA visits TO {migrator}; GRANT SELECT ON visits.visit TO {migrator};
             CREATE TABLE public.flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),
                description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int,
                installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(),
                execution_time int NOT NULL, success boolean NOT NULL);
             ALTER TABLE public.flyway_schema_history OWNER TO {migrator}",
            migrator.name(),
            app = app.name(),
            migrator = migrator.name(),
        );
        instance.look(NAME).await.unwrap().batch_execute(&orders).await.unwrap();
        let login = json!({"username": migrator.name(), "password": migrator.password()});
        aws.put_secret(SECRET, "login1", &login.to_string());
        let zip = zip(FILES);
        policy["rds"] = json!({"instance": NAME});
        let stage = Self {
            execution: "arn:aws:states:eu-west-1:123456789012:execution:belay:restores".to_owned(),
            target: json!({
                "engine": "postgresql",
                "endpoint": {"host": instance.host, "port": instance.port, "database": NAME},
                "instance": NAME, "credentials": {"secret": SECRET}, "tls": "off",
            }),
            digest: BundleDigest::of(&zip),
            version: aws.put_object("bundles/shop/a.zip", &zip),
            instance: policy,
            locks: aws.config(),
            login: [migrator.name().to_owned(), migrator.password().to_owned()],
            app: [app.name().to_owned(), app.password().to_owned()],
            rds,
            aws,
        };
        stage.lock(&stage.execution, 7);
        stage
    }

    pub(crate) fn execution(&self) -> &str {
        &self.execution
    }

    pub(crate) fn run(&self) -> RunId {
        RunId::of_execution(&self.execution)
    }

    /// Gives the lock to an execution.
    pub(crate) fn lock(&self, owner: &str, fence: u64) {
        let mut item = json!({
            "key": {"S": NAME}, "owner": {"S": owner}, "phase": {"S": "changing"}, "fence": {"N": fence.to_string()},
            "run": {"S": self.run()}, "target": {"S": NAME},
        });
        if let Some(door) = self.aws.lock(NAME).and_then(|held| held.get("door").cloned()) {
            item["door"] = door;
        }
        self.aws.put_lock(item);
    }

    fn header(&self) -> Value {
        json!({
            "execution": self.execution, "startedAt": "2026-11-20T10:00:00Z", "target": NAME, "action": "migrate",
            "bundle": {"key": "bundles/shop/a.zip", "versionId": self.version},
        })
    }

    fn access(&self) -> Access {
        Access::new(&self.aws.config(), "bucket")
    }

    fn locks(&self) -> Locks {
        Locks::new(aws_sdk_dynamodb::Client::new(&self.locks), "locks")
    }

    /// RDS, without the SDK's own retries: each fault reaches the function.
    fn provider(&self) -> Provider {
        let credentials = Credentials::new("AKIDTEST", "secret", None, None, "test");
        let config = aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(self.rds.endpoint_url());
        Provider::new(aws_sdk_rds::Client::from_conf(config.build()))
    }

    // The states ------------------------------------------------------------------------------------------------------

    pub(crate) async fn plan(&self) -> Result<PlanReply, Failure> {
        let validate = Validate { access: self.access() };
        let request = json!({
            "step": "plan", "run": self.header(), "target": self.target, "instance": self.instance, "attempt": 1,
            "digest": self.digest,
        });
        let answer = validate.handle(read(request)).await?;
        Ok(read(serde_json::to_value(answer).unwrap()))
    }

    pub(crate) async fn ask_snapshot(&self, step: &str, more: Value) -> Result<Answer, Failure> {
        let snapshot = Snapshot {
            access: self.access(),
            locks: self.locks(),
            snapshots: self.provider(),
            stack: "belay".to_owned(),
        };
        let mut request = json!({"step": step, "run": self.header(), "target": self.target, "instance": self.instance});
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        snapshot.handle(read(request)).await
    }

    pub(crate) async fn prepare(&self) -> Result<PrepareReply, Failure> {
        match self.ask_snapshot("prepare", json!({"attempt": 1})).await? {
            Answer::Prepared(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn door(&self, step: &str) -> Result<Vec<String>, Failure> {
        let lock = json!({"lock": {"key": NAME, "fence": 7}});
        match self.ask_snapshot(step, lock).await? {
            Answer::Door(reply) => Ok(reply.roles),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn snapshot_once(
        &self,
        plan: &PlanReply,
        prepared: &PrepareReply,
    ) -> Result<SnapshotReply, Failure> {
        let more = json!({
            "attempt": 1, "plan": plan.plan, "digest": plan.digest, "configuration": prepared.configuration,
            "lock": {"key": NAME, "fence": 7},
        });
        match self.ask_snapshot("snapshot", more).await? {
            Answer::Snapshot(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn migrate(&self, plan: &PlanReply) -> Result<(), Failure> {
        let migrate = Migrate {
            access: self.access(),
            locks: self.locks(),
        };
        let request = json!({
            "step": "migrate", "run": self.header(), "target": self.target, "attempt": 1, "plan": plan.plan,
            "digest": plan.digest, "lock": {"key": NAME, "fence": 7},
        });
        let answer = migrate
            .handle(read(request), Instant::now() + Duration::from_secs(60))
            .await;
        answer.map(drop)
    }

    pub(crate) async fn verify(&self, plan: &PlanReply, restored: bool) -> Result<VerifyReply, Failure> {
        let verify = Verify { access: self.access() };
        let request = json!({
            "run": self.header(), "target": self.target, "attempt": 1, "plan": plan.plan, "digest": plan.digest,
            "restored": restored,
        });
        verify.handle(read(request)).await
    }

    /// One call of `restore` by the run itself.
    pub(crate) async fn restore_once(&self) -> Result<RestoreReply, Failure> {
        self.ask_restore("migrate").await
    }

    /// One call of `restore`: by the run itself, or by the action that a person started.
    pub(crate) async fn ask_restore(&self, action: &str) -> Result<RestoreReply, Failure> {
        let restore = Restore {
            access: self.access(),
            locks: self.locks(),
            snapshots: self.provider(),
            stack: "belay".to_owned(),
        };
        let mut header = self.header();
        header["action"] = json!(action);
        let request = json!({
            "run": header, "target": self.target, "instance": self.instance, "of": self.run(),
            "lock": {"key": NAME, "fence": 7},
        });
        restore.handle(read(request)).await
    }

    // The way to a restore, and through it --------------------------------------------------------------------------

    /// Everything until the restore: planned, quiesced by the policy, snapshotted, and failed in between.
    pub(crate) async fn fail_between(&self) -> Ready {
        let (plan, snapshotted) = self.until_snapshot().await;
        self.migrate(&plan).await.unwrap_err();
        let verified = self.verify(&plan, false).await.unwrap();
        assert_eq!(verified.verdict.to_string(), "between");
        let old = self.rds.instance(NAME).await.unwrap().resource_id;
        Ready { plan, snapshotted, old }
    }

    /// Everything until the snapshot is there.
    pub(crate) async fn until_snapshot(&self) -> (PlanReply, Snapshotted) {
        let (plan, prepared) = (self.plan().await.unwrap(), self.prepare().await.unwrap());
        if self.instance["restore"] == "if-lossless" {
            self.door("quiesce").await.unwrap();
        }
        for _ in 0..ROUNDS {
            match self.snapshot_once(&plan, &prepared).await {
                Ok(SnapshotReply { snapshot: None, .. }) => {}
                Ok(SnapshotReply {
                    snapshot: Some(paper), ..
                }) => {
                    return (plan, read(self.aws.json(&paper.key).unwrap()));
                }
                // A machine that is busy: the workflow asks again, too.
                Err(failure) => assert_eq!(failure.code, Code::Database, "{failure:#?}"),
            }
        }
        panic!("no snapshot: {:#?}", self.rds.requests());
    }

    /// Calls `restore` until it is done. What keeps it from being done is given to `refused`, then it is called again.
    pub(crate) async fn restore(&self, mut refused: impl FnMut(Failure)) -> RestoredRef {
        for _ in 0..ROUNDS {
            match self.restore_once().await {
                Ok(reply) if reply.status == Progress::Done => return reply.restored.unwrap(),
                Ok(_) => {}
                Err(failure) => refused(failure),
            }
        }
        panic!("not restored: {:#?}", self.rds.requests());
    }

    /// The report of a restore.
    pub(crate) fn report(&self, restored: &RestoredRef) -> Restored {
        read(self.aws.json(&restored.paper.key).unwrap())
    }

    // What there is ---------------------------------------------------------------------------------------------------

    /// The database under the instance's name, as the migrator reaches it.
    pub(crate) async fn by_endpoint(&self) -> Result<Client, tokio_postgres::Error> {
        connect(self.login(&self.login)).await
    }

    /// How an application logs in.
    pub(crate) fn app(&self) -> tokio_postgres::Config {
        self.login(&self.app)
    }

    fn login(&self, [user, password]: &[String; 2]) -> tokio_postgres::Config {
        let endpoint = &self.target["endpoint"];
        let mut config = tokio_postgres::Config::new();
        config.host(endpoint["host"].as_str().unwrap());
        config.port(u16::try_from(endpoint["port"].as_u64().unwrap()).unwrap());
        config.dbname(NAME).user(user).password(password);
        config.connect_timeout(Duration::from_secs(2));
        config
    }

    /// The instance with this resource id, whatever it is called now.
    pub(crate) async fn by_resource(&self, resource: &str) -> Option<DbInstance> {
        for name in self.rds.names().await {
            let instance = self.rds.instance(&name).await.unwrap();
            if instance.resource_id == resource {
                return Some(instance);
            }
        }
        None
    }

    /// The database that failed is whole: it has everything that was committed to it, the failed run's work too.
    pub(crate) async fn assert_old_is_whole(&self, ready: &Ready) -> DbInstance {
        let old = self.by_resource(&ready.old).await.expect("the failed database is gone");
        let client = old.look(NAME).await.unwrap();
        assert_eq!(one(&client, "SELECT count(*) FROM orders").await, 900);
        assert_eq!(one(&client, "SELECT count(*) FROM added").await, 0);
        old
    }

    /// It ended `restored`: every row, the same endpoint, nothing of the configuration lost, the failed one beside.
    pub(crate) async fn assert_restored(&self, ready: &Ready, restored: &RestoredRef) {
        let client = self.by_endpoint().await.unwrap();
        assert_eq!(one(&client, "SELECT count(*) FROM orders").await, 1000);
        assert_eq!(
            one(&client, "SELECT count(*) FROM pg_class WHERE relname = 'added'").await,
            0
        );
        let report = self.report(restored);
        assert_eq!(report.differences, []);
        assert!(
            report.compared.tables >= 3 && report.compared.counted >= 1,
            "{report:?}"
        );
        let new = self.rds.instance(NAME).await.unwrap();
        assert_ne!(new.resource_id, ready.old);
        assert_eq!(new.status, "available");
        let old = self.assert_old_is_whole(ready).await;
        assert_eq!(old.name, report.failed.as_str());
        let names = [NAME.to_owned(), report.failed.to_string()];
        assert_eq!(self.rds.names().await, names, "nothing is left besides");
        let verified = self.verify(&ready.plan, true).await.unwrap();
        assert_eq!(verified.outcome.as_str(), "restored");
        assert_eq!(self.rds.troubles().await, [""; 0]);
    }
}

/// A session, which ends when the client is dropped.
pub(crate) async fn connect(config: tokio_postgres::Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

pub(crate) async fn one(client: &Client, sql: &str) -> i64 {
    client
        .query_one(sql, &[])
        .await
        .unwrap_or_else(|e| panic!("{e:?}: {sql}"))
        .get(0)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value}"))
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    Bundle::from_folder(folder.path(), &Limits::default(), &FlywayKeys::default())
        .unwrap()
        .zip()
        .to_vec()
}
