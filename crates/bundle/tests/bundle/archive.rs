//! Zips with more than one reading, or none.

use belay_bundle::Limits;
use belay_model::Code;

use crate::forge::{End, Entry, V1, V2, check_table, deflate, refusals, v1, v2, zip, zip_with};

#[test]
fn what_is_no_zip() {
    check_table([
        ("no bytes", vec![], vec![(Code::NotAZip, "")]),
        ("text", b"select 1;".to_vec(), vec![(Code::NotAZip, "")]),
        (
            "gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
            vec![(Code::NotAZip, "")],
        ),
        ("large rubbish", vec![7; 200_000], vec![(Code::NotAZip, "")]),
        ("no entry", zip(&[]), vec![(Code::EmptyBundle, "")]),
        (
            "a folder only",
            zip(&[Entry::folder("sql/")]),
            vec![(Code::NoMigration, "")],
        ),
    ]);
}

#[test]
fn a_zip_that_is_cut_short_anywhere() {
    let whole = zip(&[v1(), v2()]);
    for length in 4..whole.len() {
        let found = refusals(whole[..length].to_vec(), &Limits::default());
        assert_eq!(
            found,
            [(Code::Truncated, String::new())],
            "{length} of {} bytes",
            whole.len()
        );
    }
    let mut without_middle = whole.clone();
    without_middle.drain(40..50);
    check_table([("bytes lost inside", without_middle, vec![(Code::Truncated, "")])]);
}

#[test]
fn bytes_that_belong_to_nothing() {
    let whole = zip(&[v1(), v2()]);
    let with = |before: &[u8], after: &[u8]| [before, &whole, after].concat();
    let unsupported = |at| vec![(Code::UnsupportedZip, at)];
    check_table([
        ("a byte after", with(b"", b"\n"), unsupported("")),
        ("another zip after", with(b"", &zip(&[v2()])), unsupported("")),
        ("much after", with(b"", &[0; 70_000]), vec![(Code::Truncated, "")]),
        ("a program before", with(b"#!/bin/sh\n", b""), unsupported("")),
        (
            "the same with adjusted offsets",
            zip_with(&[v1(), v2()], b"#!/bin/sh\n", b"", |_| ()),
            unsupported(V1),
        ),
        ("between entries", zip(&[v1().after(*b"hidden"), v2()]), unsupported(V1)),
        (
            "before the directory",
            zip(&[v1(), v2().after(*b"hidden")]),
            unsupported(V2),
        ),
        (
            "after the directory",
            zip_with(&[v1()], b"", b"hidden", |_| ()),
            unsupported(""),
        ),
        (
            "an entry that the directory doesn't know",
            hidden_entry(),
            unsupported(V1),
        ),
    ]);
}

fn hidden_entry() -> Vec<u8> {
    let hidden = zip(&[v2()]);
    let length = 30 + V2.len() + deflate(b"select 2;").len();
    zip(&[v1().after(&hidden[..length])])
}

#[test]
fn a_comment_is_fine_unless_it_holds_an_end_record() {
    let comment = |text: &[u8]| {
        let text = text.to_vec();
        zip_with(&[v1()], b"", b"", |end| end.comment = text)
    };
    let end_in_comment = comment(&[b"x".as_slice(), &zip(&[])].concat());
    check_table([
        (
            "as git writes it",
            comment(b"98b6890f6efe86e697dbb3c884fa9b4fc07a6a0d"),
            vec![],
        ),
        ("as long as it can be", comment(&[b'x'; 65_535]), vec![]),
        ("another end record", end_in_comment, vec![(Code::UnsupportedZip, "")]),
    ]);
}

#[test]
fn an_end_record_that_lies() {
    let lie = |change: fn(&mut End)| zip_with(&[v1(), v2()], b"", b"", change);
    let unsupported = vec![(Code::UnsupportedZip, "")];
    check_table([
        (
            "fewer entries than there are",
            lie(|end| (end.entries, end.entries_here) = (1, 1)),
            vec![(Code::HeaderMismatch, "")],
        ),
        (
            "more entries than there are",
            lie(|end| (end.entries, end.entries_here) = (3, 3)),
            vec![(Code::HeaderMismatch, "")],
        ),
        (
            "the directory elsewhere",
            lie(|end| (end.offset, end.size) = (end.offset - 1, end.size + 1)),
            vec![(Code::HeaderMismatch, "")],
        ),
        (
            "the directory out of reach",
            lie(|end| end.offset = u32::MAX - 1),
            vec![(Code::Truncated, "")],
        ),
        ("a shorter directory", lie(|end| end.size -= 1), unsupported.clone()),
        ("several disks", lie(|end| end.disk = 1), unsupported.clone()),
        (
            "the directory on another disk",
            lie(|end| end.directory_disk = 1),
            unsupported.clone(),
        ),
        (
            "some entries on another disk",
            lie(|end| end.entries_here = 1),
            unsupported.clone(),
        ),
        (
            "zip64 by its count",
            lie(|end| (end.entries, end.entries_here) = (u16::MAX, u16::MAX)),
            unsupported.clone(),
        ),
        ("zip64 by its size", lie(|end| end.size = u32::MAX), unsupported.clone()),
        (
            "zip64 by its offset",
            lie(|end| end.offset = u32::MAX),
            unsupported.clone(),
        ),
        (
            "zip64 by its records",
            zip_with(&[v1()], b"", &zip64_records(), |_| ()),
            unsupported,
        ),
    ]);
}

fn zip64_records() -> Vec<u8> {
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend([0; 52]);
    bytes.extend(b"PK\x06\x07");
    bytes.extend([0; 16]);
    bytes
}
