//! The whole stack with a small template: what is deployed runs, and the library sees what it does.

#![expect(clippy::unwrap_used, reason = "what the tests share is not itself a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use belay_local::{
    Emulator, FIRST_TARGET, NAME, RdsSettings, Settings, Source, Stack, StackSettings, checkout, wait_for_end,
};
use belay_model::{Instance, RestorePolicy, Target, Tls};
use serde_json::json;

const LONG: Duration = Duration::from_secs(60);

async fn fixture(emulator: Emulator, rds: Option<RdsSettings>) -> Stack {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let functions = BTreeMap::from([("writer".to_owned(), root.join("writer.py"))]);
    let settings = StackSettings {
        name: "fixture".to_owned(),
        source: Source { root, functions },
        first_target: "shop".to_owned(),
        parameters: |first, _| vec![("Greeting".to_owned(), format!("Hello from {first}:"))],
        more_parameters: Vec::new(),
        emulator,
        postgres: Settings::default(),
        rds,
        first_instance: None,
    };
    Stack::start(settings).await.unwrap()
}

#[tokio::test]
async fn an_upload_is_followed_to_its_result_and_its_mail() {
    let emulator = Emulator {
        wait_scale: 0.001,
        ..Emulator::default()
    };
    let stack = fixture(emulator, Some(RdsSettings::default())).await;
    let aws = stack.aws();
    let mailbox = stack.mailbox(&aws, "mailbox").await.unwrap();

    // A file by the real CLI, and bytes.
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let by_file = stack.ship_file(&aws, "shop", &bundle).await.unwrap();
    let by_bytes = stack.ship(&aws, "shop", "Cargo.toml", b"x".to_vec()).await.unwrap();
    assert_eq!(by_file.key, "bundles/shop/Cargo.toml");
    assert_ne!(by_file.version_id, by_bytes.version_id);

    for shipped in [&by_file, &by_bytes] {
        let mut seen = Vec::new();
        let watch = |state: &str| seen.push(state.to_owned());
        let (result, ended) = stack.follow(&aws, shipped, LONG, watch).await.unwrap();
        assert_eq!(result.status, "migrated");
        assert_eq!((seen, ended.error.as_deref()), (ended.states, Some("Fixture.Ended")));
        let mail = mailbox
            .wait_for(LONG, |mail| mail.subject == "Hello from shop: bundles/shop/Cargo.toml")
            .await
            .unwrap();
        assert_eq!(mail.text, "A result is there.");

        // Functions see what AWS gives them and what they were given here, and nothing of this process.
        let variables: Vec<&str> = result.summary.as_deref().unwrap().split(' ').collect();
        assert!(variables.contains(&"AWS_ENDPOINT_URL_RDS") && !variables.contains(&"CARGO_MANIFEST_DIR"));
    }
    assert_eq!(stack.executions(&aws).await.unwrap().len(), 2);
    assert_eq!(mailbox.look().await.unwrap(), []);
    assert_eq!(
        stack
            .logs(&aws)
            .await
            .unwrap()
            .iter()
            .filter(|line| line.starts_with("REPORT "))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_target_has_its_own_database_secret_and_parameter() {
    let stack = fixture(Emulator::default(), None).await;
    let aws = stack.aws();
    let target = stack
        .add_target(&aws, stack.postgres(), "other", |target| target.set_role = None)
        .await
        .unwrap();
    stack
        .postgres()
        .connect(stack.postgres().migrator(), "other")
        .await
        .unwrap();
    let secret = aws
        .secrets
        .get_secret_value()
        .secret_id(&target.credentials.secret)
        .send()
        .await
        .unwrap();
    assert!(
        secret
            .secret_string
            .unwrap()
            .contains(stack.postgres().migrator().password())
    );
    let parameter = aws
        .ssm
        .get_parameter()
        .name("/fixture/targets/other")
        .send()
        .await
        .unwrap()
        .parameter
        .unwrap();
    let read: Target = serde_json::from_str(&parameter.value.unwrap()).unwrap();
    assert_eq!(read, target);

    // An execution that waits 100 s is seen waiting, and ends when it is stopped.
    let arn = stack.run(&aws, &json!({})).await.unwrap();
    let late = wait_for_end(&aws, &arn, Duration::from_millis(200), |_| ())
        .await
        .unwrap_err();
    assert!(late.to_string().contains(r#"states ["Wait"]"#), "{late}");
    aws.sfn.stop_execution().execution_arn(&arn).send().await.unwrap();
    let ended = wait_for_end(&aws, &arn, LONG, |_| ()).await.unwrap();
    assert_eq!(ended.status.as_str(), "ABORTED");
}

#[tokio::test]
async fn an_instance_has_its_own_server_target_and_policy() {
    let stack = fixture(Emulator::default(), Some(RdsSettings::default())).await;
    let aws = stack.aws();
    let target = stack
        .new_instance(
            &aws,
            "orders",
            json!({"restore": "always", "quiesce": {"roles": ["app"]}}),
        )
        .await
        .unwrap();
    let other = stack.add_target_on(&aws, "orders", "billing", |_| ()).await.unwrap();
    assert_eq!(target.instance.as_ref().unwrap().as_str(), "orders");
    assert_eq!(
        (&other.instance, &other.endpoint.host),
        (&target.instance, &target.endpoint.host)
    );

    // Its address leads to it, and its owner is what RDS's master user is.
    let instance = stack.rds().unwrap().instance("orders").await.unwrap();
    assert_eq!(
        (instance.host, instance.port),
        (target.endpoint.host, target.endpoint.port)
    );
    for database in ["orders", "billing"] {
        let url = stack.rds().unwrap().instance("orders").await.unwrap();
        let url = url.url(url.migrator().unwrap(), database);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
            .batch_execute(
                "CREATE SCHEMA belay; ALTER ROLE app NOLOGIN; ALTER ROLE app LOGIN; SELECT * FROM pg_stat_activity",
            )
            .await
            .unwrap();
        assert!(client.batch_execute("CREATE ROLE root SUPERUSER").await.is_err());
    }

    let parameter = |path: &str| aws.ssm.get_parameter().name(path.to_owned()).send();
    let written = parameter("/fixture/instances/orders").await.unwrap().parameter.unwrap();
    let policy: Instance = serde_json::from_str(&written.value.unwrap()).unwrap();
    assert_eq!(
        (policy.name().as_str(), policy.restore),
        ("orders", RestorePolicy::Always)
    );
    let written = parameter("/fixture/targets/billing").await.unwrap().parameter.unwrap();
    assert_eq!(serde_json::from_str::<Target>(&written.value.unwrap()).unwrap(), other);
}

/// With a program that stands for each function, since building the real ones is another test's business.
#[tokio::test]
async fn the_projects_template_deploys() {
    let root = checkout();
    let template = fs::read_to_string(root.join("sam/template.yaml")).unwrap();
    let folders = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri: ../functions/"));
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/writer.py");
    let functions: BTreeMap<_, _> = folders
        .map(|folder| (folder.trim_end_matches('/').to_owned(), program.clone()))
        .collect();
    assert!(functions.contains_key("migrate"), "{functions:?}");
    let source = Source { root, functions };
    let stack = Stack::start(StackSettings::of(source, Emulator::default(), Settings::default()))
        .await
        .unwrap();

    let aws = stack.aws();
    let path = format!("/{NAME}/targets/{FIRST_TARGET}");
    let parameter = aws
        .ssm
        .get_parameter()
        .name(path)
        .send()
        .await
        .unwrap()
        .parameter
        .unwrap();
    let target: Target = serde_json::from_str(&parameter.value.unwrap()).unwrap();
    assert_eq!((target.endpoint.port, target.tls), (stack.postgres().port(), Tls::Off));
    let table = aws
        .dynamodb
        .describe_table()
        .table_name(stack.lock_table().unwrap())
        .send()
        .await
        .unwrap();
    assert!(table.table.is_some());
    assert!(stack.bucket().is_ok() && stack.topic().is_ok() && stack.state_machine().is_ok());
}
