//! Flyway's checksum.

use belay_model::Checksum;

/// Flyway's checksum of a text: the CRC-32 of its lines without their ends, as a signed number.
///
/// One byte order mark at the very start does not count. How lines end does not matter, nor do blank lines or where a
/// line breaks; spaces and tabs do.
#[must_use]
pub fn checksum(text: &str) -> Checksum {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut crc = crc32fast::Hasher::new();
    for line in text.as_bytes().split(|&byte| byte == b'\n' || byte == b'\r') {
        crc.update(line);
    }
    Checksum(crc.finalize().cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Flyway itself wrote into its history for these files.
    #[test]
    fn s3_it_is_flyways() {
        for (text, expected) in [
            ("", 0),
            ("\n\n", 0),
            ("ab", -1_635_563_411),
            ("a\nb", -1_635_563_411),
            ("a\n\n\nb\n", -1_635_563_411),
            ("a\rb", -1_635_563_411),
            ("a\r\nb", -1_635_563_411),
            ("\nab", -1_635_563_411),
            ("\u{feff}ab", -1_635_563_411),
            ("\u{feff}\u{feff}ab", -1_215_460_041),
            ("\n\u{feff}ab", -1_215_460_041),
            ("hé", -161_948_597),
            ("select 1;", -690_524_359),
            (" ab", 408_339_808),
            ("ab ", -621_719_064),
            ("a\tb", -1_003_830_472),
            ("a\u{85}b", -709_009_106),
            ("a\u{2028}b", 978_390_342),
        ] {
            assert_eq!(checksum(text), Checksum(expected), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn s3_line_ends_do_not_matter(lines in prop::collection::vec("[^\r\n\u{feff}]{0,12}", 0..12)) {
            let expected = checksum(&lines.join("\n"));
            for end in ["\r\n", "\r", "\n\n", ""] {
                prop_assert_eq!(checksum(&lines.join(end)), expected);
            }
        }
    }
}
