//! Names of entries, and where files are looked for.

use belay_bundle::Limits;
use belay_model::Code;

use crate::forge::{Entry, check_table, refusals, zip};
use crate::opened::{named as bundle, open};

#[test]
fn names_that_lead_elsewhere() {
    let beside = |name: &str| bundle(&["V1.sql", name]);
    for (name, codes) in [
        ("../x", vec![Code::PathTraversal]),
        ("a/../../x", vec![Code::PathTraversal]),
        ("a/..", vec![Code::PathTraversal]),
        ("..", vec![Code::PathTraversal]),
        ("./x", vec![Code::PathTraversal]),
        ("a//x", vec![Code::PathTraversal]),
        ("", vec![Code::PathTraversal]),
        ("/etc/x", vec![Code::AbsolutePath]),
        ("//x", vec![Code::AbsolutePath]),
        ("C:/x", vec![Code::AbsolutePath]),
        ("c:x", vec![Code::AbsolutePath]),
        ("C:\\x", vec![Code::AbsolutePath, Code::Backslash]),
        ("\\\\server\\x", vec![Code::AbsolutePath, Code::Backslash]),
        ("a\\x", vec![Code::Backslash]),
        ("..\\x", vec![Code::PathTraversal, Code::Backslash]),
        ("a\0.sql", vec![Code::ControlCharacter]),
        ("a\nb", vec![Code::ControlCharacter]),
        ("a\u{7f}", vec![Code::ControlCharacter]),
        ("a\u{85}", vec![Code::ControlCharacter]),
        ("\u{202e}lqs.x", vec![Code::ControlCharacter]),
        ("a\u{200b}", vec![Code::ControlCharacter]),
        ("..x", vec![]),
        ("x..", vec![]),
        ("...", vec![]),
        ("a:b", vec![Code::AbsolutePath]),
        ("ab:c", vec![]),
        ("größe/日本語 😀", vec![]),
    ] {
        let mut found: Vec<Code> = refusals(beside(name), &Limits::default())
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        found.sort();
        let mut codes = codes;
        codes.sort();
        assert_eq!(found, codes, "{name:?}");
    }
    let not_utf8 = Entry::stored("V2.sql", "").both(|header| header.name = b"V2__gr\xf6\xdfe.sql".to_vec());
    check_table([
        (
            "not UTF-8",
            zip(&[not_utf8]),
            vec![(Code::NameNotUtf8, "V2__gr\u{fffd}\u{fffd}e.sql")],
        ),
        (
            "UTF-8 without its flag, as macOS writes it",
            zip(&[Entry::stored("V2__größe.sql", "").both(|header| header.flags = 0)]),
            vec![],
        ),
    ]);
}

#[test]
fn names_that_are_one_somewhere() {
    let one = |names: &[&str], at| (bundle(names), vec![(Code::DuplicateName, at)]);
    for (zip, expected) in [
        one(&["V1.sql", "a", "a"], "a"),
        one(&["V1.sql", "a/b", "A/B"], "A/B"),
        one(&["V1.sql", "é", "É"], "É"),
        one(&["V1.sql", "straße", "STRASSE"], "STRASSE"),
        one(&["V1.sql", "a", "a/b"], "a/b"),
        one(&["V1.sql", "a/b", "A"], "a/b"),
    ] {
        check_table([("duplicate", zip, expected)]);
    }
    let folders = |second: &str| zip(&[Entry::stored("V1.sql", ""), Entry::folder("x/"), Entry::folder(second)]);
    check_table([
        ("a folder twice", folders("x/"), vec![(Code::DuplicateName, "x/")]),
        (
            "a folder in another case",
            folders("X/"),
            vec![(Code::DuplicateName, "X/")],
        ),
        (
            "a folder and what is in it",
            zip(&[
                Entry::folder("x/"),
                Entry::folder("x/y/"),
                Entry::stored("x/y/V1.sql", ""),
            ]),
            vec![],
        ),
    ]);
}

#[test]
fn the_first_location_that_holds_a_migration() {
    for (names, scripts, ignored) in [
        (
            vec!["V9.sql", "db/migration/V1.sql", "migrations/V2.sql", "sql/V3.sql"],
            vec!["V1.sql"],
            vec!["V9.sql", "migrations/V2.sql", "sql/V3.sql"],
        ),
        (
            vec!["V9.sql", "migrations/a/b/V2.sql", "sql/V3.sql"],
            vec!["a/b/V2.sql"],
            vec!["V9.sql", "sql/V3.sql"],
        ),
        (vec!["sql/V3.sql", "x/V9.sql"], vec!["V3.sql"], vec!["x/V9.sql"]),
        (vec!["x/V9.sql", "V8.sql"], vec!["V8.sql", "x/V9.sql"], vec![]),
        (
            vec!["sql/queries.sql", "migrations/V1.sql"],
            vec!["V1.sql"],
            vec!["sql/queries.sql"],
        ),
        (vec!["sql/README.md", "V1.sql"], vec!["V1.sql"], vec!["sql/README.md"]),
        (
            vec![
                "V1.sql",
                ".git/V2.sql",
                "__MACOSX/._V1.sql",
                "._V1.sql",
                ".DS_Store",
                "x/.DS_Store",
                "V1.sql.bak",
            ],
            vec!["V1.sql"],
            vec![
                ".DS_Store",
                "._V1.sql",
                ".git/V2.sql",
                "V1.sql.bak",
                "__MACOSX/._V1.sql",
                "x/.DS_Store",
            ],
        ),
    ] {
        let bundle = open(&names);
        let found: Vec<&str> = bundle
            .migrations()
            .iter()
            .map(|migration| migration.script.as_str())
            .collect();
        assert_eq!(found, scripts, "{names:?}");
        assert_eq!(bundle.ignored(), ignored, "{names:?}");
    }
    let misnamed_first = bundle(&["db/migration/v1__x.sql", "sql/V2.sql"]);
    check_table([
        (
            "a misnamed one counts",
            misnamed_first,
            vec![(Code::Misnamed, "db/migration/v1__x.sql")],
        ),
        ("nothing at all", bundle(&["README.md"]), vec![(Code::NoMigration, "")]),
        (
            "SQL, but no migration",
            bundle(&["init.sql", "x/y.sql"]),
            vec![(Code::NoMigration, "")],
        ),
        (
            "assertions only",
            bundle(&["verify/V1.sql"]),
            vec![(Code::NoMigration, "")],
        ),
        (
            "callbacks only",
            bundle(&["sql/afterMigrate.sql"]),
            vec![(Code::NoMigration, "")],
        ),
        (
            "hidden ones only",
            bundle(&[".hidden/V1.sql"]),
            vec![(Code::NoMigration, "")],
        ),
        (
            "a name that is refused may have been one",
            bundle(&["../V1.sql"]),
            vec![(Code::PathTraversal, "../V1.sql")],
        ),
    ]);
}

#[test]
fn the_folder_was_zipped_instead_of_what_is_in_it() {
    let wrapped = |names: &[&str]| (bundle(names), vec![(Code::Unsupported, "")]);
    for (zip, expected) in [
        wrapped(&["shop/db/migration/V1.sql", "shop/verify/ok.sql"]),
        wrapped(&["shop/V1.sql", "shop/flyway.toml", "__MACOSX/shop/._V1.sql"]),
        wrapped(&["shop/V1.sql", "shop/verify/V2__ok.sql"]),
        wrapped(&["db/migrations/V1.sql", "db/verify/ok.sql"]),
        (bundle(&["shop/V1.sql", "shop/x/V2.sql"]), vec![]),
        (bundle(&["shop/V1.sql", "other/verify/V2.sql"]), vec![]),
        (bundle(&["db/migration/V1.sql"]), vec![]),
        (bundle(&["sql/V1.sql"]), vec![]),
    ] {
        check_table([("wrapped", zip, expected)]);
    }
}

#[test]
fn assertions_by_path() {
    let bundle = open(&[
        "V1.sql",
        "verify/b.sql",
        "verify/a/z.SQL",
        "verify/V1__x.sql",
        "verify/notes.md",
        "verify/.x/y.sql",
    ]);
    let paths: Vec<&str> = bundle
        .assertions()
        .iter()
        .map(|assertion| assertion.path.as_str())
        .collect();
    assert_eq!(paths, ["verify/V1__x.sql", "verify/a/z.SQL", "verify/b.sql"]);
    assert_eq!(bundle.ignored(), ["verify/.x/y.sql", "verify/notes.md"]);
    let lost = |path| zip(&[Entry::stored("db/migration/V1.sql", ""), Entry::stored(path, "")]);
    for path in ["db/verify/ok.sql", "Verify/ok.sql", "x/VERIFY/y/ok.sql"] {
        check_table([("an assertion elsewhere", lost(path), vec![(Code::Misnamed, path)])]);
    }
}
