//! What the text of a file must be to go to a server.

use belay_model::Code;

use crate::rejected::Flaw;

/// The bytes as text: UTF-8 without a NUL.
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Flaw> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        return Err(Flaw::new(Code::NotUtf8, "it is UTF-16; save it as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        Flaw::new(
            Code::NotUtf8,
            format!("byte 0x{byte:02X} is not UTF-8; save it as UTF-8"),
        )
        .at_line(line(bytes, at))
    })?;
    match bytes.iter().position(|&byte| byte == 0) {
        None => Ok(text),
        Some(at) => Err(Flaw::new(Code::NulByte, "a NUL byte, which no SQL can have").at_line(line(bytes, at))),
    }
}

/// The line of a byte, counted from 1.
fn line(bytes: &[u8], at: usize) -> u32 {
    let before = bytes.get(..at).unwrap_or(bytes);
    let ends = before.iter().filter(|&&byte| byte == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX).saturating_add(1)
}
