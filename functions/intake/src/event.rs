//! S3's "Object Created" event as EventBridge brings it.

use belay_aws::crossing::{Ask, Step};
use serde::Deserialize;

/// The event. What is not needed is not read.
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

impl Ask for ObjectCreated {
    fn step(&self) -> Step {
        Step::Intake
    }
}
