//! Payloads of the wrappers of Flyway that Belay replaces.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use belay_aws::double::{Aws, Service};
use belay_aws::executions::Executions;
use belay_aws::objects::Objects;
use belay_aws::targets::Targets;
use belay_bundle::{Bundle, Limits};
use belay_intake::{Asked, Event, Intake, Taken};
use belay_model::{Code, Failure, FlywayKeys};
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

/// Three targets, and files of two of them.
fn aws() -> Aws {
    let aws = Aws::new();
    for (name, host, secret) in [
        ("shop", "DB.example.", "shop-migrations"),
        ("stage", "stage.example", "stage-migrations"),
        ("crm", "db.example:5433", "crm"),
    ] {
        let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
        let target = json!({
            "engine": "postgresql",
            "endpoint": {"host": host, "port": port.parse::<u16>().unwrap(), "database": "shop"},
            "credentials": {"secret": format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{secret}-a1B2c3")},
        });
        aws.put_parameter(&format!("/belay/targets/{name}"), &target.to_string());
    }
    for (key, text) in [
        ("V1__flat.sql", "SELECT 1;"),
        ("bundles/shop/old.zip", "no zip"),
        ("migrations/shop/", ""),
        ("migrations/shop/.git/V9__hidden.sql", "SELECT 9;"),
        ("migrations/shop/R__views.sql", "SELECT 3;"),
        ("migrations/shop/V1__orders.sql", "SELECT 1;"),
        ("migrations/shop/deep/V2__refunds.sql", "SELECT 2;"),
        (
            "migrations/shop/flyway.conf",
            "flyway.table=history\nflyway.locations=filesystem:/flyway/sql",
        ),
        ("migrations/shopping/V1__other.sql", "SELECT 1;"),
        ("results/shop/1.json", "{}"),
    ] {
        aws.put_object(key, text.as_bytes());
    }
    aws
}

fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/payload-{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

async fn ask(aws: &Aws, payload: Value, id: &str) -> Result<Asked, Failure> {
    let event: Event = serde_json::from_value(payload).unwrap();
    match intake(aws).handle(event, id).await? {
        Taken::Asked(asked) => Ok(*asked),
        other => panic!("{other:?}"),
    }
}

fn bundle(aws: &Aws, asked: &Asked) -> Bundle {
    let bytes = aws.object(&asked.bundle.key).unwrap();
    Bundle::from_zip(bytes, &Limits::default(), &FlywayKeys::default()).unwrap()
}

fn scripts(bundle: &Bundle) -> Vec<&str> {
    bundle
        .migrations()
        .iter()
        .map(|migration| migration.script.as_str())
        .collect()
}

#[tokio::test]
async fn flyway_lambdas_payload_is_a_run_of_a_bundle() {
    let aws = aws();
    let asked = ask(&aws, sample("flyway-lambda"), "one").await.unwrap();
    let bundle = bundle(&aws, &asked);
    assert_eq!(
        scripts(&bundle),
        ["V1__orders.sql", "deep/V2__refunds.sql", "R__views.sql"]
    );
    let settings = bundle.settings();
    assert!(settings.out_of_order);
    assert_eq!(settings.schemas, ["app"]);
    assert_eq!(settings.placeholders["owner"], "app");
    let patterns: Vec<_> = settings
        .ignore_migration_patterns
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(patterns.contains(&"*:missing".to_owned()), "{patterns:?}");

    let started = aws.started();
    assert_eq!(started.len(), 1);
    let version = asked.bundle.version_id.as_deref().unwrap();
    assert_eq!(
        started[0].input,
        json!({"target": "shop", "bundle": {"key": asked.bundle.key, "versionId": version}})
    );
    assert_eq!(
        asked.bundle.key,
        format!("bundles/shop/.payload/{}.zip", bundle.digest())
    );
    assert_eq!(asked.result, format!("results/shop/{version}.json"));
    assert!(asked.execution.ends_with(&started[0].name), "{asked:?}");
    for told in ["connectionString", "username", "connectRetries"] {
        assert!(
            asked.notes.iter().any(|note| note.contains(told)),
            "{told}: {:?}",
            asked.notes
        );
    }
}

#[tokio::test]
async fn flyway_awslambdas_payload_brings_its_flyway_conf() {
    for conf in [json!("flyway.conf"), Value::Null] {
        let aws = aws();
        let mut payload = sample("flyway-awslambda");
        payload["flyway_conf"] = conf;
        payload["target"] = json!("stage");
        let asked = ask(&aws, payload, "one").await.unwrap();
        let bundle = bundle(&aws, &asked);
        assert_eq!(asked.target, "stage");
        assert_eq!(bundle.settings().table, "history");
        assert_eq!(scripts(&bundle).len(), 3);
    }
}

#[tokio::test]
async fn a_bucket_and_a_secret_are_enough() {
    let aws = aws();
    let asked = ask(&aws, sample("bucket-and-secret"), "one").await;
    // The whole bucket but for Belay's own folders: two files have one version here.
    let failure = asked.unwrap_err();
    assert_eq!(failure.code, Code::BundleRejected, "{failure}");
    let told = failure.to_string();
    assert!(told.contains("V1__flat.sql") && !told.contains("old.zip"), "{told}");

    let small = Aws::new();
    let target = json!({
        "engine": "postgresql", "endpoint": {"host": "h", "database": "d"},
        "credentials": {"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-migrations-a1B2c3"},
    });
    for name in ["a", "b"] {
        small.put_parameter(
            &format!("/belay/targets/{name}"),
            &target.to_string().replace("shop-", &format!("{name}-")),
        );
    }
    small.put_parameter("/belay/targets/broken", "{");
    small.put_parameter("/belay/targets/shop", &target.to_string());
    small.put_object("V1__flat.sql", b"SELECT 1;");
    small.put_object("runs/shop/x/plan.sql", b"SELECT 1;");
    let asked = ask(&small, sample("bucket-and-secret"), "one").await.unwrap();
    assert_eq!(asked.target, "shop");
    assert_eq!(scripts(&bundle(&small, &asked)), ["V1__flat.sql"]);
}

#[tokio::test]
async fn each_method_is_its_action() {
    for (method, action) in [
        ("MIGRATE", Value::Null),
        ("migrate", Value::Null),
        ("INFO", json!("info")),
        ("VALIDATE", json!("validate")),
        ("BASELINE", json!("baseline")),
        ("REPAIR", json!("repair")),
        ("UNDO", json!("undo")),
    ] {
        let aws = aws();
        let mut payload = sample("flyway-lambda");
        payload["flywayRequest"]["flywayMethod"] = json!(method);
        let asked = ask(&aws, payload, "one").await.unwrap();
        assert_eq!(aws.started()[0].input["action"], action, "{method}");
        // What is no migration has its result under the run.
        let run = format!("results/shop/{}.json", asked.run);
        assert_eq!(asked.result == run, !action.is_null(), "{method}: {}", asked.result);
    }
}

#[tokio::test]
async fn each_call_is_a_run_but_not_what_lambda_tries_again() {
    let aws = aws();
    let mut executions = Vec::new();
    for id in ["one", "one", "two"] {
        executions.push(ask(&aws, sample("flyway-lambda"), id).await.unwrap().execution);
    }
    assert_eq!(aws.started().len(), 2);
    assert_eq!(executions[0], executions[1]);
    assert_ne!(executions[0], executions[2]);
}

/// Changes the sample of flyway-lambda, and tells how it is refused.
async fn refused(change: impl FnOnce(&mut Value)) -> Failure {
    let aws = aws();
    let before = aws.keys();
    let mut payload = sample("flyway-lambda");
    change(&mut payload);
    let failure = ask(&aws, payload, "one").await.unwrap_err();
    assert!(aws.started().is_empty() && aws.keys() == before, "{failure}");
    assert!(failure.next.is_some(), "{failure}");
    failure
}

#[tokio::test]
async fn what_can_not_be_is_refused_with_the_way_out() {
    type Change = fn(&mut Value);
    let cases: [(Change, Code, &str); 15] = [
        (|p| *p = json!({}), Code::RequestInvalid, "bundles/<target>/"),
        (|p| *p = json!("x"), Code::RequestInvalid, "JSON object"),
        (
            |p| *p = json!({"Records": []}),
            Code::RequestInvalid,
            "none that Belay knows",
        ),
        (|p| p["x"] = json!(1), Code::RequestInvalid, "\"x\""),
        (
            |p| p["flywayRequest"]["flywayMethod"] = json!("CLEAN"),
            Code::RequestInvalid,
            "CLEAN",
        ),
        (
            |p| p["flywayRequest"]["flywayMethod"] = json!("DROP"),
            Code::RequestInvalid,
            "UNDO",
        ),
        (
            |p| p["flywayRequest"]["outoforder"] = json!(true),
            Code::RequestInvalid,
            "outOfOrder",
        ),
        (
            |p| p["gitRequest"] = json!({"gitRepository": "r"}),
            Code::RequestInvalid,
            "scripts/bundle",
        ),
        (|p| p["s3Request"] = Value::Null, Code::RequestInvalid, "s3Request"),
        (
            |p| p["s3Request"]["bucket"] = json!("another"),
            Code::RequestInvalid,
            "aws s3 cp --recursive s3://another/migrations/shop/ s3://belay-bucket-1example/migrations/shop/",
        ),
        (
            |p| p["s3Request"]["folder"] = json!("runs/shop"),
            Code::RequestInvalid,
            "Belay's own",
        ),
        (
            |p| p["s3Request"]["folder"] = json!("nothing"),
            Code::RequestInvalid,
            "aws s3 cp --recursive",
        ),
        (
            |p| p["flywayRequest"]["configFile"] = json!("file:///flyway.conf"),
            Code::RequestInvalid,
            "aws s3 cp",
        ),
        (
            |p| p["flywayRequest"]["configFile"] = json!("s3://belay-bucket-1example/gone.conf"),
            Code::RequestInvalid,
            "gone.conf",
        ),
        (
            |p| p["s3Request"]["folder"] = json!("results"),
            Code::RequestInvalid,
            "another prefix",
        ),
    ];
    for (change, code, told) in cases {
        let failure = refused(change).await;
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.to_string().contains(told), "{told}: {failure}");
    }
}

#[tokio::test]
async fn a_password_is_refused_and_not_told() {
    type Change = fn(&mut Value);
    let cases: [Change; 3] = [
        |p| p["dbRequest"]["password"] = json!("hunter2"),
        |p| p["dbRequest"]["connectionString"] = json!("jdbc:postgresql://db.example/shop?user=u&password=hunter2"),
        |p| p["gitRequest"] = json!({"username": "u", "password": "hunter2"}),
    ];
    for change in cases {
        let failure = refused(change).await;
        assert_eq!(failure.code, Code::PasswordInRequest);
        let told = serde_json::to_string(&failure).unwrap();
        assert!(
            !told.contains("hunter2") && told.contains("credentials.secret"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_target_that_is_not_clear_is_refused_with_those_that_there_are() {
    type Change = fn(&mut Value);
    let cases: [(Change, Code); 4] = [
        (|p| p["dbRequest"] = Value::Null, Code::RequestInvalid),
        (
            |p| p["dbRequest"]["connectionString"] = json!("jdbc:postgresql://db.example:5432/another"),
            Code::TargetUnknown,
        ),
        (|p| p["target"] = json!("another"), Code::TargetUnknown),
        (
            |p| *p = json!({"bucket_name": BUCKET, "prefix": "migrations/shop", "secret_name": "shop"}),
            Code::TargetUnknown,
        ),
    ];
    for (change, code) in cases {
        let failure = refused(change).await;
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.to_string().contains("crm, shop, stage"), "{failure}");
    }
    let failure = refused(|p| p["dbRequest"]["connectionString"] = json!("jdbc:mysql://db.example/shop")).await;
    assert!(failure.to_string().contains("jdbc:postgresql://"), "{failure}");
}

#[tokio::test]
async fn a_target_is_found_by_its_address_whatever_is_around_it() {
    for (url, target) in [
        ("jdbc:postgresql://db.example:5432/shop?sslmode=require", "shop"),
        ("jdbc:postgresql://db.EXAMPLE/shop", "shop"),
        ("jdbc:postgresql://db.example:5433/shop", "crm"),
        ("jdbc:postgresql://stage.example/shop", "stage"),
    ] {
        let aws = aws();
        let mut payload = sample("flyway-lambda");
        payload["dbRequest"]["connectionString"] = json!(url);
        assert_eq!(ask(&aws, payload, "one").await.unwrap().target, target, "{url}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_infrastructure() {
    for service in [Service::Storage, Service::Parameters, Service::Workflow] {
        let aws = aws();
        aws.refuse(service);
        let failure = ask(&aws, sample("flyway-lambda"), "one").await.unwrap_err();
        assert!(failure.code.is_infrastructure(), "{failure}");
    }
}
