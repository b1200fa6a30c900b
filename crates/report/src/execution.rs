//! The command that starts an execution.

use belay_model::{Action, BundleRef, RunSettings};
use serde::Serialize;

use crate::arn::state_machine;
use crate::plain::shell_word;
use crate::story::Story;

/// An execution's input.
#[derive(Debug, Serialize)]
pub(crate) struct Input<'a> {
    pub(crate) target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<BundleRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flyway: Option<&'a RunSettings>,
}

impl<'a> Input<'a> {
    /// That of a target, with nothing else yet.
    pub(crate) fn of(target: &'a str) -> Self {
        Self {
            target,
            action: None,
            run: None,
            bundle: None,
            flyway: None,
        }
    }
}

/// The command; nothing if the run's own ARN does not tell the workflow's.
pub(crate) fn start(story: &Story<'_>, input: &Input<'_>) -> Option<String> {
    let input = serde_json::to_string(input).ok()?;
    let machine = state_machine(&story.result.execution)?;
    Some(format!(
        "aws stepfunctions start-execution --state-machine-arn {} --input {}",
        shell_word(&machine),
        shell_word(&input)
    ))
}
