//! What is refused for its form, faults on demand, and what is noted of each request.

use std::io::{Read, Write};
use std::net::TcpStream;

use aws_sdk_rds::config::retry::RetryConfig;
use belay_local::{Fault, Rds, RdsSettings};

use crate::scene::{SHOP, Scene, client, code, refused, until};

/// Sends a form as it is; the status and the content.
fn post(rds: &Rds, form: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(rds.endpoint_url().trim_start_matches("http://")).unwrap();
    let length = form.len();
    // In two parts, as it may come.
    write!(stream, "POST / HTTP/1.1\r\nhost: rds\r\nconte").unwrap();
    stream.flush().unwrap();
    write!(stream, "nt-length: {length}\r\nconnection: close\r\n\r\n{form}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_of_rds_does_not_allow_is_refused() {
    let rds = Rds::start(RdsSettings::default()).await.unwrap();
    for (form, code) in [
        ("", "MissingAction"),
        ("Action=DropEverything", "InvalidAction"),
        // RDS has it, and the double has not: no database is ever deleted.
        ("Action=DeleteDBInstance&DBInstanceIdentifier=x", "InvalidAction"),
        ("Action=DescribeDBInstances&Name=x", "InvalidQueryParameter"),
        (
            "Action=DescribeDBInstances&dbInstanceIdentifier=x",
            "InvalidQueryParameter",
        ),
        (
            "Action=DescribeDBInstances&MaxRecords=20&MaxRecords=30",
            "InvalidQueryParameter",
        ),
        ("Action=DescribeDBInstances&MaxRecords=many", "InvalidParameterValue"),
        (
            "Action=DescribeDBInstances&DBInstanceIdentifier.member.1=x",
            "InvalidParameterValue",
        ),
        ("Action=DescribeDBInstances&Filters=x", "InvalidParameterValue"),
        (
            "Action=DescribeDBInstances&Filters.member.1.Name=x",
            "InvalidParameterValue",
        ),
        ("Action=DescribeDBInstances&Filters.Filter.1.Name=x", "MissingParameter"),
        (
            "Action=DescribeDBInstances&Filters.Filter.2.Name=x",
            "InvalidParameterValue",
        ),
        ("Action=CreateDBSnapshot&DBInstanceIdentifier=x", "MissingParameter"),
        (
            "Action=ModifyDBInstance&DBInstanceIdentifier=x&MultiAZ=yes",
            "InvalidParameterValue",
        ),
        (
            "Action=ModifyDBInstance&DBInstanceIdentifier=x&DatabaseInsightsMode=best",
            "InvalidParameterValue",
        ),
        (
            "Action=ModifyDBInstance&DBInstanceIdentifier=x&VpcSecurityGroupIds.member.1=y",
            "InvalidParameterValue",
        ),
        // The restore call does not take it.
        (
            "Action=RestoreDBInstanceFromDBSnapshot&DBInstanceIdentifier=x&MonitoringInterval=60",
            "InvalidQueryParameter",
        ),
        ("Action=DescribeDBProxies&DBProxyName=-", "InvalidParameterValue"),
        ("Action=DescribeDBProxies&MaxRecords=1", "InvalidParameterValue"),
        (
            "Action=DescribeDBInstances&DBInstanceIdentifier=x",
            "DBInstanceNotFound",
        ),
    ] {
        let (status, body) = post(&rds, &format!("Version=2014-10-31&{form}"));
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{form}: {body}");
        assert_eq!(status, if code == "DBInstanceNotFound" { 404 } else { 400 }, "{form}");
    }
    let (status, body) = post(&rds, "Action=DescribeDBInstances&Version=2012-01-01");
    assert!(status == 400 && body.contains("InvalidParameterValue"), "{body}");
    let (status, body) = post(&rds, "Action=DescribeDBInstances&Version=2014-10-31&Filters=");
    assert!(status == 200 && body.contains("<DBInstances></DBInstances>"), "{body}");
}

#[tokio::test]
async fn every_documented_error_comes_as_the_sdk_knows_it() {
    let rds = Rds::start(RdsSettings::default()).await.unwrap();
    let client = client(&rds);
    let codes = rds.errors_of("ModifyDBInstance").unwrap();
    assert!(
        codes.len() > 15 && codes.contains("InvalidDBInstanceState"),
        "{codes:?}"
    );
    for code in codes.into_iter().chain(["Throttling", "InternalFailure"]) {
        rds.fail(Fault::error("ModifyDBInstance", code));
        let error = client
            .modify_db_instance()
            .db_instance_identifier("x")
            .send()
            .await
            .unwrap_err();
        assert_eq!(crate::scene::code(&error), code);
        let known = !format!("{:?}", error.as_service_error().unwrap()).starts_with("Unhandled");
        assert_eq!(known, !["Throttling", "InternalFailure"].contains(&code), "{error:?}");
    }
    assert!(rds.errors_of("DropEverything").is_err());
}

#[tokio::test]
async fn a_fault_comes_before_the_effect_or_after_it() {
    let scene = Scene::at_once().await;
    let create = |name: &str| {
        let create = scene.client.create_db_snapshot().db_instance_identifier(SHOP);
        create.db_snapshot_identifier(name).send()
    };
    let action = "CreateDBSnapshot";
    for (name, fault, answer, effect) in [
        ("a", Fault::error(action, "InternalFailure"), "InternalFailure", false),
        (
            "b",
            Fault::error(action, "InternalFailure").after_effect(),
            "InternalFailure",
            true,
        ),
        ("c", Fault::cut(action), "no answer", false),
        ("d", Fault::cut(action).after_effect(), "no answer", true),
    ] {
        scene.rds.fail(fault);
        assert_eq!(refused(create(name).await), answer);
        let there = scene
            .rds
            .snapshots()
            .await
            .iter()
            .any(|found| found["DBSnapshotIdentifier"] == *name);
        assert_eq!(there, effect, "{name}");
    }
    // One that is refused anyway: that is lost as well.
    scene.rds.fail(Fault::error(action, "Throttling").after_effect());
    assert_eq!(refused(create("b").await), "Throttling");
    assert!(create("e").await.is_ok(), "each fault comes once");

    // One renaming among others, later, and often.
    let rename = |to: &'static str| {
        let modify = scene.client.modify_db_instance().db_instance_identifier(SHOP);
        let modify = modify.new_db_instance_identifier(to);
        async move { modify.send().await.map(drop).map_err(|error| code(&error)) }
    };
    let fault = Fault::error("ModifyDBInstance", "Throttling").with("NewDBInstanceIdentifier", "x");
    scene.rds.fail(fault.skip(1).times(2));
    let throttled = || Err("Throttling".to_owned());
    for (to, answer) in [
        ("x", Ok(())),
        ("y", Ok(())),
        ("x", throttled()),
        ("x", throttled()),
        ("x", Ok(())),
    ] {
        assert_eq!(rename(to).await, answer);
    }
    scene.rds.fail(Fault::cut("ModifyDBInstance").times(9));
    scene.rds.forget_faults();
    assert_eq!(rename("x").await, Ok(()));
}

#[tokio::test]
async fn a_request_can_be_held_and_goes_on_without_who_asked() {
    for after_effect in [false, true] {
        let scene = Scene::at_once().await;
        let (fault, hold) = Fault::hold("CreateDBSnapshot");
        scene.rds.fail(if after_effect { fault.after_effect() } else { fault });
        let create = scene.client.create_db_snapshot().db_instance_identifier(SHOP);
        let asking = tokio::spawn(create.db_snapshot_identifier("one").send());
        hold.reached().await;
        // Others go on meanwhile.
        assert_eq!(scene.status(SHOP).await, "available");
        assert_eq!(scene.rds.snapshots().await.len(), usize::from(after_effect));
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        drop(hold);
        until(|| async { scene.rds.snapshots().await.len() == 1 }).await;
    }
}

#[tokio::test]
async fn a_client_that_tries_again_gets_through() {
    let scene = Scene::at_once().await;
    let config = scene.client.config().to_builder().retry_config(RetryConfig::standard());
    let client = aws_sdk_rds::Client::from_conf(config.build());
    scene.rds.fail(Fault::error("DescribeDBInstances", "Throttling"));
    scene.rds.fail(Fault::cut("DescribeDBInstances").skip(1));
    client.describe_db_instances().send().await.unwrap();
    let answers: Vec<_> = scene
        .rds
        .requests()
        .into_iter()
        .map(|request| request.refused)
        .collect();
    let refused = |reason: &str| Some(reason.to_owned());
    assert_eq!(answers, [refused("Throttling"), refused("connection cut"), None]);
}

#[tokio::test]
async fn requests_are_noted_as_they_came() {
    let scene = Scene::at_once().await;
    scene.snapshot("one").await;
    scene.status("nobody").await;
    let [create, describe] = <[_; 2]>::try_from(scene.rds.requests()).unwrap();
    let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let parameters = [
        parameter("DBSnapshotIdentifier", "one"),
        parameter("DBInstanceIdentifier", SHOP),
    ];
    assert_eq!(
        (create.action.as_str(), create.parameters),
        ("CreateDBSnapshot", parameters.to_vec())
    );
    assert_eq!((create.access_key.as_deref(), create.refused), (Some("AKIDTEST"), None));
    assert_eq!(describe.refused.as_deref(), Some("DBInstanceNotFound"));
    scene.rds.forget_requests();
    assert_eq!(scene.rds.requests(), []);
}
