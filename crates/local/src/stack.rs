//! The whole stack: a database server, the emulator, and what is deployed to it.

use std::path::Path;
use std::time::{Duration, Instant};

use belay_model::{Credentials, Endpoint, Engine, RunResult, Target, Tls};
use serde_json::json;
use tokio::time::sleep;

use crate::aws::{Aws, failed, present};
use crate::deployment::{self, Outputs, Source};
use crate::emulator::{Emulator, RunningEmulator};
use crate::error::{Error, Result};
use crate::execution::{self, Ended};
use crate::mailbox::Mailbox;
use crate::postgres::{Postgres, Settings};

/// What to start.
#[derive(Debug, Clone)]
pub struct StackSettings {
    /// The stack's name in CloudFormation.
    pub name: String,
    /// What is deployed.
    pub source: Source,
    /// The first target, which the template makes. Its database and its secret exist before the deploy.
    pub first_target: String,
    /// The template's parameters, for that target.
    pub parameters: fn(&str, &Target) -> Vec<(String, String)>,
    /// More of the template's parameters.
    pub more_parameters: Vec<(String, String)>,
    /// How the emulator is started.
    pub emulator: Emulator,
    /// How the database server is started.
    pub postgres: Settings,
}

/// A stack that runs. Dropping it stops everything, and so does the end of this process, however that comes.
#[derive(Debug)]
pub struct Stack {
    name: String,
    outputs: Outputs,
    emulator: RunningEmulator,
    postgres: Postgres,
}

/// A bundle that was put into the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// For which target.
    pub target: String,
    /// The object's key.
    pub key: String,
    /// The object's version.
    pub version_id: String,
}

impl Stack {
    /// Starts a server and an emulator, and deploys. Some seconds.
    ///
    /// # Errors
    /// A part does not start, or the template is refused.
    pub async fn start(settings: StackSettings) -> Result<Self> {
        let (postgres, emulator) = tokio::join!(Postgres::start(settings.postgres), settings.emulator.start());
        let (name, first, source) = (settings.name, settings.first_target, settings.source);
        let mut stack = Self {
            name,
            outputs: Outputs::new(),
            emulator: emulator?,
            postgres: postgres?,
        };
        let aws = stack.aws();
        let target = stack.new_database(&aws, &stack.postgres, &first).await?;
        let mut parameters = (settings.parameters)(&first, &target);
        parameters.extend(settings.more_parameters);
        stack.outputs = deployment::deploy(&aws, &stack.name, &source, &parameters).await?;
        Ok(stack)
    }

    /// New clients of the emulator. Take new ones in each test: see [`Aws`].
    pub fn aws(&self) -> Aws {
        Aws::at(&self.emulator.endpoint())
    }

    /// The emulator.
    pub fn emulator(&self) -> &RunningEmulator {
        &self.emulator
    }

    /// The database server.
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The database server, to take it down and up.
    pub fn postgres_mut(&mut self) -> &mut Postgres {
        &mut self.postgres
    }

    /// The stack's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An output of the template.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn output(&self, name: &str) -> Result<&str> {
        present(
            self.outputs.get(name).map(String::as_str),
            "the stack",
            &format!("output {name}"),
        )
    }

    /// The bucket.
    ///
    /// # Errors
    /// The template lacks the output `Bucket`.
    pub fn bucket(&self) -> Result<&str> {
        self.output("Bucket")
    }

    /// The workflow's ARN.
    ///
    /// # Errors
    /// The template lacks the output `StateMachine`.
    pub fn state_machine(&self) -> Result<&str> {
        self.output("StateMachine")
    }

    /// The topic's ARN.
    ///
    /// # Errors
    /// The template lacks the output `Topic`.
    pub fn topic(&self) -> Result<&str> {
        self.output("Topic")
    }

    /// The lock table's name.
    ///
    /// # Errors
    /// The template lacks the output `LockTable`.
    pub fn lock_table(&self) -> Result<&str> {
        self.output("LockTable")
    }

    /// A new mailbox for the mails of this stack; `name` must be new.
    ///
    /// # Errors
    /// The emulator refuses, or the template lacks the output `Topic`.
    pub async fn mailbox(&self, aws: &Aws, name: &str) -> Result<Mailbox> {
        Mailbox::open(aws, self.topic()?, name).await
    }

    /// Makes an empty database of this name on `server`, owned by its migrator, and makes it a target: its own secret,
    /// its own parameter. `change` may alter the target before it is written.
    ///
    /// # Errors
    /// The name is in use.
    pub async fn add_target(
        &self,
        aws: &Aws,
        server: &Postgres,
        name: &str,
        change: impl FnOnce(&mut Target),
    ) -> Result<Target> {
        let mut target = self.new_database(aws, server, name).await?;
        change(&mut target);
        self.put_target(aws, name, &target).await?;
        Ok(target)
    }

    /// An empty database and a secret for it; the target that they would be.
    async fn new_database(&self, aws: &Aws, server: &Postgres, name: &str) -> Result<Target> {
        server.create_database(name, server.migrator()).await?;
        let secret = self.put_secret(aws, server, name).await?;
        Ok(Target {
            engine: Engine::Postgresql,
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port: server.port(),
                database: name.to_owned(),
            },
            instance: None,
            credentials: Credentials { secret },
            set_role: None,
            tls: Tls::Off,
            transaction: Default::default(),
            placeholders: Default::default(),
            flyway: Default::default(),
            locks: Default::default(),
            notify: None,
        })
    }

    /// Writes a target's parameter, or overwrites it.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn put_target(&self, aws: &Aws, name: &str, target: &Target) -> Result<()> {
        let value = json!(target).to_string();
        let path = format!("/{}/targets/{name}", self.name);
        let put = aws.ssm.put_parameter().name(path).value(value).overwrite(true);
        let put = put.r#type(aws_sdk_ssm::types::ParameterType::String);
        put.send().await.map(drop).map_err(failed("ssm:PutParameter"))
    }

    /// A secret with a server's migrator, under `<stack>/<name>`; its ARN.
    async fn put_secret(&self, aws: &Aws, server: &Postgres, name: &str) -> Result<String> {
        let role = server.migrator();
        let secret = json!({"username": role.name(), "password": role.password()}).to_string();
        let create = aws
            .secrets
            .create_secret()
            .name(format!("{}/{name}", self.name))
            .secret_string(secret);
        let created = create.send().await.map_err(failed("secretsmanager:CreateSecret"))?;
        present(created.arn, "the answer of secretsmanager:CreateSecret", "ARN")
    }

    /// Ships a bundle as a user does: with `aws s3 cp`.
    ///
    /// The version is looked up afterwards, so another upload to the same key in between would be taken for it.
    ///
    /// # Errors
    /// There is no such file, or the bucket refuses.
    pub async fn ship_file(&self, aws: &Aws, target: &str, bundle: &Path) -> Result<Shipped> {
        let name = bundle.file_name().unwrap_or_default().to_string_lossy();
        let (bucket, key) = (self.bucket()?, format!("bundles/{target}/{name}"));
        let place = format!("s3://{bucket}/{key}");
        aws.cli(["s3", "cp", "--no-progress", &bundle.display().to_string(), &place])
            .await?;
        let head = aws
            .s3
            .head_object()
            .bucket(bucket)
            .key(&key)
            .send()
            .await
            .map_err(failed("s3:HeadObject"))?;
        let version_id = present(head.version_id, &place, "version")?;
        Ok(Shipped {
            target: target.to_owned(),
            key,
            version_id,
        })
    }

    /// Ships a bundle from memory; quicker than [`ship_file`](Self::ship_file), and sure of its version.
    ///
    /// # Errors
    /// The bucket refuses.
    pub async fn ship(&self, aws: &Aws, target: &str, name: &str, bundle: Vec<u8>) -> Result<Shipped> {
        let key = format!("bundles/{target}/{name}");
        let put = aws.s3.put_object().bucket(self.bucket()?).key(&key).body(bundle.into());
        let version_id = put.send().await.map_err(failed("s3:PutObject"))?.version_id;
        let version_id = present(version_id, &key, "version")?;
        Ok(Shipped {
            target: target.to_owned(),
            key,
            version_id,
        })
    }

    /// The result object of what was shipped, as it is now.
    ///
    /// # Errors
    /// It is not a result.
    pub async fn result(&self, aws: &Aws, shipped: &Shipped) -> Result<Option<RunResult>> {
        let key = format!("results/{}/{}.json", shipped.target, shipped.version_id);
        let object = match aws.s3.get_object().bucket(self.bucket()?).key(&key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(failed("s3:GetObject")(error)),
        };
        let bytes = object
            .body
            .collect()
            .await
            .map_err(failed("s3:GetObject"))?
            .into_bytes();
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(failed("reading the result object"))
    }

    /// Waits for the end of the run that what was shipped started, and calls `entered` with each state as it is
    /// entered. The result is the one after the execution's end.
    ///
    /// # Errors
    /// The run has not begun or not ended in time.
    pub async fn follow(
        &self,
        aws: &Aws,
        shipped: &Shipped,
        within: Duration,
        entered: impl FnMut(&str),
    ) -> Result<(RunResult, Ended)> {
        let begun = self.wait_for_result(aws, shipped, within, |_| true).await?;
        let ended = execution::wait_for_end(aws, &begun.execution, within, entered).await?;
        let result = present(self.result(aws, shipped).await?, &shipped.key, "result")?;
        Ok((result, ended))
    }

    /// Waits for a result object that is as wanted.
    ///
    /// # Errors
    /// It was not so in time.
    pub async fn wait_for_result(
        &self,
        aws: &Aws,
        shipped: &Shipped,
        within: Duration,
        is_wanted: impl Fn(&RunResult) -> bool,
    ) -> Result<RunResult> {
        let start = Instant::now();
        loop {
            let result = self.result(aws, shipped).await?;
            let seen = result
                .as_ref()
                .map_or("no result".to_owned(), |result| result.status.clone());
            if let Some(result) = result.filter(|result| is_wanted(result)) {
                return Ok(result);
            }
            if start.elapsed() > within {
                let what = format!("the result of {} {}", shipped.key, shipped.version_id);
                return Err(Error::TooLate {
                    what,
                    seconds: within.as_secs(),
                    seen,
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts an execution with an input of one's own, as a person would in the console; its ARN.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn run(&self, aws: &Aws, input: &serde_json::Value) -> Result<String> {
        let start = aws
            .sfn
            .start_execution()
            .state_machine_arn(self.state_machine()?)
            .input(input.to_string());
        Ok(start.send().await.map_err(failed("sfn:StartExecution"))?.execution_arn)
    }

    /// Every execution's ARN and status, newest first.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn executions(&self, aws: &Aws) -> Result<Vec<aws_sdk_sfn::types::ExecutionListItem>> {
        let mut pages = aws
            .sfn
            .list_executions()
            .state_machine_arn(self.state_machine()?)
            .into_paginator()
            .send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            all.extend(page.map_err(failed("sfn:ListExecutions"))?.executions);
        }
        Ok(all)
    }

    /// What the functions have logged until now, with Lambda's own lines (START, REPORT), in no particular order.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn logs(&self, aws: &Aws) -> Result<Vec<String>> {
        let list = [
            "logs",
            "describe-log-groups",
            "--query",
            "logGroups[].logGroupName",
            "--output",
            "text",
        ];
        let mut lines = Vec::new();
        for group in aws.cli(list).await?.split_whitespace() {
            let read = [
                "logs",
                "filter-log-events",
                "--log-group-name",
                group,
                "--query",
                "events[].message",
            ];
            let messages = aws.cli(read.iter().chain(&["--output", "json"])).await?;
            lines.extend(serde_json::from_str::<Vec<String>>(&messages).map_err(failed("logs:FilterLogEvents"))?);
        }
        Ok(lines)
    }
}
