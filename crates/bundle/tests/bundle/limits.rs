//! The limits, and how much is told at once.

use belay_bundle::{Bundle, Limits};
use belay_model::{Code, FlywayKeys};

use crate::forge::{Entry, V1, V2, check_table, check_table_with, v1, v2, zip, zip_with};

#[test]
fn limits_hold() {
    let tight = Limits {
        zip_bytes: 2_000,
        entries: 4,
        file_bytes: 100,
        total_bytes: 150,
        ratio: 2,
        path_bytes: 20,
        levels: 3,
    };
    let long = "x".repeat(101);
    let file = |name: &str, length: usize| Entry::stored(name, &long[..length]);
    let many = |count: u32| zip(&(0..count).map(|i| file(&format!("V{i}.sql"), 1)).collect::<Vec<_>>());
    check_table_with(
        &tight,
        [
            ("the file's limit", zip(&[file(V1, 100)]), vec![]),
            ("a file above it", zip(&[file(V1, 101)]), vec![(Code::FileTooLarge, V1)]),
            (
                "an ignored file above it",
                zip(&[file(V1, 1), file("x.md", 101)]),
                vec![(Code::FileTooLarge, "x.md")],
            ),
            (
                "a file that says it is huge",
                zip(&[v2().both(|h| h.unpacked = 1 << 31)]),
                vec![(Code::FileTooLarge, V2)],
            ),
            ("the total", zip(&[file(V1, 100), file(V2, 50)]), vec![]),
            (
                "above the total",
                zip(&[file(V1, 100), file(V2, 51)]),
                vec![(Code::TotalTooLarge, "")],
            ),
            ("the number of entries", many(4), vec![]),
            ("one more entry", many(5), vec![(Code::TooManyEntries, "")]),
            (
                "a long path",
                zip(&[file("V1__34567890123456.sql", 1)]),
                vec![(Code::PathTooLong, "V1__34567890123456.sql")],
            ),
            (
                "a deep path",
                zip(&[file("a/b/c/V1.sql", 1)]),
                vec![(Code::PathTooLong, "a/b/c/V1.sql")],
            ),
            ("as deep as it may be", zip(&[file("a/b/V1.sql", 1)]), vec![]),
            (
                "too many bytes",
                zip_with(&[v1()], b"", b"", |end| end.comment = vec![0; 2_000]),
                vec![(Code::BundleTooLarge, "")],
            ),
        ],
    );
    let one_more = zip(&(0..=20_000).map(|i| file(&format!("V{i}.sql"), 0)).collect::<Vec<_>>());
    check_table([(
        "the design's number of entries and one",
        one_more,
        vec![(Code::TooManyEntries, "")],
    )]);
}

/// As many problems as there are, as long as the headers can be read.
#[test]
fn every_problem_is_told_at_once() {
    let entries = [
        v1().both(|h| h.crc ^= 1),
        v2().both(|h| h.flags |= 1),
        Entry::stored("../V3__c.sql", "select 3;"),
        Entry::stored("v4__d.sql", "select 4;"),
        Entry::stored("V5__e.sql", b"\xff"),
        Entry::stored("V6__f.sql", "a\n\0"),
        Entry::stored("V6.0__g.sql", ""),
        Entry::stored("x", "link").attributes(0o120_777 << 16),
    ];
    check_table([(
        "eight kinds",
        zip(&entries),
        vec![
            (Code::BadCrc, V1),
            (Code::Encrypted, V2),
            (Code::PathTraversal, "../V3__c.sql"),
            (Code::Misnamed, "v4__d.sql"),
            (Code::NotUtf8, "V5__e.sql:1"),
            (Code::NulByte, "V6__f.sql:2"),
            (Code::DuplicateVersion, "V6.0__g.sql"),
            (Code::SpecialFile, "x"),
        ],
    )]);
}

/// A refusal fits into a message, whatever the bundle holds.
#[test]
fn a_refusal_is_small() {
    let name = |i: usize| format!("{}\u{1b}[2J{i}\u{202e}", "é".repeat(20_000));
    let entries: Vec<Entry> = (0..120).map(|i| Entry::stored(&name(i), "")).collect();
    let rejected = Bundle::from_zip(zip(&entries), &Limits::default(), &FlywayKeys::default()).unwrap_err();
    assert_eq!(rejected.problems.len(), 101);
    let text = rejected.to_string();
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains("and 140 more problems"), "{text}");
}
