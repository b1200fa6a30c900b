//! From the verdict to the outcome (rules V2 to V6).

use belay_model::{AssertionState, Code, Outcome, Verdict};

/// How a run ended, as far as Verify can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// Somebody else moved the history and this run committed nothing: it can plan again (V6).
    pub(crate) stale: bool,
}

/// The verdict decides. How Migrate ended only tells whether planning again could help: it may have failed after its
/// COMMIT, or have said that it was done and committed nothing.
pub(crate) fn of(verdict: Verdict, assertions: AssertionState, failed: Option<Code>) -> Ended {
    let outcome = match (verdict, assertions) {
        (Verdict::After, AssertionState::None | AssertionState::Passed) => Outcome::Migrated,
        // V4: they held before the COMMIT. That they don't any more is a finding.
        (Verdict::After, AssertionState::FailedLater) => Outcome::Migrated,
        // V4: never passed.
        (Verdict::After, AssertionState::Failed | AssertionState::NotRun) => Outcome::NeedsOperator,
        (Verdict::Before, _) => Outcome::Unchanged,
        (Verdict::Between | Verdict::Unknown, _) => Outcome::NeedsOperator,
    };
    Ended {
        outcome,
        stale: verdict == Verdict::Before && failed == Some(Code::PlanStale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                assert_eq!(
                    of(verdict, assertions, failed).outcome,
                    outcome,
                    "{verdict} {assertions:?} {failed:?}"
                );
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
            assert_eq!(
                of(verdict, AssertionState::None, failed).stale,
                stale,
                "{verdict} {failed:?}"
            );
        }
    }
}
