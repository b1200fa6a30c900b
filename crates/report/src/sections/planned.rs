//! What a plan did that is no migration: a baseline, a repair, an undo; and what was worth telling of how it was made.

use belay_model::{HistoryChange, PlannedAction};

use crate::plain::line;
use crate::report::Block;
use crate::story::Story;

/// The few words of a subject; nothing where there was no such plan.
pub(crate) fn in_few_words(story: &Story<'_>) -> Option<String> {
    let plan = story.plan?;
    let count = plan.pending();
    Some(match (plan.action, count) {
        (PlannedAction::Migrate, _) => return None,
        (_, 0) => "nothing to do".to_owned(),
        (PlannedAction::Baseline, _) => match version(story) {
            Some(version) => format!("baseline at version {version}"),
            None => "baseline".to_owned(),
        },
        (PlannedAction::Repair, 1) => "1 row of the history repaired".to_owned(),
        (PlannedAction::Repair, _) => format!("{count} rows of the history repaired"),
        (PlannedAction::Undo, 1) => "1 migration taken back".to_owned(),
        (PlannedAction::Undo, _) => format!("{count} migrations taken back"),
    })
}

/// The headline of what was asked for, and is done; nothing where there was no such plan.
pub(super) fn headline(story: &Story<'_>, target: &str) -> Option<String> {
    let plan = story.plan?;
    Some(match (plan.action, plan.pending()) {
        (PlannedAction::Migrate, _) => return None,
        (PlannedAction::Baseline, 0) => format!("{target} has this baseline already; nothing was changed."),
        (PlannedAction::Repair, 0) => format!("There is nothing to repair in the history of {target}."),
        (PlannedAction::Undo, 0) => format!("There is nothing to take back in {target}."),
        (PlannedAction::Baseline, _) => {
            let at = version(story).map_or_else(String::new, |version| format!(" at version {version}"));
            format!("{target} is taken to be{at}: migrations up to it will not run.")
        }
        (PlannedAction::Repair, _) => format!("The history of {target} is repaired."),
        (PlannedAction::Undo, _) => format!(
            "{target} is undone as was asked: {}. They are pending again.",
            in_few_words(story).unwrap_or_default()
        ),
    })
}

fn version(story: &Story<'_>) -> Option<String> {
    story.plan?.changes().find_map(|change| match change {
        HistoryChange::Baseline(baseline) => Some(line(&baseline.version.to_string())),
        _ => None,
    })
}

/// What was done, row by row and file by file.
pub(super) fn done(story: &Story<'_>) -> Vec<Block> {
    let Some(plan) = story.plan else { return Vec::new() };
    let changes: Vec<_> = plan.changes().map(|change| line(&change.to_string())).collect();
    let undone = plan.migrations().map(|undo| match &undo.version {
        Some(version) => format!("version {version}, by {}", line(&undo.script)),
        None => line(&undo.script),
    });
    let undone: Vec<_> = undone.collect();
    let mut blocks = Vec::new();
    for (heading, entries) in [
        ("Changed in the history", changes),
        ("Taken back, in this order", undone),
    ] {
        if !entries.is_empty() {
            blocks.push(Block::List(heading.to_owned(), entries));
        }
    }
    if !blocks.is_empty() && plan.action != PlannedAction::Baseline {
        let kept = "Every row that was changed or taken out is kept, as it was, in belay.change.";
        blocks.push(Block::Words(kept.to_owned()));
    }
    blocks
}

/// What is worth telling of settings and files.
pub(super) fn notes(story: &Story<'_>) -> Vec<Block> {
    let planned = story.plan.map(|plan| plan.notes.as_slice()).unwrap_or_default();
    let looked = story.info.map(|info| info.notes.as_slice()).unwrap_or_default();
    let notes: Vec<_> = planned.iter().chain(looked).map(|note| line(note)).collect();
    if notes.is_empty() {
        return Vec::new();
    }
    vec![Block::List("Of settings and files".to_owned(), notes)]
}
