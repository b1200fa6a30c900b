//! Flyway's locations.

use belay_model::Code;
use serde_json::{Value, json};

use crate::opened::{open_with, problems, scripts};

fn empty<'a>(names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    names.iter().map(|name| (*name, "")).collect()
}

#[test]
fn s1_scripts_of_the_locations_that_are_set() {
    for (locations, names, expected) in [
        (json!(["filesystem:a"]), vec!["a/V1.sql", "b/V2.sql"], vec!["V1.sql"]),
        (
            json!("filesystem:a, filesystem:b"),
            vec!["a/V1.sql", "b/x/V2.sql", "sql/V3.sql"],
            vec!["V1.sql", "x/V2.sql"],
        ),
        (
            json!(["classpath:db/migration"]),
            vec![
                "src/main/resources/db/migration/V1.sql",
                "src/test/resources/db/migration/V2.sql",
            ],
            vec!["V1.sql"],
        ),
        (json!(["db/migration"]), vec!["db/migration/V1.sql"], vec!["V1.sql"]),
        // One that lies in another adds nothing.
        (
            json!(["filesystem:sql/x", "filesystem:sql"]),
            vec!["sql/V1.sql", "sql/x/V2.sql"],
            vec!["V1.sql", "x/V2.sql"],
        ),
        (
            json!(["filesystem:sql/**/v?"]),
            vec!["sql/a/b/v1/V1.sql", "sql/v2/x/V2.sql", "sql/v10/V3.sql"],
            vec!["V1.sql", "x/V2.sql"],
        ),
        (
            json!(["filesystem:."]),
            vec!["V1.sql", "x/V2.sql", ".git/V3.sql"],
            vec!["V1.sql", "x/V2.sql"],
        ),
        (json!(["filesystem:."]), vec!["V1.sql", "verify/V2.sql"], vec!["V1.sql"]),
    ] {
        let bundle = open_with(&empty(&names), json!({"locations": locations}));
        assert_eq!(scripts(&bundle), expected, "{locations}");
        assert_eq!(bundle.notes(), [""; 0]);
    }
}

#[test]
fn s1_a_location_that_is_not_there_is_told_or_refused() {
    let above =
        |fail: bool| json!({"locations": ["filesystem:sql", "filesystem:more"], "failOnMissingLocations": fail});
    let files = empty(&["sql/V1.sql"]);
    let bundle = open_with(&files, above(false));
    assert_eq!(scripts(&bundle), ["V1.sql"]);
    assert_eq!(bundle.notes(), ["location `filesystem:more` is not in the bundle"]);
    let found = problems(&files, above(true));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Code::ConfigInvalid);
    assert!(found[0].2.contains("filesystem:more"), "{found:?}");
}

#[test]
fn s1_a_location_elsewhere_is_refused_with_the_way_out() {
    for (location, code, way) in [
        ("s3:bucket/sql", Code::Unsupported, "filesystem:FOLDER"),
        ("gcs:bucket/sql", Code::Unsupported, "filesystem:FOLDER"),
        ("filesystem:/opt/sql", Code::ConfigInvalid, "from its root"),
        ("filesystem:../sql", Code::ConfigInvalid, "from its root"),
    ] {
        let found = problems(&empty(&["sql/V1.sql"]), json!({"locations": [location]}));
        let [(found, _, message)] = found.as_slice() else {
            panic!("{location}: {found:?}")
        };
        assert_eq!(*found, code, "{location}");
        assert!(message.contains(location) && message.contains(way), "{message}");
    }
    let nothing = problems(&empty(&["sql/V1.sql"]), json!({"locations": ["filesystem:db"]}));
    assert_eq!(nothing[0].0, Code::NoMigration);
    assert!(nothing[0].2.contains("filesystem:db"), "{nothing:?}");
}

#[test]
fn s13_callbacks_of_their_own_locations_only() {
    let names = [
        "sql/V1.sql",
        "sql/beforeMigrate.sql",
        "hooks/x/afterMigrate.sql",
        "hooks/V2.sql",
    ];
    let callbacks = |above: Value| {
        let bundle = open_with(&empty(&names), above);
        let found = bundle.callbacks().iter().map(|callback| callback.script.clone());
        (
            found.collect::<Vec<_>>(),
            scripts(&bundle).join(" "),
            bundle.notes().len(),
        )
    };
    let none = |notes| (Vec::new(), "V1.sql".to_owned(), notes);
    assert_eq!(
        callbacks(json!({"callbackLocations": ["filesystem:hooks"]})),
        (vec!["x/afterMigrate.sql".to_owned()], "V1.sql".to_owned(), 2)
    );
    assert_eq!(callbacks(json!({})).0, ["beforeMigrate.sql"]);
    assert_eq!(callbacks(json!({"skipDefaultCallbacks": true})), none(1));
    assert_eq!(
        callbacks(json!({"skipDefaultCallbacks": true, "callbackLocations": ["hooks"]})),
        none(3)
    );
}
