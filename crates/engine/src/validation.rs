//! What Flyway's `validate` refuses: every problem at once.

use belay_bundle::Migration;
use belay_model::{
    Checksum, Code, FlywaySettings, IgnorePattern, IgnoredKind, IgnoredState, Place, Problem, TargetVersion, Version,
};

use crate::compare::{Entry, State};
use crate::history::{Applied, shorten_description};

/// Everything that Flyway's `validate` would refuse, with pending migrations allowed.
pub(crate) fn problems(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Vec<Problem> {
    let baseline = entries
        .iter()
        .filter(|entry| entry.state == State::Baseline)
        .filter_map(|entry| entry.row?.version.as_ref())
        .max();
    let validated = entries
        .iter()
        .filter(|entry| !is_ignored(entry, flyway))
        .flat_map(|entry| entry_problems(entry, baseline));
    obstacles(entries, flyway).into_iter().chain(validated).collect()
}

/// What keeps a run from beginning, whether or not it is validated first: a failed row, and a target that nothing has.
pub(crate) fn obstacles(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Vec<Problem> {
    let future_ignored = ignores(&flyway.ignore_migration_patterns, true, State::Future);
    let failed = entries.iter().filter(|entry| match entry.state {
        State::Failed | State::FailedMissing => true,
        State::FailedFuture => !future_ignored,
        _ => false,
    });
    let failed = failed.map(|entry| {
        let message = format!(
            "{} failed earlier and its row is still in the history; repair what it left, then delete the row",
            name(entry)
        );
        problem(entry, Code::MigrationFailed, message)
    });
    no_such_target(entries, flyway).into_iter().chain(failed).collect()
}

fn no_such_target(entries: &[Entry<'_>], flyway: &FlywaySettings) -> Option<Problem> {
    let TargetVersion::Version {
        version,
        must_exist: true,
    } = &flyway.target
    else {
        return None;
    };
    let is_there = entries.iter().any(|entry| version_of(entry) == Some(version));
    (!is_there).then(|| Problem {
        code: Code::TargetInvalid,
        place: None,
        message: format!(
            "no migration has the target version {version}; correct it, or write {version}? if there need be none"
        ),
    })
}

/// Whether the settings say not to look at this one.
fn is_ignored(entry: &Entry<'_>, flyway: &FlywaySettings) -> bool {
    let versioned = version_of(entry).is_some();
    ignores(&flyway.ignore_migration_patterns, versioned, entry.state)
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

fn version_of<'a>(entry: &Entry<'a>) -> Option<&'a Version> {
    match (entry.row, entry.file) {
        (Some(row), _) => row.version.as_ref(),
        (None, Some((file, _))) => file.version.as_ref(),
        (None, None) => None,
    }
}

fn name(entry: &Entry<'_>) -> String {
    entry.row.map_or_else(String::new, |row| match &row.version {
        Some(version) => format!("version {version} ({})", row.description),
        None => format!("repeatable {}", row.description),
    })
}

fn problem(entry: &Entry<'_>, code: Code, message: String) -> Problem {
    let place = entry.file.map(|(file, _)| Place::file(&file.path));
    Problem { code, place, message }
}

fn entry_problems(entry: &Entry<'_>, baseline: Option<&Version>) -> Vec<Problem> {
    let name = name(entry);
    match (entry.state, entry.row, entry.file) {
        (State::Missing, _, _) => {
            let message = format!("{name} is applied, and its file is not in the bundle");
            vec![problem(entry, Code::MigrationMissing, message)]
        }
        (State::Future, _, _) => {
            let message = format!(
                "{name} is applied, and above every version of the bundle; ignoreMigrationPatterns has no *:future"
            );
            vec![problem(entry, Code::MigrationMissing, message)]
        }
        (State::Ignored, _, Some((file, _))) => {
            let message = format!(
                "version {} is below one that is applied; give it a higher version, or set outOfOrder in the target",
                file.version.as_ref().map_or("", Version::as_str)
            );
            vec![problem(entry, Code::OutOfOrder, message)]
        }
        (State::Success | State::OutOfOrder, Some(row), Some((file, checksum)))
            if row.version.is_some() && row.version.as_ref() > baseline =>
        {
            mismatches(row, file, checksum, &name)
        }
        _ => Vec::new(),
    }
}

/// Flyway stops at the first; each is worth knowing.
fn mismatches(row: &Applied, file: &Migration, checksum: Checksum, name: &str) -> Vec<Problem> {
    let place = Some(Place::file(&file.path));
    let mut problems = Vec::new();
    if row.kind.as_str() != "SQL" {
        let message = format!("{name} was applied as {}, and its file is SQL", row.kind.as_str());
        problems.push(Problem {
            code: Code::TypeMismatch,
            place: place.clone(),
            message,
        });
    } else if row.checksum.is_some_and(|applied| applied != checksum) {
        let applied = row.checksum.map_or_else(String::new, |applied| applied.to_string());
        let message = format!(
            "{name} was applied with checksum {applied}, and its file has {checksum}; an applied file must not change: restore it, and put the change into a new migration"
        );
        problems.push(Problem {
            code: Code::ChecksumMismatch,
            place: place.clone(),
            message,
        });
    }
    if shorten_description(&file.description) != row.description {
        let message = format!(
            "{name} has another description in its file's name: {:?}",
            file.description
        );
        problems.push(Problem {
            code: Code::DescriptionMismatch,
            place,
            message,
        });
    }
    problems
}
