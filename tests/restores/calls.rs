//! What is asked of RDS, as a document.

use std::collections::BTreeSet;

use belay_local::RdsRequest;
use serde_json::json;

use crate::stage::Stage;

/// Requests that change nothing are told once in a row, without parameters.
fn told(stage: &Stage, requests: &[RdsRequest]) -> String {
    let run = stage.run().to_string();
    let mut lines: Vec<String> = Vec::new();
    for request in requests {
        if request.action.starts_with("Describe") || request.action.starts_with("List") {
            let line = request.action.clone();
            let since: BTreeSet<&String> = lines.iter().rev().take_while(|line| !line.contains(' ')).collect();
            if !since.contains(&line) {
                lines.push(line);
            }
            continue;
        }
        lines.push(format!("{} {{", request.action));
        let parameters = request
            .parameters
            .iter()
            .filter(|(name, _)| name != "Action" && name != "Version");
        lines.extend(parameters.map(|(name, value)| format!("    {name}={value}")));
        lines.push("} ".trim_end().to_owned());
    }
    lines.join("\n").replace(&run, "RUN")
}

#[tokio::test]
async fn what_a_run_that_is_restored_asks_of_rds() {
    let stage = Stage::new(json!({"restore": "if-lossless", "quiesce": {"roles": ["app"]}})).await;
    let ready = stage.fail_between().await;
    let snapshot = stage.rds.requests();
    let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
    let restore = stage.rds.requests().split_off(snapshot.len());
    stage.assert_restored(&ready, &restored).await;
    insta::with_settings!({
        filters => vec![
            (r"20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME"),
            (r"Port=\d+", "Port=PORT"),
            (r"sha256:[0-9a-f]{64}|[0-9a-f]{64}", "DIGEST"),
        ]
    }, {
        insta::assert_snapshot!("snapshot", told(&stage, &snapshot));
        insta::assert_snapshot!("restore", told(&stage, &restore));
    });
}
