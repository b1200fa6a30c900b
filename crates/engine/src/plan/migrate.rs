//! What `migrate` does: the pending files in order, with their callbacks.

use belay_model::{
    Event, HistoryChange, MigrationKind, PlannedAssertion, PlannedBaseline, PlannedMigration, Problem, TargetVersion,
    TransactionMode,
};

use super::{Draft, change_unit};
use crate::callbacks::{Callbacks, Events};
use crate::compare::{Entry, File, Scope, place_in};
use crate::error::EngineError;
use crate::history::{self, Applied};
use crate::ranks::Ranks;
use crate::resume::resumable;
use crate::script::Script;
use crate::state::State;
use crate::survey::Survey;
use crate::traits::{InTransaction, Traits};
use crate::unit::{Step, Units, units};
use crate::validation::{obstacles, problems};

/// The draft of it. What is wrong is told.
pub(super) fn draft(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Draft, EngineError> {
    let flyway = survey.flyway();
    let baseline = baseline(survey);
    let planned_rows: Vec<Applied> = baseline.iter().map(history::baseline_row).collect();
    let entries = survey.entries_over(&planned_rows, &Scope::of(flyway))?;
    wrong.extend(match flyway.validate_on_migrate {
        true => problems(&entries, flyway),
        false => obstacles(&entries, flyway),
    });
    let create_schemas = survey.missing_schemas().to_vec();
    let mut ranks = ranks(survey, baseline.as_ref(), &create_schemas);
    let mut steps = steps(survey, &entries, &ranks, wrong)?;
    let mut notes = notes(&entries, baseline.as_ref(), flyway.skip_executing_migrations);
    if steps.is_empty() {
        // Flyway writes the row of the baseline even where nothing is pending.
        let change = baseline.map(HistoryChange::Baseline);
        return Ok(Draft {
            create_schemas: if change.is_some() { create_schemas } else { Vec::new() },
            units: change
                .map(|change| change_unit(survey, Vec::new(), vec![change]))
                .into_iter()
                .collect(),
            reason: "nothing is pending".to_owned(),
            notes,
            ..Draft::new(&entries)
        });
    }
    let resume = resumable(&survey.journal.open, steps.first()).unwrap_or_else(|open| {
        wrong.extend(open);
        None
    });
    let callbacks = Callbacks::new(survey, is_of_migrate, wrong)?;
    callbacks.surround(&mut steps, Events::MIGRATE, flyway.skip_executing_migrations);
    if let Some(first) = steps.first_mut() {
        if resume.is_some() {
            // They ran before the file was begun.
            first.before.clear();
            notes.push(format!(
                "{} goes on where an earlier run left it; callbacks before it ran then",
                first.migration.script
            ));
        } else if !create_schemas.is_empty() {
            let before = callbacks.of(&[Event::CreateSchema, Event::BeforeCreateSchema]);
            first.before.splice(0..0, before);
        }
    }
    let defers_constraints = steps.iter().any(Step::defers_constraints);
    let Units { units, reason } = in_units(survey, steps, &mut ranks, wrong);
    Ok(Draft {
        units,
        reason,
        baseline,
        create_schemas,
        resume,
        defers_constraints,
        on_error: callbacks.on_error(Events::MIGRATE),
        on_statement: callbacks.on_statement(Events::MIGRATE),
        assertions: assertions(survey, wrong)?,
        skip_executing: flyway.skip_executing_migrations,
        notes,
        ..Draft::new(&entries)
    })
}

/// The steps in units; what keeps them from it is wrong.
pub(super) fn in_units(survey: &Survey<'_>, steps: Vec<Step>, ranks: &mut Ranks, wrong: &mut Vec<Problem>) -> Units {
    let made = units(steps, mode(survey), survey.facts.relation_cap, ranks);
    made.unwrap_or_else(|obstacles| {
        wrong.extend(obstacles);
        Units::default()
    })
}

/// Flyway's `group` is our `all`, unless the target says `each`.
pub(super) fn mode(survey: &Survey<'_>) -> TransactionMode {
    match survey.request.transaction {
        TransactionMode::Auto if survey.flyway().group => TransactionMode::All,
        mode => mode,
    }
}

fn is_of_migrate(event: Event) -> bool {
    let name = event.as_str();
    matches!(
        event,
        Event::CreateSchema | Event::BeforeCreateSchema | Event::AfterVersioned | Event::BeforeRepeatables
    ) || name.contains("Migrate")
}

/// The baseline to write, where the settings ask for one and the database has objects and no history. Where a schema is
/// made, Flyway has a history before it looks, and so writes none.
fn baseline(survey: &Survey<'_>) -> Option<PlannedBaseline> {
    let flyway = survey.flyway();
    survey.object_in_the_way()?;
    let is_asked = flyway.baseline_on_migrate && !flyway.skip_executing_migrations;
    (is_asked && survey.missing_schemas().is_empty()).then(|| PlannedBaseline {
        version: flyway.baseline_version.clone(),
        description: flyway.baseline_description.clone(),
    })
}

/// The history's ranks, and those of the rows that come with the first unit.
fn ranks(survey: &Survey<'_>, baseline: Option<&PlannedBaseline>, create_schemas: &[String]) -> Ranks {
    let there: Vec<i32> = survey.rows.iter().flatten().map(|row| row.rank).collect();
    let last = there.iter().max().map_or(0, |last| last + 1);
    let schemas = (!create_schemas.is_empty()).then_some(last);
    let baseline = baseline.map(|_| PlannedBaseline::RANK);
    Ranks::new(there, schemas.into_iter().chain(baseline))
}

fn steps(
    survey: &Survey<'_>,
    entries: &[Entry<'_>],
    ranks: &Ranks,
    wrong: &mut Vec<Problem>,
) -> Result<Vec<Step>, EngineError> {
    let mut steps = Vec::new();
    for (file, rank) in pending(survey, entries).into_iter().zip(ranks.next()..) {
        let migration = PlannedMigration {
            kind: file.migration.kind,
            version: file.migration.version.clone(),
            description: file.migration.description.clone(),
            script: file.migration.script.clone(),
            path: file.migration.path.clone(),
            checksum: file.checksum,
            sha256: file.migration.sha256,
            rank,
            undoes: None,
        };
        steps.extend(step(survey, file, migration, wrong)?);
    }
    Ok(steps)
}

/// A migration made ready, with what of it decides where it goes; nothing if it can't be.
pub(super) fn step(
    survey: &Survey<'_>,
    file: File<'_>,
    migration: PlannedMigration,
    wrong: &mut Vec<Problem>,
) -> Result<Option<Step>, EngineError> {
    let flyway = survey.flyway();
    if flyway.skip_executing_migrations && file.migration.kind != MigrationKind::Undo {
        return Ok(Some(Step::new(migration, Traits::default())));
    }
    let script = match survey.script(file.migration)? {
        Ok(script) => script,
        Err(problem) => {
            if !wrong.contains(&problem) {
                wrong.push(problem);
            }
            return Ok(None);
        }
    };
    let said = InTransaction {
        conf: file.migration.config.execute_in_transaction,
        settings: flyway.execute_in_transaction,
        mixed: flyway.mixed,
    };
    wrong.extend(script.problems());
    wrong.extend(said.mixed_problem(&script));
    Ok(Some(Step::new(migration, Traits::of(&script, said))))
}

/// The files to run, in order: Flyway's, or that of `cherryPick`.
fn pending<'a>(survey: &Survey<'_>, entries: &[Entry<'a>]) -> Vec<File<'a>> {
    let flyway = survey.flyway();
    let pending = entries.iter().filter(|entry| entry.state == State::Pending);
    let mut files: Vec<File<'_>> = pending.filter_map(|entry| entry.file).collect();
    if !flyway.cherry_pick.is_empty() {
        files.sort_by_key(|file| {
            let File { migration, .. } = file;
            place_in(&flyway.cherry_pick, migration.version.as_ref(), &migration.description)
        });
    }
    // With `group`, Flyway takes the repeatables along.
    if flyway.target == TargetVersion::Next && !flyway.group {
        files.truncate(1);
    }
    files
}

fn assertions(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Vec<PlannedAssertion>, EngineError> {
    let mut planned = Vec::new();
    for assertion in survey.bundle.assertions() {
        let replace = survey.flyway().placeholder_replacement;
        let text = survey.bundle.text(&assertion.path)?;
        match Script::new(&assertion.path, text, replace.then_some(&survey.placeholders)) {
            Ok(script) => wrong.extend(crate::assertion::problems(&script)),
            Err(problem) => wrong.push(problem),
        }
        planned.push(PlannedAssertion {
            path: assertion.path.clone(),
            sha256: assertion.sha256,
        });
    }
    Ok(planned)
}

fn notes(entries: &[Entry<'_>], baseline: Option<&PlannedBaseline>, skips: bool) -> Vec<String> {
    let above: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.state == State::AboveTarget)
        .filter_map(|entry| Some(entry.file?.migration.script.as_str()))
        .collect();
    let mut notes = Vec::new();
    if let Some(baseline) = baseline {
        notes.push(format!(
            "the database has objects and no history: it is taken to be at version {}",
            baseline.version
        ));
    }
    if let [first, rest @ ..] = above.as_slice() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!("not run, as it is above the target version: {first}{more}"));
    }
    if skips {
        notes.push("skipExecutingMigrations: files are written to the history and not run".to_owned());
    }
    notes
}
