//! From what Verify found to how the run ends: the one place where a verdict becomes an outcome.

use crate::{AssertionState, Code, Outcome, Verdict, Verified};

/// What a verified attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The outcome, if the run ends now.
    pub outcome: Outcome,
    /// Somebody else moved the history and this run committed nothing: it may plan again (V6).
    pub stale: bool,
}

impl Verified {
    /// The outcome. `failure` is how Migrate ended, if not well; its word is never taken for what is in the database, only
    /// for why something is not.
    #[must_use]
    pub fn judge(&self, failure: Option<Code>) -> Judgement {
        let outcome = match (self.verdict, self.assertions) {
            // All is in. Assertions that held before the COMMIT and don't now are a finding (V4).
            (Verdict::After, AssertionState::None | AssertionState::Passed | AssertionState::FailedLater) => {
                Outcome::Migrated
            }
            (Verdict::After, AssertionState::Failed | AssertionState::NotRun) => Outcome::NeedsOperator,
            // Nothing is in although Migrate says that all is: somebody took it away again.
            (Verdict::Before, _) if failure.is_none() => Outcome::NeedsOperator,
            (Verdict::Before, _) => Outcome::Unchanged,
            (Verdict::Between | Verdict::Unknown, _) => Outcome::NeedsOperator,
        };
        Judgement {
            outcome,
            stale: self.verdict == Verdict::Before && failure == Some(Code::PlanStale),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v2_v4_v6_each_verdict_has_one_outcome() {
        let stale = Some(Code::PlanStale);
        let failed = Some(Code::SqlFailed);
        for (verdict, assertions, failure, outcome, replan) in [
            (Verdict::After, AssertionState::None, None, Outcome::Migrated, false),
            (Verdict::After, AssertionState::Passed, None, Outcome::Migrated, false),
            // The COMMIT's acknowledgement was lost.
            (Verdict::After, AssertionState::Passed, failed, Outcome::Migrated, false),
            (
                Verdict::After,
                AssertionState::FailedLater,
                None,
                Outcome::Migrated,
                false,
            ),
            (
                Verdict::After,
                AssertionState::Failed,
                None,
                Outcome::NeedsOperator,
                false,
            ),
            (
                Verdict::After,
                AssertionState::NotRun,
                None,
                Outcome::NeedsOperator,
                false,
            ),
            (
                Verdict::Before,
                AssertionState::NotRun,
                failed,
                Outcome::Unchanged,
                false,
            ),
            (Verdict::Before, AssertionState::None, stale, Outcome::Unchanged, true),
            (
                Verdict::Before,
                AssertionState::NotRun,
                None,
                Outcome::NeedsOperator,
                false,
            ),
            (
                Verdict::Between,
                AssertionState::NotRun,
                stale,
                Outcome::NeedsOperator,
                false,
            ),
            (
                Verdict::Between,
                AssertionState::NotRun,
                None,
                Outcome::NeedsOperator,
                false,
            ),
            (
                Verdict::Unknown,
                AssertionState::NotRun,
                stale,
                Outcome::NeedsOperator,
                false,
            ),
        ] {
            let verified = Verified {
                verdict,
                assertions,
                applied: Vec::new(),
                missing: Vec::new(),
                open_units: Vec::new(),
                findings: Vec::new(),
            };
            let judged = verified.judge(failure);
            assert_eq!(
                (judged.outcome, judged.stale),
                (outcome, replan),
                "{verdict} {assertions:?} {failure:?}"
            );
        }
    }
}
