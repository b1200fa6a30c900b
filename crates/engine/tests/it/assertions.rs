//! Assertions: asked before the last COMMIT (rule M3), and again after it (V4).

use belay_model::AssertionState;

use crate::world::{World, bundle};

const TABLE: (&str, &str) = (
    "migrations/V1__t.sql",
    "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
);

#[tokio::test]
async fn m3_assertions_that_hold_are_asked_before_commit_and_leave_nothing() {
    let world = World::new().await;
    let ran = world
        .shipped(&[
            TABLE,
            (
                "verify/t.sql",
                "SELECT count(*) = 1 FROM t;\nSELECT 'false', a FROM t; DO $$ BEGIN PERFORM 1; END $$",
            ),
        ])
        .await;
    assert_eq!(ran.verified.assertions, AssertionState::Passed);
    assert_eq!(world.value("SELECT assertions_passed FROM belay.run").await, "t");
}

#[tokio::test]
async fn m3_one_that_does_not_hold_costs_nothing() {
    for (assertion, line, said) in [
        ("SELECT true;\nSELECT count(*) = 2 FROM t", 2, "row 1 of 1 has false"),
        ("SELECT a > 0 FROM (VALUES (1), (NULL)) v (a)", 1, "row 2 of 2 has null"),
        ("SELECT 1/(a - 1) FROM t", 1, "division by zero"),
        ("\n\nINSERT INTO t VALUES (2)", 3, "read-only transaction"),
        ("SELECT nope FROM t", 1, "does not exist"),
    ] {
        let world = World::new().await;
        let ran = world.ship(&[TABLE, ("verify/t.sql", assertion)]).await;
        assert_eq!(ran.told(), "before Belay.AssertionFailed", "{assertion}");
        let failure = ran.failure();
        assert!(
            failure.starts_with(&format!("verify/t.sql:{line}")) && failure.contains(said),
            "{failure}"
        );
        assert!(
            !world.has("t").await && !world.has("flyway_schema_history").await,
            "{assertion}"
        );
        assert_eq!(ran.verified.assertions, AssertionState::NotRun);
    }
}

#[tokio::test]
async fn v4_after_a_last_lone_unit_they_are_asked_by_verify() {
    const INDEX: (&str, &str) = ("migrations/V2__i.sql", "CREATE INDEX CONCURRENTLY i ON t (a)");
    let world = World::new().await;
    let ran = world.shipped(&[TABLE, INDEX, ("verify/t.sql", "SELECT true")]).await;
    assert_eq!(ran.verified.assertions, AssertionState::Passed);
    let world = World::new().await;
    let ran = world.shipped(&[TABLE, INDEX, ("verify/t.sql", "SELECT false")]).await;
    assert_eq!(ran.verified.assertions, AssertionState::Failed);
    assert!(
        ran.verified
            .findings
            .iter()
            .any(|finding| finding.message.starts_with("verify/t.sql:1: "))
    );
}

#[tokio::test]
async fn v4_one_that_held_before_commit_and_fails_later_is_a_finding() {
    let world = World::new().await;
    let files = bundle(&[TABLE, ("verify/t.sql", "SELECT count(*) = 1 FROM t")]);
    let planned = world.plan(&files).await.unwrap();
    let migrated = world.migrate(&files, &planned).await.unwrap();
    world.sql("DELETE FROM t").await;
    let verified = world.verify(&files, &planned, Some(&migrated)).await;
    assert_eq!(
        (verified.verdict.to_string().as_str(), verified.assertions),
        ("after", AssertionState::FailedLater)
    );
}

#[tokio::test]
async fn transaction_control_in_an_assertion_is_refused() {
    for control in [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "ROLLBACK TO belay_verify",
        "SET TRANSACTION READ WRITE",
        "VACUUM t",
    ] {
        let files = bundle(&[TABLE, ("verify/t.sql", control)]);
        let problems = belay_engine::check(&files).unwrap();
        assert_eq!(
            problems.iter().map(|p| p.code.name()).collect::<Vec<_>>(),
            ["Belay.AssertionControl"],
            "{control}"
        );
    }
}

#[tokio::test]
async fn v4_a_bundle_that_is_gone_keeps_nobody_from_the_verdict() {
    let world = World::new().await;
    let files = bundle(&[TABLE, ("verify/t.sql", "SELECT true")]);
    let planned = world.plan(&files).await.unwrap();
    world.migrate(&files, &planned).await.unwrap();
    let verified = belay_engine::verify(belay_engine::VerifyInput {
        connect: &world.connect,
        bundle: None,
        plan: &planned.plan,
        placeholders: &world.values(&planned),
        run: &world.connect.run,
        attempt: world.attempt,
        restored: false,
        observed: &belay_engine::Observed::default(),
    })
    .await
    .unwrap();
    assert_eq!(verified.verdict.to_string(), "after");
    assert_eq!(verified.assertions, AssertionState::Passed);
    assert!(
        verified
            .findings
            .iter()
            .any(|finding| finding.message.contains("bundle is gone")),
        "{verified:?}"
    );
}
