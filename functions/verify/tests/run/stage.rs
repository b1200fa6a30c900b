//! A run's surroundings: AWS in memory, a real server with a database for each test, and the three functions.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use belay_access::Access;
use belay_aws::double::Aws;
use belay_aws::lock::Locks;
use belay_bundle::{Bundle, Limits};
use belay_local::{Postgres, Settings};
use belay_migrate::{Answer, Migrate};
use belay_model::{
    BundleDigest, Failure, FlywayKeys, HistoryTable, MigrateStatus, PlanReply, RunHeader, RunId, Verified, VerifyReply,
};
use belay_validate::Validate;
use belay_verify::Verify;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_postgres::Client;

pub(crate) const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop";

/// One server for all tests. It is stopped when this process ends.
static SERVER: LazyLock<Postgres> = LazyLock::new(|| {
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(Postgres::start(Settings::default())).unwrap()
    };
    std::thread::spawn(start).join().unwrap()
});

/// A run of one bundle on one database.
pub(crate) struct Stage {
    pub(crate) aws: Aws,
    pub(crate) execution: String,
    pub(crate) target: Value,
    pub(crate) digest: BundleDigest,
    database: String,
    version: String,
}

impl Stage {
    /// A new database, and a bundle of these files.
    pub(crate) async fn new(database: &str, files: &[(&str, &str)]) -> Self {
        let aws = Aws::new();
        let migrator = SERVER.migrator();
        SERVER.create_database(database, migrator).await.unwrap();
        let login = json!({"username": migrator.name(), "password": migrator.password()});
        aws.put_secret(SECRET, "login1", &login.to_string());
        let zip = zip(files);
        let stage = Self {
            execution: format!("arn:aws:states:eu-west-1:123456789012:execution:belay:{database}"),
            target: json!({
                "engine": "postgresql",
                "endpoint": {"host": "127.0.0.1", "port": SERVER.port(), "database": database},
                "credentials": {"secret": SECRET},
                "tls": "off",
            }),
            digest: BundleDigest::of(&zip),
            version: aws.put_object("bundles/shop/a.zip", &zip),
            database: database.to_owned(),
            aws,
        };
        stage.lock(&stage.execution, "changing", 7);
        stage
    }

    /// Another run of another bundle on the same database.
    pub(crate) fn next(&self, name: &str, files: &[(&str, &str)]) -> Self {
        let zip = zip(files);
        let next = Self {
            aws: self.aws.clone(),
            execution: format!("{}-{name}", self.execution),
            target: self.target.clone(),
            digest: BundleDigest::of(&zip),
            database: self.database.clone(),
            version: self.aws.put_object("bundles/shop/a.zip", &zip),
        };
        next.lock(&next.execution, "changing", 7);
        next
    }

    pub(crate) fn run(&self) -> RunId {
        RunId::of_execution(&self.execution)
    }

    pub(crate) fn lock(&self, owner: &str, phase: &str, fence: u64) {
        self.aws.put_lock(json!({
            "key": {"S": "db"}, "owner": {"S": owner}, "phase": {"S": phase}, "fence": {"N": fence.to_string()},
        }));
    }

    /// A session on the database.
    pub(crate) async fn client(&self) -> Client {
        SERVER.connect(SERVER.migrator(), &self.database).await.unwrap()
    }

    /// Whether there is a table of this name.
    pub(crate) async fn has_table(&self, name: &str) -> bool {
        let sql = "SELECT to_regclass($1) IS NOT NULL";
        self.client().await.query_one(sql, &[&name]).await.unwrap().get(0)
    }

    fn header(&self, action: &str) -> Value {
        json!({
            "execution": self.execution, "startedAt": "2026-11-20T10:00:00Z", "target": "shop", "action": action,
            "bundle": {"key": "bundles/shop/a.zip", "versionId": self.version},
        })
    }

    async fn validate(&self, request: Value) -> Result<Value, Failure> {
        let validate = Validate {
            access: Access::new(&self.aws.config(), "bucket"),
        };
        let answer = validate.handle(read(request)).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    pub(crate) async fn plan(&self) -> Result<PlanReply, Failure> {
        let request = json!({
            "step": "plan", "run": self.header("migrate"), "target": self.target, "attempt": 1, "digest": self.digest,
        });
        self.validate(request).await.map(read)
    }

    pub(crate) async fn info(&self, action: &str) -> Result<Value, Failure> {
        let request = json!({
            "step": "info", "run": self.header(action), "target": self.target, "digest": self.digest,
        });
        let reply = self.validate(request).await?;
        let mut table = self.aws.json(reply["report"]["key"].as_str().unwrap()).unwrap();
        table["pending"] = reply["pending"].clone();
        Ok(table)
    }

    async fn ask_migrate(&self, request: Value) -> Result<Answer, Failure> {
        let migrate = Migrate {
            access: Access::new(&self.aws.config(), "bucket"),
            locks: Locks::new(aws_sdk_dynamodb::Client::new(&self.aws.config()), "locks"),
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        migrate.handle(read(request), deadline).await
    }

    pub(crate) async fn migrate(&self, plan: &PlanReply) -> Result<MigrateStatus, Failure> {
        let request = json!({
            "step": "migrate", "run": self.header("migrate"), "target": self.target, "attempt": 1,
            "plan": plan.plan, "digest": plan.digest, "lock": {"key": "db", "fence": 7},
        });
        match self.ask_migrate(request).await? {
            Answer::Migrated(reply) => Ok(reply.status),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn keep(&self, run: &RunId) -> Result<u32, Failure> {
        let request = json!({
            "step": "keep", "run": self.header("keep"), "target": self.target, "keep": run,
            "lock": {"key": "db", "fence": 7},
        });
        match self.ask_migrate(request).await? {
            Answer::Kept(reply) => Ok(reply.closed),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn cleanup(&self, plan: &PlanReply) -> Result<Vec<String>, Failure> {
        let request = json!({
            "step": "cleanup", "run": self.header("migrate"), "target": self.target, "attempt": 1,
            "plan": plan.plan, "digest": plan.digest, "lock": {"key": "db", "fence": 7},
        });
        match self.ask_migrate(request).await? {
            Answer::Cleaned(reply) => Ok(reply.cleaned),
            other => panic!("{other:?}"),
        }
    }

    /// Notes a snapshot of now for the first attempt, as `snapshot` does.
    pub(crate) async fn note_snapshot(&self, plan: &PlanReply) {
        let access = Access::new(&self.aws.config(), "bucket");
        let header: RunHeader = read(self.header("migrate"));
        let connect = access.connect(&header, &read(self.target.clone())).await.unwrap();
        let history = HistoryTable {
            schema: "public".to_owned(),
            table: "flyway_schema_history".to_owned(),
        };
        let census = belay_engine::take_census(&connect, &history, false).await.unwrap();
        let census = access.papers().put_json(&header, "census.json", &census).await.unwrap();
        let paper = json!({
            "snapshot": "belay-shop-x-1", "instance": "db", "resource": "db-X", "attempt": 1, "plan": plan.plan,
            "digest": plan.digest, "configuration": census, "census": census, "quiesced": false,
            "at": "2026-11-20T10:00:00Z",
        });
        access
            .papers()
            .put_json(&header, "snapshot.json", &paper)
            .await
            .unwrap();
    }

    /// What the action `restore` of another execution finds, when this run's snapshot is restored.
    pub(crate) async fn verify_restored(&self, plan: &PlanReply) -> Result<VerifyReply, Failure> {
        let request = json!({
            "run": {"execution": format!("{}-action", self.execution), "startedAt": "2026-11-20T11:00:00Z",
                    "target": "shop", "action": "restore"},
            "target": self.target, "attempt": 1, "plan": plan.plan, "digest": plan.digest, "of": self.run(), "restored": true,
        });
        let verify = Verify {
            access: Access::new(&self.aws.config(), "bucket"),
        };
        verify.handle(read(request)).await
    }

    /// The reply, and the paper behind it.
    pub(crate) async fn verify(
        &self,
        plan: &PlanReply,
        failure: Option<&Failure>,
    ) -> Result<(VerifyReply, Verified), Failure> {
        let caught = failure.map(|failure| {
            let message = serde_json::to_string(failure).unwrap();
            let cause = json!({"errorType": failure.code, "errorMessage": message});
            json!({"Error": failure.code, "Cause": cause.to_string()})
        });
        let request = json!({
            "run": self.header("migrate"), "target": self.target, "attempt": 1,
            "plan": plan.plan, "digest": plan.digest, "failure": caught,
        });
        let verify = Verify {
            access: Access::new(&self.aws.config(), "bucket"),
        };
        let reply = verify.handle(read(request)).await?;
        let verified = read(self.aws.json(&reply.report.key).unwrap());
        Ok((reply, verified))
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Bundle::from_folder(folder.path(), &Limits::default(), &FlywayKeys::default())
        .unwrap()
        .zip()
        .to_vec()
}
