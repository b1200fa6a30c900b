//! Executions of the workflow.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;

use crate::AwsError;
use crate::error::said;

/// Executions of one workflow.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
}

/// What came of starting an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It runs under this ARN.
    Now(String),
    /// One of this name was started before.
    Before,
}

/// What is known of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Whether it ended, and how.
    pub status: Status,
    /// What it was started with.
    pub input: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The error's name, if it failed.
    pub error: Option<String>,
    /// More on the error.
    pub cause: Option<String>,
    /// How often it was redriven.
    pub redrives: i32,
}

/// Whether an execution ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It goes on, or waits to be redriven.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended in an error.
    Failed,
    /// It took too long.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

impl Executions {
    /// Executions by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts an execution under a name that can be used once. AWS answers a second start with the same input as the
    /// first while that runs, and `ExecutionAlreadyExists` afterwards: both mean that it was started.
    ///
    /// # Errors
    /// [`AwsError::Execution`].
    pub async fn start(&self, machine: &str, name: &str, input: String) -> Result<Started, AwsError> {
        let answer = self
            .client
            .start_execution()
            .state_machine_arn(machine)
            .name(name)
            .input(input)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Started::Now(answer.execution_arn)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_execution_already_exists()) =>
            {
                Ok(Started::Before)
            }
            Err(error) => Err(AwsError::Execution {
                action: "start",
                execution: name.to_owned(),
                said: said(&error),
            }),
        }
    }

    /// What is known of an execution; nothing if there is none (Step Functions forgets them 90 days after their end).
    ///
    /// # Errors
    /// [`AwsError::Execution`].
    pub async fn describe(&self, arn: &str) -> Result<Option<Execution>, AwsError> {
        let failed = |said: String| AwsError::Execution {
            action: "describe",
            execution: arn.to_owned(),
            said,
        };
        let answer = match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_execution_does_not_exist()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(said(&error))),
        };
        let status = match &answer.status {
            ExecutionStatus::Succeeded => Status::Succeeded,
            ExecutionStatus::Failed => Status::Failed,
            ExecutionStatus::TimedOut => Status::TimedOut,
            ExecutionStatus::Aborted => Status::Aborted,
            // PENDING_REDRIVE, and whatever comes later: not ended as far as we know.
            _ => Status::Running,
        };
        Ok(Some(Execution {
            arn: arn.to_owned(),
            status,
            input: answer.input.unwrap_or_default(),
            started_at: timestamp(&answer.start_date).map_err(failed)?,
            ended_at: answer.stop_date.as_ref().map(timestamp).transpose().map_err(failed)?,
            error: answer.error,
            cause: answer.cause,
            redrives: answer.redrive_count.unwrap_or_default(),
        }))
    }
}

fn timestamp(date: &aws_sdk_sfn::primitives::DateTime) -> Result<Timestamp, String> {
    let millis = date.to_millis().map_err(|error| error.to_string())?;
    Timestamp::from_millisecond(millis).map_err(|error| error.to_string())
}
