//! This project as a stack: what the demo, the end-to-end tests and `belay-local up` all start.

use std::time::Duration;

use belay_model::Target;

use crate::deployment::Source;
use crate::emulator::Emulator;
use crate::error::Result;
use crate::postgres::Settings;
use crate::rds::{Pace, RdsSettings};
use crate::stack::StackSettings;

/// The stack's name, and so the first part of the paths of its parameters.
pub const NAME: &str = "belay";

/// The target that the template makes.
pub const FIRST_TARGET: &str = "shop";

/// The instance of RDS that it is on, where it is on one.
pub const FIRST_INSTANCE: &str = "shop-db";

/// Where its mails would go.
const MAIL: &str = "team@example.com";

impl StackSettings {
    /// This project, its functions built in a profile of cargo's: `local`, or `release` to measure. On a machine that
    /// has never built it, some minutes.
    ///
    /// # Errors
    /// Something does not compile.
    pub async fn project(profile: &str, emulator: Emulator, postgres: Settings) -> Result<Self> {
        Ok(Self::of(Source::project(profile).await?, emulator, postgres))
    }

    /// As [`project`](Self::project), for a source whose template has this project's parameters.
    pub fn of(source: Source, emulator: Emulator, postgres: Settings) -> Self {
        let (name, first_target, more_parameters) = (NAME.to_owned(), FIRST_TARGET.to_owned(), Vec::new());
        Self {
            name,
            source,
            first_target,
            parameters,
            more_parameters,
            emulator,
            postgres,
            rds: None,
            first_instance: None,
        }
    }

    /// … with its first target on an instance of RDS, whose states last for so long.
    #[must_use]
    pub fn on_rds(self, state: Duration) -> Self {
        let rds = RdsSettings {
            pace: Pace::Time(state),
            ..RdsSettings::default()
        };
        Self {
            rds: Some(rds),
            first_instance: Some(FIRST_INSTANCE.to_owned()),
            ..self
        }
    }
}

/// The parameters of `sam/template.yaml`.
fn parameters(name: &str, target: &Target) -> Vec<(String, String)> {
    let endpoint = &target.endpoint;
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    [
        ("MailAddress", MAIL.to_owned()),
        ("TargetName", name.to_owned()),
        ("TargetHost", endpoint.host.clone()),
        ("TargetPort", endpoint.port.to_string()),
        ("TargetDatabase", endpoint.database.clone()),
        ("TargetSecretArn", target.credentials.secret.clone()),
        ("TargetTls", "off".to_owned()),
        (
            "TargetInstance",
            target.instance.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
        ("Architecture", architecture.to_owned()),
        // The emulator speaks plain HTTP.
        ("RequireTls", "false".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
