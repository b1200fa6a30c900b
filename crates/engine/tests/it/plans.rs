//! Plan: only reads, refuses with everything at once, and freezes what could change (rules P1, U1, U2, L3).

use belay_model::TransactionMode;

use crate::world::{World, bundle, codes};

#[tokio::test]
async fn p1_plan_changes_nothing() {
    let world = World::new().await;
    let before = world
        .value("SELECT count(*), max(xmin::text::bigint) FROM pg_class")
        .await;
    world
        .plan(&bundle(&[("V1__a.sql", "CREATE TABLE a (b int)")]))
        .await
        .unwrap();
    assert_eq!(
        world
            .value("SELECT count(*), max(xmin::text::bigint) FROM pg_class")
            .await,
        before
    );
}

#[tokio::test]
async fn a_plan_is_the_same_for_the_same_bundle_and_database() {
    let world = World::new().await;
    let files = bundle(&[
        ("V2__b.sql", "SELECT 2"),
        ("V1__a.sql", "SELECT 1"),
        ("R__z.sql", "SELECT 3"),
    ]);
    let mut first = world.plan(&files).await.unwrap().plan;
    let mut second = world.plan(&files).await.unwrap().plan;
    for plan in [&mut first, &mut second] {
        plan.placeholders.remove("flyway:timestamp").unwrap();
    }
    assert_eq!(first.digest().unwrap(), second.digest().unwrap());
    let order: Vec<(i32, &str)> = first.migrations().map(|m| (m.rank, m.script.as_str())).collect();
    assert_eq!(order, [(1, "V1__a.sql"), (2, "V2__b.sql"), (3, "R__z.sql")]);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let files = bundle(&[
        ("V1__copy.sql", "COPY t FROM STDIN"),
        ("V2__placeholder.sql", "SELECT '${nope}'"),
        ("V3__open.sql", "SELECT 'a"),
        ("V4__strings.sql", "SET standard_conforming_strings = off"),
        ("V5__two.sql", "PREPARE TRANSACTION 'x'"),
        ("R__placeholder.sql", "SELECT ${also}"),
    ]);
    let mut found = codes(world.plan(&files).await);
    found.sort();
    assert_eq!(
        found,
        [
            "Belay.CopyFromStdin",
            "Belay.PlaceholderUnknown",
            "Belay.PlaceholderUnknown",
            "Belay.StringSyntax",
            "Belay.TwoPhase",
            "Belay.Unterminated",
        ]
    );
}

#[tokio::test]
async fn a_schema_that_is_not_empty_needs_a_history() {
    let world = World::new().await;
    world.sql("CREATE TABLE public.old (a int)").await;
    let files = bundle(&[("V1__a.sql", "SELECT 1")]);
    assert_eq!(codes(world.plan(&files).await), ["Belay.NonEmptySchema"]);
    // What an extension made does not count.
    let world = World::new().await;
    world.sql("CREATE EXTENSION IF NOT EXISTS vector").await;
    world.plan(&files).await.unwrap();
}

#[tokio::test]
async fn p1_a_role_that_may_not_keep_a_journal_is_told_what_to_ask_for() {
    let mut world = World::new().await;
    world.connect.user = world.postgres.app().name().to_owned();
    world.connect.password = world.postgres.app().password().to_owned();
    let planned = world.plan(&bundle(&[("V1__a.sql", "SELECT 1")])).await;
    let failure = planned.as_ref().unwrap_err().failure().to_string();
    assert!(
        failure.contains("CREATE SCHEMA belay AUTHORIZATION \"app\";"),
        "{failure}"
    );
    assert_eq!(codes(planned), ["Belay.JournalDenied", "Belay.PrivilegeMissing"]);
    world
        .sql("CREATE SCHEMA belay AUTHORIZATION app; GRANT CREATE ON SCHEMA public TO app")
        .await;
    world.shipped(&[("V1__a.sql", "SELECT 1")]).await;
}

#[tokio::test]
async fn set_role_owns_what_is_made() {
    let mut world = World::new().await;
    world
        .sql(
            "DO $$ BEGIN CREATE ROLE owner_role; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
        )
        .await;
    world.sql(&format!("GRANT owner_role TO migrator; GRANT ALL ON SCHEMA public TO owner_role; GRANT CREATE ON DATABASE {} TO owner_role", world.database)).await;
    world.connect.set_role = Some("owner_role".to_owned());
    world
        .shipped(&[
            ("V1__a.sql", "CREATE TABLE a (b int)"),
            ("V2__own.sql", "COMMIT; CREATE TABLE c (d int)"),
        ])
        .await;
    assert_eq!(
        world
            .sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'belay')")
            .await,
        ["owner_role"]
    );
    world.connect.set_role = Some("postgres".to_owned());
    assert_eq!(
        codes(world.plan(&bundle(&[("V1__a.sql", "SELECT 1")])).await),
        ["Belay.PrivilegeMissing"]
    );
}

#[tokio::test]
async fn u2_all_is_refused_where_one_transaction_would_break() {
    let world = World {
        transaction: TransactionMode::All,
        ..World::new().await
    };
    let files = [
        ("V1__t.sql", "CREATE TYPE t AS ENUM ('a')"),
        ("V2__v.sql", "ALTER TYPE t ADD VALUE 'b'"),
        ("V3__u.sql", "SELECT 'b'::t"),
    ];
    assert_eq!(codes(world.plan(&bundle(&files)).await), ["Belay.NotGroupable"]);
    let auto = World {
        transaction: TransactionMode::Auto,
        ..world
    };
    assert_eq!(auto.shipped(&files).await.planned.plan.units.len(), 3);
}

#[tokio::test]
async fn a_repeatable_runs_again_when_its_text_after_placeholders_changes() {
    let world = World::new().await;
    let files = [
        ("V1__t.sql", "CREATE TABLE t (at text)"),
        ("R__stamp.sql", "INSERT INTO t VALUES ('${flyway:timestamp}')"),
    ];
    world.shipped(&files).await;
    world
        .wait_for("SELECT date_trunc('second', now() AT TIME ZONE 'UTC') > max(at)::timestamp FROM t")
        .await;
    let second = world.run("second").shipped(&files).await;
    assert_eq!(second.verified.applied, ["R__stamp.sql"]);
    assert_eq!(world.value("SELECT count(DISTINCT at) FROM t").await, "2");
}

#[tokio::test]
async fn schemas_are_made_and_told_as_flyway_does() {
    let mut world = World::new().await;
    world.flyway.schemas = vec!["app".to_owned(), "Other".to_owned()];
    world
        .shipped(&[("V1__a.sql", "CREATE TABLE a (b int); CREATE TABLE \"Other\".c (d int)")])
        .await;
    let rows = world.sql("SELECT installed_rank, version, description, type, script, checksum FROM app.flyway_schema_history ORDER BY 1").await;
    assert_eq!(
        rows[0],
        "0|null|<< Flyway Schema Creation >>|SCHEMA|\"app\",\"Other\"|null"
    );
    assert!(world.has("app.a").await);
    let mut strict = World::new().await;
    strict.flyway.schemas = vec!["absent".to_owned()];
    strict.flyway.create_schemas = false;
    let found = codes(strict.plan(&bundle(&[("V1__a.sql", "SELECT 1")])).await);
    assert!(found.contains(&"Belay.TargetInvalid".to_owned()), "{found:?}");
}
