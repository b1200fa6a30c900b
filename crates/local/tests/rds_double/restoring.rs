//! Snapshots and restores.

use std::fs;
use std::path::PathBuf;

use belay_local::{Postgres, Rds, RdsSettings, Settings};

use crate::scene::{SHOP, Scene, at_once, rows_by};

#[tokio::test]
async fn a_restore_has_the_rows_of_the_snapshot_and_the_live_database_keeps_its_own() {
    let scene = Scene::at_once().await;
    scene
        .sql(SHOP, "CREATE TABLE t AS SELECT generate_series(1, 1000)")
        .await;
    scene.snapshot("before").await;
    scene.sql(SHOP, "DELETE FROM t; INSERT INTO t VALUES (1)").await;
    scene.restore("before", "beside").await;

    assert_eq!(scene.rds.troubles().await, Vec::<String>::new());
    assert_eq!((scene.rows("beside").await, scene.rows(SHOP).await), (1000, 1));
    scene.sql("beside", "TRUNCATE t").await;
    assert_eq!((scene.rows("beside").await, scene.rows(SHOP).await), (0, 1));
    // The snapshot is still what it was, and its roles log in with their passwords by the new address.
    scene.restore("before", "again").await;
    assert_eq!(scene.rows("again").await, 1000);
    let again = scene.rds.instance("again").await.unwrap();
    scene.sql("again", "GRANT SELECT ON t TO migrator").await;
    assert_eq!(rows_by(&again.url(again.migrator().unwrap(), "postgres")).await, 1000);

    let mut seen = Vec::new();
    for name in [SHOP, "beside", "again"] {
        seen.push(scene.rds.instance(name).await.unwrap().resource_id);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3, "each has a resource id of its own: {seen:?}");
    assert_eq!(scene.rds.troubles().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_copy_is_of_the_moment_at_which_the_snapshot_becomes_available() {
    let scene = Scene::new(RdsSettings::default()).await;
    scene.sql(SHOP, "CREATE TABLE t (id int)").await;
    scene.snapshot("early").await;
    let early = scene.snapshot_now("early").await;
    assert_eq!((early.status(), early.percent_progress()), (Some("creating"), Some(50)));
    // Who goes on before it is there finds his own change in it.
    scene.sql(SHOP, "INSERT INTO t VALUES (1)").await;
    let there = scene.snapshot_now("early").await;
    assert_eq!(
        (there.status(), there.percent_progress()),
        (Some("available"), Some(100))
    );
    scene.sql(SHOP, "INSERT INTO t VALUES (2)").await;
    scene.restore("early", "beside").await;
    for status in ["creating", "backing-up", "available"] {
        assert_eq!(scene.status("beside").await, status);
    }
    assert_eq!(scene.rows("beside").await, 1);
}

#[tokio::test]
async fn a_server_that_runs_already_becomes_an_instance() {
    let server = Postgres::start(Settings::default()).await.unwrap();
    let port = server.port();
    let client = server.connect(server.superuser(), "postgres").await.unwrap();
    client
        .batch_execute("CREATE TABLE t AS SELECT 1; GRANT SELECT ON t TO migrator")
        .await
        .unwrap();
    let rds = Rds::start(at_once()).await.unwrap();
    let instance = rds
        .adopt("old", server, serde_json::json!({"MultiAZ": true}))
        .await
        .unwrap();
    assert_eq!((instance.port, instance.status.as_str()), (port, "available"));
    assert_eq!(instance.described["MultiAZ"], true);
    assert_eq!(
        rows_by(&instance.url(instance.migrator().unwrap(), "postgres")).await,
        1
    );
    // RDS's master user ends others' sessions, and sees what they do.
    let master = crate::scene::session(&instance.url(instance.migrator().unwrap(), "postgres"))
        .await
        .unwrap();
    master
        .batch_execute("SELECT query FROM pg_stat_activity; ALTER ROLE app NOLOGIN; ALTER ROLE app LOGIN")
        .await
        .unwrap();

    let other = Postgres::start(Settings::default()).await.unwrap();
    assert!(rds.adopt("old", other, serde_json::Value::Null).await.is_err());
    let other = Postgres::start(Settings::default()).await.unwrap();
    let error = rds
        .adopt("new", other, serde_json::json!({"MultiAz": true}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("MultiAz"), "{error}");
}

/// The folders in which the servers of this process work, by the processes that watch over them.
fn folders() -> Vec<PathBuf> {
    let me = std::process::id().to_string();
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mine = processes.filter(|process| {
        let status = fs::read_to_string(process.join("stat")).unwrap_or_default();
        status.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1) == Some(&me)
    });
    mine.filter_map(|process| fs::read_link(process.join("cwd")).ok())
        .collect()
}

#[test]
fn dropping_it_leaves_nothing() {
    // By a runtime that ends before it: it has its own.
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let scene = runtime().block_on(Scene::at_once());
    runtime().block_on(async {
        scene.sql(SHOP, "CREATE TABLE t (id int)").await;
        let client = crate::scene::client(&scene.rds);
        let scene = Scene { rds: scene.rds, client };
        scene.snapshot("one").await;
        scene.restore("one", "beside").await;
        let mut own = Vec::new();
        for name in [SHOP, "beside"] {
            let look = scene.rds.instance(name).await.unwrap().look("postgres").await.unwrap();
            let data: String = look.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
            own.push(PathBuf::from(data).parent().unwrap().to_owned());
        }
        assert!(
            own.iter().all(|folder| folder.exists() && folders().contains(folder)),
            "{own:?}"
        );
        let url = scene.rds.endpoint_url();
        drop(scene);
        assert!(
            own.iter().all(|folder| !folder.exists() && !folders().contains(folder)),
            "{own:?}"
        );
        assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
    });
}
