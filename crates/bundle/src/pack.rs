//! Writes zips that depend on nothing but names and contents.

use std::io::{self, Write};

use belay_model::Code;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::archive::{DEFLATED, STORED};
use crate::rejected::Flaw;

/// 1980-01-01 00:00, the first time that a zip can have: seconds, minutes and hours, then day, month and year.
const TIME: [u8; 4] = [0, 0, 0x21, 0];
/// Version 2.0; the upper byte says Unix.
const MADE_BY: u16 = 3 << 8 | VERSION;
const VERSION: u16 = 20;
/// A regular file, `rw-r--r--`.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;

/// A zip in the making.
#[derive(Debug, Default)]
pub(crate) struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Zip {
    /// Adds a file. The caller sorts.
    pub(crate) fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), Flaw> {
        let deflated = deflate(contents).map_err(|error| Flaw::new(Code::BadData, error.to_string()))?;
        // Stored where that is smaller, and where deflate is so good that a reader would take it for a bomb.
        let worth = deflated.len() < contents.len() && contents.len() / 100 <= deflated.len();
        let (method, packed) = match worth {
            true => (DEFLATED, deflated.as_slice()),
            false => (STORED, contents),
        };
        let offset = number(self.bytes.len())?;
        let name_length =
            u16::try_from(name.len()).map_err(|_| Flaw::new(Code::PathTooLong, "a path of more than 65,535 bytes"))?;
        let mut header = Vec::new();
        for field in [VERSION, FLAGS, method] {
            header.extend(field.to_le_bytes());
        }
        header.extend(TIME);
        for field in [
            crc32fast::hash(contents),
            number(packed.len())?,
            number(contents.len())?,
        ] {
            header.extend(field.to_le_bytes());
        }
        header.extend(name_length.to_le_bytes());
        header.extend([0, 0]); // No extra field.

        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&header);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&header);
        self.directory.extend([0; 6]); // No comment, first disk, no internal attributes.
        self.directory.extend(ATTRIBUTES.to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries = self.entries.checked_add(1).ok_or_else(too_large)?;
        Ok(())
    }

    /// The whole zip.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Flaw> {
        let offset = number(self.bytes.len())?;
        self.bytes.extend_from_slice(&self.directory);
        self.bytes.extend(b"PK\x05\x06");
        self.bytes.extend([0; 4]); // One disk.
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(number(self.directory.len())?.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0; 2]); // No comment.
        Ok(self.bytes)
    }
}

/// The encoder is written in Rust without instructions of one processor, so the same bytes come out everywhere; they
/// are part of a bundle's identity, and a test holds them.
fn deflate(contents: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(contents)?;
    encoder.finish()
}

fn number(value: usize) -> Result<u32, Flaw> {
    u32::try_from(value).map_err(|_| too_large())
}

fn too_large() -> Flaw {
    Flaw::new(Code::BundleTooLarge, "more than a zip can hold")
}
