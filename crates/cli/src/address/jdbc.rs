//! JDBC URLs, as Flyway's users have them.

use belay_model::{Endpoint, JdbcPassword, JdbcUrl, SslMode};

use super::{Address, Beside, Login, UrlTls};

pub(super) fn parse(text: &str, beside: &Beside) -> Result<Address, String> {
    let url: JdbcUrl = text.parse().map_err(|error| format!("it is {error}"))?;
    if url.options.is_some() {
        return Err("its parameter options is not passed on; say what it sets with --init-sql".to_owned());
    }
    let (schema, other) = match url.current_schema.as_slice() {
        [] => (None, false),
        [first, others @ ..] => (Some(first.clone()), !others.is_empty()),
    };
    if other {
        return Err(
            "its currentSchema has several schemas; leave the first, and set the search path with --init-sql"
                .to_owned(),
        );
    }
    let login = login(&url, beside)?;
    let database = match (&url.database, &login) {
        (Some(database), _) => database.clone(),
        (None, Login::Password { user, .. }) => user.clone(),
        (None, Login::Secret(_)) => return Err("it names no database".to_owned()),
    };
    Ok(Address {
        login,
        tls: tls(&url),
        schema,
        notes: notes(&url),
        endpoint: Endpoint {
            host: url.host,
            port: url.port,
            database,
        },
    })
}

fn login(url: &JdbcUrl, beside: &Beside) -> Result<Login, String> {
    if !url.user_is_secret {
        let password = url.password.as_ref().map(JdbcPassword::expose).map(str::to_owned);
        return beside.login(url.user.clone(), password);
    }
    let secret = beside.user(url.user.clone());
    secret
        .map(Login::Secret)
        .ok_or_else(|| "it names no secret; its id is the user: put it into the URL, or into --user".to_owned())
}

fn tls(url: &JdbcUrl) -> Option<UrlTls> {
    match (url.ssl_mode, &url.ssl_root_cert) {
        (Some(SslMode::Disable), _) => Some(UrlTls::Off),
        (_, Some(file)) => Some(UrlTls::Ca(file.clone())),
        (Some(_), None) => Some(UrlTls::VerifyFull),
        (None, None) => None,
    }
}

fn notes(url: &JdbcUrl) -> Vec<String> {
    let named = url
        .application_name
        .iter()
        .map(|_| "the URL's ApplicationName has no effect: Belay names its sessions after its runs".to_owned());
    let others = url
        .others
        .iter()
        .map(|name| format!("the URL's {name} has no effect: Belay brings its own driver"));
    named.chain(others).collect()
}
