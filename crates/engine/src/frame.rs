//! Statements of ours around the files of a unit: what begins it, what is made before, what follows each file (rules U3, M1,
//! M2).

use belay_model::{Event, MigrationKind, PlannedAction, PlannedFile, PlannedMigration, Unit};

use crate::apply::Applying;
use crate::block::is_before_each;
use crate::history;
use crate::session::quote_identifier;

/// M1: the transaction, the lock, the guard (its snapshot is younger than the wait for the lock), the mark.
pub(crate) fn begin_unit(applying: &Applying<'_>, index: usize, unit: &Unit, lone: bool) -> Vec<String> {
    let mut statements = begin(applying);
    statements.push(applying.guard(index, unit));
    statements.push(applying.key(index).insert_mark(lone, unit));
    statements
}

/// The transaction and its lock.
pub(crate) fn begin(applying: &Applying<'_>) -> Vec<String> {
    vec![
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned(),
        format!(
            "SELECT pg_catalog.pg_advisory_xact_lock({})",
            history::lock_key(&applying.input.plan.history)
        ),
    ]
}

/// M2: constraints are checked, and the role is ours again.
pub(crate) fn back_to_ourselves(check: &str) -> Vec<String> {
    vec![
        check.to_owned(),
        "RESET SESSION AUTHORIZATION".to_owned(),
        "RESET ROLE".to_owned(),
    ]
}

/// What is written once a migration has run: the history's row and the journal's. For an undo the row goes from the one
/// into the other. `elapsed` is an SQL expression in milliseconds.
pub(crate) fn record(
    applying: &Applying<'_>,
    index: usize,
    migration: &PlannedMigration,
    elapsed: &str,
) -> Vec<String> {
    let plan = applying.input.plan;
    let key = applying.key(index);
    if migration.kind == MigrationKind::Undo {
        let files = plan
            .units
            .get(index)
            .map(|unit| unit.files.as_slice())
            .unwrap_or_default();
        let is_it = |file: &PlannedFile| file.migration() == Some(migration);
        let number = files.iter().position(is_it).unwrap_or_default();
        return vec![key.take_out(&plan.history, number, migration)];
    }
    vec![
        history::insert_row(&plan.history, migration, plan.installed_by.as_deref(), elapsed),
        key.insert_applied(&plan.history, migration),
    ]
}

/// U3: the schemas that are missing, the history table, and Flyway's row for the schemas.
pub(crate) fn setup(applying: &Applying<'_>, index: usize) -> Vec<String> {
    let plan = applying.input.plan;
    let schemas = &plan.create_schemas;
    let mut statements: Vec<String> = schemas
        .iter()
        .map(|s| format!("CREATE SCHEMA {}", quote_identifier(s)))
        .collect();
    if !plan.history_exists {
        statements.extend(applying.key(index).make_history(plan));
    }
    if let Some(rank) = plan.schema_rank() {
        let installed_by = plan.installed_by.as_deref();
        statements.push(history::insert_schema_row(&plan.history, rank, schemas, installed_by));
        statements.push(applying.key(index).insert_applied_setup(&plan.history, rank));
    }
    statements
}

/// M2, where another file follows: `SET CONSTRAINTS ALL IMMEDIATE` would hold until the transaction ends, also for
/// constraints that are still to come. So those that are there are checked by name, and deferred again as they were made.
pub(crate) const CHECK_AND_DEFER: &str = "DO $belay$ DECLARE name text; BEGIN
  FOR name IN SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname) FROM pg_catalog.pg_constraint c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferrable
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_catalog.pg_my_temp_schema())
  LOOP EXECUTE 'SET CONSTRAINTS ' || name || ' IMMEDIATE'; END LOOP;
  FOR name IN SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname) FROM pg_catalog.pg_constraint c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_catalog.pg_my_temp_schema())
  LOOP EXECUTE 'SET CONSTRAINTS ' || name || ' DEFERRED'; END LOOP;
END $belay$";

/// The paths of the callbacks right before a lone file: at the end of the unit before its own. A file that an earlier run
/// left half done has none there, as they ran in that run: then they are the bundle's.
pub(crate) fn callbacks_before<'a>(applying: &Applying<'a>, index: usize) -> Vec<&'a str> {
    let input = applying.input;
    if index == 0 && input.plan.resume.is_some() {
        let event = match input.plan.action {
            PlannedAction::Undo => Event::BeforeEachUndo,
            _ => Event::BeforeEachMigrate,
        };
        let callbacks = input.bundle.callbacks().iter();
        let known = callbacks.filter(|callback| callback.event == event && callback.config.should_execute.is_none());
        return known.map(|callback| callback.path.as_str()).collect();
    }
    let before = index.checked_sub(1).and_then(|index| input.plan.units.get(index));
    let files = before.map(|unit| unit.files.as_slice()).unwrap_or_default();
    let is_right_before =
        |file: &&PlannedFile| matches!(file, PlannedFile::Callback(callback) if is_before_each(callback));
    let mut callbacks: Vec<_> = files
        .iter()
        .rev()
        .take_while(is_right_before)
        .map(PlannedFile::path)
        .collect();
    callbacks.reverse();
    callbacks
}
