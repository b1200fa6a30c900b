//! A target as somebody wrote it: its endpoint may be a JDBC URL.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{
    Credentials, Endpoint, Engine, LockSettings, NotifySettings, PlaceholderSource, Target, Tls, TransactionMode,
};
use crate::{FlywayKeys, InstanceName, JdbcUrl, SslMode};

/// [`Target`], before its endpoint was read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    engine: Engine,
    endpoint: WrittenEndpoint,
    #[serde(default)]
    instance: Option<InstanceName>,
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(default)]
    set_role: Option<String>,
    #[serde(default)]
    tls: Option<Tls>,
    #[serde(default)]
    transaction: TransactionMode,
    #[serde(default)]
    placeholders: BTreeMap<String, PlaceholderSource>,
    #[serde(default)]
    flyway: FlywayKeys,
    #[serde(default)]
    locks: LockSettings,
    #[serde(default)]
    notify: Option<NotifySettings>,
}

/// The object, or a JDBC URL.
enum WrittenEndpoint {
    Parts(Endpoint),
    Url(JdbcUrl),
}

impl<'de> Deserialize<'de> for WrittenEndpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(url) => {
                let read = url.parse().map(Self::Url);
                read.map_err(|error| D::Error::custom(format!("endpoint: {error}")))
            }
            parts => Endpoint::deserialize(parts).map(Self::Parts).map_err(D::Error::custom),
        }
    }
}

/// What a target says that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No `credentials`, and no URL that names a secret.
    #[error("missing field `credentials`")]
    NoCredentials,
    /// The URL names no database.
    #[error("endpoint: the URL names no database; it is jdbc:postgresql://HOST:PORT/DATABASE")]
    NoDatabase,
    /// A parameter that belongs elsewhere in a target.
    #[error("endpoint: leave {parameter} out of the URL; {way_out}")]
    Parameter {
        /// Its name.
        parameter: String,
        /// Where what it says belongs.
        way_out: &'static str,
    },
    /// `sslmode` and `tls` say different things.
    #[error("endpoint: the URL's sslmode is not what `tls` says; leave one of them out")]
    TwoModes,
    /// The URL's secret is not that of `credentials`.
    #[error("endpoint: the URL names another secret than `credentials`; leave one of them out")]
    TwoSecrets,
}

impl TryFrom<Written> for Target {
    type Error = TargetError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written {
            endpoint,
            mut credentials,
            mut tls,
            mut flyway,
            ..
        } = written;
        let endpoint = match endpoint {
            WrittenEndpoint::Parts(endpoint) => endpoint,
            WrittenEndpoint::Url(url) => {
                refuse(&url)?;
                tls = Some(mode(&url, tls)?);
                credentials = secret(&url, credentials)?;
                default_schema(&url, &mut flyway)?;
                Endpoint {
                    database: url.database.ok_or(TargetError::NoDatabase)?,
                    host: url.host,
                    port: url.port,
                }
            }
        };
        Ok(Self {
            engine: written.engine,
            endpoint,
            instance: written.instance,
            credentials: credentials.ok_or(TargetError::NoCredentials)?,
            set_role: written.set_role,
            tls: tls.unwrap_or_default(),
            transaction: written.transaction,
            placeholders: written.placeholders,
            flyway,
            locks: written.locks,
            notify: written.notify,
        })
    }
}

/// What a URL can say and a target says elsewhere, or not at all: nothing is dropped silently.
fn refuse(url: &JdbcUrl) -> Result<(), TargetError> {
    let refused = |parameter: &str, way_out| {
        Err(TargetError::Parameter {
            parameter: parameter.to_owned(),
            way_out,
        })
    };
    if url.password.is_some() {
        return refused("password", "it lies in the secret of `credentials`, and nowhere else");
    }
    if url.user.is_some() && !url.user_is_secret {
        return refused("user", "who logs in is in the secret of `credentials`");
    }
    if url.ssl_root_cert.is_some() {
        return refused("sslrootcert", "put the certificate itself into `tls` as `ca`");
    }
    if url.options.is_some() {
        return refused("options", "put what it sets into `flyway` as `initSql`");
    }
    if url.application_name.is_some() {
        return refused("ApplicationName", "Belay names its sessions after the run");
    }
    match url.others.first() {
        Some(other) => refused(other, "it is for a driver that Belay does not use"),
        None => Ok(()),
    }
}

/// Every mode but `disable` is TLS with everything verified: never less than was asked.
fn mode(url: &JdbcUrl, tls: Option<Tls>) -> Result<Tls, TargetError> {
    match (url.ssl_mode, tls) {
        (Some(SslMode::Disable), None | Some(Tls::Off)) => Ok(Tls::Off),
        (Some(SslMode::Disable), Some(_))
        | (Some(SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull), Some(Tls::Off)) => {
            Err(TargetError::TwoModes)
        }
        (_, tls) => Ok(tls.unwrap_or_default()),
    }
}

fn secret(url: &JdbcUrl, credentials: Option<Credentials>) -> Result<Option<Credentials>, TargetError> {
    let of_url = url.user.clone().filter(|_| url.user_is_secret);
    match (of_url, credentials) {
        (Some(secret), Some(credentials)) if secret != credentials.secret => Err(TargetError::TwoSecrets),
        (Some(secret), None) => Ok(Some(Credentials { secret })),
        (_, credentials) => Ok(credentials),
    }
}

fn default_schema(url: &JdbcUrl, flyway: &mut FlywayKeys) -> Result<(), TargetError> {
    let parameter = |way_out| TargetError::Parameter {
        parameter: "currentSchema".to_owned(),
        way_out,
    };
    match url.current_schema.as_slice() {
        [] => Ok(()),
        _ if flyway.has("defaultSchema") || flyway.has("schemas") => {
            Err(parameter("`flyway` has `defaultSchema` or `schemas` already"))
        }
        [schema] => flyway
            .set("defaultSchema", json!(schema))
            .map_err(|_| parameter("put it into `flyway` as `defaultSchema`")),
        _ => Err(parameter(
            "put the first into `flyway` as `defaultSchema`, and the whole path into its `initSql`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(endpoint: &str, more: Value) -> Result<Target, String> {
        let mut target = json!({
            "engine": "postgresql", "endpoint": endpoint,
            "credentials": {"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop"},
        });
        for (key, value) in more.as_object().unwrap() {
            target[key] = value.clone();
        }
        serde_json::from_value(target).map_err(|error| error.to_string())
    }

    #[test]
    fn s14_an_endpoint_may_be_a_jdbc_url() {
        let found = target(
            "jdbc:postgresql://db.example:5433/shop?currentSchema=app&sslmode=require",
            json!({}),
        )
        .unwrap();
        assert_eq!(
            found.endpoint,
            Endpoint {
                host: "db.example".to_owned(),
                port: 5433,
                database: "shop".to_owned()
            }
        );
        assert_eq!(found.tls, Tls::VerifyFull);
        assert_eq!(found.flyway.settings().unwrap().default_schema.as_deref(), Some("app"));
        let written = serde_json::to_value(&found).unwrap();
        assert_eq!(
            written["endpoint"],
            json!({"host": "db.example", "port": 5433, "database": "shop"})
        );
        assert_eq!(serde_json::from_value::<Target>(written).unwrap(), found);
        let plain = target("jdbc:postgresql://127.0.0.1/shop?sslmode=disable", json!({})).unwrap();
        assert_eq!((plain.endpoint.port, plain.tls), (5432, Tls::Off));
        let ca = target("jdbc:postgresql://h/d?sslmode=verify-ca", json!({"tls": {"ca": "pem"}})).unwrap();
        assert_eq!(ca.tls, Tls::Ca("pem".to_owned()));
    }

    #[test]
    fn s14_a_secretsmanager_url_names_the_secret() {
        let url = "jdbc-secretsmanager:postgresql://h/d?user=prod/shop";
        let found = target(url, json!({"credentials": null})).unwrap();
        assert_eq!(found.credentials.secret, "prod/shop");
        assert!(target(url, json!({})).unwrap_err().contains("another secret"));
        assert!(
            target("jdbc:postgresql://h/d", json!({"credentials": null}))
                .unwrap_err()
                .contains("credentials")
        );
    }

    #[test]
    fn s14_what_a_url_can_not_say_here_is_refused_with_the_way_out() {
        for (url, more, told) in [
            ("jdbc:mysql://h/d", json!({}), "mysql"),
            ("jdbc:postgresql://h1,h2/d", json!({}), "several hosts"),
            ("jdbc:postgresql://h/", json!({}), "no database"),
            ("jdbc:postgresql://h/d?user=a", json!({}), "credentials"),
            ("jdbc:postgresql://h/d?password=hunter2", json!({}), "secret"),
            ("jdbc:postgresql://h/d?sslrootcert=/x", json!({}), "`tls`"),
            ("jdbc:postgresql://h/d?options=-c%20a=b", json!({}), "initSql"),
            ("jdbc:postgresql://h/d?ApplicationName=x", json!({}), "after the run"),
            ("jdbc:postgresql://h/d?tcpKeepAlive=true", json!({}), "tcpKeepAlive"),
            ("jdbc:postgresql://h/d?currentSchema=a,b", json!({}), "initSql"),
            (
                "jdbc:postgresql://h/d?currentSchema=a",
                json!({"flyway": {"schemas": ["b"]}}),
                "already",
            ),
            (
                "jdbc:postgresql://h/d?sslmode=disable",
                json!({"tls": "verify-full"}),
                "sslmode",
            ),
            (
                "jdbc:postgresql://h/d?sslmode=require",
                json!({"tls": "off"}),
                "sslmode",
            ),
        ] {
            let error = target(url, more).unwrap_err();
            assert!(error.contains(told) && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}
