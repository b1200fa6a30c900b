//! Flyway's JSON shapes: what a program that reads Flyway's answers finds, and what Belay adds.

use serde_json::{Value, json};

use crate::bench::{Bench, Said};
use crate::golden::golden;

/// An object's keys, sorted: their order depends on a feature of serde_json that other packages may switch on.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn two_files() -> Bench {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1.5__first_one.sql", "CREATE TABLE a (id int)"),
        ("R__view.sql", "CREATE VIEW v AS SELECT 1 AS one"),
    ]);
    bench
}

#[tokio::test]
async fn answers_have_flyways_shapes() {
    let bench = two_files().await;
    assert_eq!(
        bench.belay("info", &["--format", "json"]).json()["allSchemasEmpty"],
        true
    );
    golden("json_plan", &bench.belay("plan", &["--format", "json"]));
    golden("json_migrated", &bench.belay("migrate", &["--format", "json"]));
    golden("json_up_to_date", &bench.belay("migrate", &["--outputType", "json"]));
    golden("json_info", &bench.belay("info", &["--format", "json"]));
    golden("json_validate", &bench.belay("validate", &["--format", "json"]));
}

#[tokio::test]
async fn a_failure_has_flyways_error_and_belays_outcome() {
    let bench = two_files().await;
    bench.files(&[("V2__broken.sql", "SELECT 1;\nSELECT nowhere;\n")]);
    let said = bench.belay("migrate", &["--format", "json"]);
    let answer = said.json();
    assert_eq!(said.code, 1);
    assert!(said.err.is_empty(), "{said:?}");
    assert_eq!(answer["success"], false);
    assert_eq!(answer["error"]["sqlState"], "42703");
    assert_eq!(answer["error"]["lineNumber"], 2);
    assert_eq!(answer["error"]["path"], "V2__broken.sql");
    assert_eq!(answer["belay"]["outcome"], "unchanged");
    assert_eq!(answer["belay"]["verdict"], "before");
    assert_eq!(answer["belay"]["failure"]["code"], "Belay.SqlFailed");
    assert_eq!(
        answer["belay"]["missing"],
        json!(["V1.5__first_one.sql", "V2__broken.sql", "R__view.sql"])
    );
    assert_eq!(answer["migrationsExecuted"], 0);
}

#[tokio::test]
async fn every_answer_says_its_operation_and_is_json_whatever_happens() {
    let bench = two_files().await;
    for command in ["info", "validate", "plan", "migrate"] {
        let said = bench.belay(command, &["--format", "json"]);
        assert_eq!(said.json()["operation"], command);
        assert_eq!(said.json()["databaseType"], "PostgreSQL");
        let refused = [
            command,
            "--format",
            "json",
            "--bundle",
            "/nonexistent",
            "--url",
            &bench.url(),
        ];
        let said = Said::of(&crate::bench::belay().args(refused).output().unwrap());
        assert_eq!(said.code, 4, "{said:?}");
        assert_eq!(keys(&said.json()), ["belay", "error", "operation"]);
        assert_eq!(said.json()["belay"]["exitCode"], 4);
    }
}
