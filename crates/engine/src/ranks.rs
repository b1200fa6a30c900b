//! The history's ranks as a plan goes on: what each unit finds, and what the next row gets (M1).

use std::collections::BTreeSet;

use belay_model::{HistoryChange, MigrationKind, PlannedBaseline, PlannedFile};

/// The ranks that the history has before a unit.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    there: BTreeSet<i32>,
    /// Of rows that are made with the first unit, before its own.
    first: Vec<i32>,
    begun: bool,
}

impl Ranks {
    /// `there` are in the history, `first` are made with the first unit.
    pub(crate) fn new(there: impl IntoIterator<Item = i32>, first: impl IntoIterator<Item = i32>) -> Self {
        Self {
            there: there.into_iter().collect(),
            first: first.into_iter().collect(),
            begun: false,
        }
    }

    /// The highest that the next unit finds.
    pub(crate) fn before_unit(&mut self) -> Option<i32> {
        let found = self.there.last().copied();
        if !self.begun {
            self.begun = true;
            self.there.extend(self.first.iter());
        }
        found
    }

    /// The rank of the next row: Flyway counts from 1, also where a row of schemas has 0.
    pub(crate) fn next(&self) -> i32 {
        let last = self.there.iter().chain(&self.first).max();
        last.map_or(1, |last| last + 1)
    }

    /// Files have run.
    pub(crate) fn apply(&mut self, files: &[PlannedFile]) {
        for migration in files.iter().filter_map(PlannedFile::migration) {
            if migration.kind == MigrationKind::Undo {
                self.there.remove(&migration.rank);
            } else {
                self.there.insert(migration.rank);
            }
        }
    }

    /// A row was changed.
    pub(crate) fn change(&mut self, change: &HistoryChange) {
        match change {
            HistoryChange::Baseline(_) => {
                self.there.insert(PlannedBaseline::RANK);
            }
            HistoryChange::RemoveFailed { rank, .. } => {
                self.there.remove(rank);
            }
            HistoryChange::MarkDeleted { rank, .. } => {
                self.there.insert(*rank);
            }
            HistoryChange::Align { .. } => {}
        }
    }
}
