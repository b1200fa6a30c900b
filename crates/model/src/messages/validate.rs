//! What is asked of `validate`, and its answers.

use serde::{Deserialize, Serialize};

use crate::{Attempt, BundleDigest, Instance, PaperRef, PlanDigest, RunHeader, Target};

/// `validate`'s input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "step",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ValidateRequest {
    /// Look at the target's and its instance's settings and at the bundle (for actions without one, at the settings
    /// alone). Answer: [`CheckReply`].
    Check {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance, where it names one.
        #[serde(default)]
        instance: Option<Instance>,
    },
    /// Bundle and database together, under the lock; only reads. Answer: [`PlanReply`].
    Plan {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// Its instance, where it names one.
        #[serde(default)]
        instance: Option<Instance>,
        /// The attempt that it is for.
        attempt: Attempt,
        /// The digest that Check found.
        digest: BundleDigest,
    },
    /// The actions `info` and `validate`. Answer: [`InfoReply`].
    Info {
        /// Who calls.
        run: RunHeader,
        /// The target.
        target: Target,
        /// The digest that Check found.
        digest: BundleDigest,
    },
}

/// `Check`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckReply {
    /// The bundle's identity; nothing for actions without a bundle, which have only their target looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<BundleDigest>,
    /// Versioned and repeatable migrations in it.
    pub migrations: u32,
    /// The key of the lock item: the instance, or the endpoint's host and port.
    pub lock_key: String,
}

/// `Plan`'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanReply {
    /// The plan, as a paper.
    pub plan: PaperRef,
    /// The plan's identity.
    pub digest: PlanDigest,
    /// How many migrations are pending.
    pub pending: u32,
}

/// The answer to `info` and `validate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InfoReply {
    /// The report, as a paper.
    pub report: PaperRef,
    /// How many migrations are pending.
    pub pending: u32,
}
