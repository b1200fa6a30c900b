//! An instance and its states as tests see them.

use std::time::SystemTime;

use serde_json::Value;
use tokio_postgres::Client;

use super::missing;
use crate::error::Result;
use crate::postgres::{Postgres, Role, connect};

/// An instance at one moment.
#[derive(Debug, Clone)]
pub struct DbInstance {
    /// Its identifier.
    pub name: String,
    /// Its status, as `available`.
    pub status: String,
    /// `DbiResourceId`: a renaming keeps it, a restored instance has another.
    pub resource_id: String,
    /// The address that its name leads to; empty while it is made.
    pub host: String,
    /// The port of that address.
    pub port: u16,
    /// RDS's whole `DBInstance`.
    pub described: Value,
    server: Option<Server>,
}

/// A transitional state that is over.
#[derive(Debug, Clone)]
pub struct RdsState {
    /// The instance's name when it ended, before it had its effect.
    pub instance: String,
    /// As `backing-up`.
    pub status: &'static str,
    /// When it began.
    pub began: SystemTime,
    /// When it had its effect.
    pub ended: SystemTime,
}

#[derive(Debug, Clone)]
struct Server {
    port: u16,
    process_group: u32,
    superuser: Role,
    migrator: Role,
    app: Role,
}

impl DbInstance {
    pub(super) fn new(described: Value, server: Option<&Postgres>) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let server = server.map(|server| Server {
            port: server.port(),
            process_group: server.process_group(),
            superuser: server.superuser().clone(),
            migrator: server.migrator().clone(),
            app: server.app().clone(),
        });
        Self {
            name: text(&described["DBInstanceIdentifier"]),
            status: text(&described["DBInstanceStatus"]),
            resource_id: text(&described["DbiResourceId"]),
            host: text(&described["Endpoint"]["Address"]),
            port: described["Endpoint"]["Port"]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or_default(),
            described,
            server,
        }
    }

    /// A session of the superuser, whom RDS does not have, with the very server and not by the address: a renaming ends
    /// it all the same.
    ///
    /// # Errors
    /// The instance is only being made, or there is no such database.
    pub async fn look(&self, database: &str) -> Result<Client> {
        let server = self.server()?;
        connect(server.port, &server.superuser, database).await
    }

    /// The master user.
    ///
    /// # Errors
    /// The instance is only being made.
    pub fn migrator(&self) -> Result<&Role> {
        self.server().map(|server| &server.migrator)
    }

    /// Who an application would be: may log in, and no more.
    ///
    /// # Errors
    /// The instance is only being made.
    pub fn app(&self) -> Result<&Role> {
        self.server().map(|server| &server.app)
    }

    /// A connection URL by the address; it holds the password.
    pub fn url(&self, role: &Role, database: &str) -> String {
        let (name, password) = (role.name(), role.password());
        format!("postgres://{name}:{password}@{}:{}/{database}", self.host, self.port)
    }

    /// The process group of the first process of its server.
    ///
    /// # Errors
    /// The instance is only being made.
    pub fn process_group(&self) -> Result<u32> {
        self.server().map(|server| server.process_group)
    }

    fn server(&self) -> Result<&Server> {
        let none = || missing(&format!("instance {}", self.name), "server yet");
        self.server.as_ref().ok_or_else(none)
    }
}
