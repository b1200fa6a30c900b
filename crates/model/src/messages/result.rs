//! The result object: what CI reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BundleDigest, BundleRef, Failure, Restored, RunHeader, RunId, SnapshotName, Verified};

/// The result object: what CI reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunResult {
    /// `running`, `waiting`, or an outcome.
    pub status: String,
    /// The run.
    pub run: RunId,
    /// The execution's ARN.
    pub execution: String,
    /// The target.
    pub target: String,
    /// The bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleRef>,
    /// The bundle's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BundleDigest>,
    /// When the run started.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The exit code for CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What happened, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The verdict with its evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// The snapshot that was taken before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotName>,
    /// What a restore did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What kept the run from being undone, or the door from being opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation: Option<Failure>,
    /// Roles that are kept out still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_out: Vec<String>,
    /// For `superseded`: the version that runs instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// Where the full report is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Whether people were told: false when the mail could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<bool>,
}

impl RunResult {
    /// A result that says who runs, and nothing else yet.
    #[must_use]
    pub fn of(run: &RunHeader, status: impl Into<String>) -> Self {
        Self {
            status: status.into(),
            run: run.run(),
            execution: run.execution.clone(),
            target: run.target.clone(),
            bundle: run.bundle.clone(),
            digest: None,
            started_at: run.started_at,
            ended_at: None,
            exit_code: None,
            summary: None,
            failure: None,
            verified: None,
            snapshot: None,
            restored: None,
            compensation: None,
            kept_out: Vec::new(),
            superseded_by: None,
            report: None,
            told: None,
        }
    }
}
