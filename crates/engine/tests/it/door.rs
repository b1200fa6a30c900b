//! The door: who is kept out, and whether nobody else could write (Q1, Q2).

use belay_engine::{EngineError, keep_out, let_in, not_lossless, unnamed_roles, who_logs_in};
use belay_model::{Instance, RestorePolicy};
use tokio_postgres::Client;

use crate::world::{World, bundle, codes};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the door's privileges are by default: see `who_logs_in` on either version.
async fn granted(world: &World, role: &str) {
    world.sql(&format!("GRANT {role} TO migrator WITH ADMIN OPTION")).await;
}

fn refusals<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> String {
    match answer.unwrap_err() {
        EngineError::DoorRefused(reasons) => reasons.join("\n"),
        other => panic!("{other:?}"),
    }
}

/// A session of a role that has no password that a test knows: a superuser that says it is that role would not count.
async fn log_in(world: &World, role: &str, database: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(world.postgres.port())
        .user(role)
        .password("p")
        .dbname(database);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

#[tokio::test]
async fn q1_who_is_kept_out_cannot_log_in_and_has_no_session_in_any_database() {
    let world = World::alone().await;
    let elsewhere = World::new().await;
    for role in ["writer", "odd \"R\" \\'; x", "Ünï"] {
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        world
            .sql(&format!(
                "CREATE ROLE {quoted} LOGIN PASSWORD 'p'; CREATE ROLE sleeper{} NOLOGIN",
                role.len()
            ))
            .await;
        granted(&world, &quoted).await;
        let named = names(&[role]);
        assert_eq!(who_logs_in(&world.connect, &named).await.unwrap(), named);
        let (here, there) = (
            log_in(&world, role, &world.database).await.unwrap(),
            log_in(&world, role, "postgres").await.unwrap(),
        );
        let one_of_us = elsewhere
            .postgres
            .connect(elsewhere.postgres.app(), &elsewhere.database)
            .await
            .unwrap();
        keep_out(&world.connect, &named).await.unwrap();
        for client in [here, there] {
            let error = client.simple_query("SELECT 1").await.unwrap_err();
            assert!(
                error.is_closed() || error.code().is_some_and(|code| code.code() == "57P01"),
                "{error:?}"
            );
        }
        one_of_us.simple_query("SELECT 1").await.unwrap();
        assert!(log_in(&world, role, "postgres").await.is_err());
        assert_eq!(who_logs_in(&world.connect, &named).await.unwrap(), Vec::<String>::new());
        keep_out(&world.connect, &named).await.unwrap();
        // A role that is gone by then is no error, and opening twice neither.
        for _ in 0..2 {
            let_in(&world.connect, &names(&["gone", role])).await.unwrap();
        }
        log_in(&world, role, "postgres").await.unwrap();
    }
}

#[tokio::test]
async fn q1_who_must_not_or_cannot_be_kept_out_is_told_with_what_to_type() {
    let mut world = World::alone().await;
    world
        .sql("CREATE ROLE owner LOGIN; GRANT migrator TO owner WITH ADMIN OPTION; CREATE ROLE rds_thing LOGIN; CREATE ROLE \"as\" LOGIN; \
              CREATE ROLE \"no Grant\" LOGIN")
        .await;
    world.sql("GRANT \"as\" TO migrator").await;
    world.connect.set_role = Some("as".to_owned());
    for (role, reason) in [
        ("nobody", "does not exist"),
        ("migrator", "is who Belay logs in as"),
        ("as", "is the target's set_role"),
        ("owner", "administers migrator"),
        ("postgres", "is a superuser"),
        ("rds_thing", "the provider's own"),
        (
            "no Grant",
            "let an administrator run: GRANT \"no Grant\" TO \"migrator\" WITH ADMIN OPTION;",
        ),
    ] {
        let told = refusals(who_logs_in(&world.connect, &names(&[role])).await);
        assert!(told.contains(reason), "{role}: {told}");
    }
    let all = refusals(who_logs_in(&world.connect, &names(&["nobody", "migrator", "no Grant"])).await);
    assert_eq!(all.lines().count(), 3, "{all}");
    // What is to be typed helps.
    world.sql("GRANT \"no Grant\" TO \"migrator\" WITH ADMIN OPTION").await;
    let named = names(&["no Grant"]);
    assert_eq!(who_logs_in(&world.connect, &named).await.unwrap(), named);
    keep_out(&world.connect, &named).await.unwrap();
    world.sql("ALTER ROLE migrator NOCREATEROLE").await;
    let told = refusals(who_logs_in(&world.connect, &named).await);
    assert!(told.contains("ALTER ROLE \"migrator\" CREATEROLE;"), "{told}");
    // The server has the last word, and it is told as that.
    assert!(refusals(let_in(&world.connect, &named).await).contains("the server refused"));
}

#[tokio::test]
async fn q1_a_role_that_is_only_administered_needs_the_right_to_end_its_sessions() {
    let world = World::alone().await;
    world
        .sql("CREATE ROLE writer LOGIN PASSWORD 'p'; ALTER ROLE migrator NOINHERIT")
        .await;
    granted(&world, "writer").await;
    let told = refusals(who_logs_in(&world.connect, &names(&["writer"])).await);
    assert!(told.contains("GRANT pg_signal_backend TO \"migrator\";"), "{told}");
    world.sql("ALTER ROLE migrator INHERIT; GRANT pg_signal_backend TO migrator; REVOKE writer FROM migrator; GRANT writer TO migrator WITH ADMIN OPTION").await;
    let client = log_in(&world, "writer", "postgres").await.unwrap();
    keep_out(&world.connect, &names(&["writer"])).await.unwrap();
    client.simple_query("SELECT 1").await.unwrap_err();
}

#[tokio::test]
async fn q2_every_role_that_can_log_in_and_connect_must_be_named() {
    let world = World::alone().await;
    world
        .sql("CREATE ROLE reader LOGIN; CREATE ROLE rdsadmin LOGIN; CREATE ROLE rds_iam LOGIN; CREATE ROLE rdsapp LOGIN; CREATE ROLE people; CREATE ROLE nowhere LOGIN")
        .await;
    world
        .sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
        .await;
    world
        .sql(&format!(
            "REVOKE CONNECT ON DATABASE {} FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO reader, rdsapp, app, migrator",
            world.database
        ))
        .await;
    // Whose name only begins like one of RDS's own is somebody.
    assert_eq!(
        unnamed_roles(&world.connect, &[]).await.unwrap(),
        ["app", "rdsapp", "reader"]
    );
    assert_eq!(
        unnamed_roles(&world.connect, &names(&["reader", "rdsapp", "people"]))
            .await
            .unwrap(),
        ["app"]
    );
}

#[tokio::test]
async fn q2_what_makes_it_not_lossless_is_told_each_by_itself() {
    let mut world = World::alone().await;
    let named = names(&["app"]);
    granted(&world, "app").await;
    let app = world.postgres.connect(world.postgres.app(), "postgres").await.unwrap();
    let told = not_lossless(&world.connect, &named).await.unwrap();
    assert_eq!(told, ["role app can log in", "role app has 1 session(s)"]);
    keep_out(&world.connect, &named).await.unwrap();
    app.simple_query("SELECT 1").await.unwrap_err();
    assert_eq!(
        not_lossless(&world.connect, &named).await.unwrap(),
        Vec::<String>::new()
    );
    // A session that is older than the door.
    world.sql("CREATE ROLE late LOGIN PASSWORD 'p'").await;
    let late = log_in(&world, "late", "postgres").await.unwrap();
    world.sql("ALTER ROLE late NOLOGIN").await;
    let told = not_lossless(&world.connect, &named).await.unwrap();
    assert_eq!(told, ["role late has 1 session(s)"]);
    drop(late);
    world
        .wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'late'")
        .await;
    // A session under our own role that is not this run's.
    let other = world
        .postgres
        .connect(world.postgres.migrator(), "postgres")
        .await
        .unwrap();
    let told = not_lossless(&world.connect, &named).await.unwrap();
    assert!(
        told.len() == 1 && told[0].contains("is Belay's own role's and not of this run"),
        "{told:?}"
    );
    drop(other);
    world
        .wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'migrator'")
        .await;
    // Another run of ours that only reads is none; one that has a history's lock is.
    for (name, sql, obstacles) in [
        ("belay/abcdefghij27", "SELECT 1", 0),
        ("belay/abcdefghij27", "SELECT pg_advisory_lock(1)", 1),
        ("belay/abcdefghij27", "BEGIN; SELECT pg_advisory_xact_lock(1)", 1),
        ("belay/app", "SELECT 1", 1),
    ] {
        let other = world
            .postgres
            .connect(world.postgres.migrator(), "postgres")
            .await
            .unwrap();
        let sql = format!("SET application_name = '{name}'; {sql}");
        other.batch_execute(&sql).await.unwrap();
        let told = not_lossless(&world.connect, &named).await.unwrap();
        assert_eq!(told.len(), obstacles, "{sql}: {told:?}");
        drop(other);
        world
            .wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'migrator'")
            .await;
    }
    world
        .sql("CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)")
        .await;
    let told = not_lossless(&world.connect, &named).await.unwrap();
    assert!(
        told.len() == 1 && told[0].starts_with("subscription s of database"),
        "{told:?}"
    );
    world.sql("DROP SUBSCRIPTION s").await;
    // A row in the history that this run's journal does not know.
    world.shipped(&[("V1__a.sql", "CREATE TABLE a (b int)")]).await;
    assert_eq!(
        not_lossless(&world.connect, &named).await.unwrap(),
        Vec::<String>::new()
    );
    world
        .sql("INSERT INTO flyway_schema_history SELECT 2, '2', 'x', 'SQL', 'V2__theirs.sql', 1, 'migrator', now(), 1, true")
        .await;
    let told = not_lossless(&world.connect, &named).await.unwrap();
    assert!(
        told.len() == 1 && told[0].contains("V2__theirs.sql (rank 2)"),
        "{told:?}"
    );
    world.connect = world.run("another").connect;
    assert_eq!(
        not_lossless(&world.connect, &named).await.unwrap(),
        Vec::<String>::new()
    );
}

fn instance(policy: RestorePolicy, roles: &[&str]) -> Option<Instance> {
    let mut instance: Instance = serde_json::from_str(r#"{"rds": {"instance": "db"}}"#).unwrap();
    instance.restore = policy;
    instance.quiesce.roles = names(roles);
    Some(instance)
}

#[tokio::test]
async fn q2_q3_plan_refuses_a_policy_that_the_database_does_not_allow() {
    use RestorePolicy::{Always, IfLossless, Never};
    let mut world = World::alone().await;
    let files = bundle(&[("V1__a.sql", "CREATE TABLE a (b int)")]);
    granted(&world, "app").await;
    let _session = world.postgres.connect(world.postgres.app(), "postgres").await.unwrap();
    for (policy, roles, expected) in [
        (Never, &[][..], &[][..]),
        (Never, &["nobody"], &[]),
        // Who is named can log in still: it will be kept out.
        (IfLossless, &["app"], &[]),
        (IfLossless, &[], &["Belay.NotLossless"]),
        (IfLossless, &["app", "nobody"], &["Belay.DoorRefused"]),
        (Always, &["app"], &[]),
        (Always, &[], &["Belay.DoorRefused"]),
        (Always, &["migrator"], &["Belay.DoorRefused", "Belay.DoorRefused"]),
    ] {
        world.instance = instance(policy, roles);
        assert_eq!(codes(world.plan(&files).await), expected, "{policy:?} {roles:?}");
    }
    // With nothing to change there is nothing that could be lost.
    world.instance = instance(IfLossless, &["app"]);
    world.shipped(&[("V1__a.sql", "CREATE TABLE a (b int)")]).await;
    world.instance = instance(IfLossless, &[]);
    assert!(world.plan(&files).await.unwrap().plan.units.is_empty());
}
