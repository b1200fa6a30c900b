//! What the text of a file must be to go to a server.

use std::borrow::Cow;

use belay_model::{Code, Encoding};

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

/// The bytes as text, read as the settings say, as Java reads them.
pub(crate) fn decode(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, Flaw> {
    let text = match encoding {
        Encoding::Utf8 => return check(bytes).map(Cow::Borrowed),
        Encoding::UsAscii => by_byte(bytes, encoding, |byte| byte.is_ascii().then(|| char::from(byte)))?,
        Encoding::Latin1 => by_byte(bytes, encoding, |byte| Some(char::from(byte)))?,
        Encoding::Windows1252 => by_byte(bytes, encoding, windows_1252)?,
        Encoding::Utf16 => match bytes {
            [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes)?,
            [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes)?,
            _ => utf_16(bytes, u16::from_be_bytes)?,
        },
        Encoding::Utf16Be => utf_16(bytes, u16::from_be_bytes)?,
        Encoding::Utf16Le => utf_16(bytes, u16::from_le_bytes)?,
    };
    check(text.as_bytes())?;
    Ok(Cow::Owned(text))
}

fn by_byte(bytes: &[u8], encoding: Encoding, read: impl Fn(u8) -> Option<char>) -> Result<String, Flaw> {
    let read = |(at, byte): (usize, &u8)| {
        read(*byte).ok_or_else(|| {
            let message =
                format!("byte 0x{byte:02X} is not {encoding}; say in `encoding` what it is, or save it as UTF-8");
            Flaw::new(Code::NotUtf8, message).at_line(line(bytes, at))
        })
    };
    bytes.iter().enumerate().map(read).collect()
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Flaw> {
    let wrong = || {
        Flaw::new(
            Code::NotUtf8,
            "it is not UTF-16; say in `encoding` what it is, or save it as UTF-8",
        )
    };
    let (units, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let units = units.iter().map(|two| unit(*two));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| wrong())
}

/// What windows-1252 has where ISO-8859-1 has control characters; five bytes are nothing.
fn windows_1252(byte: u8) -> Option<char> {
    const OTHER: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', //
        '\0', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte.checked_sub(0x80).and_then(|at| OTHER.get(usize::from(at))) {
        Some('\0') => None,
        Some(other) => Some(*other),
        None => Some(char::from(byte)),
    }
}

/// The line of a byte, counted from 1.
fn line(bytes: &[u8], at: usize) -> u32 {
    let before = bytes.get(..at).unwrap_or(bytes);
    let ends = before.iter().filter(|&&byte| byte == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX).saturating_add(1)
}
