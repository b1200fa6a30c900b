//! Each function may ask of RDS what it must, and nothing else. RDS's double lets everybody do everything, so what it was
//! asked is held against the policies of the deployed roles.

use std::collections::{BTreeMap, BTreeSet};

use belay_local::RdsRequest;
use serde_json::json;

use crate::policy::{Ask, Decision, Function, Role, functions, workflow};
use crate::restores::{FAILS, LONE, ORDERS, failed_is_kept, is_as_it_was, released_in};
use crate::world::{World, guarded};

const ROLE: &str = "arn:aws:iam::000000000000:role/monitoring";

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:rds:us-east-1:000000000000:{kind}:{name}")
}

/// The tags of each snapshot that was asked for, by their names.
type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// What a request needs.
fn needs(request: &RdsRequest, snapshots: &Tags) -> Vec<Ask> {
    let action = format!("rds:{}", request.action);
    let resources = resources(request).into_iter();
    let mut asks: Vec<Ask> = resources.map(|resource| Ask::of(&action, resource)).collect();
    // Tags of what is made are asked for beside; it has none yet.
    match request.action.as_str() {
        "CreateDBSnapshot" => {
            let snapshot = named(request, "snapshot", "DBSnapshotIdentifier");
            asks.push(Ask::of("rds:AddTagsToResource", snapshot));
        }
        "RestoreDBInstanceFromDBSnapshot" => {
            let db = named(request, "db", "DBInstanceIdentifier");
            asks.push(Ask::of("rds:AddTagsToResource", db));
        }
        "DeleteDBSnapshot" => asks = asks.into_iter().map(|ask| tagged(ask, snapshots)).collect(),
        _ => {}
    }
    let role = given(request, "MonitoringRoleArn");
    asks.extend(role.map(|role| pass(role, "monitoring.rds.amazonaws.com")));
    asks
}

/// What a request is about, by AWS's service authorization reference.
fn resources(request: &RdsRequest) -> Vec<String> {
    let of = |kind, parameter| named(request, kind, parameter);
    let (db, snapshot) = (of("db", "DBInstanceIdentifier"), of("snapshot", "DBSnapshotIdentifier"));
    let groups = [
        of("subgrp", "DBSubnetGroupName"),
        of("pg", "DBParameterGroupName"),
        of("og", "OptionGroupName"),
    ];
    match request.action.as_str() {
        "DescribeAccountAttributes" => vec!["*".to_owned()],
        "DescribeDBInstances" => vec![db],
        "DescribeDBSnapshots" | "CreateDBSnapshot" => vec![db, snapshot],
        "DescribeDBProxies" => vec![of("db-proxy", "DBProxyName")],
        "DescribeDBProxyTargets" => vec![of("db-proxy", "DBProxyName"), of("target-group", "TargetGroupName")],
        "DeleteDBSnapshot" => vec![snapshot],
        "RestoreDBInstanceFromDBSnapshot" => [vec![db, snapshot], groups.to_vec()].concat(),
        "ModifyDBInstance" => {
            let renamed = of("db", "NewDBInstanceIdentifier");
            [vec![db, renamed, arn("secgrp", "*")], groups.to_vec()].concat()
        }
        "AddTagsToResource" => vec![given(request, "ResourceName").unwrap().to_owned()],
        other => panic!("what is {other} about?"),
    }
}

/// The resource that a parameter names; any if it is not given.
fn named(request: &RdsRequest, kind: &str, parameter: &str) -> String {
    arn(kind, given(request, parameter).unwrap_or("*"))
}

fn given<'a>(request: &'a RdsRequest, parameter: &str) -> Option<&'a str> {
    let mut parameters = request.parameters.iter();
    let (_, value) = parameters.find(|(name, _)| name == parameter)?;
    Some(value)
}

fn tagged(ask: Ask, snapshots: &Tags) -> Ask {
    let tags = snapshots.iter().find(|(name, _)| arn("snapshot", name) == ask.resource);
    let tags = tags.map(|(_, tags)| tags).into_iter().flatten();
    tags.fold(ask, |ask, (key, value)| {
        ask.with(format!("aws:ResourceTag/{key}"), value)
    })
}

fn pass(role: &str, to: &str) -> Ask {
    Ask::of("iam:PassRole", role).with("iam:PassedToService", to)
}

/// The tags of every snapshot that was made.
fn made(requests: &[RdsRequest]) -> Tags {
    let of_snapshot = |request: &RdsRequest| {
        let tag = |number| {
            let part = |part| given(request, &format!("Tags.Tag.{number}.{part}")).map(str::to_owned);
            Some((part("Key")?, part("Value")?))
        };
        let name = given(request, "DBSnapshotIdentifier").unwrap().to_owned();
        (name, (1..).map_while(tag).collect())
    };
    let making = requests.iter().filter(|request| request.action == "CreateDBSnapshot");
    making.map(of_snapshot).collect()
}

fn role<'a>(functions: &'a [Function], name: &str) -> &'a Role {
    &functions.iter().find(|function| function.name == name).unwrap().role
}

/// A run that takes snapshots, deletes old ones, and is restored, with settings that only a further call can carry over.
async fn snapshot_prune_and_restore(world: &'static World) {
    let policy = json!({
        "restore": "if-lossless", "quiesce": {"roles": ["app"]}, "retention": {"count": 1, "days": 0},
    });
    let case = released_in(world, "permissions", policy).await;
    let rds = world.stack.rds().unwrap();
    rds.add_proxy("permissions-proxy", "permissions").await.unwrap();
    for (setting, value) in [
        ("MonitoringInterval", json!(60)),
        ("MonitoringRoleArn", json!(ROLE)),
        ("MaxAllocatedStorage", json!(500)),
    ] {
        rds.set("permissions", setting, value).await.unwrap();
    }
    for _ in 0..3 {
        let ran = case.ship(&[ORDERS, FAILS]).await;
        assert_eq!(ran.result.status, "unchanged", "{:#?}", ran.result);
    }
    let failed = case.ship(&[ORDERS, LONE, FAILS]).await;
    assert_eq!(failed.result.status, "restored", "{:#?}", failed.result);
    assert_eq!(failed.result.restored.as_ref().unwrap().differences, []);
    is_as_it_was(&case).await;
    failed_is_kept(&case, &failed.result.run).await;
}

#[tokio::test]
async fn each_function_may_ask_of_rds_what_it_must_and_nothing_else() {
    let world = guarded().await;
    snapshot_prune_and_restore(world).await;
    let functions = functions(&world.stack.aws()).await;
    let requests = world.stack.rds().unwrap().requests();
    let snapshots = made(&requests);

    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for request in &requests {
        let of_it = |function: &&Function| request.access_key.as_deref() == Some(&function.access_key);
        let function = functions
            .iter()
            .find(of_it)
            .unwrap_or_else(|| panic!("whose is {request:#?}"));
        for ask in needs(request, &snapshots) {
            let decision = function.role.decides(&ask);
            assert_eq!(
                decision,
                Decision::Allowed,
                "{}: {ask:#?} for {request:#?}",
                function.name
            );
            used.entry(&function.name).or_default().insert(ask.action);
        }
    }
    // Not one action more.
    for function in &functions {
        let allowed = ["rds", "iam"].iter().flat_map(|service| function.role.allowed(service));
        let allowed: BTreeSet<String> = allowed.map(str::to_owned).collect();
        let used = used.remove(function.name.as_str()).unwrap_or_default();
        assert_eq!(allowed, used, "{}", function.name);
    }
}

#[tokio::test]
async fn r3_nobody_may_delete_a_database() {
    let world = guarded().await;
    let aws = world.stack.aws();
    let functions = functions(&aws).await;
    let workflow = workflow(&aws, world.stack.state_machine().unwrap()).await;
    let mut names: Vec<&str> = functions.iter().map(|function| function.name.as_str()).collect();
    names.sort_unstable();
    let all = [
        "Intake", "Janitor", "Migrate", "Notify", "Restore", "Snapshot", "Validate", "Verify",
    ];
    assert_eq!(names, all);
    let roles = functions
        .iter()
        .map(|function| (function.name.as_str(), &function.role));
    for (name, role) in roles.chain([("the workflow", &workflow)]) {
        for (action, kind) in [
            ("rds:DeleteDBInstance", "db"),
            ("rds:DeleteDBInstanceAutomatedBackup", "auto-backup"),
            ("rds:DeleteDBCluster", "cluster"),
            ("rds:DeleteDBClusterSnapshot", "cluster-snapshot"),
        ] {
            let ask = Ask::of(action, arn(kind, "belay-shop"));
            assert_eq!(role.decides(&ask), Decision::Denied, "{name}: {ask:#?}");
        }
        if name != "Snapshot" {
            let ask = Ask::of("rds:DeleteDBSnapshot", arn("snapshot", "belay-shop"))
                .with("aws:ResourceTag/belay:stack", world.stack.name());
            assert_eq!(role.decides(&ask), Decision::Denied, "{name}: {ask:#?}");
        }
        if !["Snapshot", "Restore"].contains(&name) {
            assert_eq!(role.allowed("rds"), [""; 0], "{name}");
            assert_eq!(role.allowed("kms"), [""; 0], "{name}");
            assert_eq!(role.allowed("iam"), [""; 0], "{name}");
        }
    }
}

#[tokio::test]
async fn snapshot_deletes_only_its_own_and_changes_no_database() {
    let world = guarded().await;
    let functions = functions(&world.stack.aws()).await;
    let (role, stack) = (role(&functions, "Snapshot"), "aws:ResourceTag/belay:stack");
    let of = |action: &str, name: &str| Ask::of(action, arn("snapshot", name));
    for (ask, wanted) in [
        (
            of("rds:DeleteDBSnapshot", "belay-shop").with(stack, world.stack.name()),
            Decision::Allowed,
        ),
        (
            of("rds:DeleteDBSnapshot", "belay-shop").with(stack, "another"),
            Decision::NotAllowed,
        ),
        (of("rds:DeleteDBSnapshot", "belay-shop"), Decision::NotAllowed),
        (
            of("rds:DeleteDBSnapshot", "shop").with(stack, world.stack.name()),
            Decision::NotAllowed,
        ),
        (of("rds:CreateDBSnapshot", "shop"), Decision::NotAllowed),
        (
            of("rds:AddTagsToResource", "belay-shop").with(stack, "another"),
            Decision::NotAllowed,
        ),
        (of("rds:AddTagsToResource", "shop"), Decision::NotAllowed),
        (
            Ask::of("rds:AddTagsToResource", arn("db", "shop")),
            Decision::NotAllowed,
        ),
        (Ask::of("rds:ModifyDBInstance", arn("db", "shop")), Decision::NotAllowed),
        (
            Ask::of("rds:RestoreDBInstanceFromDBSnapshot", arn("db", "shop")),
            Decision::NotAllowed,
        ),
        (pass(ROLE, "monitoring.rds.amazonaws.com"), Decision::NotAllowed),
    ] {
        assert_eq!(role.decides(&ask), wanted, "{ask:#?}");
    }
}

#[tokio::test]
async fn restore_takes_no_snapshot_and_gives_roles_and_keys_only_to_rds() {
    let world = guarded().await;
    let functions = functions(&world.stack.aws()).await;
    let role = role(&functions, "Restore");
    let key = |action: &str| Ask::of(action, "arn:aws:kms:us-east-1:000000000000:key/k");
    let through = |ask: Ask, service: &str| ask.with("kms:ViaService", service);
    let rds = "rds.us-east-1.amazonaws.com";
    for (ask, wanted) in [
        (
            Ask::of("rds:CreateDBSnapshot", arn("snapshot", "belay-shop")),
            Decision::NotAllowed,
        ),
        (Ask::of("rds:CreateDBSnapshot", arn("db", "shop")), Decision::NotAllowed),
        (
            Ask::of("rds:RestoreDBInstanceFromDBSnapshot", arn("snapshot", "shop")),
            Decision::NotAllowed,
        ),
        (
            Ask::of("rds:AddTagsToResource", arn("snapshot", "belay-shop")),
            Decision::NotAllowed,
        ),
        (pass(ROLE, "ec2.amazonaws.com"), Decision::NotAllowed),
        (through(key("kms:DescribeKey"), rds), Decision::Allowed),
        (through(key("kms:CreateGrant"), rds), Decision::NotAllowed),
        (
            through(key("kms:CreateGrant"), rds).with("kms:GrantIsForAWSResource", "true"),
            Decision::Allowed,
        ),
        (
            key("kms:CreateGrant").with("kms:GrantIsForAWSResource", "true"),
            Decision::NotAllowed,
        ),
        (through(key("kms:Decrypt"), rds), Decision::NotAllowed),
    ] {
        assert_eq!(role.decides(&ask), wanted, "{ask:#?}");
    }
}
