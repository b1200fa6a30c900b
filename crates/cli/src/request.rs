//! From what was typed to what the engine takes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io, process};

use belay_aws::config;
use belay_aws::secrets::Secrets;
use belay_engine::{Connect, Given, PlanRequest};
use belay_model::{Endpoint, FlywayKeys, LockSettings, PlannedAction, RunId, SecretRef, Tls, TransactionMode};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::address::{Address, Login, UrlTls};
use crate::arguments::{LoginOptions, SettingOptions, Transaction};
use crate::error::CliError;
use crate::settings::Said;

/// What Plan is asked, owned.
#[derive(Clone)]
pub(crate) struct Request {
    said: Said,
    transaction: TransactionMode,
    placeholders: BTreeMap<String, Given>,
}

impl Request {
    /// # Errors
    /// [`CliError::Usage`] for a placeholder without a value, or a setting that is none.
    pub(crate) fn of(options: &SettingOptions) -> Result<Self, CliError> {
        let mut placeholders = BTreeMap::new();
        for (name, value) in pairs("--placeholder", &options.placeholders)? {
            placeholders.insert(name, Given::Value(value));
        }
        for (name, variable) in pairs("--secret-placeholder", &options.secret_placeholders)? {
            let value = env::var(&variable)
                .map_err(|_| CliError::Usage(format!("--secret-placeholder: the environment has no {variable}")))?;
            let at = SecretRef {
                arn: "environment".to_owned(),
                key: variable,
                version_id: String::new(),
            };
            placeholders.insert(name, Given::Secret { at, value });
        }
        Ok(Self {
            said: Said::of(options)?,
            transaction: match options.transaction {
                Transaction::Auto => TransactionMode::Auto,
                Transaction::All => TransactionMode::All,
                Transaction::Each => TransactionMode::Each,
            },
            placeholders,
        })
    }

    /// Flyway's settings, as they come before the bundle's own.
    pub(crate) fn keys(&self) -> &FlywayKeys {
        &self.said.keys
    }

    /// The same, with a default schema.
    pub(crate) fn keys_in(&self, schema: &str) -> Result<FlywayKeys, CliError> {
        let mut keys = self.said.keys.clone();
        keys.set("defaultSchema", Value::String(schema.to_owned()))
            .map_err(|error| CliError::Usage(error.to_string()))?;
        Ok(keys)
    }

    /// What was said without effect, each in a sentence.
    pub(crate) fn notes(&self) -> &[String] {
        &self.said.notes
    }

    /// As the engine takes it.
    pub(crate) fn as_plan_request(&self, action: PlannedAction) -> PlanRequest<'_> {
        PlanRequest {
            action,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: None,
        }
    }

    /// The same for `validate`, which looks at everything whatever `migrate` is told.
    pub(crate) fn validating(mut self) -> Result<Self, CliError> {
        let all = self.said.keys.set("validateOnMigrate", Value::Bool(true));
        all.map_err(|error| CliError::Usage(error.to_string()))?;
        Ok(self)
    }

    /// The secret placeholders' values.
    pub(crate) fn secrets(&self) -> HashMap<SecretRef, String> {
        let secret = |given: &Given| match given {
            Given::Secret { at, value } => Some((at.clone(), value.clone())),
            Given::Value(_) => None,
        };
        self.placeholders.values().filter_map(secret).collect()
    }
}

/// How to log in, for a run of its own; and what the URL says besides.
///
/// # Errors
/// [`CliError::Usage`] if an option is wrong, [`CliError::Io`] if the certificates can't be read, [`CliError::Failed`] if
/// the secret can't be.
pub(crate) async fn connect(options: &LoginOptions) -> Result<Opened, CliError> {
    let address = Address::read(options)?;
    let tls = tls(options.tls.as_deref(), address.tls)?;
    let locks = LockSettings {
        lock_timeout_ms: milliseconds("--lock-timeout", &options.lock_timeout)?,
        budget_s: milliseconds("--lock-budget", &options.lock_budget)?.div_ceil(1000),
    };
    let (user, password) = match address.login {
        Login::Password { user, password } => (user, password),
        Login::Secret(id) => of_secret(&id, &address.endpoint).await?,
    };
    Ok(Opened {
        connect: Connect {
            tls,
            endpoint: address.endpoint,
            user,
            password,
            set_role: options.set_role.clone(),
            run: new_run().map_err(CliError::System)?,
            locks,
        },
        schema: address.schema,
        notes: address.notes,
    })
}

/// What comes of a URL and the options about it.
pub(crate) struct Opened {
    pub(crate) connect: Connect,
    /// The default schema, where no setting names one.
    pub(crate) schema: Option<String>,
    /// What of the URL has no effect, each in a sentence.
    pub(crate) notes: Vec<String>,
}

/// User and password from AWS Secrets Manager, by the credentials that this process has.
async fn of_secret(id: &str, endpoint: &Endpoint) -> Result<(String, String), CliError> {
    let secrets = Secrets::new(aws_sdk_secretsmanager::Client::new(&config::load().await));
    let login = secrets.login_at(id, endpoint).await?;
    Ok((login.user, login.password.expose_secret().to_owned()))
}

/// A time in milliseconds, such as `500ms`, `3s` or `2m`.
pub(crate) fn milliseconds(option: &str, text: &str) -> Result<u32, CliError> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    parsed
        .and_then(|duration| u32::try_from(duration.as_millis()).ok())
        .filter(|milliseconds| *milliseconds > 0)
        .ok_or_else(|| CliError::Usage(format!("{option}: {text:?} is not a time such as 500ms, 3s or 2m")))
}

/// A run by hand: named after nothing that another run could have as well.
fn new_run() -> Result<RunId, io::Error> {
    let random = getrandom::u64().map_err(io::Error::from)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(RunId::of_execution(&format!(
        "by hand: process {} at {} with {random}",
        process::id(),
        now.as_nanos()
    )))
}

fn tls(option: Option<&str>, url: Option<UrlTls>) -> Result<Tls, CliError> {
    match (option, url) {
        (Some("verify-full"), _) | (None, None | Some(UrlTls::VerifyFull)) => Ok(Tls::VerifyFull),
        (Some("off"), _) | (None, Some(UrlTls::Off)) => Ok(Tls::Off),
        (Some(file), _) => certificates(file),
        (None, Some(UrlTls::Ca(file))) => certificates(&file),
    }
}

fn certificates(file: &str) -> Result<Tls, CliError> {
    let path = Path::new(file);
    fs::read_to_string(path)
        .map(Tls::Ca)
        .map_err(CliError::io("read", path))
}

fn pairs(option: &str, given: &[String]) -> Result<Vec<(String, String)>, CliError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // Not echoed: without the =, it may be the value.
        _ => Err(CliError::Usage(format!("{option}: it must be NAME=VALUE"))),
    };
    given.iter().map(pair).collect()
}
