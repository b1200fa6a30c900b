//! How a failure crosses from a function to the workflow: its name in `ErrorEquals`, and its [`Failure`] as the message.
//!
//! A name that crosses is one that the workflow knows at that step. What is more precise (`Belay.BadCrc` among the
//! problems of a bundle) stays inside the message.

mod ask;

use belay_model::{Code, Failure};
use lambda_runtime::Diagnostic;

pub use ask::Ask;

/// The most bytes of an error as Step Functions gets it. It cuts a `Cause` at 32,768 characters, and JSON that was cut
/// tells nothing.
const LIMIT: usize = 30_000;
/// The most characters of one text of a failure. A server's detail can quote a whole row.
const TEXT: usize = 1_500;

/// What a function was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `intake`.
    Intake,
    /// `validate`: look at the bundle.
    Check,
    /// `validate`: plan.
    Plan,
    /// `validate`: the actions `info` and `validate`.
    Info,
    /// `migrate`: apply.
    Migrate,
    /// `migrate`: take away what a failed lone file left.
    Cleanup,
    /// `migrate`: the action `keep`.
    Keep,
    /// `snapshot`: look at the instance.
    Prepare,
    /// `snapshot`: close the door.
    Quiesce,
    /// `snapshot`: take the snapshot.
    Snapshot,
    /// `snapshot`: open the door.
    Reopen,
    /// `restore`.
    Restore,
    /// `verify`.
    Verify,
    /// `notify`: the run began.
    Begun,
    /// `notify`: the run waits.
    Waiting,
    /// `notify`: the run ended.
    Ended,
    /// `janitor`.
    Janitor,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 17] = [
        Self::Intake,
        Self::Check,
        Self::Plan,
        Self::Info,
        Self::Migrate,
        Self::Cleanup,
        Self::Keep,
        Self::Prepare,
        Self::Quiesce,
        Self::Snapshot,
        Self::Reopen,
        Self::Restore,
        Self::Verify,
        Self::Begun,
        Self::Waiting,
        Self::Ended,
        Self::Janitor,
    ];

    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Info => "info",
            Self::Migrate => "migrate",
            Self::Cleanup => "cleanup",
            Self::Keep => "keep",
            Self::Prepare => "prepare",
            Self::Quiesce => "quiesce",
            Self::Snapshot => "snapshot",
            Self::Reopen => "reopen",
            Self::Restore => "restore",
            Self::Verify => "verify",
            Self::Begun => "begun",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
            Self::Janitor => "janitor",
        }
    }

    /// The name under which a failure crosses at this step. Exhaustive by intent: a new code needs a decision here.
    #[must_use]
    pub fn crossing(self, code: Code) -> Code {
        if code.is_infrastructure() {
            return code;
        }
        match (self, code) {
            (
                Self::Check,
                Code::BundleGone
                | Code::BundleTooLarge
                | Code::RequestInvalid
                | Code::TargetInvalid
                | Code::InstanceInvalid,
            )
            // Who invokes it by hand reads the name.
            | (
                Self::Intake,
                Code::RequestInvalid
                | Code::PasswordInRequest
                | Code::TargetUnknown
                | Code::BundleRejected
                | Code::BundleTooLarge,
            ) => code,
            (Self::Check, _) => Code::BundleRejected,
            (Self::Plan | Self::Info, Code::BundleGone | Code::PlanMismatch | Code::TargetInvalid)
            | (Self::Plan, Code::InstanceInvalid) => code,
            (Self::Plan | Self::Info, _) => Code::PlanRejected,
            // Whatever Migrate and Cleanup say, Verify looks for itself; the name is for people.
            (Self::Migrate | Self::Cleanup, _) => code,
            (
                Self::Keep,
                Code::NotQuarantined
                | Code::LockTimeout
                | Code::Fenced
                | Code::TargetInvalid
                | Code::ServerUnfit
                | Code::PrivilegeMissing
                | Code::SqlFailed,
            ) => code,
            (
                Self::Prepare,
                Code::InstanceMismatch
                | Code::InstanceUnfit
                | Code::SnapshotQuota
                | Code::InstanceInvalid
                | Code::TargetInvalid,
            ) => code,
            (
                Self::Quiesce | Self::Reopen,
                Code::DoorRefused
                | Code::Fenced
                | Code::InstanceInvalid
                | Code::TargetInvalid
                | Code::ServerUnfit
                | Code::PrivilegeMissing,
            ) => code,
            (
                Self::Snapshot,
                Code::InstanceReplaced
                | Code::InstanceUnfit
                | Code::SnapshotQuota
                | Code::SnapshotFailed
                | Code::PlanMismatch
                | Code::Fenced
                | Code::InstanceInvalid
                | Code::TargetInvalid
                | Code::ServerUnfit
                | Code::PrivilegeMissing,
            ) => code,
            (
                Self::Restore,
                Code::NoSnapshot
                | Code::NotLossless
                | Code::DoorRefused
                | Code::RestoreIncomplete
                | Code::RestoreFailed
                | Code::InstanceReplaced
                | Code::InstanceUnfit
                | Code::SnapshotQuota
                | Code::PlanMismatch
                | Code::Fenced
                | Code::InstanceInvalid
                | Code::TargetInvalid
                | Code::ServerUnfit
                | Code::PrivilegeMissing,
            ) => code,
            // Nothing was migrated yet: if the lock stays away, the run can end.
            (Self::Quiesce | Self::Snapshot, Code::LockTimeout) => code,
            // Here it can't: it asks again, and then waits for a redrive. Verify gives a verdict or none.
            (Self::Reopen | Self::Restore, Code::LockTimeout)
            | (Self::Verify, Code::LockTimeout | Code::ServerUnfit) => Code::Database,
            // These steps judge nothing: a judgement of theirs is a mistake of ours.
            (
                Self::Keep
                | Self::Prepare
                | Self::Quiesce
                | Self::Snapshot
                | Self::Reopen
                | Self::Restore
                | Self::Verify
                | Self::Intake
                | Self::Begun
                | Self::Waiting
                | Self::Ended
                | Self::Janitor,
                _,
            ) => Code::Bug,
        }
    }

    /// Every name that can cross at this step.
    #[must_use]
    pub fn codes(self) -> Vec<Code> {
        let mut codes: Vec<_> = Code::ALL.iter().map(|code| self.crossing(*code)).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// The failure as the workflow gets it.
#[must_use]
pub fn thrown(step: Step, failure: Failure) -> Diagnostic {
    diagnostic(step, &fit(failure))
}

/// Whether the failure crosses with every problem in it.
#[must_use]
pub fn fits(failure: &Failure) -> bool {
    size(&shortened(failure.clone())) <= LIMIT
}

fn diagnostic(step: Step, failure: &Failure) -> Diagnostic {
    Diagnostic {
        error_type: step.crossing(failure.code).name().to_owned(),
        // A failure is made of what JSON can hold.
        error_message: serde_json::to_string(failure).unwrap_or_else(|_| failure.message.clone()),
    }
}

/// Bytes as they cross: JSON within JSON.
fn size(failure: &Failure) -> usize {
    serde_json::to_string(&diagnostic(Step::Migrate, failure)).map_or(usize::MAX, |text| text.len())
}

/// The failure with as many of its problems as fit.
fn fit(failure: Failure) -> Failure {
    let full = shortened(failure);
    if size(&full) <= LIMIT {
        return full;
    }
    let with = |count: usize| {
        let mut cut = full.clone();
        cut.problems.truncate(count);
        cut.message = format!(
            "{} (the first {count} of {} are told here)",
            full.message,
            full.problems.len()
        );
        cut
    };
    // How many fit, by halving.
    let (mut fitting, mut too_many) = (0, full.problems.len());
    while too_many - fitting > 1 {
        let middle = fitting.midpoint(too_many);
        if size(&with(middle)) <= LIMIT {
            fitting = middle;
        } else {
            too_many = middle;
        }
    }
    with(fitting)
}

fn shortened(mut failure: Failure) -> Failure {
    let shorten = |text: &mut String| {
        if let Some((end, _)) = text.char_indices().nth(TEXT) {
            text.truncate(end);
            text.push('…');
        }
    };
    shorten(&mut failure.message);
    let Failure {
        place, server, next, ..
    } = &mut failure;
    if let Some(place) = place {
        shorten(&mut place.file);
        place.statement.as_mut().map(shorten);
    }
    if let Some(server) = server {
        shorten(&mut server.message);
        for text in [&mut server.detail, &mut server.hint, &mut server.context] {
            text.as_mut().map(shorten);
        }
    }
    next.as_mut().map(shorten);
    failure.notes.iter_mut().for_each(shorten);
    for problem in &mut failure.problems {
        shorten(&mut problem.message);
        if let Some(place) = &mut problem.place {
            shorten(&mut place.file);
            place.statement.as_mut().map(shorten);
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use belay_model::{Caught, Place, Problem, ServerError};

    use super::*;

    fn caught(diagnostic: &Diagnostic) -> Caught {
        Caught {
            error: diagnostic.error_type.clone(),
            cause: serde_json::to_string(diagnostic).unwrap(),
        }
    }

    #[test]
    fn a_failure_arrives_as_it_was_thrown_under_a_name_that_the_step_knows() {
        for (step, code, name) in [
            (Step::Check, Code::BadCrc, "Belay.BundleRejected"),
            (Step::Check, Code::BundleGone, "Belay.BundleGone"),
            (Step::Plan, Code::ChecksumMismatch, "Belay.PlanRejected"),
            (Step::Plan, Code::PlanMismatch, "Belay.PlanMismatch"),
            (Step::Info, Code::Database, "Infra.Database"),
            (Step::Migrate, Code::SqlFailed, "Belay.SqlFailed"),
            (Step::Prepare, Code::InstanceUnfit, "Belay.InstanceUnfit"),
            (Step::Snapshot, Code::DoorRefused, "Infra.Bug"),
            (Step::Restore, Code::NotLossless, "Belay.NotLossless"),
            (Step::Cleanup, Code::Fenced, "Belay.Fenced"),
            (Step::Ended, Code::SqlFailed, "Infra.Bug"),
        ] {
            let failure = Failure::new(code, "what \"happened\"").next("mend it");
            let thrown = thrown(step, failure.clone());
            assert_eq!(thrown.error_type, name);
            assert_eq!(caught(&thrown).failure(Code::Bug), failure);
        }
    }

    #[test]
    fn many_problems_are_cut_to_what_crosses_whole() {
        let problems = |count: usize| {
            (0..count)
                .map(|i| Problem {
                    code: Code::Misnamed,
                    place: Some(Place::file(format!("sql/\"quoted\"/{i}.sql"))),
                    message: "not a name \u{7}".to_owned(),
                })
                .collect::<Vec<_>>()
        };
        for (count, whole) in [(1, true), (50, true), (2_000, false)] {
            let failure = Failure::of_problems(Code::BundleRejected, problems(count));
            assert_eq!(fits(&failure), whole, "{count}");
            let thrown = thrown(Step::Check, failure);
            let bytes = serde_json::to_string(&thrown).unwrap().len();
            assert!(bytes <= LIMIT, "{count}: {bytes}");
            let told = caught(&thrown).failure(Code::Bug);
            assert_eq!(told.code, Code::BundleRejected);
            assert_eq!(told.problems.len() == count, whole, "{count}");
            assert!(whole || bytes > LIMIT * 9 / 10, "{count}: only {bytes}");
        }
    }

    #[test]
    fn a_long_text_of_the_server_is_cut() {
        let failure = Failure {
            server: Some(ServerError {
                sql_state: "23505".to_owned(),
                message: "m".repeat(100_000),
                detail: Some("ü".repeat(100_000)),
                hint: Some("h".repeat(100_000)),
                context: Some("\n".repeat(100_000)),
            }),
            ..Failure::new(Code::SqlFailed, "refused")
        };
        let thrown = thrown(Step::Migrate, failure);
        assert!(serde_json::to_string(&thrown).unwrap().len() <= LIMIT);
    }
}
