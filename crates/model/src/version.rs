//! A migration's version, as Flyway reads it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that Flyway would not take for a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version: numbers separated by dots or underscores, such as 1, 2.10 or 2026_11_20_01")]
pub struct ParseVersionError(String);

/// A version: whole numbers of any size between dots. Only the first may be negative.
///
/// The text is kept as it was written (with `_` read as `.`), because the history stores it so; comparing is by value,
/// where missing parts are 0: `1` = `1.0` = `001`, and `1.9` < `1.10`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    text: String,
    negative: bool,
    /// Digits without leading zeros ("" is 0); no trailing zero parts.
    parts: Vec<String>,
}

impl Version {
    /// Version 1: Flyway's default for a baseline.
    pub(crate) fn one() -> Self {
        Self {
            text: "1".to_owned(),
            negative: false,
            parts: vec!["1".to_owned()],
        }
    }

    /// The text as the history table stores it: as written, `_` replaced by `.`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let text = raw.replace('_', ".");
        let (sign, unsigned) = match text.as_bytes().first() {
            Some(b'-' | b'+') => text.split_at(1),
            _ => ("", text.as_str()),
        };
        let mut parts = Vec::new();
        for part in unsigned.split('.') {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ParseVersionError(raw.chars().take(80).collect()));
            }
            parts.push(part.trim_start_matches('0').to_owned());
        }
        let negative = sign == "-" && parts.first().is_some_and(|first| !first.is_empty());
        while parts.len() > 1 && parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        Ok(Self { text, negative, parts })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let longest = self.parts.len().max(other.parts.len());
        let part = |version: &'_ Self, i: usize| version.parts.get(i).cloned().unwrap_or_default();
        (0..longest)
            .map(|i| {
                let by_size = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                match (i == 0 && self.negative, i == 0 && other.negative) {
                    (false, false) => by_size(&part(self, i), &part(other, i)),
                    (true, true) => by_size(&part(other, i), &part(self, i)),
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.negative == other.negative && self.parts == other.parts
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.negative.hash(state);
        self.parts.hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Version {
    type Error = ParseVersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn versions_are_compared_by_value() {
        let ascending = [
            "-9",
            "-1",
            "0",
            "001",
            "1.9",
            "1.9.0.1",
            "1.10",
            "2021.01.02.0304",
            "99999999999999999999999",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(version(a).cmp(&version(b)), i.cmp(&j), "{a} and {b}");
            }
        }
        for (a, b) in [
            ("1", "1.0"),
            ("1", "001"),
            ("1.00", "1"),
            ("1_2", "1.2"),
            ("-0", "0"),
            ("0.0", "0"),
        ] {
            assert_eq!(version(a), version(b), "{a} and {b}");
        }
    }

    #[test]
    fn the_text_is_kept() {
        assert_eq!(version("0001").as_str(), "0001");
        assert_eq!(version("15_1_2").as_str(), "15.1.2");
    }

    #[test]
    fn what_flyway_refuses_is_refused() {
        for wrong in ["", "1..1", "11.", "12 ", "6a", "_14", ".1", "1.-9", "-", "１"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn order_is_the_order_of_numbers(a in -1000i64..1000, b in 0u64..1000, c in -1000i64..1000, d in 0u64..1000) {
            prop_assert_eq!(version(&format!("{a}.{b}")).cmp(&version(&format!("{c}_{d}"))), (a, b).cmp(&(c, d)));
        }
    }
}
