//! Bundle and history side by side: each migration's state, as Flyway decides it.

use std::collections::{HashMap, HashSet};

use belay_bundle::Migration;
use belay_model::{Checksum, FlywaySettings, MigrationKind, TargetVersion, Version};

use crate::history::{Applied, RowKind, shorten_description};
use crate::liveness::{Corrupt, Liveness, liveness};
use crate::state::State;

/// A file of the bundle, and what is known of it only together with the database's placeholders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) migration: &'a Migration,
    /// That its row has or would have; a repeatable's is that of the text after placeholders.
    pub(crate) checksum: Checksum,
    /// What its `shouldExecute` says.
    pub(crate) should_execute: bool,
}

/// A row, a file, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) row: Option<&'a Applied>,
    pub(crate) file: Option<File<'a>>,
    pub(crate) state: State,
}

impl<'a> Entry<'a> {
    /// The version of the row, else of the file.
    pub(crate) fn version(&self) -> Option<&'a Version> {
        match (self.row, self.file) {
            (Some(row), _) => row.version.as_ref(),
            (None, Some(file)) => file.migration.version.as_ref(),
            (None, None) => None,
        }
    }

    /// The description of the row, else of the file.
    pub(crate) fn description(&self) -> &'a str {
        match (self.row, self.file) {
            (Some(row), _) => &row.description,
            (None, Some(file)) => &file.migration.description,
            (None, None) => "",
        }
    }
}

/// What of the settings decides a state.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'a> {
    target: TargetVersion,
    out_of_order: bool,
    picked: &'a [String],
}

impl<'a> Scope<'a> {
    /// As the settings say.
    pub(crate) fn of(flyway: &'a FlywaySettings) -> Self {
        Self {
            target: flyway.target.clone(),
            out_of_order: flyway.out_of_order,
            picked: &flyway.cherry_pick,
        }
    }

    /// Everything, as `repair` and `undo` look at it: their `target` is not how far files run.
    pub(crate) fn whole() -> Self {
        Self {
            target: TargetVersion::Latest,
            out_of_order: true,
            picked: &[],
        }
    }
}

/// The place of a migration in `cherryPick`, which has its version or its description.
pub(crate) fn place_in(picked: &[String], version: Option<&Version>, description: &str) -> Option<usize> {
    picked.iter().position(|item| {
        let is_version = || version.is_some_and(|version| item.parse().is_ok_and(|item: Version| item == *version));
        item.replace('_', " ") == description || is_version()
    })
}

/// Every row by rank and every file that has no live row, in Flyway's order: what is below a baseline, then rows, then
/// files as they would run.
///
/// # Errors
/// If the history contradicts itself.
pub(crate) fn compare<'a>(
    files: &[File<'a>],
    rows: &'a [Applied],
    scope: &Scope<'_>,
) -> Result<Vec<Entry<'a>>, Corrupt> {
    let view = View::new(files, rows)?;
    let mut entries = view.row_entries(rows);
    let ceiling = view.ceiling(files, scope);
    for file in files {
        if let Some(state) = view.file_state(file, &ceiling, scope) {
            entries.push(Entry {
                row: None,
                file: Some(*file),
                state,
            });
        }
    }
    let is_below =
        |entry: &Entry<'_>| entry.row.is_none() && matches!(entry.state, State::BelowBaseline | State::IgnoredBaseline);
    // What is not applied is in the order of versions, so without rows there is nothing to bring forward.
    let (rows, mut unapplied): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.row.is_some());
    unapplied.sort_by(|a, b| running_order(a).cmp(&running_order(b)));
    let (below, rest): (Vec<_>, Vec<_>) = match rows.is_empty() {
        true => (Vec::new(), unapplied),
        false => unapplied.into_iter().partition(is_below),
    };
    Ok([below, rows, rest].concat())
}

/// Versions first, each with its baseline and its undo behind it, then repeatables in the order of the bundle.
fn running_order<'a>(entry: &Entry<'a>) -> (bool, Option<&'a Version>, Option<MigrationKind>) {
    let kind = entry.file.map(|file| file.migration.kind);
    (entry.version().is_none(), entry.version(), kind)
}

/// What must be known of the whole before one entry's state can be told.
struct View<'a> {
    live: Vec<Liveness>,
    versioned: HashMap<&'a Version, File<'a>>,
    baselines: HashMap<&'a Version, File<'a>>,
    repeatables: HashMap<String, File<'a>>,
    /// Versions that have a live row, with the kind of the file that it is of.
    applied: HashSet<(&'a Version, MigrationKind)>,
    newest_repeatable: HashMap<&'a str, (usize, &'a Applied)>,
    last_applied: Option<&'a Version>,
    last_resolved: Option<&'a Version>,
    applied_baseline: Option<&'a Version>,
    pending_baseline: Option<&'a Version>,
}

/// Up to which version files run.
enum Ceiling {
    /// All.
    None,
    /// No versioned file at all.
    Empty,
    /// Up to this one, and with it.
    At(Version),
}

impl Ceiling {
    fn is_below(&self, version: &Version) -> bool {
        match self {
            Self::None => false,
            Self::Empty => true,
            Self::At(highest) => version > highest,
        }
    }
}

/// The kind of the file that a row is of.
fn kind_of_row(row: &Applied) -> Option<MigrationKind> {
    match (&row.kind, &row.version) {
        (RowKind::Migration(_), Some(_)) => Some(MigrationKind::Versioned),
        (RowKind::Migration(_), None) => Some(MigrationKind::Repeatable),
        (RowKind::Baseline(kind), _) if kind == MigrationKind::Baseline.row_type() => Some(MigrationKind::Baseline),
        _ => None,
    }
}

impl<'a> View<'a> {
    fn new(files: &[File<'a>], rows: &'a [Applied]) -> Result<Self, Corrupt> {
        let live = liveness(rows)?;
        let of_kind = |kind: MigrationKind| {
            let files = files.iter().filter(move |file| file.migration.kind == kind);
            files.filter_map(|file| Some((file.migration.version.as_ref()?, *file)))
        };
        let living = || {
            let rows = rows.iter().zip(&live);
            rows.filter(|(_, live)| **live == Liveness::Live).map(|(row, _)| row)
        };
        let counts = |row: &&Applied| !matches!(row.kind, RowKind::Delete | RowKind::Undo(_));
        let applied: HashSet<_> = living()
            .filter_map(|row| Some((row.version.as_ref()?, kind_of_row(row)?)))
            .collect();
        let baselines: HashMap<_, _> = of_kind(MigrationKind::Baseline).collect();
        let unapplied = |version: &&&Version| !applied.contains(&(**version, MigrationKind::Baseline));
        let resolved = files.iter().filter(|file| file.migration.kind != MigrationKind::Undo);
        let unversioned = rows.iter().enumerate().filter(|(_, row)| row.version.is_none());
        let baseline_rows = rows.iter().filter(|row| matches!(row.kind, RowKind::Baseline(_)));
        let repeatables = files.iter().filter(|file| file.migration.version.is_none());
        Ok(Self {
            versioned: of_kind(MigrationKind::Versioned).collect(),
            repeatables: repeatables
                .map(|file| (shorten_description(&file.migration.description), *file))
                .collect(),
            newest_repeatable: unversioned
                .map(|(index, row)| (row.description.as_str(), (index, row)))
                .collect(),
            last_applied: living().filter(counts).filter_map(|row| row.version.as_ref()).max(),
            last_resolved: resolved.filter_map(|file| file.migration.version.as_ref()).max(),
            applied_baseline: baseline_rows.filter_map(|row| row.version.as_ref()).max(),
            pending_baseline: baselines.keys().filter(unapplied).max().copied(),
            baselines,
            applied,
            live,
        })
    }

    /// Every row by rank, with its file and its state; without the DELETE rows of versions.
    fn row_entries(&self, rows: &'a [Applied]) -> Vec<Entry<'a>> {
        let mut highest: Option<&Version> = None;
        let mut entries = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let is_live = self.live.get(index) == Some(&Liveness::Live);
            let counts = is_live && !matches!(row.kind, RowKind::Delete | RowKind::Undo(_));
            let late = match &row.version {
                Some(version) if highest.is_some_and(|highest| version <= highest) => true,
                Some(version) if counts => {
                    highest = Some(version);
                    false
                }
                _ => false,
            };
            // Flyway shows what a version's DELETE row has done, and not the row.
            if matches!(row.kind, RowKind::Delete) && row.success && row.version.is_some() {
                continue;
            }
            let file = self.file_of(row);
            entries.push(Entry {
                row: Some(row),
                file,
                state: self.row_state(index, row, file, late),
            });
        }
        entries
    }

    fn file_of(&self, row: &Applied) -> Option<File<'a>> {
        let version = row.version.as_ref();
        match kind_of_row(row)? {
            MigrationKind::Versioned => self.versioned.get(version?).copied(),
            MigrationKind::Baseline => self.baselines.get(version?).copied(),
            MigrationKind::Repeatable => self.repeatables.get(&row.description).copied(),
            MigrationKind::Undo => None,
        }
    }

    fn is_newest(&self, index: usize, row: &Applied) -> bool {
        let newest = self.newest_repeatable.get(row.description.as_str());
        row.version.is_some() || newest.is_some_and(|(newest, _)| *newest == index)
    }

    fn row_state(&self, index: usize, row: &Applied, file: Option<File<'_>>, late: bool) -> State {
        match (self.live.get(index), &row.kind) {
            (Some(Liveness::Undone), _) => return State::Undone,
            (Some(Liveness::Deleted), _) => return State::Deleted,
            (_, RowKind::Delete | RowKind::Schema | RowKind::Undo(_)) => return State::Success,
            (_, kind) if kind.is_baseline_command() => return State::Baseline,
            (_, RowKind::Baseline(_)) if !row.success => return State::Failed,
            _ => {}
        }
        let is_newest = self.is_newest(index, row);
        let Some(file) = file else {
            return match is_newest {
                true => self.state_without_file(row),
                false if row.success => State::Superseded,
                false => State::Failed,
            };
        };
        match (&row.kind, &row.version) {
            (RowKind::Baseline(_), _) => State::Baseline,
            _ if !row.success => State::Failed,
            (_, None) if !is_newest => State::Superseded,
            (_, None) if !matches_repeatable(row, &file) => State::Outdated,
            (_, Some(_)) if late => State::OutOfOrder,
            _ => State::Success,
        }
    }

    fn state_without_file(&self, row: &Applied) -> State {
        let is_missing = row
            .version
            .as_ref()
            .is_none_or(|version| self.last_resolved.is_some_and(|last| version < last));
        match (is_missing, row.success) {
            (true, true) => State::Missing,
            (true, false) => State::FailedMissing,
            (false, true) => State::Future,
            (false, false) => State::FailedFuture,
        }
    }

    fn ceiling(&self, files: &[File<'_>], scope: &Scope<'_>) -> Ceiling {
        match &scope.target {
            TargetVersion::Latest => Ceiling::None,
            TargetVersion::Version { version, .. } => Ceiling::At(version.clone()),
            TargetVersion::Current => self
                .last_applied
                .map_or(Ceiling::Empty, |last| Ceiling::At(last.clone())),
            TargetVersion::Next => {
                let is_pending =
                    |file: &&File<'_>| self.file_state(file, &Ceiling::None, scope) == Some(State::Pending);
                let pending = files.iter().filter(is_pending);
                let first = pending.filter_map(|file| file.migration.version.as_ref()).min();
                first.map_or(Ceiling::None, |first| Ceiling::At(first.clone()))
            }
        }
    }

    /// The state of a file without a live row; nothing if it has one.
    fn file_state(&self, file: &File<'_>, ceiling: &Ceiling, scope: &Scope<'_>) -> Option<State> {
        let File { migration, .. } = file;
        let version = migration.version.as_ref();
        let has_row = match version {
            Some(version) => self.applied.contains(&(version, migration.kind)),
            None => self.has_current_run(file),
        };
        if has_row {
            return None;
        }
        let is_picked = scope.picked.is_empty() || place_in(scope.picked, version, &migration.description).is_some();
        Some(match (migration.kind, version) {
            (MigrationKind::Undo, _) => State::Available,
            _ if !is_picked || !file.should_execute => State::Ignored,
            (_, None) => State::Pending,
            (MigrationKind::Baseline, Some(version)) => self.baseline_file_state(version, ceiling),
            (_, Some(version)) => self.version_state(version, ceiling, scope.out_of_order),
        })
    }

    fn version_state(&self, version: &Version, ceiling: &Ceiling, out_of_order: bool) -> State {
        match self.baseline() {
            Some(baseline) if version < baseline => State::BelowBaseline,
            Some(baseline) if version == baseline => State::IgnoredBaseline,
            _ if ceiling.is_below(version) => State::AboveTarget,
            _ if !out_of_order && self.last_applied.is_some_and(|last| version < last) => State::Ignored,
            _ => State::Pending,
        }
    }

    /// A `B` file runs only where nothing at all is applied, and only the highest.
    fn baseline_file_state(&self, version: &Version, ceiling: &Ceiling) -> State {
        let is_fresh = self.last_applied.is_none() && self.applied_baseline.is_none();
        match self.version_state(version, ceiling, true) {
            State::IgnoredBaseline if is_fresh && self.pending_baseline == Some(version) => State::Pending,
            State::Pending if !is_fresh => State::Ignored,
            state => state,
        }
    }

    fn baseline(&self) -> Option<&'a Version> {
        match self.last_applied {
            None => self.pending_baseline,
            Some(_) => self.applied_baseline,
        }
    }

    /// Whether a repeatable's newest run is live and was of this text.
    fn has_current_run(&self, file: &File<'_>) -> bool {
        let description = shorten_description(&file.migration.description);
        self.newest_repeatable
            .get(description.as_str())
            .is_some_and(|(index, row)| {
                let is_run =
                    matches!(row.kind, RowKind::Migration(_)) && self.live.get(*index) == Some(&Liveness::Live);
                is_run && matches_repeatable(row, file)
            })
    }
}

/// A repeatable's row matches with the checksum after placeholders and with the raw one.
fn matches_repeatable(row: &Applied, file: &File<'_>) -> bool {
    row.checksum == Some(file.checksum) || row.checksum == Some(file.migration.checksum)
}
