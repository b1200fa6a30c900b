//! A target with a database of its own, and what a test does with it.

use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use belay_local::{Aws, Ended, Mail, NAME, Postgres, Settings, Shipped, wait_for_end};
use belay_model::{Outcome, RunId, RunResult, Target};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::bundle::zip;
use crate::process::Client as Process;
use crate::world::{LONG, LOOK, World, world};

/// A target. It is an instance of its own, so that tests don't wait for each other's locks.
pub(crate) struct Case {
    pub(crate) world: &'static World,
    pub(crate) aws: Aws,
    pub(crate) name: String,
    pub(crate) target: Target,
    server: Server,
}

/// What the target's database is on.
enum Server {
    /// The server that all share.
    Shared,
    /// One of its own, which may go down.
    Own(Box<Postgres>),
    /// An instance of RDS that has the target's name: after a restore, another server.
    Instance,
}

/// A run that has ended, and was told.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) result: RunResult,
    pub(crate) ended: Ended,
    pub(crate) mail: Mail,
}

impl Case {
    /// A target on the server that all share.
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, |_| ()).await
    }

    /// … with settings of its own.
    pub(crate) async fn with(name: &str, change: impl FnOnce(&mut Target)) -> Self {
        Self::make(world().await, None, name, change).await
    }

    /// A target on a server of its own, which may go down.
    pub(crate) async fn alone(name: &str, settings: Settings) -> Self {
        let own = Postgres::start(settings).await.unwrap();
        Self::make(world().await, Some(own), name, |_| ()).await
    }

    pub(crate) async fn make(
        world: &'static World,
        own: Option<Postgres>,
        name: &str,
        change: impl FnOnce(&mut Target),
    ) -> Self {
        let aws = world.stack.aws();
        let server = own.as_ref().unwrap_or(world.stack.postgres());
        let change = |target: &mut Target| {
            target.instance = Some(name.parse().unwrap());
            change(target);
        };
        let target = world.stack.add_target(&aws, server, name, change).await.unwrap();
        if let Some(instance) = &target.instance {
            // No RDS is behind it.
            let policy = json!({"snapshot": "never"});
            world.stack.put_instance(&aws, instance.as_str(), policy).await.unwrap();
        }
        let name = name.to_owned();
        Self {
            world,
            aws,
            name,
            target,
            server: own.map_or(Server::Shared, |own| Server::Own(Box::new(own))),
        }
    }

    /// A target on an instance of RDS, which has its name; `policy` is what the instance's parameter says.
    pub(crate) async fn on_instance(world: &'static World, name: &str, policy: Value) -> Self {
        let aws = world.stack.aws();
        let target = world.stack.new_instance(&aws, name, policy).await.unwrap();
        Self {
            world,
            aws,
            name: name.to_owned(),
            target,
            server: Server::Instance,
        }
    }

    pub(crate) fn postgres(&self) -> &Postgres {
        match &self.server {
            Server::Own(own) => own,
            Server::Shared | Server::Instance => self.world.stack.postgres(),
        }
    }

    /// The server of its own.
    pub(crate) fn server(&mut self) -> &mut Postgres {
        match &mut self.server {
            Server::Own(own) => own,
            Server::Shared | Server::Instance => panic!("{} has no server of its own", self.name),
        }
    }

    // Shipping -------------------------------------------------------------------------------------------------------

    /// Uploads these files as `release.zip`.
    pub(crate) async fn upload(&self, files: &[(&str, &str)]) -> Shipped {
        self.upload_as("release.zip", files).await
    }

    pub(crate) async fn upload_as(&self, name: &str, files: &[(&str, &str)]) -> Shipped {
        self.world
            .stack
            .ship(&self.aws, &self.name, name, zip(files))
            .await
            .unwrap()
    }

    /// Uploads these files, and waits for the run's end.
    pub(crate) async fn ship(&self, files: &[(&str, &str)]) -> Ran {
        let shipped = self.upload(files).await;
        self.ran(&shipped).await
    }

    /// Waits for the end of the run that an upload started.
    pub(crate) async fn ran(&self, shipped: &Shipped) -> Ran {
        let stack = &self.world.stack;
        let (result, ended) = stack.follow(&self.aws, shipped, LONG, |_| ()).await.unwrap();
        self.told(result, ended).await
    }

    /// Starts an execution as a person does, and waits for its end.
    pub(crate) async fn start(&self, input: &Value) -> Ran {
        let execution = self.world.stack.run(&self.aws, input).await.unwrap();
        self.finished(&execution).await
    }

    /// Waits for the end of an execution.
    pub(crate) async fn finished(&self, execution: &str) -> Ran {
        let ended = wait_for_end(&self.aws, execution, LONG, |_| ()).await.unwrap();
        let result = self.result_of(execution).await.unwrap();
        self.told(result, ended).await
    }

    /// The result object of this very execution, wherever it is.
    pub(crate) async fn result_of(&self, execution: &str) -> Option<RunResult> {
        let of_it = |bytes: &Vec<u8>| {
            let result = serde_json::from_slice::<RunResult>(bytes).ok()?;
            (result.execution == execution).then_some(result)
        };
        let own = self.objects(&format!("results/{}/", self.name)).await;
        match own.values().find_map(of_it) {
            Some(result) => Some(result),
            None => self.objects("results/").await.values().find_map(of_it),
        }
    }

    /// Every object of the bucket under this prefix.
    pub(crate) async fn objects(&self, prefix: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
        let bucket = self.world.stack.bucket().unwrap();
        let mut objects = std::collections::BTreeMap::new();
        let mut pages = self
            .aws
            .s3
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for object in page.unwrap().contents.unwrap_or_default() {
                let key = object.key.unwrap();
                let read = self.aws.s3.get_object().bucket(bucket).key(&key).send().await.unwrap();
                objects.insert(key, read.body.collect().await.unwrap().to_vec());
            }
        }
        objects
    }

    /// What holds of every handled ending: result, execution and mail say one thing.
    async fn told(&self, result: RunResult, ended: Ended) -> Ran {
        let outcome: Outcome = result
            .status
            .parse()
            .unwrap_or_else(|e| panic!("{e}: {result:#?} {ended:#?}"));
        assert_ne!(outcome, Outcome::Interrupted, "{result:#?} {ended:#?}");
        assert_eq!(result.exit_code, Some(outcome.exit_code()), "{result:#?}");
        assert_eq!(result.told, Some(true), "{result:#?}");
        let error = (!outcome.is_success()).then(|| outcome.as_str());
        assert_eq!(ended.error.as_deref(), error, "{ended:#?}");
        let mail = self.mail(&result).await;
        Ran { result, ended, mail }
    }

    /// The mail of a run's ending.
    pub(crate) async fn mail(&self, result: &RunResult) -> Mail {
        let (run, status) = (result.run.as_str(), result.status.as_str());
        let is_it = |mail: &Mail| mail.text.contains(run) && mail.subject.contains(&format!(": {status}"));
        let mail = self.world.mail(&format!("of {run}: {status}"), is_it).await;
        assert!(mail.text.contains(result.summary.as_deref().unwrap()), "{}", mail.text);
        mail
    }

    /// Waits until an upload's run has ended without a handler, and the janitor has told of it.
    pub(crate) async fn interrupted(&self, shipped: &Shipped) -> (RunResult, Mail) {
        let is_told = |result: &RunResult| result.status == "interrupted" && result.told == Some(true);
        let stack = &self.world.stack;
        let result = stack.wait_for_result(&self.aws, shipped, LONG, is_told).await.unwrap();
        let mail = self.mail(&result).await;
        (result, mail)
    }

    /// Waits until the run of an upload says this.
    pub(crate) async fn says(&self, shipped: &Shipped, status: &str) -> RunResult {
        let is_so = |result: &RunResult| result.status == status;
        let stack = &self.world.stack;
        stack.wait_for_result(&self.aws, shipped, LONG, is_so).await.unwrap()
    }

    /// Waits until an execution has entered a state so many times.
    pub(crate) async fn enters(&self, execution: &str, state: &str, times: usize) {
        let give_up = Instant::now() + LONG;
        loop {
            let entered = belay_local::states_entered(&self.aws, execution).await.unwrap();
            if entered.iter().filter(|entered| *entered == state).count() >= times {
                return;
            }
            assert!(Instant::now() < give_up, "{state} is not among {entered:?}");
            sleep(LOOK).await;
        }
    }

    /// Stops an execution as a person does in the console.
    pub(crate) async fn stop(&self, execution: &str) {
        self.aws
            .sfn
            .stop_execution()
            .execution_arn(execution)
            .send()
            .await
            .unwrap();
    }

    /// The input for what was shipped, as a person types it.
    pub(crate) fn input(&self, shipped: &Shipped) -> Value {
        json!({"target": self.name, "bundle": {"key": shipped.key, "versionId": shipped.version_id}})
    }

    /// The input that accepts what a run left.
    pub(crate) fn keep(&self, run: &RunId) -> Value {
        json!({"target": self.name, "action": "keep", "run": run})
    }

    /// The input that restores the snapshot of a run.
    pub(crate) fn restore(&self, run: &RunId) -> Value {
        json!({"target": self.name, "action": "restore", "run": run})
    }

    /// Calls a function of the stack by its name in the template, and gives what it answered.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Value {
        let resource = [
            "cloudformation",
            "describe-stack-resource",
            "--stack-name",
            NAME,
            "--logical-resource-id",
        ];
        let name = ["--query", "StackResourceDetail.PhysicalResourceId", "--output", "text"];
        let name = self
            .aws
            .cli(resource.iter().chain(&[function]).chain(&name))
            .await
            .unwrap();
        let answer = tempfile::NamedTempFile::new().unwrap();
        let (event, path) = (event.to_string(), answer.path().display().to_string());
        let invoke = ["lambda", "invoke", "--function-name", name.trim()];
        self.aws
            .cli(invoke.iter().chain(&["--payload", &event, &path]))
            .await
            .unwrap();
        serde_json::from_slice(&std::fs::read(answer.path()).unwrap()).unwrap()
    }

    // The database, as a superuser sees it ---------------------------------------------------------------------------

    pub(crate) async fn superuser(&self) -> Client {
        if matches!(self.server, Server::Instance) {
            let instance = self.world.stack.rds().unwrap().instance(&self.name).await.unwrap();
            return instance.look(&self.name).await.unwrap();
        }
        let postgres = self.postgres();
        postgres.connect(postgres.superuser(), &self.name).await.unwrap()
    }

    /// The rows of the last statement, columns joined by `|`.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<String> {
        let messages = self.superuser().await.simple_query(sql).await;
        let messages = messages.unwrap_or_else(|e| panic!("{e:?}: {sql}"));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                let columns = (0..row.len()).map(|i| row.get(i).unwrap_or("null"));
                Some(columns.collect::<Vec<_>>().join("|"))
            }
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }

    pub(crate) async fn value(&self, sql: &str) -> String {
        self.sql(sql).await.join("\n")
    }

    /// Waits until a condition holds in the database.
    pub(crate) async fn wait_for(&self, condition: &str) {
        let (client, give_up) = (self.superuser().await, Instant::now() + LONG);
        let sql = format!("SELECT ({condition})");
        while !client.query_one(&sql, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(Instant::now() < give_up, "never true: {condition}");
            sleep(LOOK).await;
        }
    }

    pub(crate) async fn has(&self, relation: &str) -> bool {
        self.value(&format!("SELECT to_regclass('{relation}') IS NOT NULL"))
            .await
            == "t"
    }

    /// Scripts that the history has, in order.
    pub(crate) async fn history(&self) -> Vec<String> {
        if !self.has("flyway_schema_history").await {
            return Vec::new();
        }
        self.sql("SELECT script FROM flyway_schema_history WHERE success ORDER BY installed_rank")
            .await
    }

    /// No session of a run is left.
    pub(crate) async fn assert_no_orphan(&self) {
        assert_eq!(
            self.sql(&format!("SELECT query FROM pg_stat_activity WHERE {OURS}"))
                .await,
            [""; 0]
        );
    }

    // Gates: a migration that waits until a test lets it on ----------------------------------------------------------

    /// Makes `gate.pass('name')`, which a migration can call: it waits until [`Case::open`] was called with that name.
    pub(crate) async fn with_gates(self) -> Self {
        self.sql(GATES).await;
        self
    }

    pub(crate) async fn open(&self, gate: &str) {
        self.sql(&format!("INSERT INTO gate.open VALUES ('{gate}')")).await;
    }

    /// Waits until a migration sleeps (before a gate, or by itself), and tells which process of the function it is.
    pub(crate) async fn sleeper(&self) -> Process {
        self.sleeps().await;
        self.process("wait_event = 'PgSleep' OR query LIKE '%gate.pass%'").await
    }

    /// Waits until a migration sleeps on an instance.
    pub(crate) async fn sleeps(&self) {
        self.wait_for(&format!(
            "EXISTS (SELECT FROM pg_stat_activity WHERE {OURS} AND wait_event = 'PgSleep')"
        ))
        .await;
    }

    /// The process of the session of a run for which this holds.
    pub(crate) async fn process(&self, which: &str) -> Process {
        let port = self
            .value(&format!(
                "SELECT client_port FROM pg_stat_activity WHERE {OURS} AND ({which})"
            ))
            .await;
        let port = port.parse().unwrap_or_else(|e| panic!("{e}: {port}"));
        Process::of_connection(port, self.postgres().port())
    }

    // The lock -------------------------------------------------------------------------------------------------------

    /// The lock item: its attributes as text.
    pub(crate) async fn lock(&self, attribute: &str) -> Option<String> {
        let key = AttributeValue::S(self.name.clone());
        let get = self
            .aws
            .dynamodb
            .get_item()
            .table_name(self.world.stack.lock_table().unwrap());
        let item = get.key("key", key).consistent_read(true).send().await.unwrap().item?;
        match item.get(attribute)? {
            AttributeValue::S(text) | AttributeValue::N(text) => Some(text.clone()),
            AttributeValue::M(_) => Some("a map".to_owned()),
            other => panic!("{other:?}"),
        }
    }

    /// Frees the lock as `belay unlock` does; whatever else the item says stays.
    pub(crate) async fn free_lock(&self) {
        let update = self
            .aws
            .dynamodb
            .update_item()
            .table_name(self.world.stack.lock_table().unwrap())
            .key("key", AttributeValue::S(self.name.clone()))
            .update_expression("ADD fence :one REMOVE #owner, phase, #run, target, since")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        update.send().await.unwrap();
    }

    /// Writes the lock item by hand, as the execution `owner` would have left it.
    pub(crate) async fn write_lock(&self, owner: &str, phase: &str) {
        let run = RunId::of_execution(owner);
        let put = self
            .aws
            .dynamodb
            .put_item()
            .table_name(self.world.stack.lock_table().unwrap());
        let put = put.item("fence", AttributeValue::N("7".to_owned()));
        let texts = [
            ("key", self.name.as_str()),
            ("owner", owner),
            ("phase", phase),
            ("run", run.as_str()),
            ("target", &self.name),
            ("since", "2026-11-20T10:00:00Z"),
        ];
        let put = texts.into_iter().fold(put, |put, (name, text)| {
            put.item(name, AttributeValue::S(text.to_owned()))
        });
        put.send().await.unwrap();
    }
}

/// Sessions of runs on this database.
pub(crate) const OURS: &str = "datname = current_database() AND application_name LIKE 'belay/%'";

const GATES: &str = "
CREATE SCHEMA gate;
CREATE TABLE gate.open (name text);
CREATE FUNCTION gate.pass(wanted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE give_up timestamptz := clock_timestamp() + interval '100 s';
BEGIN
    WHILE NOT EXISTS (SELECT FROM gate.open WHERE name = wanted) LOOP
        IF clock_timestamp() > give_up THEN
            RAISE 'the gate % stayed closed', wanted;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA gate TO migrator;
GRANT SELECT ON gate.open TO migrator";
