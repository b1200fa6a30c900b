//! A plan as the SQL that it comes to, for a reader: Flyway's `dryRunOutput`.

use belay_bundle::Bundle;
use belay_model::{HistoryChange, MigrationKind, Plan, PlannedCallback, PlannedMigration, Unit, UnitKind};

use crate::apply;
use crate::block::{Block, Step, steps};
use crate::error::EngineError;
use crate::history::{self, shorten_description};
use crate::placeholder::Placeholders;
use crate::script::Script;
use crate::session::{quote_identifier, quote_literal};

/// The SQL that a plan comes to, in the order in which it runs: files after placeholders, with what is written to the
/// history, and where transactions begin and end. Secret values are masked, so it is to be read, not run.
///
/// # Errors
/// If the plan is not of this bundle.
pub fn dry_run(bundle: &Bundle, plan: &Plan, placeholders: &Placeholders) -> Result<String, EngineError> {
    let mut writing = Writing {
        bundle,
        plan,
        placeholders,
        text: String::new(),
    };
    writing.comment(&format!(
        "What the plan for {} comes to: {}.",
        plan.history, plan.reason
    ));
    for note in &plan.notes {
        writing.comment(&format!("note: {note}"));
    }
    writing.comment("Secret values are masked: this is to be read, not to be run.");
    for (index, unit) in plan.units.iter().enumerate() {
        writing.unit(index, unit)?;
    }
    writing.events("After an error, once it is rolled back", &plan.on_error);
    Ok(writing.text)
}

struct Writing<'a> {
    bundle: &'a Bundle,
    plan: &'a Plan,
    placeholders: &'a Placeholders,
    text: String,
}

impl Writing<'_> {
    fn comment(&mut self, text: &str) {
        for line in self.placeholders.mask(text).lines() {
            self.text.push_str("-- ");
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn statement(&mut self, sql: &str) {
        self.text.push_str(sql);
        self.text.push_str(";\n");
    }

    fn unit(&mut self, index: usize, unit: &Unit) -> Result<(), EngineError> {
        let how = match (&unit.kind, &unit.reason) {
            (UnitKind::Group, _) => "one transaction".to_owned(),
            (UnitKind::Lone, reason) => format!("by itself, as {}", reason.as_deref().unwrap_or("it says so")),
        };
        self.text.push('\n');
        self.comment(&format!("unit {} of {}: {how}", index + 1, self.plan.units.len()));
        let is_group = unit.kind == UnitKind::Group;
        if is_group {
            self.statement("BEGIN");
        }
        let steps = steps(unit);
        let before = steps.iter().take_while(|step| step.is_before_schemas()).count();
        for (position, step) in steps.iter().enumerate() {
            if index == 0 && position == before {
                self.setup();
            }
            match step {
                Step::Files(block) => self.block(block, is_group)?,
                Step::Changes => unit.changes.iter().for_each(|change| self.change(change)),
            }
        }
        self.assertions(index);
        if is_group {
            self.statement("COMMIT");
        }
        Ok(())
    }

    /// U3: what is made with the first unit.
    fn setup(&mut self) {
        let plan = self.plan;
        let by = plan.installed_by.as_deref();
        for schema in &plan.create_schemas {
            self.statement(&format!("CREATE SCHEMA {}", quote_identifier(schema)));
        }
        if !plan.history_exists {
            for sql in history::create_table(&plan.history, plan.tablespace.as_deref()) {
                self.statement(&sql);
            }
            if let Some(baseline) = &plan.baseline {
                self.statement(&history::insert_baseline_row(&plan.history, baseline, by));
            }
        }
        if let Some(rank) = plan.schema_rank() {
            let row = history::insert_schema_row(&plan.history, rank, &plan.create_schemas, by);
            self.statement(&row);
        }
    }

    fn block(&mut self, block: &Block<'_>, is_group: bool) -> Result<(), EngineError> {
        for callback in &block.before {
            self.callback(callback)?;
        }
        if let Some(migration) = block.migration {
            self.migration(migration, is_group)?;
        }
        for callback in &block.after {
            self.callback(callback)?;
        }
        Ok(())
    }

    fn callback(&mut self, callback: &PlannedCallback) -> Result<(), EngineError> {
        self.text.push('\n');
        self.comment(&format!("{} ({})", callback.path, callback.event));
        self.file(&callback.path)
    }

    fn migration(&mut self, migration: &PlannedMigration, is_group: bool) -> Result<(), EngineError> {
        let plan = self.plan;
        self.text.push('\n');
        self.comment(&migration.path);
        if plan.skip_executing {
            self.comment("not run: skipExecutingMigrations");
        } else {
            if is_group {
                self.events("Around each statement", &plan.on_statement);
            }
            self.file(&migration.path)?;
        }
        let row = match migration.kind {
            MigrationKind::Undo => format!(
                "DELETE FROM {} WHERE \"installed_rank\" = {}",
                plan.history, migration.rank
            ),
            _ => history::insert_row(&plan.history, migration, plan.installed_by.as_deref(), "0"),
        };
        self.statement(&row);
        Ok(())
    }

    /// A file's text, with what is said before it, ended.
    fn file(&mut self, path: &str) -> Result<(), EngineError> {
        if let Some(init_sql) = &self.plan.init_sql {
            let replace = self.plan.placeholder_replacement.then_some(self.placeholders);
            let script = Script::new("initSql", init_sql.clone(), replace);
            let script = script.map_err(|problem| EngineError::PlanMismatch(problem.to_string()))?;
            self.script(&script);
        }
        let script = apply::script(self.bundle, self.plan, self.placeholders, path)?;
        self.script(&script);
        Ok(())
    }

    fn script(&mut self, script: &Script) {
        let sql = self.placeholders.mask(script.sql());
        self.text.push_str(sql.trim_end());
        let last = script.statements().last();
        let is_data = last.is_some_and(|statement| statement.data.is_some());
        self.text.push_str(match (last.is_some(), is_data) {
            // A comment at the end would hide what comes behind it on its line.
            (true, false) if !sql.trim_end().ends_with(';') => "\n;\n",
            _ => "\n",
        });
    }

    fn change(&mut self, change: &HistoryChange) {
        let history = &self.plan.history;
        let by = self.plan.installed_by.as_deref();
        self.text.push('\n');
        self.comment(&change.to_string());
        let sql = match change {
            HistoryChange::Baseline(baseline) => history::insert_baseline_row(history, baseline, by),
            HistoryChange::RemoveFailed { rank, .. } => {
                format!("DELETE FROM {history} WHERE \"installed_rank\" = {rank}")
            }
            HistoryChange::MarkDeleted { rank, of, .. } => format!(
                "INSERT INTO {history} SELECT {rank}, \"version\", \"description\", 'DELETE', \"script\", \"checksum\", {}, now(), 0, \
                 \"success\" FROM {history} WHERE \"installed_rank\" = {of}",
                by.map_or_else(|| "CURRENT_USER".to_owned(), quote_literal)
            ),
            HistoryChange::Align { rank, to, .. } => format!(
                "UPDATE {history} SET \"description\" = {}, \"type\" = {}, \"checksum\" = {} WHERE \"installed_rank\" = {rank}",
                quote_literal(&shorten_description(&to.description)),
                quote_literal(&to.row_type),
                to.checksum
                    .map_or_else(|| "NULL".to_owned(), |checksum| checksum.to_string())
            ),
        };
        self.statement(&sql);
    }

    fn assertions(&mut self, index: usize) {
        if index + 1 == self.plan.units.len() {
            for assertion in &self.plan.assertions {
                self.comment(&format!("must hold then: {}", assertion.path));
            }
        }
    }

    fn events(&mut self, when: &str, callbacks: &[PlannedCallback]) {
        let paths: Vec<&str> = callbacks.iter().map(|callback| callback.path.as_str()).collect();
        if !paths.is_empty() {
            self.comment(&format!("{when}: {}", paths.join(", ")));
        }
    }
}
