//! Renaming, and where a name leads.

use belay_local::{Pace, RdsSettings, StaleAddresses};

use crate::scene::{SHOP, Scene, at_once, rows_by, session};

/// An instance with one row, and beside it a restored one with two.
async fn two(settings: RdsSettings) -> Scene {
    let scene = Scene::new(RdsSettings {
        pace: Pace::Looks(0),
        ..settings
    })
    .await;
    scene
        .sql(SHOP, "CREATE TABLE t AS SELECT 1; GRANT SELECT ON t TO migrator")
        .await;
    scene.snapshot("one").await;
    scene.restore("one", "beside").await;
    scene.sql("beside", "INSERT INTO t VALUES (2)").await;
    scene
}

#[tokio::test]
async fn a_swap_keeps_the_endpoint_and_moves_what_is_behind_it() {
    let scene = two(RdsSettings::default()).await;
    let (endpoint, old) = (scene.url(SHOP).await, scene.rds.instance(SHOP).await.unwrap());
    let new = scene.rds.instance("beside").await.unwrap();
    let open = session(&endpoint).await.unwrap();
    let direct = old.look("postgres").await.unwrap();
    let asleep = tokio::spawn(async move { open.batch_execute("SELECT pg_sleep(3600)").await });

    scene.rename(SHOP, "failed").await;
    assert!(asleep.await.unwrap().is_err(), "a renaming cuts connections");
    assert!(direct.batch_execute("SELECT 1").await.is_err(), "and ends sessions");
    assert!(session(&endpoint).await.is_err(), "nothing is behind the old name");
    assert_eq!(rows_by(&scene.url("failed").await).await, 1);
    assert_eq!(scene.rds.names().await, ["beside", "failed"]);

    scene.rename("beside", SHOP).await;
    assert_eq!(rows_by(&endpoint).await, 2);
    assert_eq!(scene.url(SHOP).await, endpoint, "the same address and port");
    let [now, failed] = [SHOP, "failed"].map(|name| scene.rds.instance(name));
    let (now, failed) = (now.await.unwrap(), failed.await.unwrap());
    assert_eq!(
        (&now.resource_id, &failed.resource_id),
        (&new.resource_id, &old.resource_id)
    );
    assert_eq!(now.described["DBInstanceArn"], old.described["DBInstanceArn"]);
    assert_eq!(scene.rds.names().await, ["failed", SHOP]);
}

#[tokio::test]
async fn while_it_is_renamed_neither_name_leads_to_it() {
    let scene = Scene::new(RdsSettings::default()).await;
    let endpoint = scene.url(SHOP).await;
    scene.rename(SHOP, "other").await;
    assert!(session(&endpoint).await.is_err());
    for (name, status) in [(SHOP, "renaming"), (SHOP, "DBInstanceNotFound"), ("other", "rebooting")] {
        assert_eq!(scene.status(name).await, status);
    }
    let coming = scene.rds.instance("other").await.unwrap();
    assert!(
        session(&coming.url(coming.migrator().unwrap(), "postgres"))
            .await
            .is_err()
    );
    assert_eq!(scene.status("other").await, "available");
    assert!(session(&scene.url("other").await).await.is_ok());
}

#[tokio::test]
async fn asking_for_the_new_name_alone_is_enough() {
    let scene = Scene::new(RdsSettings::default()).await;
    scene.rename(SHOP, "other").await;
    for status in ["DBInstanceNotFound", "rebooting", "available"] {
        assert_eq!(scene.status("other").await, status);
    }
}

#[tokio::test]
async fn a_client_with_an_old_address_reaches_the_old_server_for_a_while() {
    for (stale, reached) in [
        (StaleAddresses::Connections(2), [1, 1, 2, 2]),
        (StaleAddresses::UntilTold, [1, 1, 1, 1]),
        (StaleAddresses::Never, [2, 2, 2, 2]),
    ] {
        let scene = two(RdsSettings {
            stale_addresses: stale,
            ..at_once()
        })
        .await;
        let endpoint = scene.url(SHOP).await;
        scene.rename(SHOP, "failed").await;
        // Also while nobody has the name.
        assert_eq!(session(&endpoint).await.is_ok(), stale != StaleAddresses::Never);
        scene.rename("beside", SHOP).await;
        for rows in reached {
            assert_eq!(rows_by(&endpoint).await, rows, "{stale:?}");
        }
        scene
            .rds
            .set_settings(|settings| settings.stale_addresses = StaleAddresses::Never)
            .await
            .unwrap();
        assert_eq!(rows_by(&endpoint).await, 2);
        assert_eq!(rows_by(&scene.url("failed").await).await, 1);
    }
}
