//! What a bundle says of the connection: nothing counts but the schema.

use belay_model::JdbcUrl;
use serde_json::Value;

/// The schema that a JDBC URL names, and what is to be told of the URL; never the URL, which may hold a password.
pub(super) fn of_url(value: &Value) -> (Option<String>, Vec<String>) {
    let Some(Ok(url)) = value.as_str().map(str::parse::<JdbcUrl>) else {
        return (None, Vec::new());
    };
    let mut notes = Vec::new();
    if url.current_schema.len() > 1 {
        notes.push("of its `currentSchema` only the first counts: set the others by `initSql`".to_owned());
    }
    if url.options.is_some() {
        notes.push("its `options` have no effect: say them in `initSql`".to_owned());
    }
    if url.password.is_some() {
        notes.push(READABLE.to_owned());
    }
    (url.current_schema.into_iter().next(), notes)
}

/// Of a password.
pub(super) const READABLE: &str =
    "a password lies here, readable for whoever may read the bundle: take it out, and change it";

/// Whether the key's value is a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    ["password", "token", "licensekey", "secret"]
        .iter()
        .any(|secret| last.ends_with(secret))
}
