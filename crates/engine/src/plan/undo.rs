//! What `undo` does: the last versions are taken back by the bundle's undo files, newest first.

use belay_model::{Code, Event, MigrationKind, PlannedMigration, Problem, TargetVersion};

use super::migrate::{in_units, step};
use super::{Draft, open_units};
use crate::callbacks::{Callbacks, Events};
use crate::compare::{Entry, File, Scope, place_in};
use crate::error::EngineError;
use crate::history::{Applied, RowKind};
use crate::ranks::Ranks;
use crate::resume::resumable;
use crate::state::State;
use crate::survey::Survey;
use crate::unit::{Step, Units};
use crate::validation::{obstacles, problems};

/// The draft of it. What is wrong is told.
pub(super) fn draft(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Draft, EngineError> {
    let flyway = survey.flyway();
    let entries = survey.entries(&Scope::whole())?;
    wrong.extend(match flyway.validate_on_migrate {
        true => problems(&entries, flyway),
        false => obstacles(&entries, flyway),
    });
    let mut steps = Vec::new();
    for entry in chosen(survey, &entries, wrong) {
        let Some(row) = entry.row else { continue };
        match undo_file(&entries, row) {
            Some(file) => steps.extend(step(survey, file, undo_of(row, file), wrong)?),
            None => wrong.push(missing(row)),
        }
    }
    if steps.is_empty() {
        wrong.extend(open_units(survey));
        return Ok(Draft {
            reason: "there is nothing to undo".to_owned(),
            ..Draft::new(&entries)
        });
    }
    let resume = resumable(&survey.journal.open, steps.first()).unwrap_or_else(|open| {
        wrong.extend(open);
        None
    });
    let callbacks = Callbacks::new(survey, |event: Event| event.as_str().contains("Undo"), wrong)?;
    callbacks.surround(&mut steps, Events::UNDO, false);
    if let Some(first) = steps.first_mut().filter(|_| resume.is_some()) {
        first.before.clear();
    }
    let defers_constraints = steps.iter().any(Step::defers_constraints);
    let mut ranks = Ranks::new(survey.rows.iter().flatten().map(|row| row.rank), []);
    let Units { units, reason } = in_units(survey, steps, &mut ranks, wrong);
    Ok(Draft {
        units,
        reason,
        resume,
        defers_constraints,
        on_error: callbacks.on_error(Events::UNDO),
        on_statement: callbacks.on_statement(Events::UNDO),
        ..Draft::new(&entries)
    })
}

/// What is to be undone, newest first: those of `cherryPick`, else down to the target and with it, else only the last.
fn chosen<'e, 'a>(survey: &Survey<'_>, entries: &'e [Entry<'a>], wrong: &mut Vec<Problem>) -> Vec<&'e Entry<'a>> {
    let flyway = survey.flyway();
    let mut applied: Vec<&Entry<'_>> = entries.iter().filter(|entry| is_applied(entry)).collect();
    applied.reverse();
    if !flyway.cherry_pick.is_empty() {
        return picked(&flyway.cherry_pick, &applied, wrong);
    }
    match &flyway.target {
        TargetVersion::Version { version, .. } => {
            let is_in = |entry: &&&Entry<'_>| entry.version().is_some_and(|applied| applied >= version);
            applied.iter().take_while(is_in).copied().collect()
        }
        TargetVersion::Latest | TargetVersion::Current | TargetVersion::Next => applied.into_iter().take(1).collect(),
    }
}

/// Flyway undoes them in the reverse of the order in which they are listed.
fn picked<'e, 'a>(picks: &[String], applied: &[&'e Entry<'a>], wrong: &mut Vec<Problem>) -> Vec<&'e Entry<'a>> {
    let mut chosen = Vec::new();
    for pick in picks.iter().rev() {
        let one = std::slice::from_ref(pick);
        let found = applied
            .iter()
            .find(|entry| place_in(one, entry.version(), entry.description()).is_some());
        match found {
            Some(entry) => chosen.push(*entry),
            None => wrong.push(Problem {
                code: Code::TargetInvalid,
                place: None,
                message: format!("cherryPick names {pick:?}, and no applied version has this version or description"),
            }),
        }
    }
    chosen
}

/// A version that a file brought and that is still in.
fn is_applied(entry: &Entry<'_>) -> bool {
    let is_of_a_file = |row: &Applied| row.version.is_some() && row.kind.is_of_a_file();
    entry.row.is_some_and(is_of_a_file) && !matches!(entry.state, State::Undone | State::Deleted)
}

/// The undo file of a row; a baseline migration has none, as it stands for many versions.
fn undo_file<'a>(entries: &[Entry<'a>], row: &Applied) -> Option<File<'a>> {
    let is_undo = |file: &File<'_>| file.migration.kind == MigrationKind::Undo && file.migration.version == row.version;
    let files = entries.iter().filter_map(|entry| entry.file);
    matches!(row.kind, RowKind::Migration(_))
        .then(|| files.into_iter().find(is_undo))
        .flatten()
}

fn undo_of(row: &Applied, file: File<'_>) -> PlannedMigration {
    PlannedMigration {
        kind: MigrationKind::Undo,
        version: file.migration.version.clone(),
        description: file.migration.description.clone(),
        script: file.migration.script.clone(),
        path: file.migration.path.clone(),
        checksum: file.checksum,
        sha256: file.migration.sha256,
        rank: row.rank,
        undoes: Some(row.script.clone()),
    }
}

fn missing(row: &Applied) -> Problem {
    let version = row.version.as_ref().map_or("", |version| version.as_str());
    Problem {
        code: Code::UndoMissing,
        place: None,
        message: format!(
            "version {version} ({}) is to be undone, and the bundle has no undo file for it; add U{version}__….sql, or choose a higher target",
            row.description
        ),
    }
}
