//! The first sentence or two: how the run ended, and what state the database is in.

use belay_model::{Action, Code, MigrationKind, Outcome, Plan};

use crate::plain::line;
use crate::report::failed_later;
use crate::sections::planned;
use crate::story::{LockFate, Story, Trouble};

/// The first words of a mail, and the summary of a result.
pub(crate) fn headline(story: &Story<'_>) -> String {
    let target = line(&story.result.target);
    let Ok(outcome) = story.result.status.parse::<Outcome>() else {
        return format!("{target}: {}.", line(&story.result.status));
    };
    match outcome {
        Outcome::NeedsOperator => needs_operator(story, &target),
        Outcome::Interrupted => interrupted(story, &target),
        Outcome::Rejected => match asked(story.action) {
            Some(what) => format!("The request to {what} {target} was refused; nothing was changed."),
            None => "The bundle or the request was refused; the database was not opened for change.".to_owned(),
        },
        Outcome::Done if story.action == Action::Reopen => reopened(story, &target),
        settled => on_settled(story, &target, settled),
    }
}

/// `12 migrations, now at version 12`.
pub(crate) fn how_many(plan: &Plan) -> String {
    let count = plan.migrations().count();
    let noun = if count == 1 { "migration" } else { "migrations" };
    let version = plan
        .migrations()
        .filter(|migration| migration.kind == MigrationKind::Versioned)
        .filter_map(|migration| migration.version.as_ref())
        .chain(&plan.from_version)
        .max();
    match version {
        Some(version) => format!("{count} {noun}, now at version {version}"),
        None => format!("{count} {noun}"),
    }
}

/// What a run came to that nobody has to decide about.
fn on_settled(story: &Story<'_>, target: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Migrated => migrated(story, target),
        Outcome::UpToDate => format!("{target} is up to date: nothing was pending."),
        Outcome::Done => match story.action {
            Action::Keep => format!("{target} is accepted as it is, and free again."),
            Action::Restore => restored(story, target, &of_run(story)),
            _ => planned::headline(story, target).map_or_else(
                || format!("{target} was looked at; nothing was changed."),
                |headline| format!("{headline}{}", later(story)),
            ),
        },
        Outcome::Unchanged => format!("{target} is unchanged: the run failed, and committed nothing."),
        Outcome::Undone => format!("{target} is as it was: the run failed, and undo files took it back."),
        Outcome::Restored if story.action == Action::Restore => restored(story, target, &of_run(story)),
        Outcome::Restored => restored(story, target, "the run failed"),
        Outcome::Superseded => {
            format!("A later version of the same bundle runs instead; this run changed nothing of {target}.")
        }
        Outcome::NeedsOperator | Outcome::Interrupted | Outcome::Rejected => {
            format!("{target}: {outcome}.")
        }
    }
}

fn migrated(story: &Story<'_>, target: &str) -> String {
    let how = story.plan.map_or_else(|| "migrated".to_owned(), how_many);
    let skipped = if story.plan.is_some_and(|plan| plan.skip_executing) {
        " As was asked (skipExecutingMigrations), no file was run: they only are in the history."
    } else {
        ""
    };
    format!("{target} is migrated: {how}.{skipped}{}", later(story))
}

fn later(story: &Story<'_>) -> &'static str {
    if failed_later(story.result) {
        " An assertion that held before the COMMIT does not hold any more."
    } else {
        ""
    }
}

fn restored(story: &Story<'_>, target: &str, why: &str) -> String {
    match &story.result.restored {
        Some(restored) if restored.lossless => {
            format!("{target} is as it was: {why}, and every row and object is back, under the same endpoint.")
        }
        Some(restored) => format!(
            "{target} is as it was at its snapshot: {why}, and every row and object of then is back, under the same \
             endpoint. What others wrote after it is only in {}.",
            restored.failed
        ),
        None => format!("{target} is as it was: {why}, and the snapshot took it back."),
    }
}

/// The run that was to be undone, in half a sentence.
fn of_run(story: &Story<'_>) -> String {
    match story.of {
        Some(run) => format!("run {run} is undone"),
        None => "the run is undone".to_owned(),
    }
}

fn reopened(story: &Story<'_>, target: &str) -> String {
    let quarantine = match story.fate {
        LockFate::Quarantined { run } => format!(" It stays quarantined because of run {}.", line(run)),
        LockFate::Free => String::new(),
    };
    format!("{target} is open again: those who were kept out can log in.{quarantine}")
}

fn needs_operator(story: &Story<'_>, target: &str) -> String {
    let code = story.result.failure.as_ref().map(|failure| failure.code);
    if code == Some(Code::Quarantined) {
        return format!("{target} is in quarantine since an earlier run. This run changed nothing.");
    }
    let quarantined = matches!(story.fate, LockFate::Quarantined { .. });
    let what = match story.trouble() {
        Some(Trouble::Door(outcome)) if story.action == Action::Reopen => match outcome {
            Outcome::Done => format!("The door of {target} could not be opened."),
            other => on_settled(story, target, other),
        },
        Some(Trouble::Door(outcome)) => format!(
            "{} But those who were kept out could not be let in again.",
            match (story.action, outcome) {
                (Action::Keep, _) => format!("{target} is accepted as it is."),
                (_, settled) => on_settled(story, target, settled),
            }
        ),
        Some(Trouble::RestoredOtherwise) => {
            format!("The snapshot is in the place of {target}, but what is there is not what it was before the run.")
        }
        Some(Trouble::NotUndone) if story.action == Action::Restore => {
            format!("The restore of {target} did not come to its end. No database was deleted.")
        }
        Some(Trouble::NotUndone) | None if quarantined => {
            return format!("{target} needs a person to decide. Until then it is quarantined: no run changes it.");
        }
        Some(Trouble::NotUndone) | None => return format!("{target} needs a person to decide."),
    };
    if quarantined {
        return format!("{what} Until a person decides, {target} is quarantined: no run changes it.");
    }
    what
}

fn interrupted(story: &Story<'_>, target: &str) -> String {
    match story.fate {
        LockFate::Quarantined { .. } => format!(
            "The run was interrupted while it was changing {target}, which is quarantined now: it is not known what \
             is in."
        ),
        LockFate::Free => format!("The run for {target} was interrupted before it changed anything."),
    }
}

/// What a request asked for, if not to migrate.
fn asked(action: Action) -> Option<&'static str> {
    match action {
        Action::Keep => Some("keep"),
        Action::Restore => Some("restore"),
        Action::Reopen => Some("open the door of"),
        Action::Baseline => Some("baseline"),
        Action::Repair => Some("repair"),
        Action::Undo => Some("undo"),
        Action::Migrate | Action::Info | Action::Validate => None,
    }
}
