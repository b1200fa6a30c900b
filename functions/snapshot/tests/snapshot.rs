//! What `snapshot` asks of an instance, and how it follows its snapshot. What it asks of a database is tested with the
//! restore, on a real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use belay_access::Access;
use belay_aws::RdsCall;
use belay_aws::double::{Aws, Service};
use belay_aws::lock::Locks;
use belay_aws::snapshots::memory::Memory;
use belay_aws::snapshots::{
    Address, Configuration, Described, INSTANCE_TAG, Quotas, RUN_TAG, Room, STACK_TAG, Snapshots, Status, TARGET_TAG,
    Tags,
};
use belay_model::{
    BundleDigest, Code, Failure, FileDigest, HistoryTable, InstanceName, PaperRef, Plan, PlannedAction, Progress,
    RunId, SnapshotName, SnapshotReply, TransactionMode,
};
use belay_snapshot::{Answer, Snapshot};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const EXECUTION: &str = "arn:aws:states:eu-west-1:123456789012:execution:belay:one";
const HOST: &str = "shop-db.abc.eu-west-1.rds.test";

struct Stage {
    aws: Aws,
    memory: Memory,
    policy: &'static str,
    host: String,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            aws: Aws::new(),
            memory: Memory::new(),
            policy: "always",
            host: HOST.to_owned(),
        };
        stage.memory.make(&name());
        stage.hold("changing");
        stage
    }

    fn hold(&self, phase: &str) {
        self.aws.put_lock(json!({
            "key": {"S": "db"}, "owner": {"S": EXECUTION}, "phase": {"S": phase}, "fence": {"N": "7"},
        }));
    }

    async fn ask(&self, mut request: Value) -> Result<Answer, Failure> {
        request["run"] = json!({"execution": EXECUTION, "startedAt": "2026-11-20T10:00:00Z", "target": "shop"});
        request["target"] = json!({
            "engine": "postgresql", "endpoint": {"host": self.host, "database": "shop"}, "instance": name(),
            "credentials": {"secret": "arn:secret"},
        });
        request["instance"] = json!({"rds": {"instance": name()}, "restore": self.policy});
        let config = self.aws.config();
        let snapshot = Snapshot {
            access: Access::new(&config, "bucket"),
            locks: Locks::new(aws_sdk_dynamodb::Client::new(&config), "locks"),
            snapshots: self.memory.clone(),
            stack: "belay".to_owned(),
        };
        snapshot.handle(read(request)).await
    }

    async fn prepare(&self) -> Result<PaperRef, Failure> {
        match self.ask(json!({"step": "prepare", "attempt": 1})).await? {
            Answer::Prepared(reply) => Ok(reply.configuration),
            other => panic!("{other:?}"),
        }
    }

    async fn snapshot(&self, configuration: &PaperRef) -> Result<SnapshotReply, Failure> {
        let plan = plan();
        let bytes = serde_json::to_vec(&plan).unwrap();
        let key = format!("runs/shop/{}/plan.json", run());
        let paper = PaperRef {
            version_id: self.aws.put_object(&key, &bytes),
            sha256: FileDigest::of(&bytes),
            key,
        };
        let request = json!({
            "step": "snapshot", "attempt": 1, "configuration": configuration, "lock": {"key": "db", "fence": 7},
            "plan": paper, "digest": plan.digest().unwrap(),
        });
        match self.ask(request).await? {
            Answer::Snapshot(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    /// As a call before has noted it: so no database is asked.
    fn put_census(&self) {
        let census = json!({"quiesced": false, "tables": {}, "horizon": 700});
        let key = format!("runs/shop/{}/census-1.json", run());
        self.aws.put_object(&key, census.to_string().as_bytes());
    }
}

fn name() -> InstanceName {
    "shop-db".parse().unwrap()
}

fn run() -> RunId {
    RunId::of_execution(EXECUTION)
}

fn taken() -> SnapshotName {
    format!("belay-shop-{}-1", run()).parse().unwrap()
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn plan() -> Plan {
    Plan {
        action: PlannedAction::Migrate,
        tablespace: None,
        on_error: Vec::new(),
        on_statement: Vec::new(),
        skip_executing: false,
        init_sql: None,
        error_overrides: Vec::new(),
        notes: Vec::new(),
        bundle: BundleDigest::of(b"bundle"),
        history: HistoryTable {
            schema: "public".to_owned(),
            table: "flyway_schema_history".to_owned(),
        },
        history_exists: false,
        base_rank: None,
        journal: None,
        resume: None,
        create_schemas: Vec::new(),
        baseline: None,
        search_path: None,
        defers_constraints: false,
        transaction: TransactionMode::Auto,
        reason: String::new(),
        units: Vec::new(),
        placeholders: BTreeMap::new(),
        placeholder_replacement: true,
        placeholder_syntax: Default::default(),
        assertions: Vec::new(),
        installed_by: None,
        from_version: None,
    }
}

#[tokio::test]
async fn r1_the_whole_configuration_is_noted_before_anything_is_changed() {
    let stage = Stage::new();
    stage.memory.proxy("shop-proxy", "default");
    let paper = stage.prepare().await.unwrap();
    let noted: Configuration = read(stage.aws.json(&paper.key).unwrap());
    let really = stage.memory.really(&name()).unwrap().configuration;
    assert_eq!(
        noted.proxies,
        Some(vec![("shop-proxy".to_owned(), "default".to_owned())])
    );
    assert_eq!(
        noted,
        Configuration {
            proxies: noted.proxies.clone(),
            ..really
        }
    );
    assert_eq!(stage.memory.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_endpoint_is_that_of_the_instance_however_it_is_written() {
    for (host, expected) in [
        (HOST.to_owned(), Ok(())),
        (format!("{}.", HOST.to_uppercase()), Ok(())),
        ("other.abc.eu-west-1.rds.test".to_owned(), Err(Code::InstanceMismatch)),
        ("127.0.0.1".to_owned(), Err(Code::InstanceMismatch)),
    ] {
        let mut stage = Stage::new();
        stage.host.clone_from(&host);
        let prepared = stage.prepare().await.map(|_| ()).map_err(|failure| failure.code);
        assert_eq!(prepared, expected, "{host}");
    }
}

#[tokio::test]
async fn an_instance_that_could_not_be_restored_is_refused() {
    type Change = fn(&mut Described);
    let cases: [(&str, Change, Option<Code>); 7] = [
        (
            "cluster",
            |there| there.configuration.cluster = Some("c1".to_owned()),
            Some(Code::InstanceUnfit),
        ),
        (
            "replica",
            |there| there.configuration.replica_of = Some("main".to_owned()),
            Some(Code::InstanceUnfit),
        ),
        (
            "stopped",
            |there| there.status = Status::Broken("stopped".to_owned()),
            Some(Code::InstanceUnfit),
        ),
        (
            "backing-up",
            |there| there.status = Status::Changing("backing-up".to_owned()),
            None,
        ),
        ("no address", |there| there.address = None, Some(Code::InstanceUnfit)),
        (
            "port",
            |there| {
                let host = HOST.to_owned();
                there.address = Some(Address { host, port: 5433 });
            },
            Some(Code::InstanceMismatch),
        ),
        (
            "storage-optimization",
            |there| there.status = Status::of_instance("storage-optimization"),
            None,
        ),
    ];
    for (what, change, code) in cases {
        let stage = Stage::new();
        stage.memory.change(&name(), change);
        let refused = stage.prepare().await.err().map(|failure| failure.code);
        assert_eq!(refused, code, "{what}");
    }
    let stage = Stage::new();
    stage.memory.remove(&name());
    assert_eq!(stage.prepare().await.unwrap_err().code, Code::InstanceUnfit);
}

#[tokio::test]
async fn there_must_be_room_for_what_the_policy_may_need() {
    let none = Some(Room { used: 100, max: 100 });
    let (snapshots, instances, storage) = (
        Quotas {
            snapshots: none,
            ..Quotas::default()
        },
        Quotas {
            instances: none,
            ..Quotas::default()
        },
        // The instance has 500 GiB.
        Quotas {
            storage_gib: Some(Room { used: 500, max: 999 }),
            ..Quotas::default()
        },
    );
    for (policy, quotas, fits) in [
        ("never", snapshots, false),
        ("never", instances, true),
        ("never", storage, true),
        ("always", snapshots, false),
        ("always", instances, false),
        ("if-lossless", storage, false),
        ("always", Quotas::default(), true),
    ] {
        let mut stage = Stage::new();
        stage.policy = policy;
        stage.memory.limit(quotas);
        let prepared = stage.prepare().await.map(|_| ()).map_err(|failure| failure.code);
        assert_eq!(
            prepared,
            if fits { Ok(()) } else { Err(Code::SnapshotQuota) },
            "{policy} {quotas:?}"
        );
    }
}

#[tokio::test]
async fn r1_nothing_is_taken_before_what_is_there_was_noted() {
    let stage = Stage::new();
    let configuration = stage.prepare().await.unwrap();
    let failure = stage.snapshot(&configuration).await.unwrap_err();
    assert!(failure.code.is_infrastructure(), "no database answers: {failure}");
    assert_eq!(stage.memory.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_snapshot_is_taken_once_and_followed() {
    let stage = Stage::new();
    stage.put_census();
    stage.memory.take_time(2);
    let configuration = stage.prepare().await.unwrap();
    for seen in ["is begun", "creating, 0 %", "creating, 0 %"] {
        let reply = stage.snapshot(&configuration).await.unwrap();
        assert_eq!((reply.status, reply.snapshot), (Progress::Pending, None));
        assert!(reply.seen.contains(seen), "{}", reply.seen);
    }
    let expected: Tags = [
        (STACK_TAG, "belay".to_owned()),
        (TARGET_TAG, "shop".to_owned()),
        (RUN_TAG, run().to_string()),
        ("belay:bundle", plan().bundle.to_string()),
        (INSTANCE_TAG, name().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    assert_eq!(stage.memory.snapshot(&taken()).await.unwrap().unwrap().tags, expected);
    assert_eq!(stage.memory.changes(), [format!("create the snapshot {}", taken())]);
}

#[tokio::test]
async fn what_passes_is_waited_for_and_what_does_not_is_told() {
    for (error, code) in [
        ("InvalidDBInstanceState", None),
        ("DBSnapshotAlreadyExists", None),
        ("Throttling", Some(Code::Rds)),
        ("AccessDenied", Some(Code::Rds)),
        ("SnapshotQuotaExceeded", Some(Code::SnapshotQuota)),
        ("KMSKeyNotAccessibleFault", Some(Code::SnapshotFailed)),
        ("DBInstanceNotFound", Some(Code::InstanceReplaced)),
    ] {
        let stage = Stage::new();
        stage.put_census();
        let configuration = stage.prepare().await.unwrap();
        stage.memory.fail(RdsCall::Snapshot, error);
        let reply = stage.snapshot(&configuration).await;
        assert_eq!(
            reply.as_ref().err().map(|failure| failure.code),
            code,
            "{error}: {reply:?}"
        );
        assert_eq!(stage.memory.changes(), Vec::<String>::new(), "{error}");
    }
}

#[tokio::test]
async fn a_snapshot_that_is_not_what_it_should_be_is_told() {
    let begun = async || {
        let stage = Stage::new();
        stage.put_census();
        let configuration = stage.prepare().await.unwrap();
        stage.snapshot(&configuration).await.unwrap();
        (stage, configuration)
    };
    let (stage, configuration) = begun().await;
    stage
        .memory
        .change_snapshot(&taken(), |taken| taken.status = Status::of_snapshot("failed"));
    let failure = stage.snapshot(&configuration).await.unwrap_err();
    assert_eq!(failure.code, Code::SnapshotFailed);

    for tag in [RUN_TAG, STACK_TAG] {
        let (stage, configuration) = begun().await;
        stage.memory.change_snapshot(&taken(), |taken| {
            taken.tags.insert(tag.to_owned(), "another".to_owned());
        });
        let failure = stage.snapshot(&configuration).await.unwrap_err();
        assert_eq!(failure.code, Code::SnapshotFailed, "{tag}");
    }

    let (stage, configuration) = begun().await;
    stage
        .memory
        .change_snapshot(&taken(), |taken| taken.resource = "db-another".to_owned());
    let failure = stage.snapshot(&configuration).await.unwrap_err();
    assert_eq!(failure.code, Code::InstanceReplaced);
}

#[tokio::test]
async fn an_instance_that_was_replaced_after_prepare_is_not_snapshotted() {
    let stage = Stage::new();
    stage.put_census();
    let configuration = stage.prepare().await.unwrap();
    stage
        .memory
        .change(&name(), |there| there.resource = "db-another".to_owned());
    assert_eq!(
        stage.snapshot(&configuration).await.unwrap_err().code,
        Code::InstanceReplaced
    );
    stage.memory.remove(&name());
    assert_eq!(
        stage.snapshot(&configuration).await.unwrap_err().code,
        Code::InstanceReplaced
    );
    assert_eq!(stage.memory.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn k3_nothing_is_taken_without_the_lock() {
    let stage = Stage::new();
    stage.put_census();
    let configuration = stage.prepare().await.unwrap();
    stage.hold("held");
    assert_eq!(stage.snapshot(&configuration).await.unwrap_err().code, Code::Fenced);
    stage.aws.refuse(Service::Locks);
    assert_eq!(stage.snapshot(&configuration).await.unwrap_err().code, Code::Workflow);
    assert_eq!(stage.memory.changes(), Vec::<String>::new());
}
