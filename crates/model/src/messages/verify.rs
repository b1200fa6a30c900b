//! What is asked of `verify`, and its answers.

use serde::{Deserialize, Serialize};

use crate::{
    AssertionState, Attempt, Caught, Finding, Outcome, PaperRef, PlanDigest, RunHeader, RunId, Target, Verdict, Writes,
};

/// `verify`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// Who calls.
    pub run: RunHeader,
    /// The target.
    pub target: Target,
    /// The attempt to close.
    pub attempt: Attempt,
    /// The plan.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// How Migrate ended, if not well.
    #[serde(default)]
    pub failure: Option<Caught>,
    /// The run to judge, if it is not the caller: the one whose snapshot the action `restore` has restored.
    #[serde(default)]
    pub of: Option<RunId>,
    /// Whether the snapshot was restored: then the run's own record must be gone (V3).
    #[serde(default)]
    pub restored: bool,
}

/// `verify`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyReply {
    /// What the run's own marks and rows say.
    pub verdict: Verdict,
    /// The outcome, if the run ended now.
    pub outcome: Outcome,
    /// Somebody else moved the history and this run committed nothing: plan again.
    pub stale: bool,
    /// Whether the assertions hold.
    pub assertions: AssertionState,
    /// The verdict with its evidence and findings, as a paper.
    pub report: PaperRef,
}

/// What `verify` found, with its evidence: the paper behind [`VerifyReply::report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verified {
    /// What the run's own marks and rows say.
    pub verdict: Verdict,
    /// Whether the assertions hold.
    pub assertions: AssertionState,
    /// The scripts of the planned migrations that this run's rows show, in order.
    pub applied: Vec<String>,
    /// The scripts of the planned migrations that are not in.
    pub missing: Vec<String>,
    /// Marks that are open: what each says.
    pub open_units: Vec<String>,
    /// What others wrote since the snapshot: lower bounds, and empty where there is no snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Writes>,
    /// Everything else worth telling.
    pub findings: Vec<Finding>,
}
