//! Check: the target and the bundle, without a database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;

use belay_access::Access;
use belay_aws::double::{Aws, Service};
use belay_bundle::{Bundle, Limits};
use belay_model::{CheckReply, Code, Failure, FlywayKeys, ValidateRequest};
use belay_validate::{Answer, Validate};
use serde_json::{Value, json};

/// The bytes of a bundle of these files.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Bundle::from_folder(folder.path(), &Limits::default(), &FlywayKeys::default())
        .unwrap()
        .zip()
        .to_vec()
}

fn request(version: &str, more: &Value) -> Value {
    let mut request = json!({
        "step": "check",
        "run": {
            "execution": "arn:aws:states:eu-west-1:123456789012:execution:belay:shop-1",
            "startedAt": "2026-11-20T10:00:00Z",
            "target": "shop",
            "bundle": {"key": "bundles/shop/a.zip", "versionId": version},
            "action": "migrate",
        },
        "target": {
            "engine": "postgresql",
            "endpoint": {"host": "DB.example", "database": "shop"},
            "credentials": {"secret": "arn:secret"},
        },
    });
    for (pointer, value) in more.as_object().unwrap() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        request.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    request
}

async fn check(aws: &Aws, request: Value) -> Result<CheckReply, Failure> {
    let request: ValidateRequest = serde_json::from_value(request).unwrap();
    let validate = Validate {
        access: Access::new(&aws.config(), "bucket"),
    };
    match validate.handle(request).await? {
        Answer::Check(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_bundle_is_known_by_its_digest() {
    let aws = Aws::new();
    let zip = zip(&[
        ("V1__a.sql", "select 1;"),
        ("R__b.sql", "select 2;"),
        ("verify/c.sql", "select true;"),
    ]);
    let version = aws.put_object("bundles/shop/a.zip", &zip);
    let reply = check(&aws, request(&version, &json!({}))).await.unwrap();
    assert_eq!(reply.digest, Some(belay_model::BundleDigest::of(&zip)));
    assert_eq!(reply.migrations, 2);
}

/// A request's settings are first looked at here: until then the run is announced, whatever they are.
#[tokio::test]
async fn s14_settings_of_a_request_that_can_not_be_are_refused() {
    let aws = Aws::new();
    let version = aws.put_object("bundles/shop/a.zip", &zip(&[("V1__a.sql", "select 1;")]));
    let with = |flyway: Value| request(&version, &json!({"/run/flyway": flyway}));
    check(&aws, with(json!({"target": "2", "cherryPick": ["a"]})))
        .await
        .unwrap();
    for (flyway, told) in [
        (json!({"target": "newest"}), "flyway.target"),
        (json!({"group": "perhaps"}), "flyway.group"),
        (json!({"table": "other"}), "flyway.table"),
    ] {
        let failure = check(&aws, with(flyway)).await.unwrap_err();
        assert_eq!(failure.code, Code::RequestInvalid);
        assert!(failure.message.contains(told), "{failure}");
    }
}

#[tokio::test]
async fn k1_the_lock_is_of_the_instance_or_of_host_and_port() {
    let aws = Aws::new();
    let version = aws.put_object("bundles/shop/a.zip", &zip(&[("V1__a.sql", "select 1;")]));
    for (more, key) in [
        (json!({}), "db.example:5432"),
        (
            json!({"/target/endpoint/host": "db.EXAMPLE.", "/target/endpoint/port": 6432}),
            "db.example:6432",
        ),
        (
            json!({"/target/instance": "shop-db", "/instance": {"rds": {"instance": "shop-db"}}}),
            "shop-db",
        ),
    ] {
        let reply = check(&aws, request(&version, &more)).await.unwrap();
        assert_eq!(reply.lock_key, key);
    }
}

#[tokio::test]
async fn keep_has_no_bundle() {
    let keep = json!({"/run/action": "keep", "/run/bundle": null});
    let reply = check(&Aws::new(), request("", &keep)).await.unwrap();
    assert_eq!((reply.digest, reply.migrations), (None, 0));
}

#[tokio::test]
async fn what_is_wrong_with_a_bundle_is_told_whole() {
    let aws = Aws::new();
    let good = zip(&[("V1__a.sql", "select 1;")]);
    for (bytes, code, problem) in [
        (b"not a zip".to_vec(), Code::BundleRejected, Code::NotAZip),
        (
            good.split_at(good.len() / 2).0.to_vec(),
            Code::BundleRejected,
            Code::Truncated,
        ),
        (
            zip(&[("V1__a.sql", "select 1;"), ("verify/x.sql", "commit;")]),
            Code::BundleRejected,
            Code::AssertionControl,
        ),
    ] {
        let version = aws.put_object("bundles/shop/a.zip", &bytes);
        let failure = check(&aws, request(&version, &json!({}))).await.unwrap_err();
        assert_eq!(failure.code, code);
        assert_eq!(failure.problems.first().unwrap().code, problem, "{failure}");
        assert!(failure.next.is_some());
    }
}

#[tokio::test]
async fn a_bundle_that_cannot_be_had_is_told_as_such() {
    let aws = Aws::new();
    let failure = check(&aws, request("v9", &json!({}))).await.unwrap_err();
    assert_eq!(failure.code, Code::BundleGone);
    aws.refuse(Service::Storage);
    let failure = check(&aws, request("v9", &json!({}))).await.unwrap_err();
    assert_eq!(failure.code, Code::Storage);
}

#[tokio::test]
async fn a_target_that_cannot_be_one_is_refused_before_the_bundle_is_read() {
    for more in [
        json!({"/target/endpoint/host": ""}),
        json!({"/target/endpoint/host": "db example"}),
        json!({"/target/endpoint/port": 0}),
        json!({"/target/endpoint/database": ""}),
        json!({"/target/credentials/secret": ""}),
        json!({"/target/locks": {"lock_timeout_ms": 0}}),
        json!({"/target/locks": {"budget_s": 0}}),
        json!({"/target/notify": {"topic": "people"}}),
    ] {
        let failure = check(&Aws::new(), request("v9", &more)).await.unwrap_err();
        assert_eq!(failure.code, Code::TargetInvalid, "{more}");
    }
}

#[tokio::test]
async fn an_instance_that_cannot_be_one_is_refused_for_every_action() {
    for (instance, told) in [
        (
            json!({"rds": {"cluster": "shop-db"}}),
            "rds.cluster is not supported yet",
        ),
        (json!({"rds": {"instance": "other"}}), "rds.instance is other"),
        (
            json!({"rds": {"instance": "shop-db"}, "snapshot": "never", "restore": "always"}),
            "restore needs a snapshot",
        ),
        (
            json!({"rds": {"instance": "shop-db"}, "retention": {"count": 0}}),
            "retention.count is 0",
        ),
        (Value::Null, "the target names shop-db"),
    ] {
        for action in ["migrate", "restore", "reopen"] {
            let more = json!({"/target/instance": "shop-db", "/instance": instance, "/run/action": action});
            let failure = check(&Aws::new(), request("v9", &more)).await.unwrap_err();
            assert_eq!(failure.code, Code::InstanceInvalid, "{instance}");
            assert!(failure.message.contains(told) && failure.next.is_some(), "{failure}");
        }
    }
}

#[tokio::test]
async fn actions_without_a_bundle_look_at_the_settings_alone() {
    for action in ["keep", "restore", "reopen"] {
        let more = json!({"/target/instance": "shop-db", "/instance": {"rds": {"instance": "shop-db"}, "snapshot": "never"},
            "/run/action": action, "/run/bundle": null});
        let reply = check(&Aws::new(), request("", &more)).await.unwrap();
        assert_eq!((reply.digest, reply.lock_key.as_str()), (None, "shop-db"));
    }
}
