//! Stopped by a person, or by a server that goes away: the outcome is what the database says.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use belay_local::{Postgres, Settings};
use tokio_postgres::Client;

use crate::bench::{Bench, Said, belay};
use crate::golden::golden;

const SLEEPS: &str = "CREATE TABLE a (id int);\nSELECT pg_sleep(600);\n";

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn end(child: Child) -> Said {
    Said::of(&child.wait_with_output().unwrap())
}

/// Until this is true of the server.
async fn until(client: &Client, sql: &str) {
    for _ in 0..6_000 {
        if client.query_one(sql, &[]).await.unwrap().get(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {sql}");
}

async fn until_asleep(client: &Client) {
    let asleep = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                  AND wait_event = 'PgSleep' AND application_name LIKE 'belay/%')";
    until(client, asleep).await;
}

#[tokio::test]
async fn ctrl_c_rolls_back_and_tells_what_is_in() {
    for (name, file, golden_name) in [("INT", SLEEPS, "ctrl_c"), ("TERM", SLEEPS, "terminated")] {
        let bench = Bench::new().await;
        bench.files(&[("V1__a.sql", file)]);
        let client = bench.client().await;
        let child = start(bench.command("migrate", &[]));
        until_asleep(&client).await;
        signal(&child, name);
        golden(golden_name, &end(child));
        assert_eq!(bench.look("SELECT to_regclass('a')").await, "NULL");
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'belay/%'";
        assert_eq!(bench.look(sessions).await, "0");
    }
}

#[tokio::test]
async fn ctrl_c_after_a_commit_needs_an_operator() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql", "SELECT pg_sleep(600)"),
    ]);
    let client = bench.client().await;
    let child = start(bench.command("migrate", &["--transaction", "each"]));
    until_asleep(&client).await;
    signal(&child, "INT");
    golden("ctrl_c_after_a_commit", &end(child));
    assert_eq!(bench.look("SELECT count(*) FROM a").await, "0");
}

#[tokio::test]
async fn a_second_ctrl_c_gives_up_and_says_what_to_run() {
    let bench = Bench::new().await;
    bench.files(&[("V1__a.sql", SLEEPS)]);
    let client = bench.client().await;
    let child = start(bench.command("migrate", &[]));
    until_asleep(&client).await;
    let key: i64 = client
        .query_one(
            "SELECT (classid::int8 << 32) | objid::int8 FROM pg_locks
             WHERE locktype = 'advisory' AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    // First in the queue: it gets the lock as soon as the run's session is ended, and Verify has to wait.
    let sql = format!("SELECT pg_advisory_lock({key})");
    let waiting = client.batch_execute(&sql);
    signal(&child, "INT");
    waiting.await.unwrap();
    signal(&child, "INT");
    golden("second_ctrl_c", &end(child));
}

#[tokio::test]
async fn when_the_server_goes_away_it_is_asked_again_for_as_long_as_one_wants() {
    let mut server = Postgres::start(Settings::default()).await.unwrap();
    server.create_database("shop_0", server.migrator()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("V1__a.sql"), SLEEPS).unwrap();
    let url = format!("{}?sslmode=disable", server.url(server.migrator(), "shop_0"));
    let migrate = |patience: &str| {
        let mut command = belay();
        command
            .args(["migrate", "--url", &url, "--patience", patience, "--bundle"])
            .arg(folder.path());
        start(command)
    };

    let child = migrate("60s");
    until_asleep(&server.connect(server.migrator(), "shop_0").await.unwrap()).await;
    server.kill();
    server.up().await.unwrap();
    let said = end(child);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.starts_with("unchanged: "), "{said:?}");
    assert!(said.err.contains("Infra.Database"), "{said:?}");

    let child = migrate("300ms");
    until_asleep(&server.connect(server.migrator(), "shop_0").await.unwrap()).await;
    server.kill();
    golden("server_gone", &end(child));
    server.up().await.unwrap();
}
