//! What is known of a run at its end.

use belay_model::{Action, Instance, Outcome, Plan, RunId, RunResult, RunSettings, Snapshotted};

use crate::info::InfoTable;

/// What is known of a run at its end.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    /// The result object.
    pub result: &'a RunResult,
    /// What the run was to do.
    pub action: Action,
    /// Flyway's settings of this run alone.
    pub flyway: &'a RunSettings,
    /// Why it ended, where nothing failed: somebody stopped it.
    pub why: Option<&'a str>,
    /// The run that the action names.
    pub of: Option<&'a RunId>,
    /// The target's instance, where it names one.
    pub instance: Option<&'a Instance>,
    /// The snapshot, where one was taken: this run's, or that of the run that the action names.
    pub snapshot: Option<&'a Snapshotted>,
    /// What Cleanup took away, each in a sentence.
    pub cleaned: &'a [String],
    /// The plan, where one was made.
    pub plan: Option<&'a Plan>,
    /// For `info` and `validate`: what they found.
    pub info: Option<&'a InfoTable>,
    /// The lock's key, where the run came so far.
    pub lock: Option<&'a str>,
    /// What became of the lock.
    pub fate: LockFate<'a>,
    /// The lock table, for commands.
    pub lock_table: &'a str,
    /// The bucket, for addresses.
    pub bucket: &'a str,
    /// Where the result object is, in the bucket.
    pub result_key: &'a str,
}

/// What became of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockFate<'a> {
    /// Free, somebody else's, or never taken.
    Free,
    /// Quarantined, and this run can be told how to end that.
    Quarantined {
        /// What the quarantine is for: this run, or the one that the action names.
        run: &'a str,
    },
}

/// What was wrong beside the migration itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The run could not be undone, or not for sure.
    NotUndone,
    /// All is well but the door: those who were kept out could not be let in again. What the run came to otherwise.
    Door(Outcome),
    /// The snapshot is in its place, and yet the database is not as it was.
    RestoredOtherwise,
}

impl Story<'_> {
    /// The trouble of a run that needs an operator; nothing if the migration is all that failed.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let restored = self.result.restored.is_some();
        let judged = self.result.verified.as_ref().map(|v| v.judge(None, restored).outcome);
        match (judged, self.action, self.result.compensation.is_some()) {
            (Some(Outcome::NeedsOperator), _, _) if restored => Some(Trouble::RestoredOtherwise),
            (Some(Outcome::NeedsOperator), _, true) => Some(Trouble::NotUndone),
            (Some(settled), action, true) => Some(Trouble::Door(action.settles(settled))),
            // Without a verdict the run ended before Migrate, or it is an action that asks for none.
            (None, Action::Migrate | Action::Baseline | Action::Repair | Action::Undo, true) => {
                Some(Trouble::Door(Outcome::Unchanged))
            }
            (None, Action::Keep | Action::Reopen, true) => Some(Trouble::Door(Outcome::Done)),
            (None, Action::Restore, _) => Some(Trouble::NotUndone),
            _ => None,
        }
    }
}
