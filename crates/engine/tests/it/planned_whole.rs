//! Plans as a whole: as a script for a reader, from files in any order, and with schemas that are made later.

use std::io::{Cursor, Write};

use belay_bundle::{Bundle, Limits};
use belay_engine::dry_run;
use belay_model::{FlywayKeys, Plan, PlannedAction, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::planned::{LONE, all, shape};
use crate::world::{World, bundle};

#[tokio::test]
async fn s8_a_schema_that_is_named_later_is_made_with_its_row() {
    let mut world = World::new().await.set(r#"{"schemas": ["public"]}"#);
    world.shipped(&all(&["V1__a.sql"])).await;
    world.flyway.schemas.push("later".to_owned());
    let files = [
        ("V1__a.sql", "select 1;"),
        ("V2__b.sql", "CREATE TABLE later.t (a int)"),
    ];
    let second = world.run("second");
    let ran = second.shipped(&files).await;
    assert_eq!(ran.planned.plan.schema_rank(), Some(2));
    let rows = world
        .sql("SELECT installed_rank, version, type, script FROM flyway_schema_history ORDER BY 1")
        .await;
    assert_eq!(
        rows,
        ["1|1|SQL|V1__a.sql", "2|null|SCHEMA|\"later\"", "3|2|SQL|V2__b.sql"]
    );
}

#[tokio::test]
async fn u3_a_schema_that_was_made_for_a_lone_file_that_failed_is_taken_back_and_the_history_stays() {
    let mut world = World::new().await.set(r#"{"schemas": ["public"]}"#);
    world.shipped(&[("V1__a.sql", "CREATE TABLE a (b int)")]).await;
    world.flyway.schemas.push("later".to_owned());
    let world = world.run("second");
    let files = [
        ("V1__a.sql", "CREATE TABLE a (b int)"),
        ("V2__i.sql", "CREATE INDEX CONCURRENTLY i ON a (nothing)"),
        ("createSchema.sql", "CREATE TABLE beside (a int)"),
    ];
    // With a callback before it the schema comes with that, and stays.
    let beside = world.plan_of(PlannedAction::Migrate, &files).await;
    assert_eq!(shape(&beside), "[createSchema]1 (V2__i)2");
    let files = &files[..2];
    let ran = world.ship(files).await;
    assert_eq!(shape(&ran.planned.plan), "(V2__i)1");
    assert_eq!(ran.verified.verdict, Verdict::Between, "{ran:?}");
    let cleaned = world.cleanup(&ran.planned).await.unwrap();
    assert!(
        cleaned.iter().any(|line| line.contains("schema later is taken back")),
        "{cleaned:?}"
    );
    let rows = world
        .sql("SELECT installed_rank, type FROM flyway_schema_history")
        .await;
    assert_eq!(rows, ["1|SQL"]);
    assert_eq!(world.value("SELECT to_regnamespace('later') IS NULL").await, "t");
    let after = world.verify(&world.opened(&bundle(files)), &ran.planned, None).await;
    assert_eq!(after.verdict, Verdict::Before, "{after:?}");
}

#[tokio::test]
async fn s8_a_dry_run_is_what_would_be_said() {
    let mut world = World::new()
        .await
        .set(r#"{"schemas": ["app"], "initSql": "SET lock_timeout = 1"}"#);
    let at = belay_model::SecretRef {
        arn: "arn".to_owned(),
        key: "k".to_owned(),
        version_id: "1".to_owned(),
    };
    let value = "s3cret".to_owned();
    let secret = belay_engine::Given::Secret { at, value };
    world.placeholders.insert("key".to_owned(), secret);
    let files = [
        (
            "V1__a.sql",
            "CREATE TABLE t (a text); INSERT INTO t VALUES ('${key}') -- end",
        ),
        ("V2__b.sql", LONE),
        ("R__r.sql", "COPY t FROM STDIN;\na\n\\.\n"),
        ("beforeMigrate.sql", "select 0;"),
        ("afterMigrateError.sql", "select 9;"),
        ("verify/t.sql", "select true"),
    ];
    let planned = world.try_plan(PlannedAction::Migrate, &files).await.unwrap();
    let text = dry_run(&world.opened(&bundle(&files)), &planned.plan, &world.values(&planned)).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    insta::assert_snapshot!(text);
}

/// A zip of these files, in this order.
fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn any_order_of_files_gives_the_same_plan() {
    const FILES: [(&str, &str); 9] = [
        ("V1__a.sql", "select 1;"),
        ("V1.1__b.sql", LONE),
        ("V10__c.sql", "select 1;"),
        ("B1__b.sql", "select 1;"),
        ("R__z.sql", "select 1;"),
        ("R__A.sql", "select 1;"),
        ("U1__a.sql", "select 1;"),
        ("beforeMigrate__b.sql", "select 1;"),
        ("beforeMigrate__a.sql", "select 1;"),
    ];
    let world = World::new().await;
    let orders = Just(FILES.to_vec()).prop_shuffle();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut first: Option<Plan> = None;
    for _ in 0..12 {
        let files = orders.new_tree(&mut runner).unwrap().current();
        let opened = Bundle::from_zip(zipped(&files), &Limits::default(), &FlywayKeys::default()).unwrap();
        let mut plan = world.plan_bundle(PlannedAction::Migrate, &opened).await.unwrap().plan;
        plan.placeholders.remove("flyway:timestamp").unwrap();
        plan.bundle = belay_model::BundleDigest::of(b"the order of the zip is not the plan's");
        match &first {
            None => first = Some(plan),
            Some(first) => assert_eq!(plan, *first, "{files:?}"),
        }
    }
}
