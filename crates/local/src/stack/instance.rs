//! Instances of RDS, and databases on them.

use belay_model::{InstanceName, Target};
use serde_json::{Value, json};

use super::Stack;
use super::target::target_at;
use crate::aws::{Aws, failed};
use crate::error::Result;
use crate::postgres::{Settings, quote, refused};

impl Stack {
    /// Starts a server as an instance of RDS, with an empty database of the same name, and makes that a target: see
    /// [`add_target_on`](Self::add_target_on). `policy` is what the instance's parameter holds, its `rds` aside.
    ///
    /// # Errors
    /// The stack has no RDS, or the name is in use.
    pub async fn new_instance(&self, aws: &Aws, name: &str, policy: Value) -> Result<Target> {
        self.rds()?.new_instance(name, Settings::default(), Value::Null).await?;
        self.put_instance(aws, name, policy).await?;
        self.add_target_on(aws, name, name, |_| ()).await
    }

    /// Makes an empty database on an instance, owned by its master user, and makes it a target: its own secret, its own
    /// parameter, the instance's address. `change` may alter the target before it is written.
    ///
    /// # Errors
    /// There is no such instance, or the name is in use.
    pub async fn add_target_on(
        &self,
        aws: &Aws,
        instance: &str,
        name: &str,
        change: impl FnOnce(&mut Target),
    ) -> Result<Target> {
        let mut target = self.new_database_on(aws, instance, name).await?;
        change(&mut target);
        self.put_target(aws, name, &target).await?;
        Ok(target)
    }

    /// An empty database on an instance and a secret for it; the target that they would be.
    pub(super) async fn new_database_on(&self, aws: &Aws, instance: &str, name: &str) -> Result<Target> {
        let found = self.rds()?.instance(instance).await?;
        let owner = found.migrator()?;
        let sql = format!("CREATE DATABASE {} OWNER {}", quote(name), quote(owner.name()));
        let client = found.look("postgres").await?;
        client.batch_execute(&sql).await.map_err(refused(&sql))?;
        let secret = self.put_secret(aws, owner, name).await?;
        let mut target = target_at(&found.host, found.port, name, secret);
        target.instance = Some(instance.parse::<InstanceName>().map_err(failed("naming an instance"))?);
        Ok(target)
    }

    /// Writes an instance's parameter, or overwrites it: `policy` with its `rds`.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn put_instance(&self, aws: &Aws, name: &str, mut policy: Value) -> Result<()> {
        policy["rds"] = json!({"instance": name});
        let path = format!("/{}/instances/{name}", self.name);
        let put = aws
            .ssm
            .put_parameter()
            .name(path)
            .value(policy.to_string())
            .overwrite(true);
        let put = put.r#type(aws_sdk_ssm::types::ParameterType::String);
        put.send().await.map(drop).map_err(failed("ssm:PutParameter"))
    }
}
