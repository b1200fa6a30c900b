//! The commands, one file each.

pub(crate) mod bundle;
pub(crate) mod info;
pub(crate) mod keep;
pub(crate) mod migrate;
pub(crate) mod plan;
pub(crate) mod unlock;
pub(crate) mod validate;

use belay_bundle::Bundle;
use belay_engine::{Connect, Placeholders};
use belay_model::{Code, Endpoint, Failure, Plan, Tls};

use crate::arguments::ReadOptions;
use crate::error::CliError;
use crate::request::{Opened, Request, connect};
use crate::screen::Screen;
use crate::source;

/// What every command that looks at a bundle and a database needs.
pub(crate) struct Prepared {
    pub(crate) bundle: Bundle,
    pub(crate) request: Request,
    pub(crate) connect: Connect,
    /// What of the URL has no effect.
    notes: Vec<String>,
    pub(crate) screen: Screen,
}

impl Prepared {
    /// Options first, as they cost nothing; then the bundle. The database is not opened.
    pub(crate) async fn new(options: &ReadOptions, screen: Screen) -> Result<Self, CliError> {
        Self::with(options, Request::of(&options.settings)?, screen).await
    }

    /// The same for `validate`, which looks at everything whatever `migrate` is told.
    pub(crate) async fn validating(options: &ReadOptions, screen: Screen) -> Result<Self, CliError> {
        Self::with(options, Request::of(&options.settings)?.validating()?, screen).await
    }

    async fn with(options: &ReadOptions, request: Request, screen: Screen) -> Result<Self, CliError> {
        let Opened { connect, schema, notes } = connect(&options.login).await?;
        let bundle = source::open(&options.bundle, request.keys())?;
        // As in Flyway, any setting about schemas comes before the URL's.
        let settings = bundle.settings();
        let bundle = match schema.filter(|_| settings.default_schema.is_none() && settings.schemas.is_empty()) {
            Some(schema) => source::open(&options.bundle, &request.keys_in(&schema)?)?,
            None => bundle,
        };
        Ok(Self {
            bundle,
            request,
            connect,
            notes,
            screen,
        })
    }

    /// What is worth telling of options, environment and bundle, each in a sentence.
    pub(crate) fn notes(&self) -> Vec<String> {
        [&self.notes, self.request.notes(), self.bundle.notes()].concat()
    }

    /// The same of a run that has a plan: that has the bundle's.
    pub(crate) fn notes_with(&self, plan: &Plan) -> Vec<String> {
        [&self.notes, self.request.notes(), &plan.notes].concat()
    }

    /// The plan's placeholders with the values of the secret ones.
    pub(crate) fn placeholders(&self, plan: &Plan) -> Result<Placeholders, CliError> {
        Placeholders::of_plan(plan, &self.request.secrets()).map_err(|secret| {
            let message = format!("the plan names a secret that nobody gave: {}", secret.key);
            Failure::new(Code::Bug, message).into()
        })
    }

    /// Where the database is, for people: without the password.
    pub(crate) fn place(&self) -> String {
        let endpoint = &self.connect.endpoint;
        format!(
            "{} on {}:{} as {}",
            endpoint.database, endpoint.host, endpoint.port, self.connect.user
        )
    }

    /// The URL without its password.
    pub(crate) fn masked_url(&self) -> String {
        let Endpoint { host, port, database } = &self.connect.endpoint;
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.clone(),
        };
        format!("postgres://{}@{host}:{port}/{database}", self.connect.user)
    }

    /// The failure with the next step, where it is one of this program's own options.
    pub(crate) fn advised(&self, failure: Failure) -> Failure {
        let advice = if failure.next.is_some() {
            None
        } else if failure.problems.iter().any(|problem| problem.code == Code::UnitOpen) {
            Some(format!(
                "to accept what is half done, once it is finished or taken back by hand: belay keep --url {} --run RUN",
                self.masked_url()
            ))
        } else if failure.code == Code::Database && self.connect.tls != Tls::Off && speaks_of_tls(&failure.message) {
            Some(
                "a server whose certificate is no public one is trusted with --tls FILE; one on this machine is reached \
                 without TLS with ?sslmode=disable"
                    .to_owned(),
            )
        } else {
            None
        };
        match advice {
            Some(advice) => failure.next(advice),
            None => failure,
        }
    }
}

fn speaks_of_tls(message: &str) -> bool {
    message.contains("TLS") || message.contains("certificate")
}
