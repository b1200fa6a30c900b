//! `intake`: one run for each uploaded version, however often its event comes.
//!
//! What the event asks for is not judged here: a request that is nonsense also starts a run, so that somebody is told
//! (rule P3).

mod event;
mod name;

use belay_aws::executions::{Executions, Started};
use belay_model::{BundleRef, Code, Failure};
use serde::Serialize;
use serde_json::json;

pub use event::{Detail, ObjectCreated};

/// The function, with what it needs.
#[derive(Debug)]
pub struct Intake {
    /// Starts runs.
    pub executions: Executions,
    /// The workflow's ARN.
    pub machine: String,
    /// The stack's bucket.
    pub bucket: String,
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
}

impl Intake {
    /// Starts a run for the object of the event.
    ///
    /// # Errors
    /// `Infra.Workflow` if the run can't be started; `Infra.Bug` for an event of another bucket.
    pub async fn handle(&self, event: ObjectCreated) -> Result<Taken, Failure> {
        let Detail { bucket, object } = &event.detail;
        if bucket.name != self.bucket {
            let message = format!("the event is of the bucket {}, not of {}", bucket.name, self.bucket);
            return Err(Failure::new(Code::Bug, message).next("correct the rule that calls intake"));
        }
        if object.key.ends_with('/') && object.size == 0 {
            return Ok(Taken::Folder);
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
