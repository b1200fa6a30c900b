//! The extra fields of a header: only asked for what would change how the entry is read.

use belay_model::Code;

use super::bytes::Reader;
use crate::rejected::Flaw;

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;
const AES: u16 = 0x9901;

/// Refuses fields that give the entry another name, other sizes or a key.
///
/// `sizes`: unpacked and packed, where a zip64 field may repeat them. Java's build tools reserve room for one in the
/// local header before they know how long the entry gets.
pub(super) fn check(extra: &[u8], name: &[u8], sizes: Option<(u32, u32)>) -> Result<(), Flaw> {
    let mut reader = Reader::at(extra, 0).ok_or_else(unreadable)?;
    while !reader.is_empty() {
        let id = reader.u16().ok_or_else(unreadable)?;
        let length = reader.u16().ok_or_else(unreadable)?;
        let data = reader.take(usize::from(length)).ok_or_else(unreadable)?;
        match id {
            ZIP64 if sizes.is_some_and(|sizes| repeats(data, sizes)) => {}
            ZIP64 => {
                return Err(Flaw::new(
                    Code::UnsupportedZip,
                    "a zip64 entry; a bundle is small enough for a plain zip",
                ));
            }
            AES => return Err(Flaw::new(Code::Encrypted, "the entry is encrypted")),
            // A version byte and the CRC-32 of the header's name come before the other name.
            UNICODE_PATH if data.get(5..) != Some(name) => {
                return Err(Flaw::new(
                    Code::HeaderMismatch,
                    "an extra field gives the entry another name",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn repeats(data: &[u8], (unpacked, packed): (u32, u32)) -> bool {
    let expected = [u64::from(unpacked).to_le_bytes(), u64::from(packed).to_le_bytes()];
    data == expected.as_flattened()
}

fn unreadable() -> Flaw {
    Flaw::new(Code::HeaderMismatch, "the header's extra fields can't be read")
}
