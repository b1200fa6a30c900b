//! What a function is asked to do, and what an event that can't be read means.

use belay_model::{
    Code, Failure, Instance, MigrateRequest, NotifyRequest, RestoreRequest, SnapshotRequest, Target, ValidateRequest,
    VerifyRequest,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Step;

/// A function's input, which says what it is asked to do.
pub trait Ask {
    /// What it is asked to do.
    fn step(&self) -> Step;

    /// What it means that an event could not be read, and at which step.
    fn unreadable(_event: &Value, error: &serde_json::Error) -> (Step, Failure) {
        let failure = Failure::new(Code::Bug, format!("the event is not what was agreed: {error}"));
        (Step::Janitor, failure.next("report this with the execution's ARN"))
    }
}

impl Ask for ValidateRequest {
    /// Target and instance come as the platform team wrote them: that they are what they must be is found here.
    fn unreadable(event: &Value, error: &serde_json::Error) -> (Step, Failure) {
        misconfigured(event, Step::Check).unwrap_or_else(|| NotifyRequest::unreadable(event, error))
    }

    fn step(&self) -> Step {
        match self {
            Self::Check { .. } => Step::Check,
            Self::Plan { .. } => Step::Plan,
            Self::Info { .. } => Step::Info,
        }
    }
}

impl Ask for MigrateRequest {
    fn step(&self) -> Step {
        match self {
            Self::Migrate(_) => Step::Migrate,
            Self::Cleanup(_) => Step::Cleanup,
            Self::Keep { .. } => Step::Keep,
        }
    }
}

impl Ask for SnapshotRequest {
    fn unreadable(event: &Value, error: &serde_json::Error) -> (Step, Failure) {
        misconfigured(event, Step::Prepare).unwrap_or_else(|| NotifyRequest::unreadable(event, error))
    }

    fn step(&self) -> Step {
        match self {
            Self::Prepare { .. } => Step::Prepare,
            Self::Quiesce { .. } => Step::Quiesce,
            Self::Snapshot { .. } => Step::Snapshot,
            Self::Reopen { .. } => Step::Reopen,
        }
    }
}

impl Ask for RestoreRequest {
    fn unreadable(event: &Value, error: &serde_json::Error) -> (Step, Failure) {
        misconfigured(event, Step::Restore).unwrap_or_else(|| NotifyRequest::unreadable(event, error))
    }

    fn step(&self) -> Step {
        Step::Restore
    }
}

impl Ask for VerifyRequest {
    fn step(&self) -> Step {
        Step::Verify
    }
}

impl Ask for NotifyRequest {
    fn step(&self) -> Step {
        match self {
            Self::Begun { .. } => Step::Begun,
            Self::Waiting { .. } => Step::Waiting,
            Self::Ended(_) => Step::Ended,
        }
    }
}

/// The parameter that is not what it must be, if that is why an event can't be read; every step that takes one knows
/// both codes.
fn misconfigured(event: &Value, step: Step) -> Option<(Step, Failure)> {
    let target = || wrong::<Target>(event, Code::TargetInvalid, "target", "a target");
    let instance = || wrong::<Instance>(event, Code::InstanceInvalid, "instance", "an instance");
    target().or_else(instance).map(|failure| (step, failure))
}

fn wrong<T: DeserializeOwned>(event: &Value, code: Code, what: &str, one: &str) -> Option<Failure> {
    let wrong = T::deserialize(event.get(what).filter(|value| !value.is_null())?).err()?;
    let failure = Failure::new(code, format!("the {what}'s parameter is not {one}: {wrong}"));
    Some(failure.next(format!(
        "correct the {what}'s SSM parameter, then start a new execution with the same input"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::thrown;
    use super::*;

    /// The name under which an event that can't be read crosses.
    fn name<T: Ask + DeserializeOwned + std::fmt::Debug>(event: &Value) -> String {
        let error = T::deserialize(event).unwrap_err();
        let (step, failure) = T::unreadable(event, &error);
        thrown(step, failure).error_type
    }

    fn target() -> Value {
        json!({
            "engine": "postgresql", "endpoint": {"host": "h", "port": 5432, "database": "d"},
            "credentials": {"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"},
        })
    }

    #[test]
    fn settings_that_are_none_are_told_as_such() {
        let instance = json!({"rds": {"instance": "shop-db"}});
        for (target, instance, code) in [
            (json!({"engine": "oracle"}), Value::Null, Code::TargetInvalid),
            (json!("x"), instance.clone(), Code::TargetInvalid),
            (target(), json!({"rds": {"instance": "Shop DB"}}), Code::InstanceInvalid),
            (target(), json!("x"), Code::InstanceInvalid),
            // The workflow forgot something.
            (Value::Null, instance, Code::Bug),
            (target(), Value::Null, Code::Bug),
        ] {
            let event = |step: &str| json!({"step": step, "target": target, "instance": instance});
            assert_eq!(name::<ValidateRequest>(&event("check")), code.name());
            for step in ["prepare", "quiesce", "snapshot", "reopen"] {
                assert_eq!(name::<SnapshotRequest>(&event(step)), code.name());
            }
            assert_eq!(name::<RestoreRequest>(&event("")), code.name());
        }
    }

    #[test]
    fn every_step_that_takes_settings_knows_that_they_can_be_wrong() {
        use Step::{Check, Plan, Prepare, Quiesce, Reopen, Restore, Snapshot};
        for step in [Check, Plan, Prepare, Quiesce, Snapshot, Reopen, Restore] {
            for code in [Code::TargetInvalid, Code::InstanceInvalid] {
                assert_eq!(step.crossing(code), code, "{}", step.name());
            }
        }
    }
}
