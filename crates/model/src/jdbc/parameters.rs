//! The parameters of a JDBC URL.

use std::fmt;

use super::{JdbcUrl, JdbcUrlError, decode};

/// A password that somebody put into a URL. It is shown to nobody who doesn't ask for it.
#[derive(Clone, PartialEq, Eq)]
pub struct JdbcPassword(String);

impl JdbcPassword {
    /// The password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JdbcPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JdbcPassword(…)")
    }
}

/// pgjdbc's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// `disable`
    Disable,
    /// `allow`
    Allow,
    /// `prefer`
    Prefer,
    /// `require`
    Require,
    /// `verify-ca`
    VerifyCa,
    /// `verify-full`
    VerifyFull,
}

/// What comes after the `?`.
#[derive(Default)]
pub(super) struct Parameters {
    user: Option<String>,
    password: Option<JdbcPassword>,
    current_schema: Vec<String>,
    ssl: Option<SslMode>,
    ssl_mode: Option<SslMode>,
    ssl_root_cert: Option<String>,
    application_name: Option<String>,
    options: Option<String>,
    others: Vec<String>,
}

impl Parameters {
    pub(super) fn read(text: &str) -> Result<Self, JdbcUrlError> {
        let mut parameters = Self::default();
        for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            parameters.set(name, decode(value)?)?;
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), JdbcUrlError> {
        match name {
            "user" => self.user = Some(value),
            "password" => self.password = Some(JdbcPassword(value)),
            "currentSchema" => {
                self.current_schema = schemas(&value).ok_or(JdbcUrlError::Parameter("currentSchema"))?;
            }
            "sslmode" => self.ssl_mode = Some(mode(&value).ok_or(JdbcUrlError::Parameter("sslmode"))?),
            "ssl" => match value.as_str() {
                "" | "true" => self.ssl = Some(SslMode::VerifyFull),
                "false" => self.ssl = None,
                _ => return Err(JdbcUrlError::Parameter("ssl")),
            },
            "sslrootcert" => self.ssl_root_cert = Some(value),
            "ApplicationName" => self.application_name = Some(value),
            "options" => self.options = Some(value),
            // A name as long as a secret may be one.
            _ => self.others.push(name.chars().take(40).collect()),
        }
        Ok(())
    }

    pub(super) fn into_url(self, host: String, port: u16, database: Option<String>, user_is_secret: bool) -> JdbcUrl {
        JdbcUrl {
            host,
            port,
            database,
            user_is_secret,
            user: self.user,
            password: self.password,
            current_schema: self.current_schema,
            ssl_mode: self.ssl_mode.or(self.ssl),
            ssl_root_cert: self.ssl_root_cert,
            application_name: self.application_name,
            options: self.options,
            others: self.others,
        }
    }
}

fn mode(value: &str) -> Option<SslMode> {
    Some(match value {
        "disable" => SslMode::Disable,
        "allow" => SslMode::Allow,
        "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        _ => return None,
    })
}

/// Names of a search path: quoted as they are, others in small letters, as PostgreSQL reads them.
fn schemas(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix('"') {
            Some(quoted) => until_quote(quoted)?,
            None => {
                let (name, _) = rest.split_once(',').unwrap_or((rest, ""));
                (name.trim().to_lowercase(), rest.get(name.len()..)?)
            }
        };
        names.extend(Some(name).filter(|name| !name.is_empty()));
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if behind.is_empty() => "",
            None => return None,
        };
    }
    Some(names)
}

/// The name up to its closing quote, and what is behind that. A quote inside is doubled.
fn until_quote(quoted: &str) -> Option<(String, &str)> {
    let (mut name, mut rest) = (String::new(), quoted);
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
}
