//! An entry's own header, which must say what the directory says.

use std::ops::Range;

use belay_model::Code;

use super::bytes::Reader;
use super::directory::Record;
use super::extra;
use crate::rejected::Flaw;

const SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: [u8; 4] = *b"PK\x07\x08";
/// The sizes and the CRC-32 follow the data, in a data descriptor.
const DESCRIPTOR: u16 = 0x0008;

/// Where an entry is: its header from `start`, its packed data.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    pub(super) start: usize,
    pub(super) data: Range<usize>,
}

struct Header<'a> {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    unpacked: u32,
    name: &'a [u8],
    extra: &'a [u8],
    size: usize,
}

/// Where the entry is, by the directory's offset and sizes.
pub(super) fn locate(entries: &[u8], record: &Record<'_>) -> Result<Extent, Flaw> {
    let mismatch = |message: &str| Flaw::new(Code::HeaderMismatch, message);
    let start = usize::try_from(record.offset).map_err(|_| mismatch("its header is out of reach"))?;
    let header = Header::read(entries, start).ok_or_else(|| mismatch("there is no header where the directory says"))?;
    header.check(record)?;
    let packed = usize::try_from(record.packed).map_err(|_| mismatch("its data is out of reach"))?;
    let data = start + header.size;
    let end = data.checked_add(packed).filter(|&end| end <= entries.len());
    match end {
        Some(end) => Ok(Extent { start, data: data..end }),
        None => Err(Flaw::new(Code::Overlap, "its data runs into the zip's directory")),
    }
}

/// What is between an entry's data and the next header: nothing, or a data descriptor that agrees.
pub(super) fn check_gap(gap: &[u8], record: &Record<'_>) -> Result<(), Flaw> {
    if record.flags & DESCRIPTOR == 0 {
        return match gap.len() {
            0 => Ok(()),
            more => Err(Flaw::new(
                Code::UnsupportedZip,
                format!("{more} bytes that belong to no entry follow it"),
            )),
        };
    }
    let fields = match gap.len() {
        12 => Some(gap),
        16 => gap.strip_prefix(&DESCRIPTOR_SIGNATURE),
        _ => None,
    };
    let said = fields.and_then(|fields| {
        let mut reader = Reader::at(fields, 0)?;
        Some((reader.u32()?, reader.u32()?, reader.u32()?))
    });
    match said {
        Some(said) if said == (record.crc, record.packed, record.unpacked) => Ok(()),
        Some(_) => Err(Flaw::new(
            Code::HeaderMismatch,
            "the descriptor after its data and the zip's directory disagree",
        )),
        None => Err(Flaw::new(
            Code::UnsupportedZip,
            "what follows its data is not a data descriptor",
        )),
    }
}

impl<'a> Header<'a> {
    fn read(entries: &'a [u8], start: usize) -> Option<Self> {
        let mut reader = Reader::at(entries, start)?;
        let before = reader.left();
        if !reader.signature(SIGNATURE) {
            return None;
        }
        reader.take(2)?; // Version needed.
        let flags = reader.u16()?;
        let method = reader.u16()?;
        reader.take(4)?; // Time and date.
        let crc = reader.u32()?;
        let packed = reader.u32()?;
        let unpacked = reader.u32()?;
        let name = reader.u16()?;
        let extra = reader.u16()?;
        let name = reader.take(usize::from(name))?;
        let extra = reader.take(usize::from(extra))?;
        Some(Self {
            flags,
            method,
            crc,
            packed,
            unpacked,
            name,
            extra,
            size: before - reader.left(),
        })
    }

    fn check(&self, record: &Record<'_>) -> Result<(), Flaw> {
        extra::check(self.extra, self.name, Some((record.unpacked, record.packed)))?;
        // With a data descriptor the header is written before these are known; some writers know them all the same.
        let later = self.flags & DESCRIPTOR != 0;
        let same = |mine: u32, directory: u32| mine == directory || (later && mine == 0);
        let differs = [
            ("name", self.name == record.name),
            ("flags", self.flags == record.flags),
            ("method", self.method == record.method),
            ("CRC-32", same(self.crc, record.crc)),
            ("packed size", same(self.packed, record.packed)),
            ("size", same(self.unpacked, record.unpacked)),
        ]
        .into_iter()
        .filter_map(|(what, agrees)| (!agrees).then_some(what))
        .collect::<Vec<_>>();
        match differs.is_empty() {
            true => Ok(()),
            false => Err(Flaw::new(
                Code::HeaderMismatch,
                format!("its header and the zip's directory disagree on: {}", differs.join(", ")),
            )),
        }
    }
}
