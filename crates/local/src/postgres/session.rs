//! A session with a server on this machine.

use tokio_postgres::{Client, Config, NoTls};

use super::{Role, refused};
use crate::error::Result;

/// A session without TLS with the server on a port of 127.0.0.1. It ends when the client is dropped.
pub(crate) async fn connect(port: u16, role: &Role, database: &str) -> Result<Client> {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(role.name())
        .password(role.password())
        .dbname(database);
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(refused(&format!("connect to {database}")))?;
    // The client reports what breaks the connection.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}
