//! The central directory: what the zip says of its entries.

use belay_model::Code;

use super::bytes::Reader;
use super::end::End;
use super::extra;
use crate::rejected::Flaw;

const SIGNATURE: [u8; 4] = *b"PK\x01\x02";

/// What the directory says of one entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) name: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) unpacked: u32,
    pub(super) offset: u32,
    disk: u16,
    attributes: u32,
    extra: &'a [u8],
}

/// Reads every record; the directory must hold as many as the end says, and nothing else.
pub(super) fn read<'a>(bytes: &'a [u8], end: &End) -> Result<Vec<Record<'a>>, Flaw> {
    let mut reader = bytes
        .get(end.directory.clone())
        .and_then(|directory| Reader::at(directory, 0))
        .ok_or_else(|| unreadable(0))?;
    let mut records = Vec::new();
    for number in 1..=end.entries {
        records.push(Record::read(&mut reader).ok_or_else(|| unreadable(number))?);
    }
    match reader.left() {
        0 => Ok(records),
        more => Err(Flaw::new(
            Code::HeaderMismatch,
            format!(
                "the zip's end says {} entries, but its directory goes on for {more} bytes after them",
                end.entries
            ),
        )),
    }
}

fn unreadable(number: u16) -> Flaw {
    Flaw::new(
        Code::HeaderMismatch,
        format!("record {number} of the zip's directory can't be read: fewer entries than the zip's end says"),
    )
}

impl<'a> Record<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        if !reader.signature(SIGNATURE) {
            return None;
        }
        reader.take(4)?; // Versions: made by, needed.
        let flags = reader.u16()?;
        let method = reader.u16()?;
        reader.take(4)?; // Time and date.
        let crc = reader.u32()?;
        let packed = reader.u32()?;
        let unpacked = reader.u32()?;
        let name = reader.u16()?;
        let extra = reader.u16()?;
        let comment = reader.u16()?;
        let disk = reader.u16()?;
        reader.take(2)?; // Internal attributes.
        let attributes = reader.u32()?;
        let offset = reader.u32()?;
        let name = reader.take(usize::from(name))?;
        let extra = reader.take(usize::from(extra))?;
        reader.take(usize::from(comment))?;
        Some(Self {
            name,
            flags,
            method,
            crc,
            packed,
            unpacked,
            offset,
            disk,
            attributes,
            extra,
        })
    }

    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with(b"/")
    }

    /// The first reason not to read this entry that the directory alone gives.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        const ENCRYPTED: u16 = 0x0001 | 0x0040 | 0x2000;
        const PATCHED: u16 = 0x0020;
        if self.flags & ENCRYPTED != 0 {
            return Err(Flaw::new(Code::Encrypted, "the entry is encrypted"));
        }
        extra::check(self.extra, self.name, None)?;
        if self.disk != 0 || [self.packed, self.unpacked, self.offset].contains(&u32::MAX) {
            return Err(Flaw::new(
                Code::UnsupportedZip,
                "an entry of a zip64, or of a zip that is split over several files",
            ));
        }
        self.check_kind()?;
        if !matches!(self.method, super::STORED | super::DEFLATED) || self.flags & PATCHED != 0 {
            return Err(Flaw::new(
                Code::UnsupportedCompression,
                format!(
                    "compression method {}; only stored (0) and deflate (8) are read",
                    self.method
                ),
            ));
        }
        Ok(())
    }

    /// A regular file or a folder, and the same by its name, its Unix mode and its DOS attributes.
    fn check_kind(&self) -> Result<(), Flaw> {
        const DOS_FOLDER: u32 = 0x10;
        /// Volume label, device, reparse point.
        const DOS_SPECIAL: u32 = 0x08 | 0x40 | 0x400;
        let special = |what: &str| Err(Flaw::new(Code::SpecialFile, what));
        let folder_by_mode = match (self.attributes >> 16) & 0o170_000 {
            0 => None,
            0o100_000 => Some(false),
            0o040_000 => Some(true),
            0o120_000 => return special("a symbolic link; put the file itself into the bundle"),
            _ => return special("a device, socket or pipe"),
        };
        if self.attributes & DOS_SPECIAL != 0 {
            return special("a device, volume label or link");
        }
        let folder_by_dos = (self.attributes & DOS_FOLDER != 0).then_some(true);
        if [folder_by_mode, folder_by_dos]
            .into_iter()
            .flatten()
            .any(|folder| folder != self.is_folder())
        {
            return special("by its name a file and by its attributes a folder, or the other way round");
        }
        // An empty deflate stream has two bytes.
        if self.is_folder() && (self.unpacked != 0 || self.packed > 2) {
            return special("a folder that has data");
        }
        Ok(())
    }
}
