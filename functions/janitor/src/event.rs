//! What calls the janitor: an execution that ended, or the schedule.

use belay_aws::crossing::{Ask, Step};
use serde::Deserialize;
use serde_json::Value;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Event {
    /// An execution ended.
    Ended(Box<StatusChange>),
    /// Look for locks of dead owners: from the schedule, or by hand with `{}`.
    Sweep,
}

/// The detail of "Step Functions Execution Status Change".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// The execution.
    pub execution_arn: String,
    /// The error's name, if it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// How often it had been redriven by then.
    #[serde(default)]
    pub redrive_count: Option<i32>,
}

impl TryFrom<Value> for Event {
    type Error = String;

    fn try_from(mut event: Value) -> Result<Self, Self::Error> {
        match event.get("detail-type").and_then(Value::as_str) {
            None | Some("Scheduled Event") => Ok(Self::Sweep),
            Some("Step Functions Execution Status Change") => {
                let detail = event.get_mut("detail").map(Value::take).unwrap_or_default();
                let change = serde_json::from_value(detail).map_err(|error| error.to_string())?;
                Ok(Self::Ended(Box::new(change)))
            }
            Some(other) => Err(format!("an event of the type {other:?}")),
        }
    }
}

impl Ask for Event {
    fn step(&self) -> Step {
        Step::Janitor
    }
}
