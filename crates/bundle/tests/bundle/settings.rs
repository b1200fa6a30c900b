//! Flyway's own settings in a bundle.

use belay_bundle::Bundle;
use belay_model::{Code, FlywaySettings, TargetVersion};
use serde_json::{Value, json};

use crate::opened::{open_with, problems};

const V1: (&str, &str) = ("sql/V1__a.sql", "");

fn with(file: &str, text: &str, above: Value) -> Bundle {
    open_with(&[V1, (file, text)], above)
}

fn read(file: &str, text: &str) -> FlywaySettings {
    with(file, text, json!({})).settings().clone()
}

fn wrong(file: &str, text: &str, above: Value) -> Vec<(Code, String, String)> {
    problems(&[V1, (file, text)], above)
}

const CONF: &str = r"
# What a team has.
flyway.url=jdbc:postgresql://db.example/shop
flyway.user = app
flyway.schemas = app, audit
flyway.defaultSchema: app
flyway.outOfOrder true
flyway.target=2_1?
flyway.placeholders.owner=app_owner
flyway.placeholders.empty=
flyway.installedBy=
flyway.ignoreMigrationPatterns=*:missing,\
    versioned:pending
flyway.postgresql.transactional.lock=false
";

const TOML: &str = r#"
id = "0f"
[flyway]
environment = "prod"
outOfOrder = true
target = "2_1?"
baselineVersion = 1.10
ignoreMigrationPatterns = ["*:missing", "versioned:pending"]
postgresql.transactional.lock = false
[flyway.placeholders]
owner = "app_owner"
empty = ""
[environments.prod]
url = "jdbc:postgresql://db.example/shop"
user = "app"
schemas = ["app", "audit"]
[environments.prod.flyway]
defaultSchema = "app"
placeholders.stage = "prod"
[environments.test]
schemas = ["test"]
"#;

#[test]
fn s14_flyway_conf_and_flyway_toml() {
    for (file, text) in [("flyway.conf", CONF), ("conf/flyway.conf", CONF), ("flyway.toml", TOML)] {
        let settings = read(file, text);
        assert_eq!(settings.schemas, ["app", "audit"], "{file}");
        assert_eq!(settings.default_schema.as_deref(), Some("app"));
        assert!(settings.out_of_order && settings.installed_by.is_none());
        assert!(matches!(
            settings.target,
            TargetVersion::Version { must_exist: false, .. }
        ));
        assert_eq!(settings.placeholders["owner"], "app_owner");
        assert_eq!(settings.placeholders["empty"], "");
        let patterns: Vec<String> = settings
            .ignore_migration_patterns
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(patterns, ["*:missing", "versioned:pending"]);
    }
    let settings = read("flyway.toml", TOML);
    assert_eq!(settings.placeholders["stage"], "prod");
    assert_eq!(settings.environment.as_deref(), Some("prod"));
    assert_eq!(settings.baseline_version.as_str(), "1.10");
    assert_eq!(read("ci/flyway.conf", CONF), FlywaySettings::default());
}

#[test]
fn s14_what_is_above_chooses_the_environment_and_wins() {
    let settings = |above: Value| with("flyway.toml", TOML, above).settings().clone();
    let test = settings(json!({"environment": "test"}));
    assert_eq!((test.schemas, test.default_schema), (vec!["test".to_owned()], None));
    let own = settings(json!({"schemas": ["own"], "placeholders": {"owner": "other"}}));
    assert_eq!(own.schemas, ["own"]);
    assert_eq!(
        (own.placeholders["owner"].as_str(), own.placeholders["stage"].as_str()),
        ("other", "prod")
    );
    let unknown = wrong("flyway.toml", TOML, json!({"environment": "production"}));
    assert_eq!((unknown[0].0, unknown.len()), (Code::ConfigInvalid, 1));
    assert!(unknown[0].2.contains("prod, test"), "{unknown:?}");
    // Without environments it is only a name.
    assert_eq!(
        read("flyway.conf", "flyway.environment=x").environment.as_deref(),
        Some("x")
    );
}

#[test]
fn s14_toml_and_conf_are_never_mixed_and_later_files_win() {
    let files = [
        V1,
        ("flyway.conf", "flyway.group=true"),
        ("conf/flyway.toml", "[flyway]\ntable = \"a\"\nmixed = true"),
        ("flyway.toml", "[flyway]\ntable = \"b\""),
        ("flyway.user.toml", "[flyway]\noutOfOrder = true"),
    ];
    let bundle = open_with(&files, json!({}));
    let settings = bundle.settings();
    assert_eq!(settings.table, "b");
    assert!(settings.mixed && settings.out_of_order && !settings.group);
    assert_eq!(
        bundle.notes(),
        ["`flyway.conf` is not read, as `conf/flyway.toml` is there: Flyway never mixes them"]
    );
    let conf = [
        V1,
        ("conf/flyway.conf", "flyway.table=a\nflyway.mixed=true"),
        ("flyway.conf", "flyway.table=b"),
    ];
    let bundle = open_with(&conf, json!({}));
    assert!(bundle.settings().mixed && bundle.settings().table == "b");
}

#[test]
fn s14_what_is_wrong_is_told_with_its_line() {
    for (file, text, place, message) in [
        (
            "flyway.conf",
            "\nflyway.outoforder=true",
            "flyway.conf:2",
            "`outOfOrder`",
        ),
        ("flyway.conf", "flyway.group=yes", "flyway.conf:1", "`true` or `false`"),
        ("flyway.conf", "flyway.target=newest", "flyway.conf:1", "latest"),
        (
            "flyway.conf",
            "flyway.ignoreMigrationPatterns=*:success",
            "flyway.conf:1",
            "KIND:STATE",
        ),
        (
            "flyway.conf",
            "flyway.encoding=Shift_JIS",
            "flyway.conf:1",
            "save the files as UTF-8",
        ),
        ("flyway.toml", "[flyway]\n\ngruop = true", "flyway.toml:3", "`group`"),
        ("flyway.toml", "[flyway]\ntable = ", "flyway.toml:2", "TOML"),
        ("flyway.toml", "[flyawy]\na = 1", "flyway.toml:1", "`[flyway]`"),
        ("flyway.toml", "flyway = 1", "flyway.toml:1", "table"),
        ("flyway.toml", "[environments]\nx = 1", "flyway.toml:2", "table"),
        (
            "flyway.toml",
            "[environments.default]\nschema = \"a\"",
            "flyway.toml:2",
            "`schemas`",
        ),
        (
            "flyway.toml",
            "[environments.default.flyway]\ngruop = true",
            "flyway.toml:2",
            "`group`",
        ),
        (
            "flyway.toml",
            "[flyway]\nschemas = [1, [2]]",
            "flyway.toml:2",
            "flyway.schemas",
        ),
        (
            "flyway.conf",
            "flyway.defaultSchema=${SCHEMA}",
            "flyway.conf:1",
            "target's `flyway`",
        ),
        (
            "flyway.toml",
            "[flyway]\ndefaultSchema = \"${env.SCHEMA}\"",
            "flyway.toml:2",
            "target's `flyway`",
        ),
        (
            "flyway.toml",
            "[flyway]\nlocations = [\"a\", \"${vault.x}\"]",
            "flyway.toml:2",
            "target's `flyway`",
        ),
    ] {
        let found = wrong(file, text, json!({}));
        let [(code, at, said)] = found.as_slice() else {
            panic!("{text}: {found:?}")
        };
        assert_eq!((*code, at.as_str()), (Code::ConfigInvalid, place), "{text}");
        assert!(said.contains(message), "{text}: {said}");
    }
    let bytes = wrong("flyway.conf", "flyway.table=\0", json!({}));
    assert_eq!(bytes[0].0, Code::NulByte);
}

#[test]
fn s14_a_value_that_is_elsewhere_is_needed_only_if_nobody_else_says_it() {
    let conf = "flyway.defaultSchema=${SCHEMA}\nflyway.password=${PASSWORD}\nflyway.placeholders.key=${KEY}";
    let bundle = with(
        "flyway.conf",
        conf,
        json!({"defaultSchema": "app", "placeholders.key": "x"}),
    );
    assert_eq!(bundle.settings().default_schema.as_deref(), Some("app"));
    assert_eq!(bundle.notes().len(), 1, "{:?}", bundle.notes());
    let bundle = with("flyway.conf", conf, json!({"defaultSchema": "app"}));
    assert!(bundle.settings().placeholders.is_empty());
    let told = bundle
        .notes()
        .iter()
        .any(|note| note.contains("flyway.placeholders.key") && note.contains("KEY"));
    assert!(told, "{:?}", bundle.notes());
}

#[test]
fn s14_a_value_that_is_elsewhere_is_not_needed_where_an_environment_says_it() {
    let toml = "[flyway]\ndefaultSchema = \"${env.SCHEMA}\"\n[environments.a.flyway]\ndefaultSchema = \"app\"";
    let bundle = with("flyway.toml", toml, json!({"environment": "a"}));
    assert_eq!(bundle.settings().default_schema.as_deref(), Some("app"));
    let other = format!("{toml}\n[environments.b]\nschemas = [\"x\"]");
    assert_eq!(wrong("flyway.toml", &other, json!({"environment": "b"})).len(), 1);
}

#[test]
fn s14_what_has_no_effect_is_told_and_never_its_value() {
    let secret = "hunter2";
    let conf = format!(
        "flyway.password={secret}\nflyway.driver=org.x\nflyway.licenseKey={secret}\nflyway.jarDirs=/x\n\
         flyway.url=jdbc:postgresql://h/d?password={secret}&currentSchema=app,other\nlocations=x\n\
         flyway.jdbcProperties.password={secret}\nflyway.lockRetryCount=7"
    );
    let toml = format!(
        "[environments.default]\npassword = \"{secret}\"\ndriver = \"x\"\n\
         url = \"jdbc:postgresql://h/d?password={secret}&currentSchema=app,other\"\nprovisioner = \"clean\"\n\
         resolvers.vault.token = \"{secret}\"\n[environments.test]\npassword = \"{secret}\"\n[flyway.vault]\ntoken = \"{secret}\""
    );
    for (file, text) in [("flyway.conf", conf.as_str()), ("flyway.toml", toml.as_str())] {
        let bundle = with(file, text, json!({}));
        assert_eq!(bundle.settings().default_schema.as_deref(), Some("app"), "{file}");
        let notes = bundle.notes().join("\n");
        assert!(!notes.contains(secret), "{notes}");
        for told in [
            "driver`",
            "url`",
            "password`: a password lies here",
            "only the first counts",
        ] {
            assert!(notes.contains(told), "{file}: {told}: {notes}");
        }
    }
    assert!(
        with("flyway.conf", "flyway.url=jdbc:mysql://h/d", json!({}))
            .settings()
            .default_schema
            .is_none()
    );
    let above = with("x.txt", "", json!({"licenseKey": secret}));
    assert_eq!(
        above.notes(),
        ["`flyway.licenseKey` has no effect here: nothing here needs a licence"]
    );
}

#[test]
fn s14_a_url_says_the_schema_only_where_nobody_else_does() {
    let url = "flyway.url=jdbc:postgresql://h/d?currentSchema=%22App%22\n";
    assert_eq!(read("flyway.conf", url).default_schema.as_deref(), Some("App"));
    for (more, above) in [
        ("flyway.schemas=a", json!({})),
        ("flyway.defaultSchema=a", json!({})),
        ("", json!({"defaultSchema": "a"})),
        ("", json!({"schemas": ["a"]})),
    ] {
        let bundle = with("flyway.conf", &format!("{url}{more}"), above);
        assert_ne!(bundle.settings().default_schema.as_deref(), Some("App"), "{more}");
    }
}

#[test]
fn s14_keys_that_flyway_no_longer_knows() {
    let conf = "flyway.ignoreMissingMigrations=true\nflyway.ignoreMigrationPatterns=*:pending";
    let patterns = read("flyway.conf", conf).ignore_migration_patterns;
    let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    assert_eq!(patterns, ["*:pending", "*:missing"]);
}

#[test]
fn s1_the_bundles_own_locations_and_names() {
    let conf = "flyway.locations=filesystem:db\nflyway.sqlMigrationPrefix=M";
    let bundle = open_with(
        &[("flyway.conf", conf), ("db/M1__x.sql", ""), ("sql/V1.sql", "")],
        json!({}),
    );
    assert_eq!(bundle.migrations()[0].path, "db/M1__x.sql");
    assert_eq!(bundle.ignored(), ["sql/V1.sql"]);
}
