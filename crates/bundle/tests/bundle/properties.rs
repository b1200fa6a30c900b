//! What holds for any bytes.

use belay_model::FlywayKeys;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use belay_bundle::{Bundle, Limits};
use proptest::prelude::*;
use proptest::sample::Index;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::forge::{self, Entry};

/// The texts of migrations and assertions by path; nothing if the bundle is refused.
fn texts(zip: Vec<u8>) -> Option<BTreeMap<String, String>> {
    let bundle = Bundle::from_zip(zip, &Limits::default(), &FlywayKeys::default()).ok()?;
    let migrations = bundle.migrations().iter().map(|migration| &migration.path);
    let paths = migrations.chain(bundle.assertions().iter().map(|assertion| &assertion.path));
    Some(paths.map(|path| (path.clone(), bundle.text(path).unwrap())).collect())
}

/// Paths and texts of a bundle that is accepted.
fn files() -> impl Strategy<Value = BTreeMap<String, String>> {
    let text = "([ -~é\n]{0,20}|(select 1;\n){1,200})";
    let migration = (0u32..50, "[a-z_é]{0,8}", text).prop_map(|(version, description, text)| {
        let path = format!("db/migration/V{version}__{description}.sql");
        (version, (path, text))
    });
    let migrations = prop::collection::btree_map(0u32..50, migration, 1..6);
    migrations.prop_map(|files| {
        let by_version: BTreeMap<u32, (String, String)> = files.into_values().collect();
        by_version.into_values().collect()
    })
}

/// As the `zip` crate writes it.
fn by_zip_crate(files: &BTreeMap<String, String>, method: CompressionMethod, streamed: bool) -> Vec<u8> {
    fn write<W: Write + std::io::Seek>(
        mut zip: ZipWriter<W>,
        files: &BTreeMap<String, String>,
        options: SimpleFileOptions,
    ) -> W {
        for (path, text) in files {
            zip.start_file(path, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    }
    let options = SimpleFileOptions::default().compression_method(method);
    match streamed {
        false => write(ZipWriter::new(Cursor::new(Vec::new())), files, options).into_inner(),
        true => write(ZipWriter::new_stream(Vec::new()), files, options).into_inner(),
    }
}

fn by_forge(files: &BTreeMap<String, String>) -> Vec<u8> {
    let entry = |(i, (path, text)): (usize, (&String, &String))| match i % 3 {
        0 => Entry::stored(path, text),
        1 => Entry::deflated(path, text),
        _ => Entry::deflated(path, text).streamed(),
    };
    forge::zip(&files.iter().enumerate().map(entry).collect::<Vec<_>>())
}

#[derive(Debug, Clone)]
enum Mutation {
    Set(Index, u8),
    Number(Index, u32),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let number = prop_oneof![
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(0xffff),
        Just(0x7fff_ffff),
        any::<u32>()
    ];
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        2 => (any::<Index>(), number).prop_map(|(at, number)| Mutation::Number(at, number)),
        1 => (any::<Index>(), 1..64usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (any::<Index>(), 1..200usize, any::<Index>()).prop_map(|(from, length, to)| Mutation::Repeat(from, length, to)),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let range = |at: &Index, size: usize| at.index(length)..(at.index(length) + size).min(length);
        match self {
            Self::Set(at, byte) => bytes[at.index(length)] = *byte,
            Self::Number(at, number) => {
                let range = range(at, 4);
                let size = range.len();
                bytes[range].copy_from_slice(&number.to_le_bytes()[..size]);
            }
            Self::Remove(at, size) => drop(bytes.drain(range(at, *size))),
            Self::Insert(at, more) => drop(bytes.splice(at.index(length)..at.index(length), more.iter().copied())),
            Self::Repeat(from, size, to) => {
                let copy = bytes[range(from, *size)].to_vec();
                bytes.splice(to.index(length)..to.index(length), copy);
            }
        }
    }
}

/// Any file that a bundle gives, another reader of zips gives as well.
fn agrees_with_the_zip_crate(zip: &[u8], texts: &BTreeMap<String, String>) {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let path = String::from_utf8(file.name_raw().to_vec()).unwrap();
        let mut text = String::new();
        if texts.contains_key(&path) {
            file.read_to_string(&mut text).unwrap();
            found.insert(path, text);
        }
    }
    assert_eq!(&found, texts);
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(texts(bytes), None);
    }

    /// Past the end record, so that the directory and the headers are read as well.
    #[test]
    fn any_directory_is_refused(
        entries in prop::collection::vec(any::<u8>(), 0..200),
        directory in prop::collection::vec(any::<u8>(), 0..200),
        count in 0u16..4,
    ) {
        let with_signature = |signature: &[u8], bytes: &[u8]| [signature, bytes].concat();
        let entries = with_signature(b"PK\x03\x04", &entries);
        let directory = with_signature(b"PK\x01\x02", &directory);
        let zip = forge::zip_with(&[], &entries, b"", |end| {
            (end.entries, end.entries_here) = (count, count);
            end.size = u32::try_from(directory.len()).unwrap();
        });
        let mut zip = zip;
        zip.splice(entries.len()..entries.len(), directory);
        prop_assert_eq!(texts(zip), None);
    }

    #[test]
    fn what_was_packed_is_what_is_read(files in files(), deflated: bool, streamed: bool) {
        let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        prop_assert_eq!(texts(by_zip_crate(&files, method, streamed)), Some(files.clone()));
        prop_assert_eq!(texts(by_forge(&files)), Some(files));
    }

    /// Refused, or nothing that counts was hit: never another text.
    #[test]
    fn a_damaged_zip_is_refused_or_the_same(files in files(), mutations in prop::collection::vec(mutation(), 1..4)) {
        let mut zip = by_forge(&files);
        for mutation in &mutations {
            mutation.apply(&mut zip);
        }
        if let Some(texts) = texts(zip.clone()) {
            prop_assert_eq!(&texts, &files);
            agrees_with_the_zip_crate(&zip, &texts);
        }
    }
}
