//! JDBC URLs, as pgjdbc reads them: what they say of a database, and nothing is opened.

mod parameters;

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use parameters::Parameters;
pub use parameters::{JdbcPassword, SslMode};

/// What a JDBC URL says of a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JdbcUrl {
    /// A host name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The port; 5432 if the URL has none.
    pub port: u16,
    /// The database. Absent: the one that is named as the user.
    pub database: Option<String>,
    /// `jdbc-secretsmanager:`: `user` is the id of a secret with user and password.
    pub user_is_secret: bool,
    /// `user`
    pub user: Option<String>,
    /// `password`
    pub password: Option<JdbcPassword>,
    /// `currentSchema`, a name each, as PostgreSQL would read them.
    pub current_schema: Vec<String>,
    /// `sslmode`; `ssl=true` is `verify-full`.
    pub ssl_mode: Option<SslMode>,
    /// `sslrootcert`: a path on the machine that the URL was written for.
    pub ssl_root_cert: Option<String>,
    /// `ApplicationName`
    pub application_name: Option<String>,
    /// `options`: what is passed to the server at the start.
    pub options: Option<String>,
    /// The names of all other parameters, in order.
    pub others: Vec<String>,
}

/// A text that is no URL of one PostgreSQL database. It never shows the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JdbcUrlError {
    /// It does not begin as one.
    #[error("not a JDBC URL; it is jdbc:postgresql://HOST:PORT/DATABASE")]
    NotJdbc,
    /// Another kind of database.
    #[error("a JDBC URL for {0}, and Belay speaks with PostgreSQL only; it is jdbc:postgresql://HOST:PORT/DATABASE")]
    OtherDatabase(String),
    /// `h1,h2`: which one is written to would be left to the driver.
    #[error("a JDBC URL with several hosts; name the one that is written to (a cluster's writer endpoint)")]
    SeveralHosts,
    /// `user:password@host`, which pgjdbc does not read.
    #[error(
        "a JDBC URL with something before an @; user and password are parameters in it, or better not in it at all"
    )]
    UserInfo,
    /// No host that could be one.
    #[error("a JDBC URL whose host is none; it is jdbc:postgresql://HOST:PORT/DATABASE")]
    Host,
    /// No port that could be one.
    #[error("a JDBC URL whose port is not a number from 1 to 65535")]
    Port,
    /// Percent escapes that are no UTF-8.
    #[error("a JDBC URL whose percent escapes are not UTF-8")]
    Escape,
    /// A parameter that can't have its value.
    #[error("a JDBC URL whose parameter {0} has a value that it can't have")]
    Parameter(&'static str),
}

const POSTGRES: &str = "postgresql:";
/// What wraps a driver and leaves the URL behind it as it is.
const WRAPPERS: [&str; 4] = ["aws-wrapper:", "p6spy:", "otel:", "tracing:"];

impl FromStr for JdbcUrl {
    type Err = JdbcUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (mut rest, user_is_secret) = match (strip(text, "jdbc:"), strip(text, "jdbc-secretsmanager:")) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err(JdbcUrlError::NotJdbc),
        };
        while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| strip(rest, wrapper)) {
            rest = inner;
        }
        let rest = strip(rest, POSTGRES).ok_or_else(|| other_database(rest))?;
        let (server, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (address, database) = match server.strip_prefix("//") {
            Some(server) => server.split_once('/').unwrap_or((server, "")),
            None => ("", server.strip_prefix('/').unwrap_or(server)),
        };
        let (host, port) = host_and_port(address)?;
        let database = Some(decode(database)?).filter(|database| !database.is_empty());
        Ok(Parameters::read(parameters)?.into_url(host, port, database, user_is_secret))
    }
}

/// Without case, as Java's drivers are found by people who type.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn other_database(rest: &str) -> JdbcUrlError {
    match rest.split_once(':') {
        Some((name, _)) if !name.is_empty() && name.len() <= 20 && name.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            JdbcUrlError::OtherDatabase(name.to_owned())
        }
        _ => JdbcUrlError::NotJdbc,
    }
}

fn host_and_port(address: &str) -> Result<(String, u16), JdbcUrlError> {
    if address.contains('@') {
        return Err(JdbcUrlError::UserInfo);
    }
    if address.contains(',') {
        return Err(JdbcUrlError::SeveralHosts);
    }
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (address, None),
    };
    let port = match port {
        None | Some("") => 5432,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(JdbcUrlError::Port)?,
    };
    let bare = match host.strip_prefix('[') {
        Some(inner) => inner
            .strip_suffix(']')
            .filter(|inner| !inner.is_empty())
            .ok_or(JdbcUrlError::Host)?,
        // An IPv6 address without brackets: which of its numbers were the port?
        None if host.contains(':') => return Err(JdbcUrlError::Host),
        None if host.is_empty() => "localhost",
        None => host,
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    match bare.chars().all(is_name) {
        true => Ok((bare.to_owned(), port)),
        false => Err(JdbcUrlError::Host),
    }
}

/// As Java decodes forms: `+` is a blank.
fn decode(text: &str) -> Result<String, JdbcUrlError> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text)
        .decode_utf8()
        .map_err(|_| JdbcUrlError::Escape)?;
    Ok(decoded.into_owned())
}

/// Host, port and database.
impl fmt::Display for JdbcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let database = self.database.as_deref().unwrap_or_default();
        write!(
            f,
            "jdbc:postgresql://{open}{}{close}:{}/{database}",
            self.host, self.port
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> JdbcUrl {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn s14_host_port_and_database() {
        for (text, host, port, database) in [
            (
                "jdbc:postgresql://db.example:5433/shop",
                "db.example",
                5433,
                Some("shop"),
            ),
            ("jdbc:postgresql://db.example/shop", "db.example", 5432, Some("shop")),
            ("jdbc:postgresql://db.example/", "db.example", 5432, None),
            ("jdbc:postgresql://db.example", "db.example", 5432, None),
            ("jdbc:postgresql://db.example:/shop", "db.example", 5432, Some("shop")),
            ("jdbc:postgresql:///shop", "localhost", 5432, Some("shop")),
            ("jdbc:postgresql://:6000/shop", "localhost", 6000, Some("shop")),
            ("jdbc:postgresql:shop", "localhost", 5432, Some("shop")),
            ("jdbc:postgresql:/", "localhost", 5432, None),
            ("jdbc:postgresql://[::1]:5433/shop", "::1", 5433, Some("shop")),
            (
                "jdbc:postgresql://[2001:db8::2]/shop",
                "2001:db8::2",
                5432,
                Some("shop"),
            ),
            (
                "jdbc:postgresql://127.0.0.1/my%20shop%2F1+2",
                "127.0.0.1",
                5432,
                Some("my shop/1 2"),
            ),
            ("JDBC:PostgreSQL://h/d?x", "h", 5432, Some("d")),
            ("jdbc:aws-wrapper:postgresql://h/d", "h", 5432, Some("d")),
            ("jdbc:p6spy:postgresql://h/d", "h", 5432, Some("d")),
            ("jdbc:otel:aws-wrapper:postgresql://h/d", "h", 5432, Some("d")),
            (" jdbc:postgresql://h/d ", "h", 5432, Some("d")),
        ] {
            let url = read(text);
            assert_eq!(
                (url.host.as_str(), url.port, url.database.as_deref()),
                (host, port, database),
                "{text}"
            );
            assert!(!url.user_is_secret);
            let again = read(&url.to_string());
            assert_eq!((again.host, again.port), (url.host, url.port), "{text}");
        }
    }

    #[test]
    fn s14_what_is_no_url_of_one_postgresql_database() {
        use JdbcUrlError as E;
        for (text, error) in [
            ("", E::NotJdbc),
            ("postgresql://h/d", E::NotJdbc),
            ("jdbc:", E::NotJdbc),
            ("jdbc:post gres:x", E::NotJdbc),
            ("jdbc:mysql://h/d", E::OtherDatabase("mysql".to_owned())),
            ("jdbc:oracle:thin:@h:1521", E::OtherDatabase("oracle".to_owned())),
            ("jdbc-secretsmanager:mysql://h/d", E::OtherDatabase("mysql".to_owned())),
            ("jdbc:postgresql://h1:5432,h2:5432/d", E::SeveralHosts),
            ("jdbc:postgresql://u:p@h/d", E::UserInfo),
            ("jdbc:postgresql://a b/d", E::Host),
            ("jdbc:postgresql://::1/d", E::Host),
            ("jdbc:postgresql://[]/d", E::Host),
            ("jdbc:postgresql://[::1/d", E::Host),
            ("jdbc:postgresql://h:0/d", E::Port),
            ("jdbc:postgresql://h:65536/d", E::Port),
            ("jdbc:postgresql://h:x/d", E::Port),
            ("jdbc:postgresql://h/%ff", E::Escape),
            ("jdbc:postgresql://h/d?sslmode=sometimes", E::Parameter("sslmode")),
            ("jdbc:postgresql://h/d?ssl=maybe", E::Parameter("ssl")),
            (
                "jdbc:postgresql://h/d?currentSchema=%22a",
                E::Parameter("currentSchema"),
            ),
        ] {
            assert_eq!(text.parse::<JdbcUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn s14_parameters() {
        let url = read(
            "jdbc:postgresql://h/d?user=a%40b&password=p%26%3Dq+r&currentSchema=App,%22My%2CSchema%22,%20x&sslmode=require\
             &sslrootcert=/etc/ca.pem&ApplicationName=ci&options=-c%20lock_timeout=1s&reWriteBatchedInserts=true&&loginTimeout",
        );
        assert_eq!(url.user.as_deref(), Some("a@b"));
        assert_eq!(url.password.as_ref().map(JdbcPassword::expose), Some("p&=q r"));
        assert_eq!(url.current_schema, ["app", "My,Schema", "x"]);
        assert_eq!(url.ssl_mode, Some(SslMode::Require));
        assert_eq!(url.ssl_root_cert.as_deref(), Some("/etc/ca.pem"));
        assert_eq!(url.application_name.as_deref(), Some("ci"));
        assert_eq!(url.options.as_deref(), Some("-c lock_timeout=1s"));
        assert_eq!(url.others, ["reWriteBatchedInserts", "loginTimeout"]);
        assert!(!format!("{url:?}{url}").contains("p&=q"));
        assert_eq!(
            read("jdbc:postgresql://h/d?ssl=true").ssl_mode,
            Some(SslMode::VerifyFull)
        );
        assert_eq!(read("jdbc:postgresql://h/d?ssl").ssl_mode, Some(SslMode::VerifyFull));
        assert_eq!(
            read("jdbc:postgresql://h/d?ssl=false&sslmode=verify-ca").ssl_mode,
            Some(SslMode::VerifyCa)
        );
        let secret = read("jdbc-secretsmanager:postgresql://h/d?user=prod/shop");
        assert!(secret.user_is_secret);
        assert_eq!(secret.user.as_deref(), Some("prod/shop"));
    }
}
