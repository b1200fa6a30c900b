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
    /// The outcome: the verdict decides. `failed` is how Migrate ended, if not well, and only tells whether planning again
    /// could help: it may have failed after its COMMIT, or have said that it was done and committed nothing. After a
    /// restore only *before* is good (V3).
    #[must_use]
    pub fn judge(&self, failed: Option<Code>, restored: bool) -> Judgement {
        let outcome = match (self.verdict, self.assertions) {
            (Verdict::Before, _) if restored => Outcome::Restored,
            _ if restored => Outcome::NeedsOperator,
            (Verdict::After, AssertionState::None | AssertionState::Passed) => Outcome::Migrated,
            // V4: they held before the COMMIT. That they don't any more is a finding.
            (Verdict::After, AssertionState::FailedLater) => Outcome::Migrated,
            // V4: never passed.
            (Verdict::After, AssertionState::Failed | AssertionState::NotRun) => Outcome::NeedsOperator,
            (Verdict::Before, _) => Outcome::Unchanged,
            (Verdict::Between | Verdict::Unknown, _) => Outcome::NeedsOperator,
        };
        Judgement {
            outcome,
            stale: self.verdict == Verdict::Before && failed == Some(Code::PlanStale) && !restored,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(verdict: Verdict, assertions: AssertionState) -> Verified {
        Verified {
            verdict,
            assertions,
            applied: Vec::new(),
            missing: Vec::new(),
            open_units: Vec::new(),
            writes: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn v2_v4_the_verdict_and_the_assertions_decide() {
        use AssertionState::{Failed, FailedLater, None as NoneThere, NotRun, Passed};
        for (verdict, assertions, outcome) in [
            (Verdict::After, NoneThere, Outcome::Migrated),
            (Verdict::After, Passed, Outcome::Migrated),
            (Verdict::After, FailedLater, Outcome::Migrated),
            (Verdict::After, Failed, Outcome::NeedsOperator),
            (Verdict::After, NotRun, Outcome::NeedsOperator),
            (Verdict::Before, NoneThere, Outcome::Unchanged),
            (Verdict::Before, NotRun, Outcome::Unchanged),
            (Verdict::Before, Failed, Outcome::Unchanged),
            (Verdict::Between, NoneThere, Outcome::NeedsOperator),
            (Verdict::Between, Passed, Outcome::NeedsOperator),
            (Verdict::Unknown, NoneThere, Outcome::NeedsOperator),
        ] {
            // Whatever Migrate said: its word is never taken.
            for failed in [None, Some(Code::SqlFailed), Some(Code::Database), Some(Code::PlanStale)] {
                let judged = verified(verdict, assertions).judge(failed, false);
                assert_eq!(judged.outcome, outcome, "{verdict} {assertions:?} {failed:?}");
            }
        }
    }

    #[test]
    fn v3_after_a_restore_only_before_is_good() {
        for (verdict, outcome) in [
            (Verdict::Before, Outcome::Restored),
            (Verdict::Between, Outcome::NeedsOperator),
            (Verdict::After, Outcome::NeedsOperator),
            (Verdict::Unknown, Outcome::NeedsOperator),
        ] {
            for failed in [None, Some(Code::SqlFailed), Some(Code::PlanStale)] {
                let judged = verified(verdict, AssertionState::None).judge(failed, true);
                assert_eq!((judged.outcome, judged.stale), (outcome, false), "{verdict} {failed:?}");
            }
        }
    }

    #[test]
    fn v6_a_stale_plan_is_made_again_only_if_nothing_is_committed() {
        for (verdict, failed, stale) in [
            (Verdict::Before, Some(Code::PlanStale), true),
            (Verdict::Before, Some(Code::SqlFailed), false),
            (Verdict::Before, None, false),
            (Verdict::Between, Some(Code::PlanStale), false),
            (Verdict::After, Some(Code::PlanStale), false),
            (Verdict::Unknown, Some(Code::PlanStale), false),
        ] {
            let judged = verified(verdict, AssertionState::None).judge(failed, false);
            assert_eq!(judged.stale, stale, "{verdict} {failed:?}");
        }
    }
}
