//! A target: a database that the pipeline may change. The platform team owns it; a bundle can't weaken it.

mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FlywayKeys, InstanceName};

pub use written::TargetError;

/// What the SSM parameter `/<stack>/targets/<target>` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "written::Written")]
pub struct Target {
    /// The kind of database.
    pub engine: Engine,
    /// Where it is. Written as an object, or as a JDBC URL.
    pub endpoint: Endpoint,
    /// The RDS identifier that a snapshot and a restore replace. Absent: no snapshot, no restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceName>,
    /// Who logs in. May be left out where the endpoint is a `jdbc-secretsmanager:` URL with the secret's id as `user`.
    pub credentials: Credentials,
    /// The role to become after logging in, so that it owns what is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_role: Option<String>,
    /// How the connection is protected.
    pub tls: Tls,
    /// What commits together.
    pub transaction: TransactionMode,
    /// Values for `${name}` in migrations. Names are compared without case.
    pub placeholders: BTreeMap<String, PlaceholderSource>,
    /// Flyway's settings, under Flyway's names: they are laid over those of the bundle.
    pub flyway: FlywayKeys,
    /// How long to wait for locks.
    pub locks: LockSettings,
    /// Whom to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifySettings>,
}

/// The kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL 14 or later, RDS or Aurora or plain.
    Postgresql,
}

/// Where the database is: the writer, not a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// A host name or an address.
    pub host: String,
    /// The port.
    #[serde(default = "Endpoint::default_port")]
    pub port: u16,
    /// The database's name.
    pub database: String,
}

impl Endpoint {
    fn default_port() -> u16 {
        5432
    }
}

/// Who logs in: a secret with `username` and `password`. A `host` and a `port` in it are checked, not trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The secret's ARN.
    pub secret: String,
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// TLS; chain and host name are verified against Amazon's and the public roots.
    #[default]
    VerifyFull,
    /// TLS; chain and host name are verified against these roots (PEM) as well.
    Ca(String),
    /// No TLS. Only for a loopback address.
    Off,
}

/// What commits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransactionMode {
    /// All pending files at once where that is the same as one by one, else each by itself.
    #[default]
    Auto,
    /// Consecutive files share a transaction, or the plan is refused.
    All,
    /// Each file by itself.
    Each,
}

/// Where a placeholder's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceholderSource {
    /// The value.
    Value(String),
    /// A key of a secret's JSON.
    Secret {
        /// The secret's ARN.
        arn: String,
        /// The key.
        key: String,
    },
}

/// How long to wait for locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LockSettings {
    /// How long one statement waits for one lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// How long a unit is tried again because of locks, in seconds.
    pub budget_s: u32,
}

impl Default for LockSettings {
    fn default() -> Self {
        Self {
            lock_timeout_ms: 3_000,
            budget_s: 120,
        }
    }
}

/// Whom to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifySettings {
    /// The SNS topic's ARN; instead of the stack's own.
    pub topic: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_target_is_enough() {
        let target: Target = serde_json::from_str(
            r#"{
                "engine": "postgresql",
                "endpoint": {"host": "db.example", "database": "shop"},
                "credentials": {"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop"},
                "placeholders": {"schema": {"value": "app"}, "key": {"secret": {"arn": "arn:…", "key": "api"}}}
            }"#,
        )
        .unwrap();
        assert_eq!(target.endpoint.port, 5432);
        assert_eq!(target.tls, Tls::VerifyFull);
        assert!(target.flyway.is_empty());
        assert_eq!(
            target.placeholders["schema"],
            PlaceholderSource::Value("app".to_owned())
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_anywhere() {
        for extra in [
            r#""tsl": "off""#,
            r#""flyway": {"outoforder": true}"#,
            r#""flyway": {"target": "newest"}"#,
            r#""flyway": {"ignoreMigrationPatterns": ["*:success"]}"#,
            r#""locks": {"timeout": 1}"#,
            r#""tls": {"pem": ""}"#,
            r#""notify": {"mail": "a@b"}"#,
        ] {
            let text = format!(
                r#"{{"engine": "postgresql", "endpoint": {{"host": "h", "database": "d"}}, "credentials": {{"secret": "s"}}, {extra}}}"#
            );
            assert!(serde_json::from_str::<Target>(&text).is_err(), "{extra}");
        }
    }
}
