//! Databases that the pipeline may change.

use belay_model::{Credentials, Endpoint, Engine, Target, Tls};
use serde_json::json;

use super::Stack;
use crate::aws::{Aws, failed, present};
use crate::error::Result;
use crate::postgres::{Postgres, Role};

impl Stack {
    /// Makes an empty database of this name on `server`, owned by its migrator, and makes it a target: its own secret,
    /// its own parameter. `change` may alter the target before it is written.
    ///
    /// # Errors
    /// The name is in use.
    pub async fn add_target(
        &self,
        aws: &Aws,
        server: &Postgres,
        name: &str,
        change: impl FnOnce(&mut Target),
    ) -> Result<Target> {
        let mut target = self.new_database(aws, server, name).await?;
        change(&mut target);
        self.put_target(aws, name, &target).await?;
        Ok(target)
    }

    /// An empty database and a secret for it; the target that they would be.
    pub(super) async fn new_database(&self, aws: &Aws, server: &Postgres, name: &str) -> Result<Target> {
        server.create_database(name, server.migrator()).await?;
        let secret = self.put_secret(aws, server.migrator(), name).await?;
        Ok(target_at("127.0.0.1", server.port(), name, secret))
    }

    /// Writes a target's parameter, or overwrites it.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn put_target(&self, aws: &Aws, name: &str, target: &Target) -> Result<()> {
        let value = json!(target).to_string();
        let path = format!("/{}/targets/{name}", self.name);
        let put = aws.ssm.put_parameter().name(path).value(value).overwrite(true);
        let put = put.r#type(aws_sdk_ssm::types::ParameterType::String);
        put.send().await.map(drop).map_err(failed("ssm:PutParameter"))
    }

    /// A secret with a role, under `<stack>/<name>`; its ARN.
    pub(super) async fn put_secret(&self, aws: &Aws, role: &Role, name: &str) -> Result<String> {
        let secret = json!({"username": role.name(), "password": role.password()}).to_string();
        let create = aws
            .secrets
            .create_secret()
            .name(format!("{}/{name}", self.name))
            .secret_string(secret);
        let created = create.send().await.map_err(failed("secretsmanager:CreateSecret"))?;
        present(created.arn, "the answer of secretsmanager:CreateSecret", "ARN")
    }
}

/// A target without TLS, which only an address of this machine may have.
pub(super) fn target_at(host: &str, port: u16, database: &str, secret: String) -> Target {
    Target {
        engine: Engine::Postgresql,
        endpoint: Endpoint {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
        },
        instance: None,
        credentials: Credentials { secret },
        set_role: None,
        tls: Tls::Off,
        transaction: Default::default(),
        placeholders: Default::default(),
        flyway: Default::default(),
        locks: Default::default(),
        notify: None,
    }
}
