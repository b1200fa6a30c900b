//! Logging in: who, with what, and what is told when it fails.

use belay_local::{Build, Certificate, Postgres, Settings};

use crate::bench::{Bench, Said, belay, server};
use crate::golden::golden;

fn info(bench: &Bench, url: &str, options: &[&str], password: Option<&str>) -> Said {
    let mut command = belay();
    command
        .args(["info", "--url", url, "--bundle"])
        .arg(bench.bundle())
        .args(options);
    command.envs(password.map(|password| ("PGPASSWORD", password)));
    Said::of(&command.output().unwrap())
}

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.files(&[("V1__a.sql", "SELECT 1")]);
    bench
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let bench = bench().await;
    let url = format!(
        "postgres://migrator:hunter2@127.0.0.1:{}/{}?sslmode=disable",
        server().await.port(),
        bench.database
    );
    for command in ["info", "migrate"] {
        let mut line = belay();
        line.args([command, "--url", &url, "--bundle"]).arg(bench.bundle());
        let said = Said::of(&line.output().unwrap());
        assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
        golden(&format!("wrong_password_{command}"), &said);
    }
}

#[tokio::test]
async fn the_password_may_be_in_the_environment() {
    let bench = bench().await;
    let server = server().await;
    let url = format!(
        "postgres://migrator@127.0.0.1:{}/{}?sslmode=disable",
        server.port(),
        bench.database
    );
    assert_eq!(info(&bench, &url, &[], Some(server.migrator().password())).code, 0);
    golden("no_password", &info(&bench, &url, &[], None));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told() {
    let bench = bench().await;
    let server = server().await;
    let password = Some(server.migrator().password());
    let url = format!(
        "postgres://migrator@127.0.0.1:{}/nowhere?sslmode=disable",
        server.port()
    );
    golden("no_database", &info(&bench, &url, &[], password));
    // Nobody listens on the port for discarding.
    golden(
        "no_server",
        &info(
            &bench,
            "postgres://migrator@127.0.0.1:9/shop?sslmode=disable",
            &[],
            password,
        ),
    );
}

#[tokio::test]
async fn tls_is_asked_for_unless_it_is_turned_off_for_loopback() {
    let bench = bench().await;
    let server = server().await;
    let password = Some(server.migrator().password());
    let url = format!("postgres://migrator@127.0.0.1:{}/{}", server.port(), bench.database);
    golden("no_tls", &info(&bench, &url, &[], password));
    assert_eq!(info(&bench, &url, &["--tls", "off"], password).code, 0);
    golden(
        "tls_off_elsewhere",
        &info(&bench, "postgres://u@db.example/d?sslmode=disable", &[], password),
    );
    let no_file = info(&bench, &url, &["--tls", "/nonexistent.pem"], password);
    assert_eq!(no_file.code, 2, "{no_file:?}");
    assert!(no_file.err.contains("/nonexistent.pem"), "{no_file:?}");
}

#[tokio::test]
async fn a_server_is_trusted_by_the_file_that_is_given() {
    let bench = bench().await;
    let certificate = Certificate::issue(&["127.0.0.1"]).unwrap();
    let root = bench.folder.path().join("root.pem");
    std::fs::write(&root, &certificate.root).unwrap();
    let server = Postgres::start(Settings {
        build: Build::V18Tls,
        certificate: Some(certificate),
        ..Settings::default()
    })
    .await
    .unwrap();
    let url = server.url(server.migrator(), "postgres");
    let file = root.to_str().unwrap();
    assert_eq!(info(&bench, &url, &["--tls", file], None).code, 0);
    assert_eq!(
        info(&bench, &format!("{url}?sslmode=require&sslrootcert={file}"), &[], None).code,
        0
    );
    let unknown = info(&bench, &url, &[], None);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("UnknownIssuer"), "{unknown:?}");
}
