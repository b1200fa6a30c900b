//! {step × fault}: each request of a restore is spoiled in each way, then the function is called again with the same
//! input. The database that failed is whole after every single call.

use std::collections::BTreeSet;

use belay_local::{Fault, RdsRequest};
use belay_model::{Code, Progress};
use serde_json::json;

use crate::stage::{NAME, Ready, Stage};

fn always() -> serde_json::Value {
    json!({"restore": "always", "quiesce": {"roles": ["app"]}})
}

/// Interrupted at every request of every step, before or after its effect.
async fn spoiled_everywhere(after_effect: bool, spoil: impl Fn() -> Fault) {
    let stage = Stage::new(always()).await;
    let ready = stage.fail_between().await;
    let (mut request, mut spoiled, mut looks) = (0, BTreeSet::new(), 0);
    for _ in 0..2_000 {
        stage.rds.forget_faults();
        let fault = spoil().skip(request);
        stage.rds.fail(if after_effect { fault.after_effect() } else { fault });
        let before = stage.rds.requests().len();
        let reply = stage.restore_once().await;
        stage.assert_old_is_whole(&ready).await;
        let asked = stage.rds.requests().split_off(before);
        match (reply, asked.get(usize::try_from(request).unwrap())) {
            (Ok(reply), None) if reply.status == Progress::Done => {
                stage.rds.forget_faults();
                assert_eq!(spoiled, expected(&stage, after_effect), "each change was spoiled");
                assert!(looks > 10, "{looks} looks were spoiled");
                return stage.assert_restored(&ready, &reply.restored.unwrap()).await;
            }
            // The call had fewer requests than were let through: on to the next step.
            (Ok(_), None) => request = 0,
            (Ok(_), Some(met)) => panic!("{met:?} did not matter"),
            (Err(failure), None) => panic!("{failure:#?}"),
            (Err(failure), Some(met)) => {
                assert_eq!(failure.code, Code::Rds, "{failure:#?}");
                let is_new = !met.action.starts_with("Describe") && spoiled.insert(changed(met));
                looks += usize::from(met.action.starts_with("Describe"));
                // What was in effect changes what the next call asks; else it is let through once more.
                request = if is_new && after_effect { 0 } else { request + 1 };
            }
        }
    }
    panic!("not restored: {:#?}", stage.rds.requests());
}

/// A request that changes something, and what it changes.
fn changed(request: &RdsRequest) -> String {
    let names = request
        .parameters
        .iter()
        .filter(|(name, _)| name.contains("Identifier") || name == "ResourceName");
    let names: Vec<&str> = names
        .map(|(_, value)| value.rsplit(':').next().unwrap_or_default())
        .collect();
    format!("{} {}", request.action, names[..names.len().min(2)].join(" "))
}

/// Every change of a restore. That the restored one was modified is noted after the fact, so not if that was interrupted
/// and is found to be done.
fn expected(stage: &Stage, after_effect: bool) -> BTreeSet<String> {
    let run = stage.run();
    let (beside, failed) = (format!("{NAME}-belay-{run}"), format!("{NAME}-failed-{run}"));
    let mut changes = BTreeSet::from([
        format!("RestoreDBInstanceFromDBSnapshot {beside} belay-{NAME}-{run}-1"),
        format!("ModifyDBInstance {beside}"),
        format!("ModifyDBInstance {NAME} {failed}"),
        format!("ModifyDBInstance {beside} {NAME}"),
        format!("AddTagsToResource {failed}"),
    ]);
    if !after_effect {
        changes.insert(format!("AddTagsToResource {beside}"));
    }
    changes
}

#[tokio::test]
async fn r1_interrupted_before_every_request() {
    spoiled_everywhere(false, || Fault::cut(Fault::ANY)).await;
}

#[tokio::test]
async fn r1_interrupted_after_every_request() {
    spoiled_everywhere(true, || Fault::cut(Fault::ANY)).await;
}

#[tokio::test]
async fn r1_throttled_at_every_request() {
    spoiled_everywhere(false, || Fault::error(Fault::ANY, "Throttling")).await;
}

#[tokio::test]
async fn r1_an_internal_failure_after_every_request() {
    spoiled_everywhere(true, || Fault::error(Fault::ANY, "InternalFailure")).await;
}

/// The requests of a restore that change something, told from each other by a parameter.
fn changes(stage: &Stage) -> Vec<(&'static str, Option<(&'static str, String)>)> {
    let run = stage.run();
    vec![
        ("RestoreDBInstanceFromDBSnapshot", None),
        (
            "ModifyDBInstance",
            Some(("DBInstanceIdentifier", format!("{NAME}-belay-{run}"))),
        ),
        (
            "ModifyDBInstance",
            Some(("NewDBInstanceIdentifier", format!("{NAME}-failed-{run}"))),
        ),
        ("ModifyDBInstance", Some(("NewDBInstanceIdentifier", NAME.to_owned()))),
        ("AddTagsToResource", None),
    ]
}

fn at(fault: Fault, parameter: Option<&(&'static str, String)>) -> Fault {
    match parameter {
        Some((name, value)) => fault.with(name, value),
        None => fault,
    }
}

/// Refused with each error that RDS documents for the request, one after the other. A refusal that no waiting mends is
/// told as such, with both databases there; the next call, as by the action `restore`, goes on.
#[tokio::test]
async fn r1_refused_with_every_documented_error() {
    let stage = Stage::new(always()).await;
    let ready = stage.fail_between().await;
    let mut codes = 0;
    let looks = ("DescribeDBInstances", None);
    for (action, parameter) in changes(&stage).into_iter().chain([looks]) {
        for code in stage.rds.errors_of(action).unwrap() {
            stage.rds.fail(at(Fault::error(action, code), parameter.as_ref()));
            codes += 1;
        }
    }
    assert!(codes > 60, "{codes}");
    let mut told = Vec::new();
    let restored = stage.restore(|failure| told.push(failure)).await;
    for failure in &told {
        assert!(
            matches!(
                failure.code,
                Code::RestoreFailed | Code::SnapshotQuota | Code::NoSnapshot | Code::Rds
            ),
            "{failure:#?}"
        );
        assert!(failure.next.is_some(), "{failure:#?}");
    }
    assert!(told.len() > 10, "{told:#?}");
    let met = stage
        .rds
        .requests()
        .into_iter()
        .filter_map(|request| request.refused)
        .count();
    assert!(met >= codes, "{met} of {codes} were met");
    stage.assert_restored(&ready, &restored).await;
}

/// Killed while a request is under way: the call is gone, and the request has its effect all the same, or has had it.
#[tokio::test]
async fn r1_killed_at_every_change() {
    for after_effect in [false, true] {
        let stage = Stage::new(always()).await;
        let ready = stage.fail_between().await;
        for (action, parameter) in changes(&stage) {
            let (fault, hold) = Fault::hold(action);
            let fault = at(fault, parameter.as_ref());
            stage.rds.fail(if after_effect { fault.after_effect() } else { fault });
            tokio::select! {
                biased;
                () = hold.reached() => {}
                () = async { loop { stage.restore_once().await.unwrap(); } } => {}
            }
            // Whoever called is gone; what was asked goes on.
            drop(hold);
            stage.assert_old_is_whole(&ready).await;
        }
        let restored = stage.restore(|failure| panic!("{failure:#?}")).await;
        stage.assert_restored(&ready, &restored).await;
    }
}

/// K3: whoever has lost the lock asks for no change any more, at whatever step.
#[tokio::test]
async fn k3_a_run_without_its_lock_changes_nothing() {
    let stage = Stage::new(always()).await;
    let ready = stage.fail_between().await;
    let own = stage.execution().to_owned();
    loop {
        stage.lock("arn:of:another", 8);
        let before = changing(&stage);
        let failure = stage.restore_once().await.unwrap_err();
        assert_eq!((failure.code, changing(&stage)), (Code::Fenced, before), "{failure:#?}");
        stage.lock(&own, 7);
        let reply = stage.restore_once().await.unwrap();
        if let Some(restored) = reply.restored {
            return stage.assert_restored(&ready, &restored).await;
        }
    }
}

/// How many requests have changed something.
fn changing(stage: &Stage) -> usize {
    let requests = stage.rds.requests();
    requests
        .iter()
        .filter(|request| !request.action.starts_with("Describe") && !request.action.starts_with("List"))
        .count()
}

/// R3: the failed database gets its name back, so that one that holds everything is under it.
#[tokio::test]
async fn r3_the_restored_database_is_lost_between_the_renames() {
    let stage = Stage::new(always()).await;
    let ready = stage.fail_between().await;
    let (failed, beside) = (
        format!("{NAME}-failed-{}", stage.run()),
        format!("{NAME}-belay-{}", stage.run()),
    );
    while !stage.rds.names().await.contains(&failed) {
        stage.restore_once().await.unwrap();
    }
    stage
        .rds
        .set(&beside, "DBInstanceStatus", json!("failed"))
        .await
        .unwrap();
    let failure = loop {
        if let Err(failure) = stage.restore_once().await {
            break failure;
        }
    };
    assert_eq!(failure.code, Code::RestoreFailed, "{failure:#?}");
    // Its name is given back: looked at until that is through.
    while stage.by_endpoint().await.is_err() {
        assert_eq!(
            stage
                .restore_once()
                .await
                .map(|reply| reply.status)
                .unwrap_or(Progress::Pending),
            Progress::Pending
        );
    }
    assert_eq!(stage.rds.instance(NAME).await.unwrap().resource_id, ready.old);
    stage.assert_old_is_whole(&ready).await;
}

/// What is not as the snapshot says is never swapped in, and the live database is not touched.
#[tokio::test]
async fn r1_what_was_restored_is_compared_before_anything_is_swapped() {
    let stage = Stage::new(always()).await;
    let ready: Ready = stage.fail_between().await;
    let beside = format!("{NAME}-belay-{}", stage.run());
    while !stage.rds.names().await.contains(&beside) {
        stage.restore_once().await.unwrap();
    }
    let spoil = async || {
        let instance = stage.rds.instance(&beside).await.ok()?;
        instance
            .look(NAME)
            .await
            .ok()?
            .batch_execute("DROP TABLE orders")
            .await
            .ok()
    };
    let mut spoiled = spoil().await;
    let failure = loop {
        match stage.restore_once().await {
            Ok(_) => spoiled = spoiled.or(spoil().await),
            Err(failure) => break failure,
        }
    };
    assert_eq!(
        (failure.code, spoiled),
        (Code::RestoreIncomplete, Some(())),
        "{failure:#?}"
    );
    assert!(failure.to_string().contains("orders"), "{failure}");
    let live = stage.rds.instance(NAME).await.unwrap();
    assert_eq!(
        (live.resource_id.as_str(), stage.rds.names().await.len()),
        (ready.old.as_str(), 2)
    );
    stage.assert_old_is_whole(&ready).await;
}
