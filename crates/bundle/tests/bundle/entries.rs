//! Entries that are not what their headers say, or what a bundle may hold.

use belay_model::Code;

use crate::forge::{DEFLATED, Entry, V1, V2, check_table, extra, local_header, v1, v2, zip};

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
            "a bomb of small files",
            many_small_bombs(),
            vec![(Code::CompressionRatio, "")],
        ),
        (
            "a small file that packs well",
            zip(&[Entry::deflated(V1, vec![b' '; 500_000])]),
            vec![],
        ),
    ]);
}

fn many_small_bombs() -> Vec<u8> {
    let small = |i: usize| Entry::deflated(&format!("V{i}.sql"), vec![b' '; 1 << 20]);
    zip(&(0..4).map(small).collect::<Vec<_>>())
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
            "a folder with packed data",
            zip(&[
                v1(),
                Entry::packed("x/", DEFLATED, b"hidden".to_vec(), b"").attributes(0),
            ]),
            vec![(Code::SpecialFile, "x/")],
        ),
        (
            "a file by its mode",
            zip(&[v1(), Entry::stored("x/", "")]),
            vec![(Code::SpecialFile, "x/")],
        ),
    ]);
}
