//! Where Flyway's settings come from: options over the environment over the bundle's own over Flyway's defaults.

use crate::bench::{Bench, Said, aws, belay, server};
use crate::golden::golden;

/// A bundle whose own settings name the history's table, and show a placeholder.
async fn with_settings() -> Bench {
    let bench = Bench::new().await;
    bench.files(&[
        (
            "flyway.conf",
            "flyway.table=of_the_bundle\nflyway.placeholders.word=bundle\nflyway.placeholders.other=kept\n",
        ),
        (
            "sql/V1__a.sql",
            "CREATE TABLE a AS SELECT '${word} ${other}'::text AS said",
        ),
    ]);
    bench
}

async fn said(bench: &Bench, table: &str) -> String {
    let rows = format!("SELECT string_agg(said, ',') || ' ' || (SELECT count(*) FROM {table}) FROM a");
    bench.look(&rows).await
}

#[tokio::test]
async fn s14_the_bundles_own_settings_count_where_nobody_says_more() {
    let bench = with_settings().await;
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(said(&bench, "of_the_bundle").await, "bundle kept 1");
}

#[tokio::test]
async fn s14_the_environment_comes_over_the_bundle() {
    let bench = with_settings().await;
    let mut line = bench.command("migrate", &[]);
    line.env("FLYWAY_TABLE", "of_the_environment")
        .env("FLYWAY_PLACEHOLDERS_WORD", "environment")
        .env("FLYWAY_HOME", "/flyway");
    let migrated = Said::of(&line.output().unwrap());
    assert_eq!(migrated.code, 0, "{migrated:?}");
    assert!(
        migrated.out.contains("note: FLYWAY_HOME in the environment"),
        "{migrated:?}"
    );
    assert_eq!(said(&bench, "of_the_environment").await, "environment kept 1");
}

#[tokio::test]
async fn s14_options_come_over_the_environment_in_either_spelling() {
    for options in [
        ["--table", "of_the_option", "--placeholder", "word=option"],
        [
            "-table=of_the_option",
            "-placeholders.word=option",
            "-group=false",
            "-mixed=true",
        ],
        [
            "--flyway",
            "table=of_the_option",
            "--flyway=placeholders.word=option",
            "--group=false",
        ],
    ] {
        let bench = with_settings().await;
        let mut line = bench.command("migrate", &options);
        line.env("FLYWAY_TABLE", "of_the_environment")
            .env("FLYWAY_PLACEHOLDERS_WORD", "environment");
        let migrated = Said::of(&line.output().unwrap());
        assert_eq!(migrated.code, 0, "{options:?}: {migrated:?}");
        assert_eq!(said(&bench, "of_the_option").await, "option kept 1", "{options:?}");
    }
}

#[tokio::test]
async fn s14_flyways_whole_command_line_is_understood() {
    let bench = with_settings().await;
    let server = server().await;
    let url = format!(
        "-url=jdbc:postgresql://127.0.0.1:{}/{}?sslmode=disable",
        server.port(),
        bench.database
    );
    let mut line = belay();
    line.args([&url, "-user=migrator", "-outputType=json", "info"])
        .env("FLYWAY_PASSWORD", server.migrator().password())
        .current_dir(bench.bundle());
    let info = Said::of(&line.output().unwrap());
    assert_eq!(info.code, 0, "{info:?}");
    assert_eq!(info.json()["migrations"][0]["state"], "Pending");
}

#[tokio::test]
async fn s14_who_logs_in_may_be_in_the_environment_as_flyway_has_it() {
    let bench = with_settings().await;
    let server = server().await;
    let url = format!(
        "jdbc:postgresql://127.0.0.1:{}/{}?sslmode=disable&currentSchema=app",
        server.port(),
        bench.database
    );
    let mut line = belay();
    line.args(["migrate", "--schemas", "app"])
        .env("FLYWAY_URL", &url)
        .env("FLYWAY_USER", "migrator")
        .env("FLYWAY_PASSWORD", server.migrator().password())
        .current_dir(bench.bundle());
    let migrated = Said::of(&line.output().unwrap());
    assert_eq!(migrated.code, 0, "{migrated:?}");
    assert_eq!(
        bench.look("SELECT said FROM app.a").await,
        "bundle kept",
        "currentSchema is the default schema"
    );
}

#[tokio::test]
async fn s14_user_and_password_may_be_in_a_secret_as_flyway_sells_it() {
    let bench = with_settings().await;
    let (server, aws) = (server().await, aws().await);
    let login = serde_json::json!({"username": "migrator", "password": server.migrator().password()});
    let secret = aws.secrets.create_secret().name("prod/shop");
    secret.secret_string(login.to_string()).send().await.unwrap();
    let url = |name: &str| {
        format!(
            "jdbc-secretsmanager:postgresql://127.0.0.1:{}/{}?sslmode=disable&user={name}",
            server.port(),
            bench.database
        )
    };
    let info = |url: &str| {
        let mut line = belay();
        line.args(["info", "--url", url, "--bundle"])
            .arg(bench.bundle())
            .envs(aws.environment());
        Said::of(&line.output().unwrap())
    };
    let known = info(&url("prod/shop"));
    assert_eq!(known.code, 0, "{known:?}");
    let unknown = info(&url("prod/other"));
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("prod/other"), "{unknown:?}");
}

#[tokio::test]
async fn s14_an_environment_of_flyway_toml_is_chosen_by_an_option() {
    let bench = Bench::new().await;
    bench.files(&[
        (
            "flyway.toml",
            "[flyway]\nenvironment = \"dev\"\n[environments.dev]\nschemas = [\"in_dev\"]\n\
             [environments.prod]\nschemas = [\"in_prod\"]\n[environments.prod.flyway]\ninstalledBy = \"prod\"\n",
        ),
        (
            "sql/V1__a.sql",
            "CREATE TABLE a AS SELECT '${flyway:environment}'::text AS said",
        ),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(bench.look("SELECT said FROM in_dev.a").await, "dev");
    assert_eq!(bench.belay("migrate", &["-environment=prod"]).code, 0);
    assert_eq!(bench.look("SELECT said FROM in_prod.a").await, "prod");
    assert_eq!(
        bench
            .look("SELECT min(installed_by) FROM in_prod.flyway_schema_history")
            .await,
        "prod"
    );
    let none = bench.belay("info", &["--environment", "test"]);
    assert_eq!(none.code, 4, "{none:?}");
    assert!(none.err.contains("there is no environment `test`"), "{none:?}");
}

#[tokio::test]
async fn s8_group_is_all_in_one_transaction_unless_transaction_says_otherwise() {
    let bench = Bench::new().await;
    let files: Vec<(String, String)> = (1..=25)
        .map(|version| {
            (
                format!("V{version}__a.sql"),
                format!("CREATE TABLE a{version} (id int)"),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    bench.files(&files);
    for (options, how) in [
        (&[][..], "in 25 transactions"),
        (&["--group"][..], "in 1 transaction "),
        (&["--group", "--transaction", "each"][..], "in 25 transactions"),
        (&["--transaction", "all"][..], "in 1 transaction "),
    ] {
        let plan = bench.belay("plan", options);
        assert!(plan.out.contains(how), "{options:?}: {plan:?}");
    }
}

#[tokio::test]
async fn s14_a_setting_that_is_none_or_has_no_effect_is_told() {
    let bench = with_settings().await;
    golden("setting_unknown", &bench.belay("info", &["--flyway", "outOfOder=true"]));
    golden("setting_wrong", &bench.belay("info", &["--out-of-order=perhaps"]));
    golden(
        "setting_without_effect",
        &bench.belay("plan", &["-licenseKey=FL01hunter2"]),
    );
    bench.files(&[("flyway.conf", "flyway.outOfOder=true\n")]);
    golden("setting_unknown_in_the_bundle", &bench.belay("info", &[]));
}

#[tokio::test]
async fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let bench = with_settings().await;
    for option in ["-password=hunter2", "--password=hunter2"] {
        let refused = bench.belay("info", &[option]);
        assert_eq!(refused.code, 64, "{refused:?}");
        assert!(refused.err.contains("FLYWAY_PASSWORD"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
}
