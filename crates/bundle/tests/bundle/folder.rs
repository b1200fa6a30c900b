//! A folder as a bundle.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use belay_bundle::{Bundle, FolderError, Limits};
use belay_model::{Code, Failure, FlywayKeys};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn open(folder: &Path) -> Bundle {
    Bundle::from_folder(folder, &Limits::default(), &FlywayKeys::default()).unwrap()
}

fn codes(folder: &Path, limits: &Limits) -> Vec<(Code, Option<String>)> {
    match Bundle::from_folder(folder, limits, &FlywayKeys::default()) {
        Err(FolderError::Rejected(rejected)) => rejected
            .problems
            .into_iter()
            .map(|problem| (problem.code, problem.place.map(|place| place.file)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_and_its_zip_are_one_bundle() {
    let folder = folder(&[
        ("db/migration/V1__init.sql", "create table a (id int);\n"),
        (
            "db/migration/deep/V2__more.sql",
            &"insert into a values (1);\n".repeat(1000),
        ),
        ("verify/a.sql", "select true"),
        ("README.md", "read me"),
    ]);
    let bundle = open(folder.path());
    let zipped = Bundle::from_zip(bundle.zip().to_vec(), &Limits::default(), &FlywayKeys::default()).unwrap();
    assert_eq!(bundle.digest(), zipped.digest());
    assert_eq!(bundle.migrations(), zipped.migrations());
    assert_eq!(bundle.assertions(), zipped.assertions());
    assert_eq!(bundle.ignored(), zipped.ignored());
    assert_eq!(bundle.ignored(), ["README.md"]);
    let scripts: Vec<_> = bundle
        .migrations()
        .iter()
        .map(|migration| migration.script.as_str())
        .collect();
    assert_eq!(scripts, ["V1__init.sql", "deep/V2__more.sql"]);
    assert_eq!(
        bundle.text("db/migration/V1__init.sql").unwrap(),
        "create table a (id int);\n"
    );
}

#[test]
fn only_names_and_contents_make_the_digest() {
    let files = [
        ("sql/V1__a.sql", "select 1;"),
        ("sql/V2__b.sql", "select 2;"),
        ("sql/x/V3__c.sql", "select 3;"),
        ("verify/ok.sql", "select true"),
    ];
    let one = folder(&files);
    let reversed: Vec<_> = files.iter().rev().copied().collect();
    let two = folder(&reversed);
    write(two.path(), ".git/config", "not part of it");
    write(two.path(), "sql/.DS_Store", "neither");
    fs::create_dir(two.path().join("empty")).unwrap();
    let old = fs::File::options()
        .write(true)
        .open(two.path().join("sql/V1__a.sql"))
        .unwrap();
    old.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    old.set_permissions(one.path().metadata().unwrap().permissions())
        .unwrap();
    assert_eq!(open(one.path()).zip(), open(two.path()).zip());
    write(two.path(), "sql/V1__a.sql", "select 1 ;");
    assert_ne!(open(one.path()).digest(), open(two.path()).digest());
}

/// The bytes are part of a bundle's identity: an encoder that packs otherwise would give every bundle another digest.
#[test]
fn the_digest_of_a_folder_never_changes() {
    let statements: String = (0..2_000)
        .map(|i| format!("insert into orders values ({i}, 'order {i}');\n"))
        .collect();
    let folder = folder(&[
        (
            "db/migration/V1__orders.sql",
            "create table orders (id int, name text);\n",
        ),
        ("db/migration/V2__some_orders.sql", &statements),
        ("db/migration/R__größe.sql", "select 'größe';"),
        ("db/migration/V3__nothing.sql", ""),
    ]);
    assert_eq!(
        open(folder.path()).digest().to_string(),
        "98b6890f6efe86e697dbb3c884fa9b4fc07a6a0d23b031a2f58d97e46c4d7e70"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_holds_regular_files_only() {
    let folder = folder(&[("V1__a.sql", "select 1;")]);
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("V2__b.sql")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let mut found = codes(folder.path(), &Limits::default());
    found.sort();
    assert_eq!(
        found,
        [
            (Code::SpecialFile, Some("V2__b.sql".to_owned())),
            (Code::SpecialFile, Some("socket".to_owned())),
        ]
    );
}

#[test]
fn a_folder_above_the_limits_is_refused_before_it_is_read() {
    let files = [("V1__a.sql", "select 1;"), ("V2__b.sql", "select 2;")];
    let folder = folder(&files);
    let default = Limits::default();
    for (limits, code) in [
        (Limits { entries: 1, ..default }, Code::TooManyEntries),
        (
            Limits {
                total_bytes: 17,
                ..default
            },
            Code::TotalTooLarge,
        ),
        (
            Limits {
                file_bytes: 8,
                ..default
            },
            Code::FileTooLarge,
        ),
        (
            Limits {
                zip_bytes: 100,
                ..default
            },
            Code::BundleTooLarge,
        ),
    ] {
        let found = codes(folder.path(), &limits);
        assert_eq!(
            found.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
            [code],
            "{code}"
        );
    }
}

#[test]
fn a_folder_that_is_not_there_says_which() {
    let error =
        Bundle::from_folder(Path::new("/no/such/folder"), &Limits::default(), &FlywayKeys::default()).unwrap_err();
    let failure = Failure::from(error);
    assert_eq!(failure.code, Code::BundleGone);
    assert!(failure.message.contains("/no/such/folder"), "{failure}");
}

#[test]
fn data_that_packs_like_a_bomb_is_stored() {
    let folder = folder(&[("V1__a.sql", &" ".repeat(3_000_000))]);
    assert_eq!(open(folder.path()).migrations()[0].bytes, 3_000_000);
}
