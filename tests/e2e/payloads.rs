//! The payloads of older wrappers of Flyway, by `aws lambda invoke`.

use belay_model::{Code, Failure};
use serde_json::{Value, json};

use crate::case::{Case, Ran};
use crate::policy::{Ask, Decision, functions};
use crate::world::{guarded, world};

const FILES: [(&str, &str); 3] = [
    ("V1__a.sql", "CREATE TABLE a (n int)"),
    ("deep/V2__b.sql", "INSERT INTO a VALUES (${n})"),
    ("R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT n FROM a"),
];

/// The samples, as they are but for names.
fn sample(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl Case {
    /// Puts files where the payload will look for them.
    async fn copy(&self, folder: &str, files: &[(&str, &str)]) {
        for (name, text) in files {
            let bucket = self.world.stack.bucket().unwrap();
            let body = text.as_bytes().to_vec().into();
            let put = self.aws.s3.put_object().bucket(bucket).key(format!("{folder}/{name}"));
            put.body(body).send().await.unwrap();
        }
    }

    /// Invokes intake, and gives what it answered and how the run ended.
    async fn asked(&self, payload: &Value) -> (Value, Ran) {
        let answer = self.invoke("IntakeFunction", payload).await;
        let execution = answer["execution"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let ran = self.finished(execution).await;
        assert_eq!(answer["target"], json!(self.name));
        assert_eq!(answer["run"], json!(ran.result.run));
        let result = self.objects(answer["result"].as_str().unwrap()).await;
        assert_eq!(result.len(), 1, "{answer}");
        (answer, ran)
    }

    /// How intake refuses a payload.
    async fn is_refused(&self, payload: &Value) -> Failure {
        let answer = self.invoke("IntakeFunction", payload).await;
        let failure: Failure = serde_json::from_str(answer["errorMessage"].as_str().unwrap()).unwrap();
        assert_eq!(
            answer["errorType"],
            failure.code.name(),
            "so that CI sees a function error"
        );
        failure
    }
}

#[tokio::test]
async fn flyway_lambdas_payload_migrates_and_tells() {
    let case = Case::new("payload-b1").await;
    case.copy("old/b1", &FILES).await;
    let mut payload = sample(include_str!("../../events/payload-flyway-lambda.json"));
    let endpoint = &case.target.endpoint;
    let url = format!(
        "jdbc:postgresql://{}:{}/{}",
        endpoint.host, endpoint.port, endpoint.database
    );
    payload["dbRequest"]["connectionString"] = json!(url);
    payload["s3Request"] = json!({"bucket": case.world.stack.bucket().unwrap(), "folder": "old/b1"});
    payload["flywayRequest"]["placeholders"] = json!({"n": "7"});
    payload["flywayRequest"]["schemas"] = Value::Null;

    let (answer, ran) = case.asked(&payload).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(case.history().await, ["V1__a.sql", "deep/V2__b.sql", "R__v.sql"]);
    assert_eq!(case.sql("TABLE v").await, ["7"]);
    assert!(answer["notes"].to_string().contains("connectRetries"), "{answer}");
    // Whoever invokes on each deploy gets a run each time.
    let (_, again) = case.asked(&payload).await;
    assert_eq!(again.result.status, "up-to-date", "{:#?}", again.result);
    // And the bundle that was put started none by itself.
    let results = case.objects("results/payload-b1/").await;
    assert_eq!(results.len(), 2, "{:?}", results.keys());

    payload["flywayRequest"]["flywayMethod"] = json!("INFO");
    let (_, info) = case.asked(&payload).await;
    assert_eq!(info.result.status, "done", "{:#?}", info.result);
    assert!(info.mail.text.contains("Success"), "{}", info.mail.text);

    payload["dbRequest"]["password"] = json!("hunter2");
    let failure = case.is_refused(&payload).await;
    assert_eq!(failure.code, Code::PasswordInRequest);
    assert!(!failure.to_string().contains("hunter2"), "{failure}");
}

#[tokio::test]
async fn flyway_awslambdas_payload_migrates_with_its_flyway_conf() {
    let case = Case::new("payload-b2").await;
    case.copy("old/b2", &FILES).await;
    case.copy(
        "old/b2",
        &[("flyway.conf", "flyway.table=theirs\nflyway.placeholders.n=8\n")],
    )
    .await;
    let mut payload = sample(include_str!("../../events/payload-flyway-awslambda.json"));
    payload["bucket_name"] = json!(case.world.stack.bucket().unwrap());
    payload["prefix"] = json!("old/b2");
    let failure = case.is_refused(&payload).await;
    assert!(
        failure.to_string().contains("payload-b2"),
        "many targets, and none is named: {failure}"
    );
    payload["target"] = json!("payload-b2");
    let (_, ran) = case.asked(&payload).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert_eq!(case.value("SELECT count(*) FROM theirs").await, "3");
    assert_eq!(case.sql("TABLE v").await, ["8"]);
}

#[tokio::test]
async fn a_bucket_and_a_secret_migrate() {
    let case = Case::new("payload-b3").await;
    // Everything of the bucket would be all tests' files, so this one has a folder.
    case.copy("old/b3", &[("V1__a.sql", "CREATE TABLE a (n int)")]).await;
    let mut payload = sample(include_str!("../../events/payload-bucket-and-secret.json"));
    payload["bucket_name"] = json!(world().await.stack.bucket().unwrap());
    payload["prefix"] = json!("old/b3/");
    payload["secret_name"] = json!(case.target.credentials.secret);
    let (_, ran) = case.asked(&payload).await;
    assert_eq!(ran.result.status, "migrated", "{:#?}", ran.result);
    assert!(case.has("a").await);
}

/// The emulator takes the call that reads targets to be about everything, and so refuses what AWS allows: held against
/// the policy itself, and not with roles enforced.
#[tokio::test]
async fn intake_reads_what_people_put_and_writes_only_packed_bundles() {
    let world = guarded().await;
    let functions = functions(&world.stack.aws()).await;
    let intake = functions.iter().find(|function| function.name == "Intake").unwrap();
    let bucket = format!("arn:aws:s3:::{}", world.stack.bucket().unwrap());
    for (action, key, wanted) in [
        ("s3:GetObject", "/sql/V1__a.sql", Decision::Allowed),
        ("s3:GetObject", "/bundles/shop/release.zip", Decision::Denied),
        ("s3:GetObject", "/results/shop/1.json", Decision::Denied),
        ("s3:GetObject", "/runs/shop/x/plan.json", Decision::Denied),
        ("s3:GetObjectVersion", "/sql/V1__a.sql", Decision::NotAllowed),
        ("s3:ListBucket", "", Decision::Allowed),
        ("s3:PutObject", "/bundles/shop/.payload/x.zip", Decision::Allowed),
        ("s3:PutObject", "/bundles/shop/x.zip", Decision::NotAllowed),
        ("s3:PutObject", "/results/shop/1.json", Decision::NotAllowed),
        ("s3:DeleteObject", "/sql/V1__a.sql", Decision::NotAllowed),
    ] {
        let ask = Ask::of(action, format!("{bucket}{key}"));
        assert_eq!(intake.role.decides(&ask), wanted, "{ask:#?}");
    }
    let under = |name| {
        format!(
            "arn:aws:ssm:us-east-1:000000000000:parameter/{}/{name}",
            world.stack.name()
        )
    };
    for (name, wanted) in [
        ("targets", Decision::Allowed),
        ("instances", Decision::NotAllowed),
        ("", Decision::NotAllowed),
    ] {
        let ask = Ask::of("ssm:GetParametersByPath", under(name));
        assert_eq!(intake.role.decides(&ask), wanted, "{ask:#?}");
    }
    let mut allowed = intake.role.allowed("ssm");
    allowed.extend(intake.role.allowed("secretsmanager"));
    allowed.extend(intake.role.allowed("states"));
    allowed.sort_unstable();
    assert_eq!(allowed, ["ssm:GetParametersByPath", "states:StartExecution"]);
}
