//! L3: a lone file that an earlier run left half done goes on where it stopped, if the bundle holds that very file.

use belay_model::{Attempt, Code, PlannedMigration, Problem, ResumedUnit};

use crate::journal::OpenUnit;
use crate::unit::Step;

/// The unit to go on with, or what keeps a plan from being made.
///
/// It is the same file if its path and its SHA-256 are, and if it is the first migration. A statement that was started and has no
/// known end is nobody's to repeat.
pub(crate) fn resumable(open: &[OpenUnit], first: Option<&Step>) -> Result<Option<ResumedUnit>, Vec<Problem>> {
    let resumed = match (open, first) {
        ([], _) => return Ok(None),
        ([unit], Some(step)) if step.traits.is_lone() && unit.script == step.migration.script => {
            unit.resume(&step.migration)
        }
        _ => None,
    };
    resumed.map(Some).ok_or_else(|| open.iter().map(problem).collect())
}

impl OpenUnit {
    fn resume(&self, file: &PlannedMigration) -> Option<ResumedUnit> {
        (self.lone && self.progress != "started" && self.sha256 == file.sha256.to_string())
            .then(|| {
                Some(ResumedUnit {
                    run: self.run.parse().ok()?,
                    attempt: Attempt(self.attempt.try_into().ok()?),
                    unit: self.unit.try_into().ok()?,
                    statement: self.statement.try_into().ok()?,
                })
            })
            .flatten()
    }
}

fn problem(open: &OpenUnit) -> Problem {
    let way_out = if open.lone && open.progress != "started" {
        "ship that very file again to go on with it, or accept the database as it is with the action keep for that run"
    } else {
        "accept the database as it is with the action keep for that run"
    };
    Problem {
        code: Code::UnitOpen,
        place: None,
        message: format!("{}; {way_out}", open.describe()),
    }
}
