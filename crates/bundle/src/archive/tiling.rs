//! Whether the entries cover the bytes before the directory, each byte once.

use belay_model::Code;

use super::directory::Record;
use super::local::{self, Extent};
use crate::rejected::{Flaw, show};

struct Placed<'a> {
    index: usize,
    record: &'a Record<'a>,
    extent: &'a Extent,
}

/// For each record, what is wrong with where it is. `None` among the extents: an entry that could not be found.
pub(super) fn flaws(records: &[Record<'_>], extents: &[Option<Extent>], entries: &[u8]) -> Vec<Option<Flaw>> {
    let mut flaws: Vec<Option<Flaw>> = records.iter().map(|_| None).collect();
    let placed = in_order(records, extents);
    overlaps(&placed, &mut flaws);
    // Where an entry can't be found, its bytes look like a gap: that is not told twice.
    if placed.len() == records.len() {
        gaps(&placed, entries, &mut flaws);
    }
    flaws
}

fn in_order<'a>(records: &'a [Record<'a>], extents: &'a [Option<Extent>]) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed<'_>> = records
        .iter()
        .zip(extents)
        .enumerate()
        .filter_map(|(index, (record, extent))| {
            let extent = extent.as_ref()?;
            Some(Placed { index, record, extent })
        })
        .collect();
    placed.sort_by_key(|entry| (entry.extent.start, entry.extent.data.end, entry.index));
    placed
}

fn overlaps(placed: &[Placed<'_>], flaws: &mut [Option<Flaw>]) {
    let mut furthest: Option<&Placed<'_>> = None;
    for entry in placed {
        if let Some(other) = furthest
            && entry.extent.start < other.extent.data.end
        {
            set(flaws, entry, overlap(other));
            set(flaws, other, overlap(entry));
        }
        if furthest.is_none_or(|other| entry.extent.data.end > other.extent.data.end) {
            furthest = Some(entry);
        }
    }
}

fn gaps(placed: &[Placed<'_>], entries: &[u8], flaws: &mut [Option<Flaw>]) {
    if let Some(first) = placed.first()
        && first.extent.start > 0
    {
        let message = format!("{} bytes that belong to no entry come before it", first.extent.start);
        set(flaws, first, Flaw::new(Code::UnsupportedZip, message));
    }
    let nexts = placed.iter().skip(1).map(|next| next.extent.start);
    for (entry, next) in placed.iter().zip(nexts.chain([entries.len()])) {
        // No such range: they overlap.
        if let Some(gap) = entries.get(entry.extent.data.end..next)
            && let Err(flaw) = local::check_gap(gap, entry.record)
        {
            set(flaws, entry, flaw);
        }
    }
}

/// The first flaw stays.
fn set(flaws: &mut [Option<Flaw>], entry: &Placed<'_>, flaw: Flaw) {
    if let Some(slot) = flaws.get_mut(entry.index) {
        slot.get_or_insert(flaw);
    }
}

fn overlap(other: &Placed<'_>) -> Flaw {
    let message = format!("it shares bytes of the zip with `{}`", show(&other.record.shown()));
    Flaw::new(Code::Overlap, message)
}
