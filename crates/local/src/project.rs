//! This project as a stack: what the demo, the end-to-end tests and `belay-local up` all start.

use belay_model::Target;

use crate::deployment::Source;
use crate::emulator::Emulator;
use crate::error::Result;
use crate::postgres::Settings;
use crate::stack::StackSettings;

/// The stack's name, and so the first part of the paths of its parameters.
pub const NAME: &str = "belay";

/// The target that the template makes.
pub const FIRST_TARGET: &str = "shop";

/// Where its mails would go.
const MAIL: &str = "team@example.com";

impl StackSettings {
    /// This project, its functions built in a profile of cargo's: `local`, or `release` to measure. On a machine that
    /// has never built it, some minutes.
    ///
    /// # Errors
    /// Something does not compile.
    pub async fn project(profile: &str, emulator: Emulator, postgres: Settings) -> Result<Self> {
        Ok(Self {
            name: NAME.to_owned(),
            source: Source::project(profile).await?,
            first_target: FIRST_TARGET.to_owned(),
            parameters,
            emulator,
            postgres,
        })
    }
}

/// The parameters of `sam/template.yaml`.
fn parameters(name: &str, target: &Target) -> Vec<(String, String)> {
    let endpoint = &target.endpoint;
    [
        ("TargetName", name.to_owned()),
        ("DatabaseHost", endpoint.host.clone()),
        ("DatabasePort", endpoint.port.to_string()),
        ("DatabaseName", endpoint.database.clone()),
        ("DatabaseSecretArn", target.credentials.secret.clone()),
        ("NotificationEmail", MAIL.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
