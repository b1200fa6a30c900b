//! Clients of the emulator.

use std::error::Error as StdError;
use std::process::Command;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

use crate::emulator::REGION;
use crate::error::{Error, Result};
use crate::{program, tools};

/// The emulator takes anybody with these for the account's root.
const KEY: &str = "test";

/// A client of each service that the stack uses.
///
/// A client keeps connections, and those end with the runtime that made them: take new clients in each test.
#[derive(Debug, Clone)]
pub struct Aws {
    endpoint: String,
    /// Buckets and objects.
    pub s3: aws_sdk_s3::Client,
    /// Workflows.
    pub sfn: aws_sdk_sfn::Client,
    /// Topics.
    pub sns: aws_sdk_sns::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Parameters.
    pub ssm: aws_sdk_ssm::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
}

impl Aws {
    /// New clients of what is at this URL. Nothing of this machine's own AWS configuration is used.
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        let credentials = Credentials::new(KEY, KEY, None, None, "belay-local");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint)
            .build();
        Self {
            endpoint: endpoint.to_owned(),
            s3: aws_sdk_s3::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
        }
    }

    /// Runs the real AWS CLI with these arguments and gives what it printed.
    ///
    /// # Errors
    /// It is not installed, or it failed.
    pub async fn cli<I, S>(&self, arguments: I) -> Result<String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = Command::new(tools::aws_cli()?);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nonexistent");
        command
            .env("LANG", "C.UTF-8")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "");
        command.envs(self.environment());
        program::run_async(command).await
    }

    /// The variables with which any AWS client reaches the emulator.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", KEY),
        ]
    }
}

/// Names the call that failed.
pub(crate) fn failed<E: StdError + Send + Sync + 'static>(call: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Aws {
        call,
        source: Box::new(source),
    }
}

/// What an answer should have.
pub(crate) fn present<T>(value: Option<T>, place: &str, missing: &str) -> Result<T> {
    value.ok_or_else(|| Error::Missing {
        place: place.to_owned(),
        missing: missing.to_owned(),
    })
}
