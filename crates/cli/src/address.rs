//! `--url`: where the database is and who logs in.
//!
//! Nothing of a URL is ever echoed: in a wrong one, any part may be a piece of the password.

mod jdbc;

use std::env;

use belay_model::Endpoint;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::arguments::LoginOptions;
use crate::error::CliError;

/// What URL, options and environment say.
pub(crate) struct Address {
    pub(crate) endpoint: Endpoint,
    pub(crate) login: Login,
    /// `sslmode`, if it is there.
    pub(crate) tls: Option<UrlTls>,
    /// `currentSchema`: the default schema, where no setting names one.
    pub(crate) schema: Option<String>,
    /// What of the URL has no effect, each in a sentence.
    pub(crate) notes: Vec<String>,
}

/// Who logs in.
pub(crate) enum Login {
    /// A role with its password.
    Password { user: String, password: String },
    /// `jdbc-secretsmanager:`: a secret of AWS Secrets Manager, with `username` and `password`.
    Secret(String),
}

/// What a URL says of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UrlTls {
    /// `sslmode=disable`.
    Off,
    /// Any other mode: the weaker ones of them are taken for the strongest.
    VerifyFull,
    /// `sslrootcert`.
    Ca(String),
}

/// Who logs in where the URL does not say it.
#[derive(Default)]
struct Beside {
    /// An option: it comes before the URL's.
    user_option: Option<String>,
    /// From the environment.
    user: Option<String>,
    password: Option<String>,
}

impl Address {
    /// Reads the URL and who logs in; what the options lack comes from the environment.
    ///
    /// # Errors
    /// [`CliError::Usage`] if something is missing or wrong.
    pub(crate) fn read(options: &LoginOptions) -> Result<Self, CliError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if options.password.is_some() {
            return Err(CliError::Usage(
                "--password: other users of this machine could read it there; put it into the environment as \
                 FLYWAY_PASSWORD or PGPASSWORD"
                    .to_owned(),
            ));
        }
        let (name, url) = match (&options.url, variable("FLYWAY_URL")) {
            (Some(url), _) => ("--url", url.clone()),
            (None, Some(url)) => ("FLYWAY_URL in the environment", url),
            (None, None) => {
                return Err(CliError::Usage(
                    "there is no database; name it with --url, or put its URL into the environment as FLYWAY_URL"
                        .to_owned(),
                ));
            }
        };
        let beside = Beside {
            user_option: options.user.clone(),
            user: variable("FLYWAY_USER").or_else(|| variable("PGUSER")),
            password: variable("FLYWAY_PASSWORD").or_else(|| variable("PGPASSWORD")),
        };
        parse(&url, beside).map_err(|why| CliError::Usage(format!("{name}: {why}")))
    }
}

impl Beside {
    /// The option, else the URL's own, else the environment's.
    fn user(&self, own: Option<String>) -> Option<String> {
        self.user_option.clone().or(own).or_else(|| self.user.clone())
    }

    fn login(&self, own_user: Option<String>, own_password: Option<String>) -> Result<Login, String> {
        Ok(Login::Password {
            user: self
                .user(own_user)
                .ok_or("it names no user; put one into it, into --user, or into PGUSER or FLYWAY_USER")?,
            password: own_password.or_else(|| self.password.clone()).ok_or(
                "there is no password; put one into the environment as PGPASSWORD or FLYWAY_PASSWORD, or into the URL",
            )?,
        })
    }
}

const FORM: &str = "it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE or jdbc:postgresql://HOST:PORT/DATABASE";

fn parse(text: &str, beside: Beside) -> Result<Address, String> {
    if text
        .trim_start()
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("jdbc"))
    {
        return jdbc::parse(text, &beside);
    }
    let url = Url::parse(text).map_err(|error| {
        format!("{error}; {FORM}, and / ? # @ : % in a password are written as %2F %3F %23 %40 %3A %25")
    })?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(format!("Belay knows PostgreSQL only; {FORM}"));
    }
    if url.fragment().is_some() {
        return Err(format!("it has a #; {FORM}, and a # in a password is written as %23"));
    }
    let parameters = Parameters::read(&url)?;
    let decoded = |part: &str| match percent_decode_str(part).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err("it has a part that is not UTF-8".to_owned()),
    };
    let own_user = Some(url.username()).filter(|user| !user.is_empty());
    let own_user = own_user.map(decoded).transpose()?.or(parameters.user);
    let own_password = url.password().map(decoded).transpose()?.or(parameters.password);
    let host = url.host_str().filter(|host| !host.is_empty());
    let database = decoded(url.path().trim_start_matches('/'))?;
    if database.is_empty() || database.contains('/') {
        return Err(format!("it names no database; {FORM}"));
    }
    let host = decoded(host.ok_or_else(|| format!("it names no host; {FORM}"))?)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Address {
        endpoint: Endpoint {
            host,
            port: url.port().unwrap_or(5432),
            database,
        },
        login: beside.login(own_user, own_password)?,
        tls: parameters.tls,
        schema: None,
        notes: Vec::new(),
    })
}

/// What may stand behind the `?`.
#[derive(Default)]
struct Parameters {
    user: Option<String>,
    password: Option<String>,
    tls: Option<UrlTls>,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, String> {
        let mut found = Self::default();
        for (name, value) in url.query_pairs() {
            let value = value.into_owned();
            match name.as_ref() {
                "user" => found.user = Some(value),
                "password" => found.password = Some(value),
                "sslmode" => match (value.as_str(), &found.tls) {
                    ("disable", _) => found.tls = Some(UrlTls::Off),
                    ("allow" | "prefer" | "require" | "verify-ca" | "verify-full", None) => {
                        found.tls = Some(UrlTls::VerifyFull);
                    }
                    ("allow" | "prefer" | "require" | "verify-ca" | "verify-full", Some(_)) => {}
                    _ => return Err("its sslmode is none; use verify-full or disable".to_owned()),
                },
                "sslrootcert" if found.tls != Some(UrlTls::Off) => found.tls = Some(UrlTls::Ca(value)),
                "sslrootcert" => {}
                _ => {
                    return Err(
                        "it has a parameter that Belay does not know; those it knows are sslmode, sslrootcert, \
                                user and password, and a ? in a password is written as %3F"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str, user: Option<&str>, password: Option<&str>) -> Result<String, String> {
        let beside = Beside {
            user_option: None,
            user: user.map(str::to_owned),
            password: password.map(str::to_owned),
        };
        let address = parse(url, beside)?;
        let Endpoint { host, port, database } = address.endpoint;
        let login = match address.login {
            Login::Password { user, password } => format!("{user} {password}"),
            Login::Secret(id) => format!("secret {id}"),
        };
        let more = [address.schema.into_iter().collect(), address.notes]
            .concat()
            .join("; ");
        Ok(format!("{login} {host} {port} {database} {:?} {more}", address.tls)
            .trim_end()
            .to_owned())
    }

    #[test]
    fn urls_are_read_as_people_write_them() {
        for (url, expected) in [
            ("postgres://u:p@h:6000/d", "u p h 6000 d None"),
            ("postgresql://u:p@h/d", "u p h 5432 d None"),
            (
                "postgres://u%40x:p%2F%3F%23%25@h/my%20db",
                "u@x p/?#% h 5432 my db None",
            ),
            ("postgres://u:p@[::1]:6000/d", "u p ::1 6000 d None"),
            ("postgres://h/d", "env secret h 5432 d None"),
            ("postgres://u@h/d", "u secret h 5432 d None"),
            ("jdbc:postgresql://h:1/d?user=u&password=p%26q", "u p&q h 1 d None"),
            (
                "jdbc:postgresql://h/d?currentSchema=App",
                "env secret h 5432 d None app",
            ),
            ("jdbc:aws-wrapper:postgresql://h/", "env secret h 5432 env None"),
            (
                "jdbc:postgresql://h/d?sslmode=require&sslrootcert=ca.pem",
                "env secret h 5432 d Some(Ca(\"ca.pem\"))",
            ),
            (
                "jdbc:postgresql://h/d?ApplicationName=x&tcpKeepAlive=true",
                "env secret h 5432 d None the URL's ApplicationName has no effect: Belay names its sessions after its runs; \
                 the URL's tcpKeepAlive has no effect: Belay brings its own driver",
            ),
            (
                "jdbc-secretsmanager:postgresql://h/d?user=prod/shop",
                "secret prod/shop h 5432 d None",
            ),
            ("postgres://u:p@h/d?sslmode=disable", "u p h 5432 d Some(Off)"),
            ("postgres://u:p@h/d?sslmode=require", "u p h 5432 d Some(VerifyFull)"),
            (
                "postgres://u:p@h/d?sslrootcert=ca.pem&sslmode=verify-full",
                "u p h 5432 d Some(Ca(\"ca.pem\"))",
            ),
        ] {
            assert_eq!(told(url, Some("env"), Some("secret")).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_a_piece_of_the_password() {
        for url in [
            "",
            "h/d",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h",
            "postgres://u:hunter2@h/",
            "postgres://u:hunter2@/d",
            "postgres://u:hunter2@h/d/e",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2/x@h/d",
            "postgres://u:12?hunter2=x@h/d",
            "postgres://u:12#hunter2@h/d",
            "postgres://u:hunter2@h/d?sslmode=hunter2",
            "postgres://u:hunter2@h/d?options=hunter2",
            "postgres://u:%ffhunter2@h/d",
            "jdbc:postgresql://u:hunter2@h/d",
            "jdbc:postgresql://h,i/d?password=hunter2",
            "jdbc:mysql://h/d?password=hunter2",
            "jdbc:postgresql://h/d?options=hunter2",
            "jdbc-secretsmanager:postgresql://h/d?password=hunter2",
        ] {
            let why = told(url, None, None).unwrap_err();
            assert!(!why.contains("hunter2"), "{url}: {why}");
        }
        assert!(told("postgres://u@h/d", None, None).unwrap_err().contains("PGPASSWORD"));
        assert!(told("postgres://:p@h/d", None, None).unwrap_err().contains("PGUSER"));
    }
}
