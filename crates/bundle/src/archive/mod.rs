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
mod tiling;

use std::ops::Range;

use belay_model::Code;

use crate::Limits;
use crate::rejected::{Flaw, Problems};
use directory::Record;
use local::Extent;

/// The methods that are read and written, by their numbers.
pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;

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

/// Where each entry is; nothing for one that must not be read. Each entry's first problem is told.
fn extents(records: &[Record<'_>], entries: &[u8], problems: &mut Problems) -> Vec<Option<Extent>> {
    let located = records.iter().map(|record| local::locate(entries, record));
    let (mut extents, not_found): (Vec<_>, Vec<_>) = located
        .map(|located| match located {
            Ok(extent) => (Some(extent), None),
            Err(flaw) => (None, Some(flaw)),
        })
        .unzip();
    let misplaced = tiling::flaws(records, &extents, entries);
    let flaws = not_found.into_iter().zip(misplaced);
    for ((record, extent), (not_found, misplaced)) in records.iter().zip(&mut extents).zip(flaws) {
        if let Some(flaw) = record.check().err().or(not_found).or(misplaced) {
            problems.of_entry(&record.shown(), flaw);
            *extent = None;
        }
    }
    extents
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
