//! One entry's data, unpacked within bounds that do not depend on what its headers say.

use belay_model::Code;
use flate2::{Decompress, FlushDecompress, Status};

use crate::Limits;
use crate::archive::{Method, Packed};
use crate::rejected::Flaw;

/// Unpacks entries one after the other, each in pieces.
pub(crate) struct Unpacker {
    inflate: Decompress,
    piece: Vec<u8>,
}

impl Unpacker {
    const PIECE: usize = 64 * 1024;

    pub(crate) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
            piece: vec![0; Self::PIECE],
        }
    }

    /// Gives the data to `sink`, piece by piece, never more than the headers say, and then says whether all of it was
    /// true: the sizes, the CRC-32, the data's own end.
    pub(crate) fn unpack(&mut self, zip: &[u8], packed: &Packed, mut sink: impl FnMut(&[u8])) -> Result<(), Flaw> {
        let data = zip
            .get(packed.data.clone())
            .ok_or_else(|| Flaw::new(Code::Truncated, "its data is cut short"))?;
        let mut crc = crc32fast::Hasher::new();
        let mut sink = |piece: &[u8]| {
            crc.update(piece);
            sink(piece);
        };
        match packed.method {
            Method::Stored => {
                if data.len() as u64 != packed.size {
                    return Err(size_lies(packed.size));
                }
                data.chunks(Self::PIECE).for_each(&mut sink);
            }
            Method::Deflated => self.inflate(data, packed.size, &mut sink)?,
        }
        match crc.finalize() == packed.crc {
            true => Ok(()),
            false => Err(Flaw::new(Code::BadCrc, "its bytes do not match their CRC-32")),
        }
    }

    fn inflate(&mut self, data: &[u8], size: u64, sink: &mut impl FnMut(&[u8])) -> Result<(), Flaw> {
        let broken = |how: &str| Flaw::new(Code::BadData, format!("its data can't be unpacked: {how}"));
        self.inflate.reset(false);
        let mut rest = data;
        loop {
            let (read, made) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(rest, &mut self.piece, FlushDecompress::None)
                .map_err(|_| broken("not a deflate stream"))?;
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflate.total_out() - made).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            if self.inflate.total_out() > size {
                return Err(size_lies(size));
            }
            sink(self.piece.get(..made).unwrap_or_default());
            if status == Status::StreamEnd {
                break;
            }
            if read == 0 && made == 0 {
                return Err(broken("it ends too early"));
            }
        }
        if self.inflate.total_out() != size {
            return Err(size_lies(size));
        }
        match rest.len() {
            0 => Ok(()),
            more => Err(Flaw::new(
                Code::SizeMismatch,
                format!("its data ends {more} bytes before its packed size"),
            )),
        }
    }
}

fn size_lies(size: u64) -> Flaw {
    Flaw::new(
        Code::SizeMismatch,
        format!("it does not unpack to the {size} bytes that its headers say"),
    )
}

/// Whether the size that an entry's headers claim is within the limits. What is refused here is not unpacked.
pub(crate) fn check_claim(packed: &Packed, limits: &Limits) -> Result<(), Flaw> {
    if packed.size > limits.file_bytes {
        return Err(Flaw::new(
            Code::FileTooLarge,
            format!("it has {} bytes; at most {}", packed.size, limits.file_bytes),
        ));
    }
    check_ratio(packed.data.len(), packed.size, limits)
}

/// Whether the sizes that the headers claim are within the limits together. If not, nothing is unpacked.
pub(crate) fn check_claims<'a>(zip: &[u8], all: impl Iterator<Item = &'a Packed>, limits: &Limits) -> Result<(), Flaw> {
    let total: u64 = all.map(|packed| packed.size).sum();
    if total > limits.total_bytes {
        return Err(Flaw::new(
            Code::TotalTooLarge,
            format!("all files together have {total} bytes; at most {}", limits.total_bytes),
        ));
    }
    check_ratio(zip.len(), total, limits)
}

fn check_ratio(packed: usize, size: u64, limits: &Limits) -> Result<(), Flaw> {
    const SMALL: u64 = 1024 * 1024;
    let most = (packed as u64).saturating_mul(u64::from(limits.ratio));
    match size > SMALL && size > most {
        false => Ok(()),
        true => Err(Flaw::new(
            Code::CompressionRatio,
            format!(
                "{packed} bytes would unpack to {size}, more than {} times as many",
                limits.ratio
            ),
        )),
    }
}
