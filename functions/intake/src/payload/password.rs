//! A password does not belong into a payload: whoever may read a pipeline's log or CloudTrail would read it.

use belay_model::Code;
use serde_json::Value;

use crate::refused::Refused;

/// Refuses a payload with a password anywhere in it, without telling it.
pub(super) fn refuse(payload: &Value) -> Result<(), Refused> {
    match found(payload, "") {
        Some(place) => Err(Refused::under(
            Code::PasswordInRequest,
            format!("{place} is a password, and Belay takes none in a payload"),
            "put username and password into the secret that the target's parameter names (credentials.secret), leave \
             them out of the payload, and change the password: it was in a request",
        )),
        None => Ok(()),
    }
}

/// Where a password is.
fn found(value: &Value, place: &str) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let here = match place {
                "" => name.clone(),
                _ => format!("{place}.{name}"),
            };
            // Names of placeholders are the user's own; that they may be secrets is noted, not refused.
            if here == "flywayRequest.placeholders" {
                return None;
            }
            let is_text = value.as_str().is_some_and(|text| !text.is_empty());
            if is_text && name.to_lowercase().contains("password") {
                return Some(here.chars().take(80).collect());
            }
            found(value, &here)
        }),
        Value::Array(values) => values.iter().find_map(|value| found(value, place)),
        Value::String(text) => {
            in_url(text).then(|| format!("a part of {}", place.chars().take(80).collect::<String>()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a text is a URL with a password in it: `…//user:password@…`, or `…?password=…`.
fn in_url(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold any of these, so an @ behind them counts, too.
    let (authority, parameters) = rest.split_at(end);
    let before = rest.rsplit_once('@').map(|(before, _)| before);
    let user = before.filter(|before| before.split(['?', '&']).next().is_some_and(|user| user.contains(':')));
    let named = parameters.split(['?', '&', ';']).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.to_lowercase().contains("password") && !value.is_empty()
    });
    named || user.is_some() || authority.contains("password=")
}

#[cfg(test)]
mod tests {
    use belay_model::Failure;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_password_is_found_wherever_it_is_and_never_told() {
        for (payload, place) in [
            (json!({"dbRequest": {"password": "hunter2"}}), "dbRequest.password"),
            (json!({"gitRequest": {"password": "hunter2"}}), "gitRequest.password"),
            (
                json!({"flywayRequest": {"Password": "hunter2"}}),
                "flywayRequest.Password",
            ),
            (json!({"db_password": "hunter2"}), "db_password"),
            (
                json!({"dbRequest": {"connectionString": "jdbc:postgresql://h:1/d?user=u&password=hunter2"}}),
                "dbRequest.connectionString",
            ),
            (
                json!({"dbRequest": {"connectionString": "jdbc:postgresql://u:hunter2@h:1/d"}}),
                "dbRequest.connectionString",
            ),
            (
                json!({"gitRequest": {"gitRepository": "https://u:hunter2@git.example/r"}}),
                "gitRequest.gitRepository",
            ),
            (json!({"list": [{"sslpassword": "hunter2"}]}), "list.sslpassword"),
        ] {
            let failure = Failure::from(refuse(&payload).unwrap_err());
            assert_eq!(failure.code, Code::PasswordInRequest);
            let told = serde_json::to_string(&failure).unwrap();
            assert!(told.contains(place) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn what_is_none_is_not_refused() {
        for payload in [
            json!({"dbRequest": {"connectionString": "jdbc:postgresql://h:5432/d?sslmode=require", "password": null}}),
            json!({"dbRequest": {"username": "u", "password": ""}}),
            json!({"flywayRequest": {"placeholders": {"password_hash": "x"}}}),
            json!({"flywayRequest": {"configFile": "s3://bucket/a:b"}}),
            json!({"gitRequest": {"gitRepository": "git@github.com:a/b"}}),
        ] {
            assert_eq!(refuse(&payload), Ok(()));
        }
    }
}
