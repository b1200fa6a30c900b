//! Bundles, papers and results against a bucket with versions and conditional writes.

#![expect(clippy::unwrap_used, reason = "tests")]

use belay_aws::bundles::Bundles;
use belay_aws::double::{Aws, Service};
use belay_aws::papers::Papers;
use belay_aws::results::{Results, Stored};
use belay_aws::{AwsError, config};
use belay_model::{Action, BundleRef, Code, FileDigest, PaperRef, RunHeader, RunResult, RunSettings};

fn header(execution: &str, minute: u8) -> RunHeader {
    RunHeader {
        execution: format!("arn:aws:states:eu-west-1:123456789012:execution:belay:{execution}"),
        started_at: format!("2026-11-20T10:{minute:02}:00Z").parse().unwrap(),
        target: "shop".to_owned(),
        bundle: Some(bundle("v1")),
        action: Action::Migrate,
        flyway: RunSettings::default(),
    }
}

fn bundle(version: &str) -> BundleRef {
    BundleRef {
        key: "bundles/shop/a b+ü.zip".to_owned(),
        version_id: Some(version.to_owned()),
        sequencer: None,
    }
}

fn result(run: &RunHeader, status: &str) -> RunResult {
    RunResult::of(run, status)
}

#[tokio::test]
async fn the_pinned_version_is_read_even_after_it_was_overwritten() {
    let aws = Aws::new();
    let bundles = Bundles::new(config::s3(&aws.config()), "bucket");
    let first = aws.put_object("bundles/shop/a b+ü.zip", b"first");
    let second = aws.put_object("bundles/shop/a b+ü.zip", b"second");
    assert_eq!(bundles.get(&bundle(&first), 10).await.unwrap(), b"first");
    assert_eq!(bundles.get(&bundle(&second), 10).await.unwrap(), b"second");
}

#[tokio::test]
async fn a_bundle_that_cannot_be_had_is_told_by_its_code() {
    let aws = Aws::new();
    let bundles = Bundles::new(config::s3(&aws.config()), "bucket");
    let code = async |bundle: BundleRef, limit| bundles.get(&bundle, limit).await.unwrap_err().failure().code;
    assert_eq!(code(bundle("v1"), 10).await, Code::BundleGone, "no such key");
    let there = aws.put_object("bundles/shop/a b+ü.zip", b"12345");
    assert_eq!(code(bundle("v9"), 10).await, Code::BundleGone, "no such version");
    let unversioned = BundleRef {
        version_id: None,
        ..bundle("")
    };
    assert_eq!(code(unversioned, 10).await, Code::BundleGone, "no version");
    assert_eq!(code(bundle(&there), 4).await, Code::BundleTooLarge);
    aws.refuse(Service::Storage);
    assert_eq!(code(bundle(&there), 5).await, Code::Storage);
}

#[tokio::test]
async fn a_paper_is_read_as_it_was_written_or_not_at_all() {
    let aws = Aws::new();
    let papers = Papers::new(config::s3(&aws.config()), "bucket");
    let run = header("one", 0);
    let paper = papers.put_json(&run, "plan.json", &vec![1, 2]).await.unwrap();
    assert_eq!(paper.key, format!("runs/shop/{}/plan.json", run.run()));
    aws.put_object(&paper.key, b"[3]");
    assert_eq!(papers.get_json::<Vec<u8>>(&paper).await.unwrap(), [1, 2]);

    let forged = PaperRef {
        sha256: FileDigest::of(b"[3]"),
        ..paper.clone()
    };
    assert_eq!(
        papers.get(&forged).await.unwrap_err().failure().code,
        Code::PlanMismatch
    );
    let gone = PaperRef {
        version_id: "v9".to_owned(),
        ..paper
    };
    assert!(matches!(papers.get(&gone).await, Err(AwsError::Storage { .. })));
}

#[tokio::test]
async fn a_paper_is_found_by_its_name() {
    let aws = Aws::new();
    let papers = Papers::new(config::s3(&aws.config()), "bucket");
    let run = header("one", 0);
    assert_eq!(papers.find("shop", &run.run(), "note").await.unwrap(), None);
    papers.put(&run, "note", "text/plain", b"1".to_vec()).await.unwrap();
    papers.put(&run, "note", "text/plain", b"2".to_vec()).await.unwrap();
    assert_eq!(papers.find("shop", &run.run(), "note").await.unwrap().unwrap(), b"2");
    aws.refuse(Service::Storage);
    assert!(papers.find("shop", &run.run(), "note").await.is_err());
}

#[tokio::test]
async fn the_latest_run_of_a_version_has_its_result() {
    let aws = Aws::new();
    let results = Results::new(config::s3(&aws.config()), "bucket");
    let (old, new) = (header("old", 1), header("new", 2));
    let status = || aws.json("results/shop/v1.json").unwrap()["status"].clone();

    assert_eq!(
        results.write(&old, &result(&old, "running")).await.unwrap(),
        Stored::Written(None)
    );
    let there = result(&old, "running");
    assert_eq!(
        results.write(&new, &result(&new, "waiting")).await.unwrap(),
        Stored::Written(Some(Box::new(there)))
    );
    assert_eq!(
        results.write(&old, &result(&old, "migrated")).await.unwrap(),
        Stored::LaterRun
    );
    assert_eq!(status(), "waiting");
    results.write(&new, &result(&new, "up-to-date")).await.unwrap();
    assert_eq!(status(), "up-to-date");
}

#[tokio::test]
async fn a_result_that_is_written_in_between_is_not_lost() {
    let run = header("one", 5);
    for (other, stays) in [(header("earlier", 1), false), (header("later", 9), true)] {
        for there in [false, true] {
            let aws = Aws::new();
            let results = Results::new(config::s3(&aws.config()), "bucket");
            if there {
                results.write(&run, &result(&run, "waiting")).await.unwrap();
            }
            let between = serde_json::to_vec(&result(&other, "running")).unwrap();
            aws.put_in_between("results/shop/v1.json", &between);
            let stored = results.write(&run, &result(&run, "running")).await.unwrap();
            assert_eq!(stored == Stored::LaterRun, stays, "{there}");
            let last = results.read(&run).await.unwrap().unwrap();
            assert_eq!(last.run == other.run(), stays, "{there}");
        }
    }
}

#[tokio::test]
async fn who_never_gets_to_write_is_told() {
    let aws = Aws::new();
    let results = Results::new(config::s3(&aws.config()), "bucket");
    for i in 0..100 {
        aws.put_in_between("results/shop/v1.json", format!("{i}").as_bytes());
    }
    let run = header("one", 0);
    let error = results.write(&run, &result(&run, "running")).await.unwrap_err();
    assert_eq!(error.failure().code, Code::Storage);
}

#[tokio::test]
async fn an_object_that_is_no_result_is_replaced() {
    let aws = Aws::new();
    let results = Results::new(config::s3(&aws.config()), "bucket");
    aws.put_object("results/shop/v1.json", b"not a result");
    let run = header("one", 0);
    assert_eq!(results.read(&run).await.unwrap(), None);
    results.write(&run, &result(&run, "running")).await.unwrap();
    assert_eq!(results.read(&run).await.unwrap(), Some(result(&run, "running")));
}
