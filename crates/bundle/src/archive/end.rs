//! The record at the end of a zip, which says where its directory is.

use std::ops::Range;

use belay_model::Code;

use super::bytes::Reader;
use crate::rejected::Flaw;

const SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const SIZE: usize = 22;
/// As long as a record with its comment can be.
const REACH: usize = SIZE + u16::MAX as usize;

/// Where the directory is and how many entries it has.
#[derive(Debug)]
pub(super) struct End {
    pub(super) entries: u16,
    pub(super) directory: Range<usize>,
}

/// Finds the one record that ends where the bytes end, right after the directory that it names.
pub(super) fn find(bytes: &[u8]) -> Result<End, Flaw> {
    let from = bytes.len().saturating_sub(REACH);
    let position = bytes.get(from..).and_then(|tail| {
        let found = tail.windows(SIGNATURE.len()).rposition(|window| window == SIGNATURE)?;
        Some(from + found)
    });
    let Some(position) = position else {
        return Err(missing(bytes));
    };
    let record = Record::read(bytes, position).ok_or_else(|| truncated("in its end record"))?;
    record.check_extent(bytes, position)?;
    record.check_form(bytes, position)?;
    record.directory(position)
}

struct Record {
    disk: u16,
    directory_disk: u16,
    entries_here: u16,
    entries: u16,
    size: u32,
    offset: u32,
    comment: u16,
}

impl Record {
    fn read(bytes: &[u8], position: usize) -> Option<Self> {
        let mut reader = Reader::at(bytes, position)?;
        reader.take(SIGNATURE.len())?;
        Some(Self {
            disk: reader.u16()?,
            directory_disk: reader.u16()?,
            entries_here: reader.u16()?,
            entries: reader.u16()?,
            size: reader.u32()?,
            offset: reader.u32()?,
            comment: reader.u16()?,
        })
    }

    fn check_extent(&self, bytes: &[u8], position: usize) -> Result<(), Flaw> {
        let end = position + SIZE + usize::from(self.comment);
        match bytes.len().checked_sub(end) {
            Some(0) => Ok(()),
            Some(after) => Err(unsupported(format!("{after} bytes after the end of the zip"))),
            None => Err(truncated("in its comment")),
        }
    }

    fn check_form(&self, bytes: &[u8], position: usize) -> Result<(), Flaw> {
        let locator = position.checked_sub(20).and_then(|at| Reader::at(bytes, at));
        let zip64 = locator.is_some_and(|mut reader| reader.signature(ZIP64_LOCATOR));
        if zip64 || self.entries == u16::MAX || self.size == u32::MAX || self.offset == u32::MAX {
            return Err(unsupported(
                "a zip64; a bundle is small enough for a plain zip".to_owned(),
            ));
        }
        if self.disk != 0 || self.directory_disk != 0 || self.entries_here != self.entries {
            return Err(unsupported("a zip that is split over several files".to_owned()));
        }
        Ok(())
    }

    fn directory(&self, position: usize) -> Result<End, Flaw> {
        // Both are far below 2^32 on a sane zip; adding as u64 can't overflow on any.
        let said = u64::from(self.offset) + u64::from(self.size);
        let position = u64::try_from(position).unwrap_or(u64::MAX);
        if said > position {
            return Err(truncated(&format!("{} bytes are missing", said - position)));
        }
        if said < position {
            return Err(unsupported(format!(
                "{} bytes that belong to no entry, before the zip or after its directory",
                position - said
            )));
        }
        let as_index = |value: u64| usize::try_from(value).map_err(|_| truncated("the directory is out of reach"));
        Ok(End {
            entries: self.entries,
            directory: as_index(u64::from(self.offset))?..as_index(said)?,
        })
    }
}

fn missing(bytes: &[u8]) -> Flaw {
    if bytes.starts_with(&LOCAL_SIGNATURE) {
        return truncated("it has no end record");
    }
    let message = match bytes.is_empty() {
        true => "not a zip: there are no bytes",
        false => "not a zip",
    };
    Flaw::new(Code::NotAZip, message)
}

fn truncated(how: &str) -> Flaw {
    Flaw::new(Code::Truncated, format!("the zip is cut short: {how}"))
}

fn unsupported(what: String) -> Flaw {
    Flaw::new(Code::UnsupportedZip, what)
}
