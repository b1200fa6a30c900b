//! The whole stack: a database server, the emulator, and what is deployed to it.

mod instance;
mod shipping;
mod target;

use belay_model::Target;
use serde_json::Value;

use crate::aws::{Aws, failed, present};
use crate::deployment::{self, Outputs, Source};
use crate::emulator::{Emulator, RunningEmulator};
use crate::error::Result;
use crate::mailbox::Mailbox;
use crate::postgres::{Postgres, Settings};
use crate::rds::{Rds, RdsSettings};

pub use self::shipping::Shipped;

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
    /// How RDS behaves, if there is one: then every function finds it by `AWS_ENDPOINT_URL_RDS`.
    pub rds: Option<RdsSettings>,
    /// The instance of RDS that the first target is on; the template makes its parameter, too.
    pub first_instance: Option<String>,
}

/// A stack that runs. Dropping it stops everything, and so does the end of this process, however that comes.
#[derive(Debug)]
pub struct Stack {
    name: String,
    outputs: Outputs,
    emulator: RunningEmulator,
    rds: Option<Rds>,
    postgres: Postgres,
}

impl Stack {
    /// Starts a server and an emulator, and deploys. Some seconds.
    ///
    /// # Errors
    /// A part does not start, or the template is refused.
    pub async fn start(settings: StackSettings) -> Result<Self> {
        let (rds, mut emulator) = (start_rds(settings.rds).await?, settings.emulator);
        if let Some(rds) = &rds {
            let variable = ("AWS_ENDPOINT_URL_RDS".to_owned(), rds.endpoint_url());
            emulator.environment.push(variable);
        }
        let (postgres, emulator) = tokio::join!(Postgres::start(settings.postgres), emulator.start());
        let (name, first, source) = (settings.name, settings.first_target, settings.source);
        let mut stack = Self {
            name,
            outputs: Outputs::new(),
            emulator: emulator?,
            rds,
            postgres: postgres?,
        };
        let aws = stack.aws();
        let target = match &settings.first_instance {
            Some(instance) => {
                let rds = stack.rds()?;
                rds.new_instance(instance, Settings::default(), Value::Null).await?;
                stack.new_database_on(&aws, instance, &first).await?
            }
            None => stack.new_database(&aws, &stack.postgres, &first).await?,
        };
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

    /// The double of RDS.
    ///
    /// # Errors
    /// The stack was started without one.
    pub fn rds(&self) -> Result<&Rds> {
        present(self.rds.as_ref(), "the stack", "RDS: StackSettings::rds was not set")
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

async fn start_rds(settings: Option<RdsSettings>) -> Result<Option<Rds>> {
    match settings {
        Some(settings) => Rds::start(settings).await.map(Some),
        None => Ok(None),
    }
}
