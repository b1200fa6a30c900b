//! Callbacks: files of the bundle that run at Flyway's events, made ready and put beside the migrations.

use std::collections::BTreeMap;

use belay_model::{Code, Event, MigrationKind, PlannedCallback, PlannedFile, Problem};

use crate::error::EngineError;
use crate::survey::Survey;
use crate::traits::{InTransaction, Traits};
use crate::unit::{Beside, Step};

/// The callbacks of some events, made ready.
pub(crate) struct Callbacks(BTreeMap<Event, Vec<Beside>>);

/// The events of a run through several files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events {
    before: Event,
    before_each: Event,
    before_statement: Event,
    after_statement: Event,
    after_each: Event,
    /// Whether there are callbacks between versions and repeatables.
    divides: bool,
    /// In order.
    after: &'static [Event],
    /// In order.
    on_error: &'static [Event],
}

impl Events {
    pub(crate) const MIGRATE: Self = Self {
        before: Event::BeforeMigrate,
        before_each: Event::BeforeEachMigrate,
        before_statement: Event::BeforeEachMigrateStatement,
        after_statement: Event::AfterEachMigrateStatement,
        after_each: Event::AfterEachMigrate,
        divides: true,
        after: &[
            Event::AfterMigrateApplied,
            Event::AfterMigrate,
            Event::AfterMigrateOperationFinish,
        ],
        on_error: &[
            Event::AfterEachMigrateStatementError,
            Event::AfterEachMigrateError,
            Event::AfterMigrateError,
        ],
    };

    pub(crate) const UNDO: Self = Self {
        before: Event::BeforeUndo,
        before_each: Event::BeforeEachUndo,
        before_statement: Event::BeforeEachUndoStatement,
        after_statement: Event::AfterEachUndoStatement,
        after_each: Event::AfterEachUndo,
        divides: false,
        after: &[Event::AfterUndo, Event::AfterUndoOperationFinish],
        on_error: &[
            Event::AfterEachUndoStatementError,
            Event::AfterEachUndoError,
            Event::AfterUndoError,
        ],
    };
}

impl Callbacks {
    /// Makes those of some events ready. What is wrong with one is told.
    pub(crate) fn new(
        survey: &Survey<'_>,
        wanted: impl Fn(Event) -> bool,
        wrong: &mut Vec<Problem>,
    ) -> Result<Self, EngineError> {
        let mut ready: BTreeMap<Event, Vec<Beside>> = BTreeMap::new();
        for callback in survey
            .bundle
            .callbacks()
            .iter()
            .filter(|callback| wanted(callback.event))
        {
            let script = match survey.script_of(&callback.path, &callback.config)? {
                Ok(script) => script,
                Err(problem) => {
                    wrong.push(problem);
                    continue;
                }
            };
            if !survey.should_execute(&callback.path, &callback.config, wrong) {
                continue;
            }
            wrong.extend(script.problems());
            let said = InTransaction {
                conf: callback.config.execute_in_transaction,
                settings: true,
                mixed: true,
            };
            let traits = Traits::of(&script, said);
            wrong.extend(traits.lone.as_ref().map(|why| Problem {
                code: Code::Unsupported,
                place: Some(script.place()),
                message: format!(
                    "a callback must be able to share a transaction with what it runs beside, and this one can't: {why}; \
                     make it a migration, or leave it out"
                ),
            }));
            let file = PlannedFile::Callback(PlannedCallback {
                event: callback.event,
                script: callback.script.clone(),
                path: callback.path.clone(),
                sha256: callback.sha256,
            });
            ready.entry(callback.event).or_default().push(Beside { file, traits });
        }
        Ok(Self(ready))
    }

    /// Those of these events, in order.
    pub(crate) fn of(&self, events: &[Event]) -> Vec<Beside> {
        let found = events.iter().filter_map(|event| self.0.get(event));
        found.flatten().cloned().collect()
    }

    /// The same, without what of them decides where they go.
    pub(crate) fn planned(&self, events: &[Event]) -> Vec<PlannedCallback> {
        let files = self.of(events).into_iter().map(|beside| beside.file);
        files
            .filter_map(|file| match file {
                PlannedFile::Callback(callback) => Some(callback),
                PlannedFile::Migration(_) => None,
            })
            .collect()
    }

    /// Those around each statement: before, then after.
    pub(crate) fn on_statement(&self, events: Events) -> Vec<PlannedCallback> {
        self.planned(&[events.before_statement, events.after_statement])
    }

    /// Those after an error.
    pub(crate) fn on_error(&self, events: Events) -> Vec<PlannedCallback> {
        self.planned(events.on_error)
    }

    /// Puts them beside the files that run. Where files are only recorded, there are none around each, as in Flyway.
    pub(crate) fn surround(&self, steps: &mut [Step], events: Events, skip_executing: bool) {
        let each = |event: Event| match skip_executing {
            true => Vec::new(),
            false => self.of(&[event]),
        };
        let between = |event: Event| match events.divides {
            true => self.of(&[event]),
            false => Vec::new(),
        };
        let count = steps.len();
        let is_repeatable = |step: &Step| step.migration.kind == MigrationKind::Repeatable;
        let repeatable = steps.iter().position(is_repeatable).unwrap_or(count);
        for (index, step) in steps.iter_mut().enumerate() {
            if index == 0 {
                step.before.extend(self.of(&[events.before]));
            }
            if index == repeatable {
                if index == 0 {
                    step.before.extend(between(Event::AfterVersioned));
                }
                step.before.extend(between(Event::BeforeRepeatables));
            }
            step.before.extend(each(events.before_each));
            step.after.extend(each(events.after_each));
            if index + 1 == repeatable {
                step.after.extend(between(Event::AfterVersioned));
            }
            if index + 1 == count {
                step.after.extend(self.of(events.after));
            }
        }
    }
}
