//! A double with an instance, and a client of it.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use aws_sdk_rds::Client;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::{DbInstance, DbSnapshot};
use belay_local::{Pace, Rds, RdsSettings, Settings};
use serde_json::Value;
use tokio_postgres::NoTls;

/// The instance that every scene has.
pub(crate) const SHOP: &str = "shop";

pub(crate) struct Scene {
    pub(crate) rds: Rds,
    pub(crate) client: Client,
}

/// A client that asks once and never again.
pub(crate) fn client(rds: &Rds) -> Client {
    let config = aws_sdk_rds::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(rds.endpoint_url());
    Client::from_conf(config.build())
}

impl Scene {
    pub(crate) async fn new(settings: RdsSettings) -> Self {
        Self::with(settings, Value::Null).await
    }

    /// With an instance so configured.
    pub(crate) async fn with(settings: RdsSettings, instance: Value) -> Self {
        let rds = Rds::start(settings).await.unwrap();
        rds.new_instance(SHOP, Settings::default(), instance).await.unwrap();
        let client = client(&rds);
        Self { rds, client }
    }

    /// Where nothing takes any time.
    pub(crate) async fn at_once() -> Self {
        Self::new(at_once()).await
    }

    /// Runs SQL on an instance's very server.
    pub(crate) async fn sql(&self, instance: &str, sql: &str) {
        let instance = self.rds.instance(instance).await.unwrap();
        instance
            .look("postgres")
            .await
            .unwrap()
            .batch_execute(sql)
            .await
            .unwrap();
    }

    /// The rows of table `t` of an instance's very server.
    pub(crate) async fn rows(&self, instance: &str) -> i64 {
        let instance = self.rds.instance(instance).await.unwrap();
        let client = instance.look("postgres").await.unwrap();
        client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0)
    }

    pub(crate) async fn snapshot(&self, name: &str) {
        let create = self.client.create_db_snapshot().db_snapshot_identifier(name);
        create.db_instance_identifier(SHOP).send().await.unwrap();
    }

    pub(crate) async fn snapshot_now(&self, name: &str) -> DbSnapshot {
        let describe = self.client.describe_db_snapshots().db_snapshot_identifier(name);
        describe.send().await.unwrap().db_snapshots.unwrap().remove(0)
    }

    /// Restores with nothing said but the names.
    pub(crate) async fn restore(&self, snapshot: &str, name: &str) {
        let restore = self.client.restore_db_instance_from_db_snapshot();
        let restore = restore.db_snapshot_identifier(snapshot).db_instance_identifier(name);
        restore.send().await.unwrap();
    }

    pub(crate) async fn rename(&self, from: &str, to: &str) {
        let modify = self.client.modify_db_instance().db_instance_identifier(from);
        modify
            .new_db_instance_identifier(to)
            .apply_immediately(true)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn describe(&self, name: &str) -> Result<DbInstance, String> {
        let describe = self.client.describe_db_instances().db_instance_identifier(name);
        match describe.send().await {
            Ok(found) => Ok(found.db_instances.unwrap().remove(0)),
            Err(error) => Err(code(&error)),
        }
    }

    /// Its status as a describing request sees it; the error's code, if it is not there.
    pub(crate) async fn status(&self, name: &str) -> String {
        match self.describe(name).await {
            Ok(found) => found.db_instance_status.unwrap(),
            Err(code) => code,
        }
    }

    /// The endpoint of an instance.
    pub(crate) async fn url(&self, name: &str) -> String {
        let instance = self.rds.instance(name).await.unwrap();
        instance.url(instance.migrator().unwrap(), "postgres")
    }
}

pub(crate) fn at_once() -> RdsSettings {
    RdsSettings {
        pace: Pace::Looks(0),
        ..RdsSettings::default()
    }
}

/// RDS's code of what a client got.
pub(crate) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    error.code().unwrap_or("no answer").to_owned()
}

/// The code with which a request was refused.
pub(crate) fn refused<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    code(&result.unwrap_err())
}

/// A session by an address.
pub(crate) async fn session(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Which database a session is in: the number of rows in `t`.
pub(crate) async fn rows_by(url: &str) -> i64 {
    let client = session(url).await.unwrap();
    client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0)
}

/// Asks until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(60), "it did not happen");
        tokio::task::yield_now().await;
    }
}
