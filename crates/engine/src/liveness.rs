//! Which rows of a history still count: a DELETE row takes one out, and so does an undo of Flyway's.

use belay_model::Version;

use crate::history::{Applied, RowKind};

/// Whether a row still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// It does.
    Live,
    /// `repair` has marked it as deleted.
    Deleted,
    /// Flyway has undone it. (What Belay undoes is not in the history any more.)
    Undone,
}

/// The history says of one version twice that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Corrupt {
    /// The version.
    pub(crate) version: Version,
    /// The rank of the second DELETE row.
    pub(crate) rank: i32,
}

/// A DELETE row takes the newest earlier row of its version or description; an undo row that of its version.
pub(crate) fn liveness(rows: &[Applied]) -> Result<Vec<Liveness>, Corrupt> {
    let mut live = vec![Liveness::Live; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let taken = match row.kind {
            RowKind::Delete if row.success => Liveness::Deleted,
            RowKind::Undo(_) if row.success => Liveness::Undone,
            _ => continue,
        };
        let same = |other: &Applied| match (&row.version, &other.version) {
            (Some(a), Some(b)) => a == b,
            (None, None) => row.description == other.description,
            _ => false,
        };
        let earlier = rows
            .iter()
            .take(index)
            .rposition(|other| other.kind.is_of_a_file() && same(other));
        let Some(slot) = earlier.and_then(|earlier| live.get_mut(earlier)) else {
            continue;
        };
        match (&row.version, *slot) {
            (Some(version), Liveness::Deleted) if taken == Liveness::Deleted => {
                return Err(Corrupt {
                    version: version.clone(),
                    rank: row.rank,
                });
            }
            _ => *slot = taken,
        }
    }
    Ok(live)
}
