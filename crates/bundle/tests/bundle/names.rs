//! Names of entries, and what files are by their names.

use belay_bundle::{Bundle, Limits};
use belay_model::{Code, FlywayKeys, MigrationKind};

use crate::forge::{Entry, check_table, refusals, zip};

fn bundle(names: &[&str]) -> Vec<u8> {
    zip(&names.iter().map(|name| Entry::stored(name, "")).collect::<Vec<_>>())
}

fn open(names: &[&str]) -> Bundle {
    Bundle::from_zip(bundle(names), &Limits::default(), &FlywayKeys::default())
        .unwrap_or_else(|rejected| panic!("{rejected}"))
}

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
fn migrations_by_their_names() {
    use MigrationKind::{Repeatable, Versioned};
    for (name, kind, version, description) in [
        ("V1__init.sql", Versioned, Some("1"), "init"),
        ("V1.sql", Versioned, Some("1"), ""),
        ("V2__.sql", Versioned, Some("2"), ""),
        ("V5__UP.SQL", Versioned, Some("5"), "UP"),
        ("V7__a__b_c.sql", Versioned, Some("7"), "a  b c"),
        ("V0001__x.sql", Versioned, Some("0001"), "x"),
        ("V15_1_2__x.sql", Versioned, Some("15.1.2"), "x"),
        ("V2026.11.20.1__x.y-z.sql", Versioned, Some("2026.11.20.1"), "x.y-z"),
        ("V-9__x.sql", Versioned, Some("-9"), "x"),
        ("R__a_view.sql", Repeatable, None, "a view"),
        ("R__.sql", Repeatable, None, ""),
    ] {
        let bundle = open(&[name]);
        let [migration] = bundle.migrations() else {
            panic!("{name}: {bundle:?}")
        };
        assert_eq!(migration.kind, kind, "{name}");
        assert_eq!(
            migration.version.as_ref().map(|version| version.as_str()),
            version,
            "{name}"
        );
        assert_eq!(migration.description, description, "{name}");
        assert_eq!((migration.script.as_str(), migration.path.as_str()), (name, name));
    }
}

#[test]
fn what_flyway_would_skip_is_refused_with_the_better_name() {
    for (name, better) in [
        ("V3_x.sql", "`V3__x.sql`"),
        ("v4__x.sql", "`V4__x.sql`"),
        ("V__x.sql", "`V<version>__V_x.sql`"),
        ("R1__x.sql", "`R__x.sql`"),
        ("R_x.sql", "`R__x.sql`"),
        ("README.sql", "`R__README.sql`"),
        ("queries.sql", "`V<version>__queries.sql`"),
        ("001_init.sql", "`V001__init.sql`"),
        ("V1..1__x.sql", "rename it to"),
        ("V11.__x.sql", "rename it to"),
        ("V6a__x.sql", "rename it to"),
        ("V12 __x.sql", "rename it to"),
        ("B_x.sql", "rename it to"),
        ("Users.sql", "rename it to"),
        ("afterparty.sql", "rename it to"),
        (".sql", "rename it to"),
        (
            "V123456789012345678901234567890123456789012345678901__x.sql",
            "50 characters",
        ),
    ] {
        let rejected = Bundle::from_zip(
            bundle(&["sql/V1.sql", &format!("sql/{name}")]),
            &Limits::default(),
            &FlywayKeys::default(),
        )
        .unwrap_err();
        let [problem] = rejected.problems.as_slice() else {
            panic!("{name}: {rejected}")
        };
        assert_eq!(problem.code, Code::Misnamed, "{name}");
        assert_eq!(
            problem.place.as_ref().map(|place| place.file.clone()),
            Some(format!("sql/{name}"))
        );
        assert!(problem.message.contains(better), "{name}: {}", problem.message);
    }
}

#[test]
fn what_flyway_runs_and_belay_does_not_is_refused() {
    for name in [
        "B1__x.sql",
        "B1.sql",
        "U1__x.sql",
        "U1.2.sql",
        "beforeMigrate.sql",
        "afterMigrate__grants.sql",
        "afterEachMigrateStatementError.sql",
        "afterVersioned.sql",
        "beforeConnect.sql",
        "createSchema.sql",
        "V2__x.sh",
        "V2__x.PY",
        "V2__x",
        "R__x.bash",
        "R__x.ps1",
        "V2__X.java",
        "V2__X.class",
        "U2__x.sh",
    ] {
        let name = format!("sql/{name}");
        let found = refusals(bundle(&["sql/V1.sql", &name]), &Limits::default());
        assert_eq!(found, [(Code::Unsupported, name)]);
    }
    let unsupported = |at| vec![(Code::Unsupported, at)];
    check_table([
        (
            "flyway.toml",
            bundle(&["sql/V1.sql", "flyway.toml"]),
            unsupported("flyway.toml"),
        ),
        (
            "flyway.conf",
            bundle(&["sql/V1.sql", "flyway.conf"]),
            unsupported("flyway.conf"),
        ),
        (
            "flyway.user.toml",
            bundle(&["V1.sql", "flyway.user.toml"]),
            unsupported("flyway.user.toml"),
        ),
        (
            "elsewhere it is just a file",
            bundle(&["sql/V1.sql", "ci/flyway.conf"]),
            vec![],
        ),
    ]);
}

#[test]
fn one_version_and_one_description_once() {
    check_table([
        (
            "the same version",
            bundle(&["V1__a.sql", "V1__b.sql"]),
            vec![(Code::DuplicateVersion, "V1__b.sql")],
        ),
        (
            "the same by value",
            bundle(&["V1__a.sql", "x/V001.0__b.sql"]),
            vec![(Code::DuplicateVersion, "x/V001.0__b.sql")],
        ),
        (
            "three of them",
            bundle(&["V1.sql", "V1_0.sql", "V1.00.sql"]),
            vec![
                (Code::DuplicateVersion, "V1.00.sql"),
                (Code::DuplicateVersion, "V1_0.sql"),
            ],
        ),
        (
            "a repeatable twice",
            bundle(&["R__a_b.sql", "x/R__a_b.sql"]),
            vec![(Code::DuplicateRepeatable, "x/R__a_b.sql")],
        ),
        ("two descriptions", bundle(&["R__a_b.sql", "R__a__b.sql"]), vec![]),
        (
            "a version and a description",
            bundle(&["V1__a.sql", "R__a.sql"]),
            vec![],
        ),
    ]);
}

#[test]
fn the_order_is_the_order_of_running() {
    let bundle = open(&[
        "R__z_view.sql",
        "b/R__A_view.sql",
        "R__\u{ffff}.sql",
        "R__😀.sql",
        "R__a_view.sql",
        "V1.10__x.sql",
        "V2021.01.02__x.sql",
        "V001__x.sql",
        "V1.9__x.sql",
        "V1.9.0.1__x.sql",
    ]);
    let scripts: Vec<&str> = bundle
        .migrations()
        .iter()
        .map(|migration| migration.script.as_str())
        .collect();
    assert_eq!(
        scripts,
        [
            "V001__x.sql",
            "V1.9__x.sql",
            "V1.9.0.1__x.sql",
            "V1.10__x.sql",
            "V2021.01.02__x.sql",
            "b/R__A_view.sql",
            "R__a_view.sql",
            "R__z_view.sql",
            "R__😀.sql",
            "R__\u{ffff}.sql",
        ]
    );
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
