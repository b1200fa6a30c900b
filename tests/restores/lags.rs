//! RDS shows things late, and so does the name service.

use belay_local::{Pace, RdsSettings, StaleAddresses};
use belay_model::{Code, Progress};
use serde_json::json;

use crate::stage::Stage;

fn always() -> serde_json::Value {
    json!({"restore": "always", "quiesce": {"roles": ["app"]}})
}

/// Each state lasts for so many looks, and so many looks show the world before the last change.
#[tokio::test]
async fn r1_late_descriptions_do_no_harm() {
    for (looks, late) in [(0, 0), (0, 3), (3, 1), (2, 5)] {
        let settings = RdsSettings {
            pace: Pace::Looks(looks),
            stale_describes: late,
            ..RdsSettings::default()
        };
        let stage = Stage::with(settings, always()).await;
        let ready = stage.fail_between().await;
        // An address that is gone already does not answer: that is asked again, too.
        let restored = stage
            .restore(|failure| assert_eq!(failure.code, Code::Database, "{failure:#?}"))
            .await;
        stage.assert_restored(&ready, &restored).await;
    }
}

/// V3: as long as the endpoint leads to the failed database the restore is not done, and nothing is restored again.
#[tokio::test]
async fn v3_an_address_that_leads_to_the_failed_database_is_waited_for() {
    let settings = RdsSettings {
        stale_addresses: StaleAddresses::UntilTold,
        ..RdsSettings::default()
    };
    let stage = Stage::with(settings, always()).await;
    let ready = stage.fail_between().await;
    let waits = async || {
        for _ in 0..200 {
            let reply = stage.restore_once().await.unwrap();
            assert_eq!(reply.status, Progress::Pending, "{reply:?}");
            if reply.seen.contains("leads to the failed database") {
                return;
            }
        }
        panic!("{:#?}", stage.rds.requests());
    };
    waits().await;
    let changed = stage.rds.requests().len();
    waits().await;
    assert!(
        stage
            .rds
            .requests()
            .iter()
            .skip(changed)
            .all(|request| request.action.starts_with("Describe") || request.action == "AddTagsToResource"),
        "{:#?}",
        stage.rds.requests()
    );
    // Verify would ask again too: the old server is no verdict.
    let asked = stage.verify(&ready.plan, true).await.unwrap_err();
    assert!(asked.code.is_infrastructure(), "{asked:#?}");
    stage
        .rds
        .set_settings(|settings| settings.stale_addresses = StaleAddresses::Never)
        .await
        .unwrap();
    let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
    stage.assert_restored(&ready, &restored).await;
}
