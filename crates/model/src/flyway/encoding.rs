//! Flyway's `encoding`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Flyway's `encoding`: how files are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Encoding {
    /// `UTF-8`
    #[default]
    Utf8,
    /// `US-ASCII`
    UsAscii,
    /// `ISO-8859-1`
    Latin1,
    /// `windows-1252`
    Windows1252,
    /// `UTF-16`: as its byte order mark says, else big-endian.
    Utf16,
    /// `UTF-16BE`
    Utf16Be,
    /// `UTF-16LE`
    Utf16Le,
}

/// A text that is no encoding that Belay reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Belay does not read {0:?}: it reads UTF-8, US-ASCII, ISO-8859-1, windows-1252 and UTF-16; save the files as UTF-8, which changes no checksum"
)]
pub struct ParseEncodingError(String);

/// By the names that Java has for it, in any case.
impl FromStr for Encoding {
    type Err = ParseEncodingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Ok(Self::Utf8),
            "us-ascii" | "ascii" | "ascii7" | "iso646-us" => Ok(Self::UsAscii),
            "iso-8859-1" | "iso8859-1" | "iso8859_1" | "iso_8859-1" | "iso_8859_1" | "latin1" | "l1" => {
                Ok(Self::Latin1)
            }
            "windows-1252" | "cp1252" | "cp-1252" => Ok(Self::Windows1252),
            "utf-16" | "utf16" | "utf_16" => Ok(Self::Utf16),
            "utf-16be" | "utf_16be" => Ok(Self::Utf16Be),
            "utf-16le" | "utf_16le" => Ok(Self::Utf16Le),
            _ => Err(ParseEncodingError(text.chars().take(80).collect())),
        }
    }
}

/// As it is parsed.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::UsAscii => "US-ASCII",
            Self::Latin1 => "ISO-8859-1",
            Self::Windows1252 => "windows-1252",
            Self::Utf16 => "UTF-16",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf16Le => "UTF-16LE",
        })
    }
}

impl TryFrom<String> for Encoding {
    type Error = ParseEncodingError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_an_encoding_has_javas_names() {
        for (text, same) in [
            ("utf8", "UTF-8"),
            ("ISO8859_1", "ISO-8859-1"),
            ("Cp1252", "windows-1252"),
            ("ascii", "US-ASCII"),
            ("utf-16le", "UTF-16LE"),
            ("UTF_16BE", "UTF-16BE"),
            ("UTF-16", "UTF-16"),
        ] {
            let encoding: Encoding = text.parse().unwrap();
            assert_eq!(encoding.to_string(), same);
            assert_eq!(same.parse(), Ok(encoding));
        }
        for wrong in ["", "utf-9", "shift_jis", " utf-8"] {
            assert!(wrong.parse::<Encoding>().is_err(), "{wrong:?}");
        }
    }
}
