//! Servers start, do what they should, and leave nothing behind, however their owner ends.

#![expect(clippy::unwrap_used, reason = "what the tests share is not itself a test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use belay_local::{Build, Certificate, Emulator, Postgres, Settings};
use tokio_postgres::Client;

/// Far above what anything here takes; only a failure waits as long.
const LONG: Duration = Duration::from_secs(60);

/// The folder of the server that was started in this process group: it is removed at the end, and everything that the
/// server starts works in it.
fn folder_of(process_group: u32) -> PathBuf {
    fs::read_link(format!("/proc/{process_group}/cwd")).unwrap()
}

fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes
        .filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .collect()
}

fn assert_nothing_left(folder: &Path) {
    assert_eq!(processes_in(folder), Vec::<PathBuf>::new());
    assert!(!folder.exists(), "{} is still there", folder.display());
}

fn kill(signal: &str, process: u32) {
    let mut kill = Command::new("kill");
    assert!(
        kill.args([format!("-{signal}"), process.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "it did not happen in {LONG:?}");
        sleep(Duration::from_millis(20));
    }
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn postgres_has_roles_like_rds_and_leaves_nothing() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    server.create_database("shop", server.migrator()).await.unwrap();
    let client = server.connect(server.migrator(), "shop").await.unwrap();
    client
        .batch_execute("CREATE SCHEMA belay; CREATE TABLE t (id int); CREATE ROLE other; SELECT 1")
        .await
        .unwrap();
    let role = client
        .query_one(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user",
            &[],
        )
        .await
        .unwrap();
    assert_eq!([0, 1, 2].map(|column| role.get::<_, bool>(column)), [false, true, true]);
    let version = "SELECT current_setting('server_version_num')::bigint / 10000";
    assert_eq!(number(&client, version).await, 18);
    let app = server.connect(server.app(), "shop").await.unwrap();
    assert!(app.batch_execute("SELECT * FROM t").await.is_err());
    assert!(server.connect(server.superuser(), "shop").await.is_ok());

    let folder = folder_of(server.process_group());
    assert!(processes_in(&folder).len() > 3, "the check sees the server's processes");
    drop(server);
    assert_nothing_left(&folder);
}

#[tokio::test]
async fn postgres_16_runs_too() {
    let server = Postgres::start(Settings {
        build: Build::V16,
        ..Settings::default()
    })
    .await
    .unwrap();
    let client = server.connect(server.app(), "postgres").await.unwrap();
    assert_eq!(
        number(&client, "SELECT current_setting('server_version_num')::bigint / 10000").await,
        16
    );
}

#[tokio::test]
async fn postgres_with_tls_shows_its_certificate() {
    let certificate = Certificate::issue(&["localhost", "127.0.0.1"]).unwrap();
    assert!(certificate.root.starts_with("-----BEGIN CERTIFICATE-----") && certificate.root != certificate.chain);
    let (build, certificate) = (Build::V18Tls, Some(certificate));
    let server = Postgres::start(Settings {
        build,
        certificate,
        ..Settings::default()
    })
    .await
    .unwrap();
    let client = server.connect(server.superuser(), "postgres").await.unwrap();
    assert_eq!(
        number(&client, "SELECT (current_setting('ssl') = 'on')::int::bigint").await,
        1
    );
    client.batch_execute("CREATE EXTENSION pgcrypto").await.unwrap();
}

#[tokio::test]
async fn what_was_committed_survives_down_and_kill() {
    let mut server = Postgres::start(Settings::default()).await.unwrap();
    server.create_database("shop", server.migrator()).await.unwrap();
    let (port, url) = (server.port(), server.url(server.migrator(), "shop"));
    let client = server.connect(server.migrator(), "shop").await.unwrap();
    client
        .batch_execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    client.batch_execute("BEGIN; INSERT INTO t VALUES (2)").await.unwrap();

    let folder = folder_of(server.process_group());
    server.down();
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(server.connect(server.migrator(), "shop").await.is_err());
    server.up().await.unwrap();
    let client = server.connect(server.migrator(), "shop").await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 1);

    client.batch_execute("INSERT INTO t VALUES (3)").await.unwrap();
    server.kill();
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    server.up().await.unwrap();
    let client = server.connect(server.migrator(), "shop").await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 2);
    assert_eq!((server.port(), server.url(server.migrator(), "shop")), (port, url));
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let more = vec![("shared_buffers".to_owned(), "nonsense".to_owned())];
    let error = Postgres::start(Settings {
        more,
        ..Settings::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}

#[tokio::test]
async fn the_emulator_takes_another_port_if_its_own_is_taken_and_leaves_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = taken.local_addr().unwrap().port();
    // It starts only if it passes its self-test: a version id arrives in an event.
    let emulator = Emulator {
        port: wanted,
        ..Emulator::default()
    }
    .start()
    .await
    .unwrap();
    assert_ne!(emulator.port(), wanted);
    assert!(emulator.log().unwrap().contains("belay-self-test"));

    let folder = folder_of(emulator.process_group());
    assert!(
        processes_in(&folder).len() > 1,
        "the check sees the emulator's processes"
    );
    drop(emulator);
    assert_nothing_left(&folder);
}

#[tokio::test]
async fn the_emulator_starts_when_it_enforces_permissions() {
    Emulator {
        enforce_iam: true,
        ..Emulator::default()
    }
    .start()
    .await
    .unwrap();
}

#[tokio::test]
async fn even_without_its_supervisor_a_server_ends() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let folder = folder_of(server.process_group());
    kill("KILL", server.process_group());
    wait_until(|| processes_in(&folder).is_empty());
}

/// The example `owner`, which cargo builds with the tests.
fn owner() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let owner = tests.ancestors().nth(2).unwrap().join("examples/owner");
    assert!(owner.exists(), "cargo build --examples makes {}", owner.display());
    owner
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    for signal in ["KILL", "INT", "TERM"] {
        let mut owner = Command::new(owner()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
        let started = lines
            .filter_map(|line| line.split_once("started ").map(|(_, groups)| groups.to_owned()))
            .next();
        let groups: Vec<u32> = started
            .unwrap()
            .split(' ')
            .map(|group| group.parse().unwrap())
            .collect();
        let folders: Vec<PathBuf> = groups.into_iter().map(folder_of).collect();

        kill(signal, owner.id());
        owner.wait().unwrap();
        wait_until(|| {
            folders
                .iter()
                .all(|folder| !folder.exists() && processes_in(folder).is_empty())
        });
    }
}
