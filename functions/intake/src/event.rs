//! What calls intake: S3's "Object Created" event as EventBridge brings it, or a person with a payload.

use belay_aws::crossing::{Ask, Step};
use serde::Deserialize;
use serde_json::Value;

/// What calls intake.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Event {
    /// An object was put.
    Uploaded(ObjectCreated),
    /// Somebody invoked the function with the payload of an older wrapper of Flyway. It is looked at later, since an
    /// error while it is read could quote what is in it.
    Asked(Value),
}

impl TryFrom<Value> for Event {
    type Error = serde_json::Error;

    fn try_from(event: Value) -> Result<Self, Self::Error> {
        match event.get("detail-type") {
            Some(_) => ObjectCreated::deserialize(event).map(Self::Uploaded),
            None => Ok(Self::Asked(event)),
        }
    }
}

impl Ask for Event {
    fn step(&self) -> Step {
        Step::Intake
    }
}

/// S3's event. What is not needed is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObjectCreated {
    /// The event's own id.
    pub id: String,
    /// What it is about.
    pub detail: Detail,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Detail {
    /// The bucket.
    pub bucket: Bucket,
    /// The object.
    pub object: Object,
}

/// The bucket of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
}

/// The object of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Object {
    /// The key, as it is: EventBridge does not encode it.
    pub key: String,
    /// In bytes.
    #[serde(default)]
    pub size: u64,
    /// Only of a versioned bucket.
    #[serde(default)]
    pub version_id: Option<String>,
    /// Hexadecimal; orders the versions of one key.
    #[serde(default)]
    pub sequencer: Option<String>,
}
