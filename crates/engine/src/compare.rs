//! Bundle and history side by side: each migration's state, as Flyway decides it, and what is wrong or pending.

use std::collections::HashMap;

use belay_bundle::Migration;
use belay_model::{Checksum, FlywaySettings, TargetVersion, Version};

use crate::history::{Applied, RowKind, shorten_description};

/// A migration's state. The names are Flyway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be applied.
    Pending,
    /// Applied.
    Success,
    /// Applied although a higher version was.
    OutOfOrder,
    /// Applied, and failed.
    Failed,
    /// Applied; its file is gone.
    Missing,
    /// Failed; its file is gone.
    FailedMissing,
    /// Applied; its version is above every file's.
    Future,
    /// Failed; its version is above every file's.
    FailedFuture,
    /// Not applied, below an applied version.
    Ignored,
    /// Not applied, above the target version.
    AboveTarget,
    /// Not applied, below the baseline.
    BelowBaseline,
    /// Not applied, at the baseline.
    IgnoredBaseline,
    /// The baseline.
    Baseline,
    /// Applied, then deleted by `repair`.
    Deleted,
    /// Applied, then undone.
    Undone,
    /// A repeatable that ran again since.
    Superseded,
    /// A repeatable whose file changed since.
    Outdated,
}

impl State {
    /// As Flyway shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Success => "Success",
            Self::OutOfOrder => "Out of Order",
            Self::Failed => "Failed",
            Self::Missing => "Missing",
            Self::FailedMissing => "Failed (Missing)",
            Self::Future => "Future",
            Self::FailedFuture => "Failed (Future)",
            Self::Ignored => "Ignored",
            Self::AboveTarget => "Above Target",
            Self::BelowBaseline => "Below Baseline",
            Self::IgnoredBaseline => "Ignored (Baseline)",
            Self::Baseline => "Baseline",
            Self::Deleted => "Deleted",
            Self::Undone => "Undone",
            Self::Superseded => "Superseded",
            Self::Outdated => "Outdated",
        }
    }
}

/// A row, a file, or both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) row: Option<&'a Applied>,
    pub(crate) file: Option<(&'a Migration, Checksum)>,
    pub(crate) state: State,
}

/// Every row by rank, then every file that has no live row, in the order in which they would run.
///
/// `checksums` are the files', in their order; a repeatable's is that of the text after placeholders.
pub(crate) fn compare<'a>(
    files: &'a [Migration],
    checksums: &[Checksum],
    rows: &'a [Applied],
    flyway: &FlywaySettings,
) -> Vec<Entry<'a>> {
    let files: Vec<(&Migration, Checksum)> = files.iter().zip(checksums.iter().copied()).collect();
    let view = View::new(&files, rows);
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut highest: Option<&Version> = None;
    for (index, row) in rows.iter().enumerate() {
        let file = view.file_of(row, &files);
        let late = row
            .version
            .as_ref()
            .is_some_and(|version| highest.is_some_and(|highest| version < highest));
        if view.is_live(index)
            && row
                .version
                .as_ref()
                .is_some_and(|version| highest.is_none_or(|h| version > h))
        {
            highest = row.version.as_ref();
        }
        entries.push(Entry {
            row: Some(row),
            file,
            state: view.row_state(index, row, file, late),
        });
    }
    let ceiling = view.ceiling(&files, flyway);
    for (file, checksum) in files {
        if let Some(state) = view.file_state(file, &ceiling, flyway.out_of_order) {
            entries.push(Entry {
                row: None,
                file: Some((file, checksum)),
                state,
            });
        } else if view.is_outdated(file, checksum) {
            entries.push(Entry {
                row: None,
                file: Some((file, checksum)),
                state: State::Pending,
            });
        }
    }
    entries
}

/// What must be known of the whole before one entry's state can be told.
struct View<'a> {
    live: Vec<Liveness>,
    by_version: HashMap<&'a Version, &'a Applied>,
    newest_repeatable: HashMap<&'a str, &'a Applied>,
    last_applied: Option<&'a Version>,
    last_resolved: Option<&'a Version>,
    baseline: Option<&'a Version>,
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Liveness {
    Live,
    Deleted,
    Undone,
}

impl<'a> View<'a> {
    fn new(files: &[(&'a Migration, Checksum)], rows: &'a [Applied]) -> Self {
        let live = liveness(rows);
        let living = || {
            let is_live = |(row, liveness): &(&'a Applied, &Liveness)| {
                **liveness == Liveness::Live
                    && !matches!(row.kind, RowKind::Delete | RowKind::Undo(_) | RowKind::Schema)
            };
            rows.iter()
                .zip(&live)
                .filter(is_live)
                .map(|(row, _)| row)
                .collect::<Vec<_>>()
        };
        let living = living();
        let versions = || living.iter().filter_map(|row| row.version.as_ref());
        let baselines = living.iter().filter(|row| matches!(row.kind, RowKind::Baseline(_)));
        Self {
            by_version: living
                .iter()
                .filter_map(|row| Some((row.version.as_ref()?, *row)))
                .collect(),
            newest_repeatable: living
                .iter()
                .filter(|row| row.version.is_none())
                .map(|row| (row.description.as_str(), *row))
                .collect(),
            last_applied: versions().max(),
            last_resolved: files.iter().filter_map(|(file, _)| file.version.as_ref()).max(),
            baseline: baselines.filter_map(|row| row.version.as_ref()).max(),
            live,
        }
    }

    fn is_live(&self, index: usize) -> bool {
        self.live.get(index) == Some(&Liveness::Live)
    }

    fn file_of(&self, row: &Applied, files: &[(&'a Migration, Checksum)]) -> Option<(&'a Migration, Checksum)> {
        if !matches!(row.kind, RowKind::Migration(_)) {
            return None;
        }
        let same = |file: &Migration| match (&row.version, &file.version) {
            (Some(row), Some(file)) => row == file,
            (None, None) => shorten_description(&file.description) == row.description,
            _ => false,
        };
        files.iter().copied().find(|(file, _)| same(file))
    }

    fn row_state(&self, index: usize, row: &Applied, file: Option<(&Migration, Checksum)>, late: bool) -> State {
        match (self.live.get(index), &row.kind) {
            (Some(Liveness::Undone), _) => return State::Undone,
            (Some(Liveness::Deleted), _) => return State::Deleted,
            (_, RowKind::Delete | RowKind::Schema | RowKind::Undo(_)) => return State::Success,
            (_, RowKind::Baseline(_)) => return if row.success { State::Baseline } else { State::Failed },
            _ => {}
        }
        let newest = row.version.is_some()
            || self
                .newest_repeatable
                .get(row.description.as_str())
                .is_some_and(|newest| newest.rank == row.rank);
        let future = row
            .version
            .as_ref()
            .is_some_and(|version| self.last_resolved.is_none_or(|last| version > last));
        match (file, newest, row.success) {
            (None, true, true) => {
                if future {
                    State::Future
                } else {
                    State::Missing
                }
            }
            (None, true, false) => {
                if future {
                    State::FailedFuture
                } else {
                    State::FailedMissing
                }
            }
            (_, _, false) => State::Failed,
            (_, false, true) => State::Superseded,
            (Some((file, checksum)), true, true) if row.version.is_none() => {
                if matches_repeatable(row, file, checksum) {
                    State::Success
                } else {
                    State::Outdated
                }
            }
            (Some(_), true, true) => {
                if late {
                    State::OutOfOrder
                } else {
                    State::Success
                }
            }
        }
    }

    fn ceiling(&self, files: &[(&Migration, Checksum)], flyway: &FlywaySettings) -> Ceiling {
        match &flyway.target {
            TargetVersion::Latest => Ceiling::None,
            TargetVersion::Version { version, .. } => Ceiling::At(version.clone()),
            TargetVersion::Current => self
                .last_applied
                .map_or(Ceiling::Empty, |last| Ceiling::At(last.clone())),
            TargetVersion::Next => {
                let is_pending = |file: &Migration| {
                    self.file_state(file, &Ceiling::None, flyway.out_of_order) == Some(State::Pending)
                };
                let pending = files.iter().filter(|(file, _)| is_pending(file));
                let first = pending.filter_map(|(file, _)| file.version.as_ref()).min();
                first.map_or(Ceiling::None, |first| Ceiling::At(first.clone()))
            }
        }
    }

    /// The state of a file without a live row; nothing if it has one.
    fn file_state(&self, file: &Migration, ceiling: &Ceiling, out_of_order: bool) -> Option<State> {
        let Some(version) = &file.version else {
            let known = self
                .newest_repeatable
                .contains_key(shorten_description(&file.description).as_str());
            return (!known).then_some(State::Pending);
        };
        match self.by_version.get(version) {
            Some(row) if !matches!(row.kind, RowKind::Baseline(_)) => return None,
            _ => {}
        }
        Some(match (self.baseline, self.last_applied) {
            (Some(baseline), _) if version < baseline => State::BelowBaseline,
            (Some(baseline), _) if version == baseline => State::IgnoredBaseline,
            _ if ceiling.is_below(version) => State::AboveTarget,
            (_, Some(last)) if version < last && !out_of_order => State::Ignored,
            _ => State::Pending,
        })
    }

    /// Whether a repeatable's newest run was of another text.
    fn is_outdated(&self, file: &Migration, checksum: Checksum) -> bool {
        file.version.is_none()
            && self
                .newest_repeatable
                .get(shorten_description(&file.description).as_str())
                .is_some_and(|row| row.success && !matches_repeatable(row, file, checksum))
    }
}

/// A repeatable's row matches with the checksum after placeholders and with the raw one.
fn matches_repeatable(row: &Applied, file: &Migration, checksum: Checksum) -> bool {
    row.checksum == Some(checksum) || row.checksum == Some(file.checksum)
}

/// A DELETE row takes the newest earlier row of its version or description; an undo row that of its version.
fn liveness(rows: &[Applied]) -> Vec<Liveness> {
    let mut live = vec![Liveness::Live; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let taken = match row.kind {
            RowKind::Delete => Liveness::Deleted,
            RowKind::Undo(_) => Liveness::Undone,
            _ => continue,
        };
        let same = |other: &Applied| match (&row.version, &other.version) {
            (Some(a), Some(b)) => a == b,
            (None, None) => row.description == other.description,
            _ => false,
        };
        let earlier = rows.iter().zip(&live).take(index).rposition(|(other, liveness)| {
            *liveness == Liveness::Live && matches!(other.kind, RowKind::Migration(_)) && same(other)
        });
        if let Some(slot) = earlier.and_then(|earlier| live.get_mut(earlier)) {
            *slot = taken;
        }
    }
    live
}
