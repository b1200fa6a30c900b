//! Whom a run was for, from its execution's input: as leniently as the workflow itself begins, since nonsense must be
//! told too.

use belay_aws::executions::Execution;
use belay_model::{Action, BundleRef, RunHeader, RunId, RunSettings};
use serde_json::Value;

pub(crate) fn header(execution: &Execution) -> RunHeader {
    let input: Value = serde_json::from_str(&execution.input).unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let bundle = input.get("bundle").and_then(|bundle| {
        Some(BundleRef {
            key: text(bundle, "key")?,
            version_id: text(bundle, "versionId"),
            sequencer: text(bundle, "sequencer"),
        })
    });
    RunHeader {
        execution: execution.arn.clone(),
        started_at: execution.started_at,
        target: text(&input, "target").unwrap_or_default(),
        bundle,
        action: match text(&input, "action").as_deref() {
            Some("info") => Action::Info,
            Some("validate") => Action::Validate,
            Some("baseline") => Action::Baseline,
            Some("repair") => Action::Repair,
            Some("undo") => Action::Undo,
            Some("keep") => Action::Keep,
            Some("restore") => Action::Restore,
            Some("reopen") => Action::Reopen,
            _ => Action::Migrate,
        },
        flyway: RunSettings::of_input(input.get("flyway")),
    }
}

/// The run that the input names.
pub(crate) fn named(execution: &Execution) -> Option<RunId> {
    let input: Value = serde_json::from_str(&execution.input).ok()?;
    input.get("run")?.as_str()?.parse().ok()
}
