//! The payloads of the wrappers of Flyway that Belay replaces, as they are.
//!
//! Nothing here ever quotes a value that could be a password: messages name keys.

mod flyway_lambda;
mod password;
mod plain;

use belay_model::Action;
use serde_json::{Map, Value};

use crate::refused::{Refused, refused};

/// What a payload asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) action: Action,
    /// The bucket in which the SQL is.
    pub(crate) bucket: String,
    /// Under which prefix: nothing, or something that ends with a slash.
    pub(crate) folder: String,
    /// Where flyway.conf is.
    pub(crate) config: Config,
    /// Flyway's settings.
    pub(crate) settings: Map<String, Value>,
    pub(crate) hint: Hint,
    /// What had no effect, each in a sentence.
    pub(crate) notes: Vec<String>,
}

/// Where flyway.conf is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Config {
    Nowhere,
    /// The object of this key, if there is one.
    Perhaps(String),
    /// The object of this key.
    At(String),
}

/// What tells the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hint {
    /// Its name.
    pub(crate) name: Option<String>,
    /// A JDBC URL, which holds no password.
    pub(crate) url: Option<String>,
    /// The name or ARN of its secret.
    pub(crate) secret: Option<String>,
}

impl Payload {
    /// Reads a payload of any of the wrappers.
    pub(crate) fn read(payload: &Value) -> Result<Self, Refused> {
        password::refuse(payload)?;
        let fields = Fields::of(payload, "the payload")?;
        if ["flywayRequest", "dbRequest", "s3Request", "gitRequest"]
            .iter()
            .any(|name| fields.has(name))
        {
            flyway_lambda::read(&fields)
        } else if fields.has("bucket_name") {
            plain::read(&fields)
        } else {
            Err(refused(
                "the payload is none that Belay knows",
                "send flyway-lambda's (flywayRequest, dbRequest, s3Request) or the one with bucket_name and prefix; \
                 or upload a bundle to bundles/<target>/, which needs no payload",
            ))
        }
    }
}

/// An object of the payload. A key that is null is like one that is not there.
struct Fields<'a> {
    what: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Value, what: &'static str) -> Result<Self, Refused> {
        let map = value.as_object();
        let map = map.ok_or_else(|| refused(format!("{what} is not an object"), "send a JSON object"))?;
        Ok(Self { what, map })
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A key of the payload that is an object.
    fn object(&self, name: &'static str) -> Result<Option<Self>, Refused> {
        self.get(name).map(|value| Self::of(value, name)).transpose()
    }

    /// A key that is a text. One that is empty is like one that is not there.
    fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || refused(format!("{name} of {} is not a text", self.what), "send a text");
        let text = value.as_str().ok_or_else(wrong)?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// That there is nothing else.
    fn only(&self, known: &[&str]) -> Result<(), Refused> {
        let unknown: Vec<_> = self.map.keys().filter(|name| !known.contains(&name.as_str())).collect();
        let Some(first) = unknown.first() else { return Ok(()) };
        Err(refused(
            format!("{} has {}, which is not known", self.what, shown(first)),
            format!("leave it out; known are {}", known.join(", ")),
        ))
    }
}

/// A name from outside, short and harmless.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    format!("{short:?}")
}

/// A prefix: nothing, or something that ends with a slash. Belay's own folders hold no migrations.
fn folder(text: Option<String>) -> Result<String, Refused> {
    let text = text.unwrap_or_default();
    let folder = text.trim_matches('/');
    let first = folder.split('/').next().unwrap_or_default();
    if OWN.contains(&first) {
        return Err(refused(
            format!("{first}/ is Belay's own folder of the bucket"),
            "put the SQL files under another prefix",
        ));
    }
    Ok(if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    })
}

/// Folders of the bucket that are Belay's own.
pub(crate) const OWN: [&str; 3] = ["bundles", "runs", "results"];
