//! One connection to the database: who it says it is, what it is set to, and how it is stopped.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use belay_model::{Endpoint, LockSettings, RunId, Tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};

use crate::error::EngineError;
use crate::notice::Notices;
use crate::tls::{self, Connector};

/// How to log in. Every session says whose it is: `application_name` is `belay/<run>`.
#[derive(Clone)]
pub struct Connect {
    /// Where the database is.
    pub endpoint: Endpoint,
    /// Who logs in.
    pub user: String,
    /// The password; never shown.
    pub password: String,
    /// How the connection is protected.
    pub tls: Tls,
    /// The role to become.
    pub set_role: Option<String>,
    /// The run that the session belongs to.
    pub run: RunId,
    /// How long to wait for locks.
    pub locks: LockSettings,
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Endpoint { host, port, database } = &self.endpoint;
        write!(f, "Connect({}@{host}:{port}/{database} as {})", self.user, self.run)
    }
}

/// An open connection. Dropping it closes it; the server ends what still runs within [`CHECK_INTERVAL`].
pub(crate) struct Session {
    client: Client,
    connector: Connector,
    driver: JoinHandle<()>,
    notices: Notices,
    set_role: Option<String>,
    cancels: AtomicU32,
}

/// How soon the server notices that a client is gone while a statement runs.
const CHECK_INTERVAL: &str = "1000";

/// How long logging in may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Session {
    /// Logs in. Settings are startup options, which `RESET ALL` keeps.
    pub(crate) async fn open(connect: &Connect, search_path: Option<&str>) -> Result<Self, EngineError> {
        let connector = tls::connector(&connect.tls, &connect.endpoint)?;
        let mut config = Config::new();
        config
            .host(&connect.endpoint.host)
            .port(connect.endpoint.port)
            .dbname(&connect.endpoint.database)
            .user(&connect.user)
            .password(&connect.password)
            .application_name(application_name(&connect.run))
            .connect_timeout(CONNECT_TIMEOUT)
            .options(options(connect, search_path));
        let notices = Notices::default();
        let logging_in = async {
            match &connector {
                Connector::Plain => {
                    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                    let (client, connection) = config.connect(NoTls).await?;
                    Ok::<_, tokio_postgres::Error>((client, tokio::spawn(drive(connection, notices.clone()))))
                }
                Connector::Tls(tls) => {
                    config.ssl_mode(tokio_postgres::config::SslMode::Require);
                    let (client, connection) = config.connect(tls.clone()).await?;
                    Ok((client, tokio::spawn(drive(connection, notices.clone()))))
                }
            }
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, logging_in).await {
            Ok(Ok((client, driver))) => Ok(Self {
                client,
                connector,
                driver,
                notices,
                set_role: connect.set_role.clone(),
                cancels: AtomicU32::new(0),
            }),
            Ok(Err(error)) => Err(EngineError::connecting(error, connect)),
            Err(_) => Err(EngineError::ConnectTimeout {
                host: connect.endpoint.host.clone(),
                port: connect.endpoint.port,
                seconds: CONNECT_TIMEOUT.as_secs(),
            }),
        }
    }

    /// The client, for queries of our own.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What the server has said besides its answers.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The role that the session has after `RESET ROLE`, as `SET ROLE` takes it.
    pub(crate) fn reset_role(&self) -> String {
        self.set_role
            .as_deref()
            .map_or_else(|| "NONE".to_owned(), quote_identifier)
    }

    /// How many CancelRequests were sent. Each may arrive late, and stop a statement of ours instead of the one it was
    /// meant for: so many times a statement of ours is said again.
    pub(crate) fn cancels(&self) -> u32 {
        self.cancels.load(Ordering::Relaxed)
    }

    /// Asks the server to stop the running statement. It answers on the session itself, with 57014.
    pub(crate) async fn cancel(&self) {
        self.cancels.fetch_add(1, Ordering::Relaxed);
        let token = self.client.cancel_token();
        let sent = async {
            match &self.connector {
                Connector::Plain => token.cancel_query(NoTls).await,
                Connector::Tls(tls) => token.cancel_query(tls.clone()).await,
            }
        };
        // A cancel that is lost is no harm: the session is given up after a grace time, and the server then ends it.
        let _ = tokio::time::timeout(CONNECT_TIMEOUT, sent).await;
    }

    /// Runs statements of our own whose results don't matter.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), EngineError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Says goodbye, so that the server is rid of the session before its invocation ends (K7).
    pub(crate) async fn close(self) {
        drop(self.client);
        // A server that does not answer notices by itself that the client is gone.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.driver).await;
    }

    /// Leaves whatever transaction is open.
    pub(crate) async fn rollback(&self) -> Result<(), EngineError> {
        let mut late = self.cancels();
        loop {
            match self.run("ROLLBACK").await {
                Err(error) if late > 0 && error.is_cancelled() => late -= 1,
                ended => return ended,
            }
        }
    }
}

/// Carries the messages of a connection until it ends. An error here reaches whoever waits for an answer on the client.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: Notices)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            notices.hear(&notice);
        }
    }
}

/// What a run's sessions are called.
pub(crate) fn application_name(run: &RunId) -> String {
    format!("belay/{run}")
}

fn options(connect: &Connect, search_path: Option<&str>) -> String {
    let lock_timeout = connect.locks.lock_timeout_ms.to_string();
    let mut settings = vec![
        ("lock_timeout", lock_timeout.as_str()),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "60000"),
        ("client_connection_check_interval", CHECK_INTERVAL),
        ("tcp_keepalives_idle", "15"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        ("standard_conforming_strings", "on"),
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
    ];
    settings.extend(search_path.map(|path| ("search_path", path)));
    settings.extend(connect.set_role.as_deref().map(|role| ("role", role)));
    settings
        .iter()
        .map(|(name, value)| format!("-c {name}={}", escape_option(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// In `options`, a backslash keeps white space and itself from ending a value.
fn escape_option(value: &str) -> String {
    value
        .chars()
        .flat_map(|c| {
            (c.is_ascii_whitespace() || c == '\\')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect()
}

/// A name as SQL takes it, whatever is in it.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL takes it, whatever is in it (`standard_conforming_strings` is on in every session).
pub(crate) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_escaped() {
        assert_eq!(escape_option("read committed"), "read\\ committed");
        assert_eq!(escape_option("a\\b"), "a\\\\b");
    }

    #[test]
    fn a_connect_does_not_show_its_password() {
        let connect = Connect {
            endpoint: Endpoint {
                host: "h".to_owned(),
                port: 1,
                database: "d".to_owned(),
            },
            user: "u".to_owned(),
            password: "s3cret".to_owned(),
            tls: Tls::Off,
            set_role: None,
            run: RunId::of_execution("x"),
            locks: LockSettings::default(),
        };
        assert!(!format!("{connect:?}").contains("s3cret"));
    }
}
