//! What `repair` does: the history is brought in line with the files. Objects of the user are never touched.

use belay_model::{Aligned, Event, HistoryChange, Problem, Version};

use super::{Draft, change_unit, open_units};
use crate::callbacks::Callbacks;
use crate::compare::{Entry, File, Scope, place_in};
use crate::error::EngineError;
use crate::history::{Applied, shorten_description};
use crate::ranks::Ranks;
use crate::state::State;
use crate::survey::Survey;
use crate::validation::is_ignored;

/// The draft of it. What is wrong is told.
pub(super) fn draft(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Draft, EngineError> {
    let before = survey.entries(&Scope::whole())?;
    wrong.extend(open_units(survey));
    let rows = survey.rows.as_deref().unwrap_or_default();
    let changes = changes(survey, rows)?;
    if changes.is_empty() {
        return Ok(Draft {
            reason: "there is nothing to repair".to_owned(),
            ..Draft::new(&before)
        });
    }
    let is_of_repair = |event: Event| event.as_str().contains("Repair");
    let callbacks = Callbacks::new(survey, is_of_repair, wrong)?;
    Ok(Draft {
        units: vec![change_unit(
            survey,
            callbacks.of(&[
                Event::BeforeRepair,
                Event::AfterRepair,
                Event::AfterRepairOperationFinish,
            ]),
            changes,
        )],
        reason: "a repair is one transaction".to_owned(),
        on_error: callbacks.planned(&[Event::AfterRepairError]),
        ..Draft::new(&before)
    })
}

/// In Flyway's order: failed rows are taken out, what is missing is marked as deleted, what differs is aligned.
fn changes(survey: &Survey<'_>, rows: &[Applied]) -> Result<Vec<HistoryChange>, EngineError> {
    let flyway = survey.flyway();
    let is_picked = |version: Option<&Version>, description: &str| {
        flyway.cherry_pick.is_empty() || place_in(&flyway.cherry_pick, version, description).is_some()
    };
    let is_failed = |row: &Applied| !row.success && is_picked(row.version.as_ref(), &row.description);
    let mut ranks = Ranks::new(rows.iter().map(|row| row.rank), []);
    let mut changes = Vec::new();
    for row in rows.iter().filter(|row| is_failed(row)) {
        let change = HistoryChange::RemoveFailed {
            rank: row.rank,
            script: row.script.clone(),
        };
        ranks.change(&change);
        changes.push(change);
    }
    let left: Vec<Applied> = rows.iter().filter(|row| !is_failed(row)).cloned().collect();
    let entries = survey.entries_of(&left, &Scope::whole())?;
    let picked = || {
        let entries = entries
            .iter()
            .filter(|entry| is_picked(entry.version(), entry.description()));
        entries.filter_map(|entry| Some((entry, entry.row?)))
    };
    for (entry, row) in picked() {
        if is_missing(entry, row) && !is_ignored(entry, &flyway.ignore_migration_patterns) {
            let change = HistoryChange::MarkDeleted {
                rank: ranks.next(),
                of: row.rank,
                script: row.script.clone(),
            };
            ranks.change(&change);
            changes.push(change);
        }
    }
    changes.extend(picked().filter_map(|(entry, row)| align(entry, row)));
    Ok(changes)
}

fn is_missing(entry: &Entry<'_>, row: &Applied) -> bool {
    let is_gone = matches!(
        entry.state,
        State::Missing | State::FailedMissing | State::Future | State::FailedFuture
    );
    row.kind.is_of_a_file() && is_gone
}

/// The row as the file has it, if it differs. The script stays as it is, as in Flyway.
fn align(entry: &Entry<'_>, row: &Applied) -> Option<HistoryChange> {
    let file = entry.file.filter(|_| entry.state != State::Undone)?;
    differs(row, &file).then(|| HistoryChange::Align {
        rank: row.rank,
        script: row.script.clone(),
        to: Aligned {
            description: shorten_description(&file.migration.description),
            row_type: file.migration.kind.row_type().to_owned(),
            checksum: Some(file.checksum),
        },
    })
}

/// Of a repeatable, only the checksum that matches without being the same is corrected: another one means that it is to
/// run again.
fn differs(row: &Applied, file: &File<'_>) -> bool {
    let migration = file.migration;
    if row.version.is_none() {
        return row.checksum == Some(migration.checksum) && row.checksum != Some(file.checksum);
    }
    row.checksum != Some(file.checksum)
        || row.description != shorten_description(&migration.description)
        || row.kind.as_str() != migration.kind.row_type()
}
