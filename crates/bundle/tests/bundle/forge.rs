//! Zips made byte by byte, so that each field can lie.

use std::io::Write;

use belay_bundle::{Bundle, Limits};
use belay_model::{Code, FlywayKeys};
use flate2::Compression;
use flate2::write::DeflateEncoder;

pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATED: u16 = 8;
/// The sizes and the CRC-32 follow the data.
pub(crate) const DESCRIPTOR: u16 = 0x0008;

pub(crate) const V1: &str = "V1__a.sql";
pub(crate) const V2: &str = "V2__b.sql";

/// A bundle that is fine.
pub(crate) fn v1() -> Entry {
    Entry::stored(V1, "select 1;")
}

/// What goes with it.
pub(crate) fn v2() -> Entry {
    Entry::deflated(V2, "select 2;")
}

/// What a local header and a record of the directory both have.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) unpacked: u32,
    pub(crate) extra: Vec<u8>,
}

/// An entry; its two headers agree until a test makes them lie.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) local: Header,
    pub(crate) central: Header,
    pub(crate) data: Vec<u8>,
    /// What comes after the data: a data descriptor, or rubbish.
    pub(crate) after: Vec<u8>,
    pub(crate) attributes: u32,
    pub(crate) disk: u16,
    /// Instead of the entry's own bytes: those at this offset.
    pub(crate) offset: Option<u32>,
}

impl Entry {
    pub(crate) fn stored(name: &str, contents: impl AsRef<[u8]>) -> Self {
        Self::packed(name, STORED, contents.as_ref().to_vec(), contents.as_ref())
    }

    pub(crate) fn deflated(name: &str, contents: impl AsRef<[u8]>) -> Self {
        Self::packed(name, DEFLATED, deflate(contents.as_ref()), contents.as_ref())
    }

    pub(crate) fn packed(name: &str, method: u16, data: Vec<u8>, contents: &[u8]) -> Self {
        let header = Header {
            name: name.as_bytes().to_vec(),
            flags: 0x0800,
            method,
            crc: crc32fast::hash(contents),
            packed: u32::try_from(data.len()).unwrap(),
            unpacked: u32::try_from(contents.len()).unwrap(),
            extra: Vec::new(),
        };
        Self {
            local: header.clone(),
            central: header,
            data,
            after: Vec::new(),
            attributes: 0o100_644 << 16,
            disk: 0,
            offset: None,
        }
    }

    /// A folder, as most programs write it.
    pub(crate) fn folder(name: &str) -> Self {
        Self::stored(name, "").attributes(0o040_755 << 16 | 0x10)
    }

    pub(crate) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    pub(crate) fn local(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.local);
        self
    }

    pub(crate) fn central(mut self, change: impl FnOnce(&mut Header)) -> Self {
        change(&mut self.central);
        self
    }

    pub(crate) fn attributes(self, attributes: u32) -> Self {
        Self { attributes, ..self }
    }

    /// Only a record in the directory, of bytes that other entries have.
    pub(crate) fn at(self, offset: usize) -> Self {
        let offset = u32::try_from(offset).unwrap();
        Self {
            offset: Some(offset),
            ..self
        }
    }

    pub(crate) fn after(self, after: impl Into<Vec<u8>>) -> Self {
        Self {
            after: after.into(),
            ..self
        }
    }

    /// As a writer that can't go back writes it: nothing in the local header, a descriptor after the data.
    pub(crate) fn streamed(self) -> Self {
        let mut descriptor = b"PK\x07\x08".to_vec();
        for field in [self.central.crc, self.central.packed, self.central.unpacked] {
            descriptor.extend(field.to_le_bytes());
        }
        self.both(|header| header.flags |= DESCRIPTOR)
            .local(|header| (header.crc, header.packed, header.unpacked) = (0, 0, 0))
            .after(descriptor)
    }
}

/// The fields of the end record.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) disk: u16,
    pub(crate) directory_disk: u16,
    pub(crate) entries_here: u16,
    pub(crate) entries: u16,
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) comment: Vec<u8>,
}

/// A zip of these entries.
pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, &[], &[], |_| ())
}

/// A zip with bytes before its first entry and between the directory and the end record, and an end record that lies.
pub(crate) fn zip_with(entries: &[Entry], first: &[u8], between: &[u8], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let mut bytes = first.to_vec();
    let mut directory = Vec::new();
    for entry in entries {
        directory.extend(record(
            entry,
            entry.offset.unwrap_or(u32::try_from(bytes.len()).unwrap()),
        ));
        if entry.offset.is_none() {
            bytes.extend(local_header(&entry.local));
            bytes.extend(&entry.data);
            bytes.extend(&entry.after);
        }
    }
    let count = u16::try_from(entries.len()).unwrap();
    let mut end = End {
        disk: 0,
        directory_disk: 0,
        entries_here: count,
        entries: count,
        size: u32::try_from(directory.len()).unwrap(),
        offset: u32::try_from(bytes.len()).unwrap(),
        comment: Vec::new(),
    };
    change(&mut end);
    bytes.extend(directory);
    bytes.extend(between);
    bytes.extend(end_record(&end));
    bytes
}

pub(crate) fn local_header(header: &Header) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(fields(header));
    bytes.extend(&header.name);
    bytes.extend(&header.extra);
    bytes
}

fn record(entry: &Entry, offset: u32) -> Vec<u8> {
    let mut bytes = b"PK\x01\x02".to_vec();
    bytes.extend([20, 3]); // Made on Unix.
    bytes.extend(fields(&entry.central));
    bytes.extend([0, 0]); // No comment.
    bytes.extend(entry.disk.to_le_bytes());
    bytes.extend([0, 0]); // No internal attributes.
    bytes.extend(entry.attributes.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend(&entry.central.name);
    bytes.extend(&entry.central.extra);
    bytes
}

/// From the version needed to the length of the extra field.
fn fields(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [20, header.flags, header.method, 0, 0x21] {
        bytes.extend(field.to_le_bytes());
    }
    for field in [header.crc, header.packed, header.unpacked] {
        bytes.extend(field.to_le_bytes());
    }
    for length in [header.name.len(), header.extra.len()] {
        bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    }
    bytes
}

pub(crate) fn end_record(end: &End) -> Vec<u8> {
    let mut bytes = b"PK\x05\x06".to_vec();
    for field in [end.disk, end.directory_disk, end.entries_here, end.entries] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(end.size.to_le_bytes());
    bytes.extend(end.offset.to_le_bytes());
    bytes.extend(u16::try_from(end.comment.len()).unwrap().to_le_bytes());
    bytes.extend(&end.comment);
    bytes
}

pub(crate) fn deflate(contents: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

/// An extra field.
pub(crate) fn extra(id: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend(data);
    bytes
}

/// What a zip is refused for: code and place, sorted. Empty: it is accepted.
pub(crate) fn refusals(zip: Vec<u8>, limits: &Limits) -> Vec<(Code, String)> {
    let Err(rejected) = Bundle::from_zip(zip, limits, &FlywayKeys::default()) else {
        return Vec::new();
    };
    let place = |problem: belay_model::Problem| problem.place.map(|place| place.to_string());
    let mut found: Vec<_> = rejected
        .problems
        .into_iter()
        .map(|problem| (problem.code, place(problem).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

/// Panics with every row that is not as it must be. A row: what it is, the zip, what it is refused for.
pub(crate) fn check_table(rows: impl IntoIterator<Item = (&'static str, Vec<u8>, Vec<(Code, &'static str)>)>) {
    check_table_with(&Limits::default(), rows);
}

pub(crate) fn check_table_with(
    limits: &Limits,
    rows: impl IntoIterator<Item = (&'static str, Vec<u8>, Vec<(Code, &'static str)>)>,
) {
    let mut wrong = String::new();
    for (what, zip, expected) in rows {
        let found = refusals(zip, limits);
        let mut expected: Vec<_> = expected.into_iter().map(|(code, at)| (code, at.to_owned())).collect();
        expected.sort();
        if found != expected {
            wrong += &format!("\n{what}:\n  expected {expected:?}\n  found    {found:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
