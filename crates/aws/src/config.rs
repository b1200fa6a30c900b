//! One configuration for every client, and the function's own settings from its environment.

use std::env;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// A setting that the function needs and its environment lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set: the template gives it to the function")]
pub struct MissingSetting(&'static str);

/// The stack's bucket.
pub const BUCKET: &str = "BELAY_BUCKET";
/// The stack's name.
pub const STACK: &str = "BELAY_STACK";
/// The stack's topic.
pub const TOPIC: &str = "BELAY_TOPIC";
/// The lock table's name.
pub const LOCK_TABLE: &str = "BELAY_LOCK_TABLE";
/// The workflow's ARN.
pub const STATE_MACHINE: &str = "BELAY_STATE_MACHINE";

/// A setting from the function's environment.
///
/// # Errors
/// If it is not set, or empty.
pub fn setting(name: &'static str) -> Result<String, MissingSetting> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or(MissingSetting(name))
}

/// The configuration that every client of a function shares.
///
/// An attempt may take 10 s and a call with its retries 30 s: the SDK by itself would wait for ever.
pub async fn load() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(10))
                .operation_timeout(Duration::from_secs(30))
                .build(),
        )
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .load()
        .await
}

/// A client for S3. Behind an endpoint override buckets are addressed by path: they have no host names there.
#[must_use]
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let overridden = config.endpoint_url().is_some()
        || ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
            .iter()
            .any(|name| env::var_os(name).is_some());
    let builder = aws_sdk_s3::config::Builder::from(config).force_path_style(overridden);
    aws_sdk_s3::Client::from_conf(builder.build())
}
