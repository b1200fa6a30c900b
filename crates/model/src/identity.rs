//! Names of runs, attempts, targets and instances.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A name that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {rule}")]
pub struct ParseNameError {
    text: String,
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(ParseNameError { text: text.chars().take(80).collect(), what: $what, rule: $rule })
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseNameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// A run: one workflow execution. 12 base32 characters (lower case) of the SHA-256 of the execution's ARN, so that
    /// it fits into an RDS identifier and into `application_name`.
    RunId, "a run", "12 characters of a-z and 2-7",
    |text| text.len() == 12 && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
}

impl RunId {
    /// The run of the execution with this ARN (for `belay` by hand: of any text that names the invocation).
    #[must_use]
    pub fn of_execution(arn: &str) -> Self {
        let mut text = BASE32_NOPAD
            .encode(&Sha256::digest(arn.as_bytes()))
            .to_ascii_lowercase();
        text.truncate(12);
        Self(text)
    }
}

name! {
    /// A target: the name of its SSM parameter and of its prefix under `bundles/`.
    TargetName, "a target's name", "1 to 40 characters of a-z, 0-9 and -, first a letter",
    |text| {
        (1..=40).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    }
}

name! {
    /// The RDS identifier of the instance or cluster that a snapshot and a restore replace.
    InstanceName, "an RDS identifier", "1 to 63 characters of a-z, 0-9 and -, first a letter, no -- and no - at the end",
    |text| {
        (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.contains("--")
            && !text.ends_with('-')
    }
}

name! {
    /// The identifier of a manual DB snapshot.
    SnapshotName, "a snapshot's identifier", "1 to 255 characters of a-z, 0-9 and -, first a letter, no -- and no - at the end",
    |text| {
        (1..=255).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.contains("--")
            && !text.ends_with('-')
    }
}

impl InstanceName {
    /// Of parts that are names already.
    pub(crate) fn joined(text: String) -> Self {
        Self(text)
    }
}

impl SnapshotName {
    /// Of parts that are names already.
    pub(crate) fn joined(text: String) -> Self {
        Self(text)
    }
}

/// One try of a run to change the database, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    /// A run's first attempt.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_execution() {
        let run = RunId::of_execution("arn:aws:states:eu-west-1:123456789012:execution:belay:shop-1");
        assert_eq!(run.as_str().len(), 12);
        assert_eq!(run.as_str().parse(), Ok(run.clone()));
        assert_ne!(
            run,
            RunId::of_execution("arn:aws:states:eu-west-1:123456789012:execution:belay:shop-2")
        );
    }

    #[test]
    fn names_that_break_their_rule_are_refused() {
        for wrong in ["", "Shop", "1shop", "shop/x", "shop_x", "../x", &"s".repeat(41)] {
            assert!(wrong.parse::<TargetName>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "db--1", "db-", "Db", &"d".repeat(64)] {
            assert!(wrong.parse::<InstanceName>().is_err(), "{wrong:?}");
        }
        assert!("shop-2".parse::<TargetName>().is_ok());
    }
}
