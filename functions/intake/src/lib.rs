//! `intake`: one run for each uploaded version, however often its event comes; and one for each payload of an older
//! wrapper of Flyway that it is invoked with.
//!
//! What the event asks for is not judged here: a request that is nonsense also starts a run, so that somebody is told
//! (rule P3).

mod asked;
mod event;
mod name;
mod packed;
mod payload;
mod refused;
mod settings;
mod which;

use belay_aws::executions::{Executions, Started};
use belay_aws::objects::Objects;
use belay_aws::targets::Targets;
use belay_model::{BundleRef, Code, Failure};
use serde::Serialize;
use serde_json::json;

pub use asked::Asked;
pub use event::{Detail, Event, ObjectCreated};

/// The folder, under a target's, for bundles that payloads were packed into. An upload to it starts nothing: whoever
/// puts a bundle there starts its run.
pub(crate) const PAYLOADS: &str = ".payload/";

/// The function, with what it needs.
#[derive(Debug)]
pub struct Intake {
    /// Starts runs.
    pub executions: Executions,
    /// The workflow's ARN.
    pub machine: String,
    /// The stack's bucket.
    pub bucket: String,
    /// What is in it.
    pub objects: Objects,
    /// The stack's targets.
    pub targets: Targets,
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "taken")]
pub enum Taken {
    /// A run was started.
    Started {
        /// The execution's name.
        name: String,
    },
    /// The run was started before, by the same event.
    Before {
        /// The execution's name.
        name: String,
    },
    /// A folder, which consoles make as an empty object.
    Folder,
    /// A bundle that a payload was packed into.
    Packed,
    /// A payload's run was started.
    Asked(Box<Asked>),
}

impl Intake {
    /// Starts a run for the object of the event, or for what a payload asks. `invocation` is Lambda's id.
    ///
    /// # Errors
    /// `Infra.…` if the run can't be started; `Infra.Bug` for an event of another bucket; for a payload the codes that
    /// [`belay_aws::crossing::Step::codes`] lists.
    pub async fn handle(&self, event: Event, invocation: &str) -> Result<Taken, Failure> {
        match event {
            Event::Uploaded(event) => self.uploaded(event).await,
            Event::Asked(payload) => {
                let asked = self.asked(&payload, invocation).await?;
                tracing::info!(
                    execution = asked.execution,
                    target = asked.target,
                    "started for a payload"
                );
                Ok(Taken::Asked(Box::new(asked)))
            }
        }
    }

    async fn uploaded(&self, event: ObjectCreated) -> Result<Taken, Failure> {
        let Detail { bucket, object } = &event.detail;
        if bucket.name != self.bucket {
            let message = format!("the event is of the bucket {}, not of {}", bucket.name, self.bucket);
            return Err(Failure::new(Code::Bug, message).next("correct the rule that calls intake"));
        }
        if object.key.ends_with('/') && object.size == 0 {
            return Ok(Taken::Folder);
        }
        let below = object
            .key
            .strip_prefix("bundles/")
            .and_then(|rest| rest.split_once('/'));
        if below.is_some_and(|(_, name)| name.starts_with(PAYLOADS)) {
            return Ok(Taken::Packed);
        }
        // Where versioning is off, or suspended, the version is none, or "null" for every object.
        let version_id = object.version_id.clone().filter(|version| version != "null");
        let target = target(&object.key);
        let name = match &version_id {
            Some(version) => name::of_version(target, &bucket.name, &object.key, version),
            None => {
                let order = object.sequencer.as_deref().unwrap_or(&event.id);
                name::of_event(target, &bucket.name, &object.key, order)
            }
        };
        let bundle = BundleRef {
            key: object.key.clone(),
            version_id,
            sequencer: object.sequencer.clone(),
        };
        let input = json!({"target": target, "bundle": bundle}).to_string();
        let started = self.executions.start(&self.machine, &name, input).await;
        match started.map_err(|error| error.failure())? {
            Started::Now(execution) => {
                tracing::info!(execution, key = object.key, "started");
                Ok(Taken::Started { name })
            }
            Started::Before => Ok(Taken::Before { name }),
        }
    }
}

/// The folder under `bundles/`; nothing if there is none.
fn target(key: &str) -> &str {
    key.strip_prefix("bundles/")
        .and_then(|rest| rest.split_once('/'))
        .map_or("", |(target, _)| target)
}
