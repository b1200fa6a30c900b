//! What is known of a run at its end.

use belay_model::{Action, Plan, RunResult};

use crate::info::InfoTable;

/// What is known of a run at its end.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    /// The result object.
    pub result: &'a RunResult,
    /// What the run was to do.
    pub action: Action,
    /// Why it ended, where nothing failed: somebody stopped it.
    pub why: Option<&'a str>,
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
        /// What the quarantine is for: this run, or the one that it was to keep.
        run: &'a str,
    },
}
