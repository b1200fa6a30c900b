//! Names of executions: the same for the same upload, so that a second event starts nothing.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Of a version of an object: at most 80 characters of those that Step Functions takes.
pub(crate) fn of_version(target: &str, bucket: &str, key: &str, version: &str) -> String {
    of(target, &["version", bucket, key, version])
}

/// Of an event without a version, by what orders or names the event.
pub(crate) fn of_event(target: &str, bucket: &str, key: &str, order: &str) -> String {
    of(target, &["event", bucket, key, order])
}

/// Of a payload: each invocation is a run of its own, but not what Lambda tries again.
pub(crate) fn of_payload(target: &str, digest: &str, invocation: &str) -> String {
    of(target, &["payload", digest, invocation])
}

fn of(target: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts are one text.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest = HEXLOWER.encode(&hash.finalize());
    let prefix: String = target
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let prefix = if prefix.is_empty() { "no-target" } else { &prefix };
    let short: String = digest.chars().take(32).collect();
    format!("{prefix}-{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_upload_and_fits() {
        let names = [
            of_version("shop", "b", "bundles/shop/a.zip", "1"),
            of_version("shop", "b", "bundles/shop/a.zip", "2"),
            of_version("shop", "b", "bundles/shop/a.zip1", ""),
            of_version("shop", "c", "bundles/shop/a.zip", "1"),
            of_event("shop", "b", "bundles/shop/a.zip", "1"),
            of_payload("shop", "digest", "1"),
            of_payload("shop", "digest", "2"),
            of_version(&"ü".repeat(100), "b", "k", "1"),
            of_version("", "b", "k", "1"),
        ];
        for (i, name) in names.iter().enumerate() {
            assert!(name.len() <= 80, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{name}");
            assert!(names.iter().skip(i + 1).all(|other| other != name), "{name}");
        }
        assert_eq!(names[0], of_version("shop", "b", "bundles/shop/a.zip", "1"));
        assert!(names[0].starts_with("shop-"));
    }
}
