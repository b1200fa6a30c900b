//! Flyway's grammar of file names.

use belay_bundle::{Bundle, Limits};
use belay_model::{Code, FlywayKeys, MigrationKind};

use crate::forge::{check_table, refusals};
use crate::opened::{named as bundle, open};

#[test]
fn s1_migrations_by_their_names() {
    use MigrationKind::{Baseline, Repeatable, Undo, Versioned};
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
        ("R.sql", Repeatable, None, ""),
        ("B1__x.sql", Baseline, Some("1"), "x"),
        ("B2_1.sql", Baseline, Some("2.1"), ""),
        ("U1__x_y.sql", Undo, Some("1"), "x y"),
        ("U1.2.sql", Undo, Some("1.2"), ""),
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
fn s1_what_flyway_would_skip_is_refused_with_the_better_name() {
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
        ("B__x.sql", "rename it to"),
        ("Ux__y.sql", "rename it to"),
        ("beforeMigrate_x.sql", "rename it to"),
        ("afterMigrate1__x.sql", "rename it to"),
        ("beforemigrate.sql", "rename it to"),
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
fn s1_what_flyway_runs_and_belay_does_not_is_refused() {
    for name in [
        "V2__x.sh",
        "V2__x.PY",
        "V2__x",
        "R__x.bash",
        "R__x.ps1",
        "V2__X.java",
        "V2__X.class",
        "U2__x.sh",
        "beforeMigrate.sh",
    ] {
        let name = format!("sql/{name}");
        let found = refusals(bundle(&["sql/V1.sql", &name]), &Limits::default());
        assert_eq!(found, [(Code::Unsupported, name)]);
    }
}

#[test]
fn s13_callbacks_by_event_then_by_description() {
    let bundle = open(&[
        "sql/V1.sql",
        "sql/afterMigrate__b.sql",
        "sql/afterMigrate__a_c.sql",
        "sql/x/afterMigrate.sql",
        "sql/AFTERMIGRATE.sql.md",
        "sql/beforeMigrate.SQL",
        "sql/afterEachMigrateStatementError__x.sql",
        "sql/createSchema.sql",
    ]);
    let found: Vec<_> = bundle
        .callbacks()
        .iter()
        .map(|callback| {
            (
                callback.event.as_str(),
                callback.description.as_str(),
                callback.script.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("createSchema", "", "createSchema.sql"),
            ("beforeMigrate", "", "beforeMigrate.SQL"),
            (
                "afterEachMigrateStatementError",
                "x",
                "afterEachMigrateStatementError__x.sql"
            ),
            ("afterMigrate", "", "x/afterMigrate.sql"),
            ("afterMigrate", "a c", "afterMigrate__a_c.sql"),
            ("afterMigrate", "b", "afterMigrate__b.sql"),
        ]
    );
    assert_eq!(bundle.text("sql/x/afterMigrate.sql").unwrap(), "");
    assert_eq!(bundle.migrations().len(), 1);
    assert_eq!(bundle.notes(), [""; 0]);
}

#[test]
fn s13_callbacks_that_never_run_are_told() {
    for (name, why) in [
        ("beforeConnect.sql", "connection"),
        ("beforeValidate.sql", "validates"),
        ("afterInfo__x.sql", "informs"),
        ("afterClean.sql", "`clean`"),
        ("beforeDeploy.sql", "`deploy`"),
    ] {
        let path = format!("sql/{name}");
        let bundle = open(&["sql/V1.sql", &path]);
        assert_eq!(bundle.callbacks(), [], "{name}");
        assert_eq!(bundle.ignored(), std::slice::from_ref(&path));
        let [note] = bundle.notes() else {
            panic!("{name}: {:?}", bundle.notes())
        };
        assert!(note.contains(&path) && note.contains(why), "{note}");
    }
}

#[test]
fn s2_one_version_and_one_description_once() {
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
        (
            "each kind has its own versions",
            bundle(&["V1__a.sql", "B1__a.sql", "U1__a.sql", "R__a.sql"]),
            vec![],
        ),
        (
            "an undo twice",
            bundle(&["V1__a.sql", "U1__a.sql", "U1.0__b.sql"]),
            vec![(Code::DuplicateVersion, "U1.0__b.sql")],
        ),
        (
            "a baseline twice",
            bundle(&["B1__a.sql", "B1__b.sql"]),
            vec![(Code::DuplicateVersion, "B1__b.sql")],
        ),
        (
            "a callback twice",
            bundle(&["V1.sql", "a/afterMigrate.sql", "b/afterMigrate.sql"]),
            vec![(Code::DuplicateName, "b/afterMigrate.sql")],
        ),
        (
            "two callbacks of one event",
            bundle(&["V1.sql", "a/afterMigrate.sql", "b/afterMigrate__x.sql"]),
            vec![],
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
fn s2_the_order_is_the_order_of_running() {
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
        "U1.9__x.sql",
        "B2__x.sql",
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
            "B2__x.sql",
            "b/R__A_view.sql",
            "R__a_view.sql",
            "R__z_view.sql",
            "R__😀.sql",
            "R__\u{ffff}.sql",
            "U1.9__x.sql",
        ]
    );
}
