//! What Flyway's JSON has of each command that changes a database.

use belay_bundle::Bundle;
use belay_engine::{Info, InfoRow, State};
use belay_model::{HistoryChange, Plan, PlannedAction, PlannedMigration, Version};
use serde::Serialize;

use crate::json::{ErrorOutput, MigrateOutput};
use crate::report::Ended;

/// The command's own part of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorOutput>,
    #[serde(flatten)]
    shape: Shape,
    /// Flyway has it for `migrate` only; a program that asks any command finds it.
    success: bool,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Shape {
    Migrate {
        initial_schema_version: Option<String>,
        target_schema_version: Option<String>,
        schema_name: Option<String>,
        migrations: Vec<MigrateOutput>,
        migrations_executed: usize,
    },
    Baseline {
        successfully_baselined: bool,
        baseline_version: Option<String>,
    },
    Repair {
        repair_actions: Vec<&'static str>,
        migrations_removed: Vec<RowOutput>,
        migrations_deleted: Vec<RowOutput>,
        migrations_aligned: Vec<RowOutput>,
    },
    Undo {
        initial_schema_version: Option<String>,
        target_schema_version: Option<String>,
        schema_name: Option<String>,
        undone_migrations: Vec<RowOutput>,
        migrations_undone: usize,
    },
}

/// A migration without what only `migrate` has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowOutput {
    version: String,
    description: String,
    filepath: String,
}

impl Changed {
    /// `now` is the history as it is after; nothing if it was not read.
    pub(crate) fn new(ended: &Ended, bundle: &Bundle, now: Option<&Info>) -> Self {
        let told = Told { ended, bundle, now };
        let failure = ended.failure.as_ref().or(ended.unverified.as_ref());
        Self {
            error: failure.filter(|_| !ended.outcome.is_success()).map(ErrorOutput::new),
            shape: match ended.action {
                PlannedAction::Migrate => told.migrate(),
                PlannedAction::Baseline => told.baseline(),
                PlannedAction::Repair => told.repair(),
                PlannedAction::Undo => told.undo(),
            },
            success: ended.outcome.is_success(),
        }
    }
}

struct Told<'a> {
    ended: &'a Ended,
    bundle: &'a Bundle,
    now: Option<&'a Info>,
}

impl Told<'_> {
    fn migrate(&self) -> Shape {
        let took = |migration: &PlannedMigration| {
            self.rows()
                // Of a repeatable the newest row is the last.
                .filter(|row| row.state != State::Pending && row.script == migration.script)
                .last()
                .and_then(|row| row.execution_time)
        };
        let migrations: Vec<_> = self
            .ended
            .applied()
            .map(|migration| MigrateOutput::new(migration, took(migration).unwrap_or_default()))
            .collect();
        let last = self.ended.applied().filter_map(|migration| migration.version.as_ref());
        Shape::Migrate {
            initial_schema_version: self.from(),
            target_schema_version: last.max().map(told_version).or(self.from()),
            schema_name: self.schema(),
            migrations_executed: migrations.len(),
            migrations,
        }
    }

    fn baseline(&self) -> Shape {
        let planned = self.plan().into_iter().flat_map(Plan::changes);
        let version = planned.filter_map(|change| match change {
            HistoryChange::Baseline(baseline) => Some(&baseline.version),
            _ => None,
        });
        let there = &self.bundle.settings().baseline_version;
        Shape::Baseline {
            successfully_baselined: self.ended.outcome.is_success(),
            baseline_version: Some(told_version(version.last().unwrap_or(there))),
        }
    }

    fn repair(&self) -> Shape {
        let (mut removed, mut deleted, mut aligned) = (Vec::new(), Vec::new(), Vec::new());
        let changes = self.plan().filter(|_| self.ended.outcome.is_success());
        for change in changes.into_iter().flat_map(Plan::changes) {
            match change {
                HistoryChange::Baseline(_) => {}
                HistoryChange::RemoveFailed { script, .. } => removed.push(self.row(script)),
                HistoryChange::MarkDeleted { script, .. } => deleted.push(self.row(script)),
                HistoryChange::Align { script, .. } => aligned.push(self.row(script)),
            }
        }
        let actions = [
            (&removed, "Removed failed migrations"),
            (&deleted, "Marked missing migrations as deleted"),
            (&aligned, "Aligned applied migration checksums"),
        ];
        let actions = actions.into_iter().filter(|(rows, _)| !rows.is_empty());
        Shape::Repair {
            repair_actions: actions.map(|(_, action)| action).collect(),
            migrations_removed: removed,
            migrations_deleted: deleted,
            migrations_aligned: aligned,
        }
    }

    fn undo(&self) -> Shape {
        let undone: Vec<_> = self.ended.applied().map(RowOutput::of).collect();
        let after = self.now.and_then(|now| now.version.as_ref()).map(told_version);
        Shape::Undo {
            initial_schema_version: self.from(),
            target_schema_version: if self.now.is_some() { after } else { self.from() },
            schema_name: self.schema(),
            migrations_undone: undone.len(),
            undone_migrations: undone,
        }
    }

    fn plan(&self) -> Option<&Plan> {
        self.ended.planned.as_ref().map(|planned| &planned.plan)
    }

    fn from(&self) -> Option<String> {
        self.plan()
            .and_then(|plan| plan.from_version.as_ref())
            .map(told_version)
    }

    fn schema(&self) -> Option<String> {
        self.plan().map(|plan| plan.history.schema.clone())
    }

    fn rows(&self) -> impl Iterator<Item = &InfoRow> {
        self.now.iter().flat_map(|now| &now.rows)
    }

    /// A row of the history by its script: as its file has it, else as the history has it.
    fn row(&self, script: &str) -> RowOutput {
        if let Some(file) = self.bundle.migrations().iter().find(|file| file.script == script) {
            return RowOutput {
                version: file.version.as_ref().map_or_else(String::new, told_version),
                description: file.description.clone(),
                filepath: file.path.clone(),
            };
        }
        let row = self.rows().find(|row| row.script == script);
        RowOutput {
            version: row
                .and_then(|row| row.version.as_ref())
                .map_or_else(String::new, told_version),
            description: row.map_or_else(|| script.to_owned(), |row| row.description.clone()),
            filepath: String::new(),
        }
    }
}

impl RowOutput {
    fn of(migration: &PlannedMigration) -> Self {
        Self {
            version: migration.version.as_ref().map_or_else(String::new, told_version),
            description: migration.description.clone(),
            filepath: migration.path.clone(),
        }
    }
}

fn told_version(version: &Version) -> String {
    version.as_str().to_owned()
}
