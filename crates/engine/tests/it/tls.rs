//! TLS is verified: chain and host name.

use belay_engine::PlanRequest;
use belay_local::{Build, Certificate, Postgres, Settings};
use belay_model::{Endpoint, PlannedAction, Tls};

use crate::world::{World, bundle};

#[tokio::test]
async fn only_a_server_that_proves_who_it_is_is_talked_to() {
    let certificate = Certificate::issue(&["localhost"]).unwrap();
    let ca = certificate.root.clone();
    let settings = Settings {
        build: Build::V18Tls,
        certificate: Some(certificate),
        ..Settings::default()
    };
    let postgres = Postgres::start(settings).await.unwrap();
    postgres.create_database("tls", postgres.migrator()).await.unwrap();
    let world = World::new().await;
    let files = bundle(&[("V1__a.sql", "SELECT 1")]);
    for (host, tls, expected) in [
        ("localhost", Tls::Ca(ca.clone()), "ok"),
        ("127.0.0.1", Tls::Ca(ca.clone()), "Infra.Database"),
        ("localhost", Tls::VerifyFull, "Infra.Database"),
    ] {
        let connect = belay_engine::Connect {
            endpoint: Endpoint {
                host: host.to_owned(),
                port: postgres.port(),
                database: "tls".to_owned(),
            },
            user: postgres.migrator().name().to_owned(),
            password: postgres.migrator().password().to_owned(),
            tls: tls.clone(),
            ..world.connect.clone()
        };
        let request = PlanRequest {
            action: PlannedAction::Migrate,
            transaction: world.transaction,
            placeholders: &world.placeholders,
            instance: None,
        };
        let told = match belay_engine::info(&connect, &files, &request).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => {
                let failure = error.failure();
                assert!(failure.message.contains("certificate"), "{failure}");
                failure.code.to_string()
            }
        };
        assert_eq!(told, expected, "{host} {tls:?}");
    }
}
