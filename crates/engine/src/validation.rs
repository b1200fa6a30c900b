//! What Flyway's `validate` refuses: every problem at once.

use belay_model::{
    Checksum, Code, FlywaySettings, IgnorePattern, IgnoredKind, IgnoredState, MigrationKind, Place, Problem,
    TargetVersion, Version,
};

use crate::compare::{Entry, File, place_in};
use crate::history::{Applied, RowKind, shorten_description};
use crate::state::State;

/// Everything that Flyway's `migrate` would refuse before it begins: what is pending is as it should be.
pub(crate) fn problems(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Vec<Problem> {
    let rows = entries.iter().filter_map(|entry| entry.row);
    let baseline = rows
        .filter(|row| matches!(row.kind, RowKind::Baseline(_)))
        .filter_map(|row| row.version.as_ref())
        .max();
    let looked_at = entries.iter().filter(|entry| is_looked_at(entry, flyway));
    let validated = looked_at.flat_map(|entry| entry_problems(entry, baseline));
    obstacles(entries, flyway).into_iter().chain(validated).collect()
}

/// What Flyway's `validate` refuses besides: what is not applied, unless the patterns allow it. Where there is no schema,
/// only that is told.
pub(crate) fn not_applied(
    entries: &[Entry<'_>],
    flyway: &FlywaySettings,
    missing_schema: Option<&str>,
) -> Vec<Problem> {
    let patterns = &flyway.ignore_migration_patterns;
    let all_may_wait = ignores(patterns, true, State::Pending) && ignores(patterns, false, State::Pending);
    if let Some(schema) = missing_schema {
        let problem = Problem {
            code: Code::SchemaMissing,
            place: None,
            message: format!(
                "schema {schema} does not exist yet; migrate, or set ignoreMigrationPatterns to *:pending"
            ),
        };
        return if all_may_wait { Vec::new() } else { vec![problem] };
    }
    let looked_at = entries.iter().filter(|entry| is_looked_at(entry, flyway));
    looked_at
        .filter_map(|entry| {
            // A repeatable that has changed is there twice, as in Flyway: as its last run, and as what is to run.
            let (code, what) = match entry.state {
                State::Outdated if !all_may_wait => (Code::RepeatableOutdated, "changed since it was applied"),
                State::Pending if entry.version().is_none() => (Code::NotApplied, "is not applied as it is now"),
                State::Pending => (Code::NotApplied, "is not applied"),
                _ => return None,
            };
            let message = format!(
                "{} {what}; migrate, or set ignoreMigrationPatterns to *:pending",
                name(entry)
            );
            Some(problem(entry, code, message))
        })
        .collect()
}

/// What keeps a run from beginning, whether or not it is validated first: a failed row, and a target or a pick that
/// nothing has.
pub(crate) fn obstacles(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Vec<Problem> {
    let patterns = &flyway.ignore_migration_patterns;
    let future_ignored = ignores(patterns, true, State::Future) && ignores(patterns, false, State::Future);
    let failed = entries.iter().filter(|entry| match entry.state {
        State::Failed | State::FailedMissing => true,
        State::FailedFuture => !future_ignored,
        _ => false,
    });
    let failed = failed.map(|entry| {
        let message = format!(
            "{} failed earlier and its row is still in the history; take back what it left, then run repair",
            name(entry)
        );
        problem(entry, Code::MigrationFailed, message)
    });
    let absent = no_such_target(entries, flyway).into_iter();
    absent.chain(no_such_pick(entries, flyway)).chain(failed).collect()
}

fn no_such_target(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Option<Problem> {
    let TargetVersion::Version {
        version,
        must_exist: true,
    } = &flyway.target
    else {
        return None;
    };
    let is_there = migrations(entries).any(|entry| entry.version() == Some(version));
    (!is_there).then(|| Problem {
        code: Code::TargetInvalid,
        place: None,
        message: format!(
            "no migration has the target version {version}; correct it, or write {version}? if there need be none"
        ),
    })
}

fn no_such_pick(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Vec<Problem> {
    let is_there = |pick: &&String| {
        let one = std::slice::from_ref(*pick);
        migrations(entries).any(|entry| place_in(one, entry.version(), entry.description()).is_some())
    };
    let absent = flyway.cherry_pick.iter().filter(|pick| !is_there(pick));
    absent
        .map(|pick| Problem {
            code: Code::TargetInvalid,
            place: None,
            message: format!("cherryPick names {pick:?}, and no migration has this version or description"),
        })
        .collect()
}

/// Without undo files.
fn migrations<'e, 'a>(entries: &'e [Entry<'a>]) -> impl Iterator<Item = &'e Entry<'a>> {
    let is_undo = |entry: &Entry<'_>| {
        entry
            .file
            .is_some_and(|file| file.migration.kind == MigrationKind::Undo)
    };
    entries.iter().filter(move |entry| !is_undo(entry))
}

/// Whether the settings say to look at this one.
fn is_looked_at(entry: &Entry<'_>, flyway: &FlywaySettings) -> bool {
    let picks = &flyway.cherry_pick;
    let is_picked = picks.is_empty() || place_in(picks, entry.version(), entry.description()).is_some();
    is_picked && !is_ignored(entry, &flyway.ignore_migration_patterns)
}

/// Whether a pattern says not to look at this one.
pub(crate) fn is_ignored(entry: &Entry<'_>, patterns: &[IgnorePattern]) -> bool {
    ignores(patterns, entry.version().is_some(), entry.state)
}

fn ignores(patterns: &[IgnorePattern], versioned: bool, state: State) -> bool {
    patterns.iter().any(|pattern| {
        let kind = match pattern.kind {
            IgnoredKind::Any => true,
            IgnoredKind::Versioned => versioned,
            IgnoredKind::Repeatable => !versioned,
        };
        let state = match pattern.state {
            IgnoredState::Any => true,
            IgnoredState::Missing => state == State::Missing,
            IgnoredState::Pending => state == State::Pending,
            IgnoredState::Ignored => state == State::Ignored,
            IgnoredState::Future => state == State::Future,
        };
        kind && state
    })
}

fn name(entry: &Entry<'_>) -> String {
    match entry.version() {
        Some(version) => format!("version {version} ({})", entry.description()),
        None => format!("repeatable {}", entry.description()),
    }
}

fn problem(entry: &Entry<'_>, code: Code, message: String) -> Problem {
    let place = entry.file.map(|file| Place::file(&file.migration.path));
    Problem { code, place, message }
}

fn entry_problems(entry: &Entry<'_>, baseline: Option<&Version>) -> Vec<Problem> {
    match (entry.row, entry.file) {
        _ if entry.state.is_failed() || matches!(entry.state, State::Undone | State::Deleted) => Vec::new(),
        (Some(row), None) if row.kind.is_of_a_file() && entry.state != State::Superseded => vec![missing(entry)],
        (None, Some(file)) if entry.state == State::Ignored && file.should_execute => out_of_order(entry, &file),
        (Some(row), Some(file)) if row.version.is_none() || row.version.as_ref() > baseline => {
            mismatch(row, &file, &name(entry)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn missing(entry: &Entry<'_>) -> Problem {
    let name = name(entry);
    let message = match entry.state {
        State::Future => {
            format!("{name} is applied, and above every version of the bundle; ignoreMigrationPatterns has no *:future")
        }
        _ => format!(
            "{name} is applied, and its file is not in the bundle; put it back, or run repair if it is gone for good"
        ),
    };
    problem(entry, Code::MigrationMissing, message)
}

fn out_of_order(entry: &Entry<'_>, file: &File<'_>) -> Vec<Problem> {
    if matches!(file.migration.kind, MigrationKind::Baseline | MigrationKind::Undo) {
        return Vec::new();
    }
    let message = format!(
        "version {} is below one that is applied; give it a higher version, or set outOfOrder in the target",
        entry.version().map_or("", Version::as_str)
    );
    vec![problem(entry, Code::OutOfOrder, message)]
}

/// The first that differs, as in Flyway: the type, the checksum, the description.
fn mismatch(row: &Applied, file: &File<'_>, name: &str) -> Option<Problem> {
    let File { migration, .. } = file;
    let problem = |code: Code, message: String| Problem {
        code,
        place: Some(Place::file(&migration.path)),
        message,
    };
    let (applied, own) = (row.kind.as_str(), migration.kind.row_type());
    if applied != own {
        let message = format!("{name} was applied as {applied}, and its file is {own}");
        return Some(problem(Code::TypeMismatch, message));
    }
    if let Some(found) = differing_checksum(row, file) {
        let message = format!(
            "{name} was applied with checksum {found}, and its file has {}; an applied file must not change: restore it, and put the change into a new migration",
            file.checksum
        );
        return Some(problem(Code::ChecksumMismatch, message));
    }
    let description = &migration.description;
    (shorten_description(description) != row.description).then(|| {
        let message = format!("{name} has another description in its file's name: {description:?}");
        problem(Code::DescriptionMismatch, message)
    })
}

/// A row without a checksum fits every file, as in Flyway 13.
fn differing_checksum(row: &Applied, file: &File<'_>) -> Option<Checksum> {
    let applied = row.checksum.filter(|_| row.version.is_some())?;
    (applied != file.checksum).then_some(applied)
}
