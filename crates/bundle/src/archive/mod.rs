//! Bytes → entries, if the zip has one reading only.
//!
//! The headers and data of the entries must cover the bytes from the first to the directory, each byte once; the
//! directory must reach to the end record, and that to the end. So a reader that starts at the front and one that
//! starts at the back see the same files, and no byte is hidden or used twice.

mod bytes;
mod directory;
mod end;
mod extra;
mod local;

use std::ops::Range;

use belay_model::Code;

use crate::Limits;
use crate::rejected::{Flaw, Problems};
use directory::Record;
use local::Extent;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// How an entry's data is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

/// An entry's data, as the headers have it; only unpacking shows whether that is true.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) method: Method,
    pub(crate) data: Range<usize>,
    pub(crate) crc: u32,
    /// Unpacked.
    pub(crate) size: u64,
}

/// An entry of the zip.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name, with replacement characters where it is not UTF-8.
    pub(crate) name: String,
    /// Whether it is.
    pub(crate) name_is_utf8: bool,
    /// Its data, if it can be read.
    pub(crate) packed: Option<Packed>,
}

/// The entries in the order of the directory, or nothing where the zip can't be read at all.
pub(crate) fn open(bytes: &[u8], limits: &Limits, problems: &mut Problems) -> Option<Vec<Entry>> {
    let (records, entries) = match records(bytes, limits) {
        Ok(read) => read,
        Err(flaw) => {
            problems.of_bundle(flaw);
            return None;
        }
    };
    let extents = extents(&records, entries, problems);
    Some(
        records
            .iter()
            .zip(extents)
            .map(|(record, extent)| record.entry(extent))
            .collect(),
    )
}

/// The directory's records, and the bytes before it.
fn records<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Vec<Record<'a>>, &'a [u8]), Flaw> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > limits.zip_bytes {
        return Err(Flaw::new(
            Code::BundleTooLarge,
            format!("the zip has {length} bytes; at most {}", limits.zip_bytes),
        ));
    }
    let end = end::find(bytes)?;
    if u32::from(end.entries) > limits.entries {
        return Err(Flaw::new(
            Code::TooManyEntries,
            format!("the zip has {} entries; at most {}", end.entries, limits.entries),
        ));
    }
    let records = directory::read(bytes, &end)?;
    if records.is_empty() {
        return Err(Flaw::new(Code::EmptyBundle, "the zip has no entry"));
    }
    let entries = bytes.get(..end.directory.start).unwrap_or_default();
    Ok((records, entries))
}

/// Where each entry is; nothing for one that must not be read.
fn extents(records: &[Record<'_>], entries: &[u8], problems: &mut Problems) -> Vec<Option<Extent>> {
    let located: Vec<Result<Extent, Flaw>> = records.iter().map(|record| local::locate(entries, record)).collect();
    let mut flaws: Vec<Option<Flaw>> = tiling(records, &located, entries);
    let mut extents = Vec::with_capacity(records.len());
    for ((record, located), between) in records.iter().zip(located).zip(flaws.drain(..)) {
        let flaw = record.check().err().or(between);
        let (extent, flaw) = match (located, flaw) {
            (_, Some(flaw)) => (None, Some(flaw)),
            (Err(flaw), None) => (None, Some(flaw)),
            (Ok(extent), None) => (Some(extent), None),
        };
        if let Some(flaw) = flaw {
            problems.of_entry(&record.shown(), flaw);
        }
        extents.push(extent);
    }
    extents
}

/// For each record what is wrong with the bytes up to the next entry, or to the directory.
fn tiling(records: &[Record<'_>], located: &[Result<Extent, Flaw>], entries: &[u8]) -> Vec<Option<Flaw>> {
    let mut flaws: Vec<Option<Flaw>> = records.iter().map(|_| None).collect();
    let mut in_order: Vec<(usize, &Record<'_>, &Extent)> = records
        .iter()
        .zip(located)
        .enumerate()
        .filter_map(|(index, (record, located))| Some((index, record, located.as_ref().ok()?)))
        .collect();
    in_order.sort_by_key(|(index, _, extent)| (extent.start, extent.data.end, *index));
    // With an entry that can't be found, the bytes that it would have are a gap: that is not told twice.
    let complete = in_order.len() == records.len();
    let mut set = |index: usize, flaw: Flaw| {
        if let Some(slot) = flaws.get_mut(index) {
            slot.get_or_insert(flaw);
        }
    };
    if let Some((index, _, first)) = in_order.first()
        && complete
        && first.start > 0
    {
        let message = format!("{} bytes that belong to no entry come before it", first.start);
        set(*index, Flaw::new(Code::UnsupportedZip, message));
    }
    let mut reach: Option<(usize, usize, String)> = None;
    for (position, (index, record, extent)) in in_order.iter().enumerate() {
        if let Some((other, end, name)) = &reach
            && extent.start < *end
        {
            set(*index, overlap(name));
            set(*other, overlap(&record.shown()));
        }
        let next = in_order
            .get(position + 1)
            .map_or(entries.len(), |(_, _, next)| next.start);
        if let Some(gap) = entries.get(extent.data.end..next)
            && complete
            && let Err(flaw) = local::check_gap(gap, record)
        {
            set(*index, flaw);
        }
        if reach.as_ref().is_none_or(|(_, end, _)| extent.data.end > *end) {
            reach = Some((*index, extent.data.end, record.shown()));
        }
    }
    flaws
}

fn overlap(other: &str) -> Flaw {
    let other = crate::rejected::show(other);
    Flaw::new(Code::Overlap, format!("it shares bytes of the zip with `{other}`"))
}

impl Record<'_> {
    fn shown(&self) -> String {
        String::from_utf8_lossy(self.name).into_owned()
    }

    fn entry(&self, extent: Option<Extent>) -> Entry {
        let method = match self.method {
            STORED => Method::Stored,
            _ => Method::Deflated,
        };
        Entry {
            name: self.shown(),
            name_is_utf8: std::str::from_utf8(self.name).is_ok(),
            packed: extent.map(|extent| Packed {
                method,
                data: extent.data,
                crc: self.crc,
                size: u64::from(self.unpacked),
            }),
        }
    }
}
