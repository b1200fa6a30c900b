//! Which target a payload means.

use std::collections::BTreeMap;

use belay_model::{Code, JdbcUrl, Target};

use crate::payload::Hint;
use crate::refused::{Refused, refused};

/// Every target by its name; nothing for a parameter that is none.
pub(crate) type Targets = BTreeMap<String, Option<Target>>;

/// The target: the one that is named; else the one at that address; else the one with that secret; else the only one.
pub(crate) fn target(hint: &Hint, targets: &Targets) -> Result<String, Refused> {
    if let Some(name) = &hint.name {
        return match targets.contains_key(name) {
            true => Ok(name.clone()),
            false => Err(unknown(targets)),
        };
    }
    if let Some(url) = &hint.url {
        let url = address(url)?;
        return only(targets, "at that address", |target| is_at(target, &url));
    }
    if let Some(secret) = &hint.secret {
        return only(targets, "with that secret", |target| {
            is_of(secret, &target.credentials.secret)
        });
    }
    let mut names = targets.keys();
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(refused(
            "the payload does not say which target it means",
            format!("add \"target\" to it: one of {}", list(targets)),
        )),
    }
}

fn only(targets: &Targets, what: &str, is_it: impl Fn(&Target) -> bool) -> Result<String, Refused> {
    let meant = targets.iter().filter(|(_, target)| target.as_ref().is_some_and(&is_it));
    let meant: Vec<_> = meant.map(|(name, _)| name.as_str()).collect();
    match meant.as_slice() {
        [name] => Ok((*name).to_owned()),
        [] => Err(Refused::under(
            Code::TargetUnknown,
            format!("no target is {what}"),
            format!(
                "add \"target\" to the payload (one of {}), or have the platform team add a target",
                list(targets)
            ),
        )),
        several => Err(refused(
            format!("several targets are {what}: {}", several.join(", ")),
            "add \"target\" to the payload",
        )),
    }
}

fn unknown(targets: &Targets) -> Refused {
    let message = "there is no target of the name that the payload has";
    Refused::under(Code::TargetUnknown, message, format!("name one of {}", list(targets)))
}

fn list(targets: &Targets) -> String {
    match targets.is_empty() {
        true => "none: the stack has no target yet".to_owned(),
        false => targets.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// Whether a secret's name, or ARN, is that of this ARN. Secrets Manager adds six characters to a name.
fn is_of(secret: &str, arn: &str) -> bool {
    let name = arn.splitn(7, ':').nth(6).unwrap_or_default();
    let plain = name.rsplit_once('-').filter(|(_, added)| added.len() == 6);
    secret == arn || secret == name || plain.is_some_and(|(name, _)| secret == name)
}

fn address(url: &str) -> Result<JdbcUrl, Refused> {
    url.parse::<JdbcUrl>().map_err(|error| {
        refused(
            format!("dbRequest.connectionString: {error}"),
            "send jdbc:postgresql://HOST:PORT/DATABASE, or \"target\" instead",
        )
    })
}

/// Whether a target is at the address of a URL. A URL without a database means the one that is called as the user.
fn is_at(target: &Target, url: &JdbcUrl) -> bool {
    let plain = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let endpoint = &target.endpoint;
    let user = url.user.as_ref().filter(|_| !url.user_is_secret);
    plain(&endpoint.host) == plain(&url.host)
        && endpoint.port == url.port
        && url.database.as_ref().or(user) == Some(&endpoint.database)
}
