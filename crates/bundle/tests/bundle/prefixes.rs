//! Names with other prefixes, separators and suffixes.

use belay_bundle::Bundle;
use belay_model::Code;
use serde_json::{Value, json};

use crate::opened::{open_with, problems};

/// Each migration as `kind version description`, each callback as `event description`.
fn read(bundle: &Bundle) -> Vec<String> {
    let migration = |one: &belay_bundle::Migration| {
        let version = one.version.as_ref().map_or("-", |version| version.as_str());
        format!("{:?} {version} {}", one.kind, one.description)
    };
    let callback = |one: &belay_bundle::Callback| format!("{} {}", one.event, one.description);
    let migrations = bundle.migrations().iter().map(migration);
    migrations.chain(bundle.callbacks().iter().map(callback)).collect()
}

#[test]
fn s1_names_by_the_settings() {
    for (above, names, expected) in [
        (
            json!({"sqlMigrationPrefix": "MIG-"}),
            vec!["MIG-1__a.sql", "R__b.sql"],
            vec!["Versioned 1 a", "Repeatable - b"],
        ),
        // Of two prefixes the longer one counts.
        (
            json!({"sqlMigrationPrefix": "V", "repeatableSqlMigrationPrefix": "VIEW"}),
            vec!["V1__a.sql", "VIEW__b.sql"],
            vec!["Versioned 1 a", "Repeatable - b"],
        ),
        (
            json!({"sqlMigrationPrefix": ""}),
            vec!["001__a.sql", "2_1__b.sql", "R__c.sql", "afterMigrate.sql", "B1__d.sql"],
            vec![
                "Versioned 001 a",
                "Versioned 2.1 b",
                "Baseline 1 d",
                "Repeatable - c",
                "afterMigrate ",
            ],
        ),
        (
            json!({"undoSqlMigrationPrefix": "UNDO", "baselineMigrationPrefix": "BASE"}),
            vec!["UNDO1__a.sql", "BASE2__b.sql", "V1__c.sql"],
            vec!["Versioned 1 c", "Baseline 2 b", "Undo 1 a"],
        ),
        (
            json!({"sqlMigrationSeparator": "-"}),
            vec!["V1-a__b.sql", "R-x.sql", "afterMigrate-y.sql"],
            vec!["Versioned 1 a  b", "Repeatable - x", "afterMigrate y"],
        ),
        (
            json!({"sqlMigrationSuffixes": ".pgsql,.SQL"}),
            vec!["V1__a.PGSQL", "V2__b.sql", "V3__c.psql"],
            vec!["Versioned 1 a", "Versioned 2 b"],
        ),
        // The first that fits is taken off.
        (
            json!({"sqlMigrationSuffixes": [".sql", ".up.sql"]}),
            vec!["V1__a.up.sql"],
            vec!["Versioned 1 a.up"],
        ),
        (
            json!({"sqlMigrationSuffixes": [".up.sql", ".sql"]}),
            vec!["V1__a.up.sql", "V2__b.sql"],
            vec!["Versioned 1 a", "Versioned 2 b"],
        ),
    ] {
        let files: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
        let bundle = open_with(&files, above.clone());
        assert_eq!(read(&bundle), expected, "{above}");
    }
}

#[test]
fn s1_a_better_name_is_one_by_the_settings() {
    let told = |above: Value, name: &str| {
        let found = problems(
            &[
                ("sql/V1__a.sql", ""),
                ("sql/M1__a.sql", ""),
                (&format!("sql/{name}"), ""),
            ],
            above,
        );
        found.into_iter().find(|(_, place, _)| place.ends_with(name)).unwrap().2
    };
    let above = json!({"sqlMigrationPrefix": "M", "sqlMigrationSeparator": "--"});
    let message = told(above, "V2_x.sql");
    assert!(message.contains("`M<version>--V2_x.sql`"), "{message}");
    assert!(told(json!({}), "V2_x.sql").contains("`V2__x.sql`"));
}

#[test]
fn s1_misnamed_files_are_skipped_as_flyway_does_if_that_is_asked() {
    let files = [("sql/V1.sql", ""), ("sql/V3_x.sql", ""), ("sql/README.sql", "")];
    let found = problems(&files, json!({}));
    let codes: Vec<Code> = found.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, [Code::Misnamed, Code::Misnamed]);
    let bundle = open_with(&files, json!({"validateMigrationNaming": false}));
    assert_eq!(read(&bundle), ["Versioned 1 "]);
    assert_eq!(bundle.ignored(), ["sql/README.sql", "sql/V3_x.sql"]);
    assert_eq!(
        bundle.notes(),
        [
            "`sql/README.sql` is not run: it is not named as a migration",
            "`sql/V3_x.sql` is not run: it is not named as a migration",
        ]
    );
    let only = problems(&[("sql/V3_x.sql", "")], json!({"validateMigrationNaming": false}));
    assert_eq!(only[0].0, Code::NoMigration);
}
