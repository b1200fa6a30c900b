//! Events of uploads.

#![expect(clippy::unwrap_used, reason = "tests")]

use belay_aws::double::{Aws, Service};
use belay_aws::executions::Executions;
use belay_aws::objects::Objects;
use belay_aws::targets::Targets;
use belay_intake::{Event, Intake, Taken};
use belay_model::Code;
use serde_json::{Value, json};

const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay";
const BUCKET: &str = "belay-bucket-1example";

fn intake(aws: &Aws) -> Intake {
    let config = aws.config();
    Intake {
        executions: Executions::new(aws_sdk_sfn::Client::new(&config)),
        machine: MACHINE.to_owned(),
        bucket: BUCKET.to_owned(),
        objects: Objects::new(belay_aws::config::s3(&config), BUCKET),
        targets: Targets::new(aws_sdk_ssm::Client::new(&config), "belay"),
    }
}

/// S3's event of the project's samples, with another object.
fn event(object: &Value) -> Event {
    let sample = include_str!("../../../events/object-created.json");
    let mut event: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in object.as_object().unwrap() {
        event["detail"]["object"][name] = value.clone();
    }
    serde_json::from_value(event).unwrap()
}

#[tokio::test]
async fn an_upload_starts_one_run_however_often_its_event_comes() {
    let aws = Aws::new();
    let taken = intake(&aws).handle(event(&json!({})), "id").await.unwrap();
    let Taken::Started { name } = taken else {
        panic!("{taken:?}")
    };
    assert_eq!(
        intake(&aws).handle(event(&json!({})), "id").await.unwrap(),
        Taken::Before { name: name.clone() }
    );
    let started = aws.started();
    assert_eq!(started.len(), 1);
    assert_eq!((started[0].machine.as_str(), &started[0].name), (MACHINE, &name));
    assert_eq!(
        started[0].input,
        json!({"target": "shop", "bundle": {
            "key": "bundles/shop/release 2026-11-20+1.zip",
            "versionId": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "00617F08299329D189",
        }})
    );
}

#[tokio::test]
async fn p3_an_event_that_is_nonsense_starts_a_run_too() {
    for (object, target) in [
        (json!({"version-id": null}), "shop"),
        (json!({"version-id": "null"}), "shop"),
        (json!({"version-id": null, "sequencer": null}), "shop"),
        (json!({"key": "bundles/shop/notes.txt"}), "shop"),
        (json!({"key": "bundles/No Such Target/a.zip"}), "No Such Target"),
        (json!({"key": "bundles/a.zip"}), ""),
        (json!({"key": "elsewhere/a.zip"}), ""),
    ] {
        let aws = Aws::new();
        let taken = intake(&aws).handle(event(&object), "id").await.unwrap();
        assert!(matches!(taken, Taken::Started { .. }), "{object}");
        let input = aws.started().remove(0).input;
        assert_eq!(input["target"], target, "{object}");
        let version = input["bundle"].get("versionId");
        assert_eq!(version.is_some(), object.get("version-id").is_none(), "{object}");
    }
}

#[tokio::test]
async fn p3_events_without_a_version_are_told_apart_by_their_sequencers() {
    let aws = Aws::new();
    for sequencer in ["0A", "0B", "0A"] {
        let object = json!({"version-id": null, "sequencer": sequencer});
        intake(&aws).handle(event(&object), "id").await.unwrap();
    }
    assert_eq!(aws.started().len(), 2);
}

#[tokio::test]
async fn a_folder_that_a_console_made_is_no_upload() {
    let aws = Aws::new();
    let folder = event(&json!({"key": "bundles/shop/", "size": 0}));
    assert_eq!(intake(&aws).handle(folder, "id").await.unwrap(), Taken::Folder);
    assert!(aws.started().is_empty());
}

#[tokio::test]
async fn a_bundle_that_a_payload_was_packed_into_starts_nothing_by_itself() {
    let aws = Aws::new();
    let packed = event(&json!({"key": "bundles/shop/.payload/ba7816bf.zip"}));
    assert_eq!(intake(&aws).handle(packed, "id").await.unwrap(), Taken::Packed);
    assert!(aws.started().is_empty());
}

#[tokio::test]
async fn what_cannot_be_started_is_thrown_so_that_lambda_tries_again() {
    let aws = Aws::new();
    aws.refuse(Service::Workflow);
    let failure = intake(&aws).handle(event(&json!({})), "id").await.unwrap_err();
    assert_eq!(failure.code, Code::Workflow);

    let mut foreign = event(&json!({}));
    if let Event::Uploaded(event) = &mut foreign {
        event.detail.bucket.name = "another".to_owned();
    }
    assert_eq!(intake(&aws).handle(foreign, "id").await.unwrap_err().code, Code::Bug);
}
