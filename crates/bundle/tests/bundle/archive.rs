//! Zips with more than one reading, or none.

use crate::forge::{
    DEFLATED, End, Entry, check_table, check_table_with, deflate, extra, local_header, refusals, zip, zip_with,
};
use belay_bundle::{Bundle, Limits};
use belay_model::Code;

const V1: &str = "V1__a.sql";
const V2: &str = "V2__b.sql";

fn v1() -> Entry {
    Entry::stored(V1, "select 1;")
}

fn v2() -> Entry {
    Entry::deflated(V2, "select 2;")
}

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

#[test]
fn headers_that_disagree() {
    let mismatch = |at| vec![(Code::HeaderMismatch, at)];
    let streamed_wrong = |field: usize| {
        let mut entry = v2().streamed();
        entry.after[field] ^= 1;
        zip(&[v1(), entry])
    };
    check_table([
        (
            "name",
            zip(&[v1().local(|h| h.name = b"V9__a.sql".to_vec())]),
            mismatch(V1),
        ),
        (
            "a shorter name",
            zip(&[v1().local(|h| h.name = b"V1.sql".to_vec())]),
            mismatch(V1),
        ),
        ("flags", zip(&[v1().local(|h| h.flags = 0)]), mismatch(V1)),
        ("method", zip(&[v2().local(|h| h.method = 0)]), mismatch(V2)),
        ("CRC-32", zip(&[v1().local(|h| h.crc ^= 1)]), mismatch(V1)),
        ("packed size", zip(&[v1().local(|h| h.packed -= 1)]), mismatch(V1)),
        ("size", zip(&[v1().local(|h| h.unpacked -= 1)]), mismatch(V1)),
        (
            "sizes left out without a descriptor",
            zip(&[v1().local(|h| (h.crc, h.packed, h.unpacked) = (0, 0, 0))]),
            mismatch(V1),
        ),
        ("CRC-32 of the descriptor", streamed_wrong(4), mismatch(V2)),
        ("packed size of the descriptor", streamed_wrong(8), mismatch(V2)),
        ("size of the descriptor", streamed_wrong(12), mismatch(V2)),
        (
            "the descriptor is missing",
            zip(&[v2().streamed().after([])]),
            vec![(Code::UnsupportedZip, V2)],
        ),
        (
            "a descriptor that nobody announced",
            zip(&[v2().after(v2().streamed().after)]),
            vec![(Code::UnsupportedZip, V2)],
        ),
        (
            "a local header with a false size and a true descriptor",
            zip(&[v2().streamed().local(|h| h.unpacked = 5)]),
            mismatch(V2),
        ),
        ("no header there", zip(&[v1(), v2().at(3)]), mismatch(V2)),
        ("a header out of reach", zip(&[v1(), v2().at(1_000_000)]), mismatch(V2)),
        (
            "extra fields that end too early",
            zip(&[v1().both(|h| h.extra = vec![1, 2, 3])]),
            mismatch(V1),
        ),
        (
            "an extra field that is longer than all",
            zip(&[v1().central(|h| h.extra = vec![9, 9, 200, 0])]),
            mismatch(V1),
        ),
        (
            "another name in an extra field",
            zip(&[v1().both(|h| h.extra = unicode_path("V9__b.sql"))]),
            mismatch(V1),
        ),
        (
            "the same name in an extra field",
            zip(&[v1().both(|h| h.extra = unicode_path(V1))]),
            vec![],
        ),
        (
            "a time in an extra field",
            zip(&[v1().local(|h| h.extra = extra(0x5455, &[1, 0, 0, 0, 0]))]),
            vec![],
        ),
    ]);
}

fn unicode_path(name: &str) -> Vec<u8> {
    extra(0x7075, &[&[1, 0, 0, 0, 0], name.as_bytes()].concat())
}

#[test]
fn streamed_entries_are_fine() {
    let with_sizes = v1()
        .streamed()
        .local(|header| (header.packed, header.unpacked) = (9, 9));
    let without_signature = {
        let entry = v2().streamed();
        let after = entry.after[4..].to_vec();
        entry.after(after)
    };
    check_table([
        (
            "nothing in the header",
            zip(&[v1().streamed(), v2().streamed()]),
            vec![],
        ),
        ("the sizes in the header", zip(&[with_sizes, v2()]), vec![]),
        (
            "a descriptor without signature",
            zip(&[v1(), without_signature]),
            vec![],
        ),
    ]);
}

#[test]
fn entries_that_share_bytes() {
    let first_length = u32::try_from(zip(&[v1()]).len()).unwrap();
    let into_directory = zip(&[v1().both(|h| (h.packed, h.unpacked) = (first_length, first_length))]);
    check_table([
        (
            "a bomb of quoted headers",
            quoted_bomb(),
            vec![(Code::Overlap, V1), (Code::Overlap, V2)],
        ),
        (
            "one entry inside another",
            nested(),
            vec![(Code::Overlap, V1), (Code::Overlap, V2)],
        ),
        ("into the directory", into_directory, vec![(Code::Overlap, V1)]),
        (
            "one header for two records",
            zip(&[v1(), v1().at(0)]),
            vec![(Code::DuplicateName, V1), (Code::Overlap, V1), (Code::Overlap, V1)],
        ),
        (
            "one header for two names",
            zip(&[v1(), v1().at(0).central(|h| h.name = V2.as_bytes().to_vec())]),
            vec![(Code::HeaderMismatch, V2)],
        ),
    ]);
}

/// The first file's data quotes the header of the second in a stored block, and goes on into its data: with many of
/// them each file unpacks what the last one holds, at the price of a header.
fn quoted_bomb() -> Vec<u8> {
    let kernel = vec![b' '; 100_000];
    let second = Entry::deflated(V2, &kernel);
    let header = local_header(&second.local);
    let length = u16::try_from(header.len()).unwrap();
    let mut quote = vec![0];
    quote.extend(length.to_le_bytes());
    quote.extend((!length).to_le_bytes());
    let contents = [header.as_slice(), &kernel].concat();
    let packed = u32::try_from(quote.len() + header.len() + second.data.len()).unwrap();
    let first = Entry::packed(V1, DEFLATED, quote, &contents).both(|h| h.packed = packed);
    zip(&[first, second])
}

/// The first file is stored and holds the second whole.
fn nested() -> Vec<u8> {
    let second = Entry::stored(V2, "select 2;");
    let inner = [local_header(&second.local), second.data.clone()].concat();
    let first = Entry::stored(V1, &inner);
    let header = local_header(&first.local).len();
    zip(&[first, second.at(header)])
}

#[test]
fn data_that_is_not_what_its_headers_say() {
    let deflated = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut entry = Entry::deflated(name, "select 1;\n".repeat(50));
        change(&mut entry.data);
        let packed = u32::try_from(entry.data.len()).unwrap();
        zip(&[entry.both(|header| header.packed = packed)])
    };
    let bomb = Entry::deflated(V1, vec![b' '; 5_000_000]);
    check_table([
        (
            "stored, CRC-32",
            zip(&[v1().both(|h| h.crc ^= 1)]),
            vec![(Code::BadCrc, V1)],
        ),
        (
            "deflated, CRC-32",
            zip(&[v2().both(|h| h.crc ^= 1), v1()]),
            vec![(Code::BadCrc, V2)],
        ),
        (
            "CRC-32 of a file that is ignored",
            zip(&[v1(), Entry::stored("README.md", "x").both(|h| h.crc ^= 1)]),
            vec![(Code::BadCrc, "README.md")],
        ),
        (
            "stored, size too large",
            zip(&[v1().both(|h| h.unpacked += 1)]),
            vec![(Code::SizeMismatch, V1)],
        ),
        (
            "stored, size too small",
            zip(&[v1().both(|h| h.unpacked -= 1)]),
            vec![(Code::SizeMismatch, V1)],
        ),
        (
            "deflated, size too large",
            zip(&[v2().both(|h| h.unpacked += 1)]),
            vec![(Code::SizeMismatch, V2)],
        ),
        (
            "deflated, size too small",
            zip(&[v2().both(|h| h.unpacked -= 1)]),
            vec![(Code::SizeMismatch, V2)],
        ),
        (
            "a bomb that says it is small",
            zip(&[bomb.clone().both(|h| h.unpacked = 1000)]),
            vec![(Code::SizeMismatch, V1)],
        ),
        (
            "more after the end of the stream",
            deflated(V1, |data| data.extend(b"hidden")),
            vec![(Code::SizeMismatch, V1)],
        ),
        (
            "a stream that ends too early",
            deflated(V1, |data| data.truncate(8)),
            vec![(Code::BadData, V1)],
        ),
        (
            "no stream at all",
            deflated(V1, |data| data.clear()),
            vec![(Code::BadData, V1)],
        ),
        (
            "a broken stream",
            deflated(V1, |data| data[0] = 0xff),
            vec![(Code::BadData, V1)],
        ),
        (
            "another compression",
            zip(&[v1().both(|h| h.method = 12)]),
            vec![(Code::UnsupportedCompression, V1)],
        ),
        (
            "deflate64",
            zip(&[v1().both(|h| h.method = 9)]),
            vec![(Code::UnsupportedCompression, V1)],
        ),
        (
            "a patch",
            zip(&[v1().both(|h| h.flags |= 0x20)]),
            vec![(Code::UnsupportedCompression, V1)],
        ),
        (
            "encrypted",
            zip(&[v1().both(|h| h.flags |= 1)]),
            vec![(Code::Encrypted, V1)],
        ),
        (
            "strongly encrypted",
            zip(&[v1().both(|h| h.flags |= 0x41)]),
            vec![(Code::Encrypted, V1)],
        ),
        (
            "masked headers",
            zip(&[v1().both(|h| h.flags |= 0x2000)]),
            vec![(Code::Encrypted, V1)],
        ),
        (
            "AES",
            zip(&[v1().both(|h| h.extra = extra(0x9901, &[2, 0, b'A', b'E', 3, 8, 0]))]),
            vec![(Code::Encrypted, V1)],
        ),
        (
            "zip64 sizes",
            zip(&[v1().both(|h| h.extra = extra(1, &[0; 16]))]),
            vec![(Code::UnsupportedZip, V1)],
        ),
        (
            "other zip64 sizes in one header",
            zip(&[v1().local(|h| h.extra = extra(1, &[0; 16]))]),
            vec![(Code::UnsupportedZip, V1)],
        ),
        (
            "zip64 without sizes",
            zip(&[v1().central(|h| h.unpacked = u32::MAX)]),
            vec![(Code::UnsupportedZip, V1)],
        ),
        (
            "on another disk",
            zip(&[Entry { disk: 1, ..v1() }]),
            vec![(Code::UnsupportedZip, V1)],
        ),
        ("a bomb", zip(&[bomb]), vec![(Code::CompressionRatio, V1)]),
        (
            "a streamed bomb",
            zip(&[Entry::deflated(V1, vec![b' '; 5_000_000]).streamed()]),
            vec![(Code::CompressionRatio, V1)],
        ),
        (
            "a small file that packs well",
            zip(&[Entry::deflated(V1, vec![b' '; 500_000])]),
            vec![],
        ),
    ]);
}

#[test]
fn files_only() {
    let mode = |mode: u32| zip(&[v1().attributes(mode << 16), v2()]);
    let dos = |attributes: u32| zip(&[v1().attributes(attributes), v2()]);
    let special = vec![(Code::SpecialFile, V1)];
    check_table([
        ("no attributes", dos(0), vec![]),
        ("read only and archive", dos(0x21), vec![]),
        ("permissions without a kind", mode(0o644), vec![]),
        ("an executable", mode(0o100_755), vec![]),
        ("symbolic link", mode(0o120_777), special.clone()),
        ("socket", mode(0o140_644), special.clone()),
        ("pipe", mode(0o010_644), special.clone()),
        ("block device", mode(0o060_644), special.clone()),
        ("character device", mode(0o020_644), special.clone()),
        ("a folder by its mode", mode(0o040_755), special.clone()),
        ("a folder by DOS", dos(0x10), special.clone()),
        ("a volume label", dos(0x08), special.clone()),
        ("a reparse point", dos(0x400), special),
        (
            "a folder",
            zip(&[Entry::folder("sql/"), Entry::stored("sql/V1__a.sql", "")]),
            vec![],
        ),
        (
            "a deflated folder",
            zip(&[Entry::deflated("x/", "").attributes(0), v1()]),
            vec![],
        ),
        (
            "a folder with data",
            zip(&[v1(), Entry::stored("x/", "y").attributes(0)]),
            vec![(Code::SpecialFile, "x/")],
        ),
        (
            "a file by its mode",
            zip(&[v1(), Entry::stored("x/", "")]),
            vec![(Code::SpecialFile, "x/")],
        ),
    ]);
}

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
                vec![(Code::FileTooLarge, V2), (Code::TotalTooLarge, "")],
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
    let rejected = Bundle::from_zip(zip(&entries), &Limits::default()).unwrap_err();
    assert_eq!(rejected.problems.len(), 101);
    let text = rejected.to_string();
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains("and 140 more problems"), "{text}");
}
