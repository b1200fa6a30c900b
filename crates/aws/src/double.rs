//! AWS as an HTTP client in memory, for tests: the real SDK's requests, answered from a state that a test can fill and
//! look into. As strict as AWS where functions rely on it: versions, conditional writes, conditional updates.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a request that the double can't read is a fault of the test"
)]

mod bucket;
mod services;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::infallible_client_fn;
use serde_json::{Map, Value, json};

use self::bucket::Bucket;

/// The double; its clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Aws {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bucket: Bucket,
    secrets: BTreeMap<(String, String), String>,
    current: BTreeMap<String, String>,
    mails: Vec<Sent>,
    started: Vec<Start>,
    executions: BTreeMap<String, Value>,
    parameters: BTreeMap<String, String>,
    locks: BTreeMap<String, Map<String, Value>>,
    refused: Vec<Service>,
}

/// The services that the double knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// S3.
    Storage,
    /// Secrets Manager.
    Secrets,
    /// SNS.
    Mail,
    /// Step Functions.
    Workflow,
    /// DynamoDB.
    Locks,
    /// SSM.
    Parameters,
}

/// A mail as SNS got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The topic's ARN.
    pub topic: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// The attributes.
    pub attributes: BTreeMap<String, String>,
}

/// An execution as it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The workflow's ARN.
    pub machine: String,
    /// The name.
    pub name: String,
    /// The input.
    pub input: Value,
}

impl Aws {
    /// An AWS with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A configuration whose clients all talk to this double.
    #[must_use]
    pub fn config(&self) -> SdkConfig {
        let aws = self.clone();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .endpoint_url("http://aws.test")
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(infallible_client_fn(move |request| aws.answer(&request)))
            .build()
    }

    /// Puts an object, and says which version it is.
    pub fn put_object(&self, key: &str, bytes: &[u8]) -> String {
        self.state().bucket.put(key, bytes.to_vec()).0
    }

    /// Lets somebody else put an object just before the next time that it is put.
    pub fn put_in_between(&self, key: &str, bytes: &[u8]) {
        self.state().bucket.put_in_between(key, bytes.to_vec());
    }

    /// An object's newest version.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.state().bucket.newest(key).map(|(bytes, _)| bytes.to_vec())
    }

    /// An object's newest version, as JSON.
    #[must_use]
    pub fn json(&self, key: &str) -> Option<Value> {
        self.object(key).map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    /// Every key that has an object.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.state().bucket.keys()
    }

    /// Sets a parameter.
    pub fn put_parameter(&self, name: &str, value: &str) {
        self.state().parameters.insert(name.to_owned(), value.to_owned());
    }

    /// Sets a version of a secret, which becomes the current one.
    pub fn put_secret(&self, arn: &str, version: &str, text: &str) {
        let mut state = self.state();
        let key = (arn.to_owned(), version.to_owned());
        state.secrets.insert(key, text.to_owned());
        state.current.insert(arn.to_owned(), version.to_owned());
    }

    /// Every mail that was sent.
    #[must_use]
    pub fn mails(&self) -> Vec<Sent> {
        self.state().mails.clone()
    }

    /// Every execution that was started.
    #[must_use]
    pub fn started(&self) -> Vec<Start> {
        self.state().started.clone()
    }

    /// Sets what `DescribeExecution` says: `status`, `input` (text), `startDate` and `stopDate` (seconds), `error`, …
    pub fn put_execution(&self, arn: &str, mut description: Value) {
        description["executionArn"] = json!(arn);
        description["stateMachineArn"] = json!("arn:aws:states:eu-west-1:123456789012:stateMachine:belay");
        self.state().executions.insert(arn.to_owned(), description);
    }

    /// Sets a lock's item, in DynamoDB's JSON.
    pub fn put_lock(&self, item: Value) {
        let key = item["key"]["S"].as_str().unwrap().to_owned();
        let Value::Object(item) = item else {
            panic!("an item is an object")
        };
        self.state().locks.insert(key, item);
    }

    /// A lock's item, in DynamoDB's JSON.
    #[must_use]
    pub fn lock(&self, key: &str) -> Option<Value> {
        self.state().locks.get(key).cloned().map(Value::Object)
    }

    /// From now on this service refuses every call.
    pub fn refuse(&self, service: Service) {
        self.state().refused.push(service);
    }

    /// From now on every service answers.
    pub fn relent(&self) {
        self.state().refused.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
