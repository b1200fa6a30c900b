//! `baselineOnMigrate` (Flyway's rules, section 8): a database that was made by other means is taken to be at a version.

use belay_model::{FindingKind, FlywaySettings, Verdict};

use crate::world::{Ran, World, bundle, codes};

const FILES: [(&str, &str); 4] = [
    ("V1__never.sql", "this never runs"),
    ("V2__never.sql", "nor this"),
    ("V3__c.sql", "CREATE TABLE c (a int)"),
    ("R__r.sql", "CREATE VIEW r AS SELECT 1"),
];

impl World {
    /// With a table that no history tells of, and what is set.
    async fn grown(json: &str) -> Self {
        let mut world = Self::new().await;
        world.sql("CREATE TABLE public.old (a int)").await;
        world.flyway = serde_json::from_str(json).unwrap();
        world
    }

    async fn rows(&self, history: &str) -> Vec<String> {
        self.sql(&format!(
            "SELECT installed_rank, version, description, type, script, checksum, execution_time, success
             FROM {history} WHERE type <> 'SQL' OR version = '3' ORDER BY 1"
        ))
        .await
        .into_iter()
        .map(|row| row.split('|').take(5).collect::<Vec<_>>().join("|"))
        .collect()
    }
}

/// Nobody else wrote, as far as Verify can tell: what changed is the run's own work.
fn is_clean(ran: &Ran) {
    let mut findings = ran.verified.findings.iter();
    assert!(
        findings.all(|finding| finding.kind == FindingKind::Changed),
        "{:?}",
        ran.verified.findings
    );
}

#[tokio::test]
async fn s8_a_database_without_a_history_is_refused_or_baselined() {
    let refused = World::grown("{}").await;
    assert_eq!(codes(refused.plan(&bundle(&FILES)).await), ["Belay.NonEmptySchema"]);

    let world = World::grown(r#"{"baselineOnMigrate": true, "baselineVersion": "2.0"}"#).await;
    let ran = world.shipped(&FILES).await;
    is_clean(&ran);
    assert_eq!(ran.verified.applied, ["V3__c.sql", "R__r.sql"]);
    assert_eq!(
        world.rows("flyway_schema_history").await,
        [
            "1|2.0|<< Flyway Baseline >>|BASELINE|<< Flyway Baseline >>",
            "2|3|c|SQL|V3__c.sql"
        ]
    );
    assert_eq!(
        world
            .value("SELECT checksum IS NULL AND execution_time = 0 AND success AND installed_by = 'migrator' FROM flyway_schema_history WHERE installed_rank = 1")
            .await,
        "t"
    );
    // It is there now, so the setting is nothing any more.
    let more = [&FILES[..], &[("V4__d.sql", "CREATE TABLE d (a int)")]].concat();
    let second = world.run("second").shipped(&more).await;
    is_clean(&second);
    assert_eq!(second.verified.applied, ["V4__d.sql"]);
    assert_eq!(second.planned.plan.baseline, None);
}

#[tokio::test]
async fn s8_what_the_history_says_is_the_targets() {
    let world = World::grown(
        r#"{"baselineOnMigrate": true, "baselineVersion": "2_1", "baselineDescription": "it's as it was", "installedBy": "us"}"#,
    )
    .await;
    let planned = world.plan(&bundle(&FILES)).await.unwrap().plan;
    world.shipped(&FILES).await;
    assert_eq!(
        world.rows("flyway_schema_history").await[0],
        "1|2.1|it's as it was|BASELINE|it's as it was"
    );
    assert_eq!(
        world
            .value("SELECT installed_by FROM flyway_schema_history WHERE installed_rank = 1")
            .await,
        "us"
    );
    // It is in the plan, so another one is another plan.
    let mut other = planned.clone();
    other.baseline.as_mut().unwrap().description = "other".to_owned();
    assert_ne!(other.digest().unwrap(), planned.digest().unwrap());
}

#[tokio::test]
async fn s8_empty_schemas_get_no_baseline_and_nothing_pending_gets_one() {
    let settings: FlywaySettings = serde_json::from_str(r#"{"baselineOnMigrate": true}"#).unwrap();
    let mut empty = World::new().await;
    empty.flyway = settings.clone();
    let ran = empty.shipped(&[("V1__a.sql", "CREATE TABLE a (b int)")]).await;
    assert_eq!(ran.verified.applied, ["V1__a.sql"]);
    assert_eq!(ran.planned.plan.baseline, None);

    let grown = World::grown(r#"{"baselineOnMigrate": true}"#).await;
    let ran = grown.shipped(&[("V1__a.sql", "x")]).await;
    assert_eq!(ran.planned.plan.pending(), 1);
    assert_eq!(
        grown.rows("flyway_schema_history").await,
        ["1|1|<< Flyway Baseline >>|BASELINE|<< Flyway Baseline >>"]
    );
    let again = grown.run("second").plan(&bundle(&[("V1__a.sql", "x")])).await.unwrap();
    assert_eq!(again.plan.pending(), 0);
}

#[tokio::test]
async fn s8_where_nothing_is_run_objects_that_are_there_are_no_obstacle() {
    for baseline in ["true", "false"] {
        let settings = format!(r#"{{"skipExecutingMigrations": true, "baselineOnMigrate": {baseline}}}"#);
        let world = World::grown(&settings).await;
        world.shipped(&FILES).await;
        assert_eq!(
            world
                .sql("SELECT installed_rank, version, type FROM flyway_schema_history ORDER BY 1")
                .await,
            ["1|1|SQL", "2|2|SQL", "3|3|SQL", "4|null|SQL"]
        );
        assert!(!world.has("c").await);
    }
}

#[tokio::test]
async fn s8_where_a_schema_is_made_there_is_no_baseline_as_in_flyway() {
    let world =
        World::grown(r#"{"baselineOnMigrate": true, "baselineVersion": "2", "schemas": ["public", "app"]}"#).await;
    let ran = world.shipped(&FILES[2..]).await;
    is_clean(&ran);
    assert_eq!(
        world.rows("flyway_schema_history").await,
        [
            "0|null|<< Flyway Schema Creation >>|SCHEMA|\"app\"",
            "1|3|c|SQL|V3__c.sql"
        ]
    );
}

#[tokio::test]
async fn v2_a_group_that_fails_leaves_no_baseline() {
    let world = World::grown(r#"{"baselineOnMigrate": true}"#).await;
    let ran = world.ship(&[("V2__b.sql", "SELECT 1/0")]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(!world.has("flyway_schema_history").await);
}

#[tokio::test]
async fn u3_a_baseline_before_a_lone_file_stays_with_it_or_is_taken_back() {
    let lone = |column: &str| format!("CREATE INDEX CONCURRENTLY old_a ON old ({column})");
    let world = World::grown(r#"{"baselineOnMigrate": true}"#).await;
    world.sql("ALTER TABLE old OWNER TO migrator").await;
    let wrong = lone("nothing");
    let failing = [("V2__i.sql", wrong.as_str())];
    let ran = world.ship(&failing).await;
    assert_eq!(ran.verified.verdict, Verdict::Between, "{ran:?}");
    let cleaned = world.cleanup(&ran.planned).await.unwrap();
    assert!(cleaned.iter().any(|line| line.contains("taken back")), "{cleaned:?}");
    assert!(!world.has("flyway_schema_history").await);
    let after = world.verify(&bundle(&failing), &ran.planned, None).await;
    assert_eq!(after.verdict, Verdict::Before, "{after:?}");

    let right = lone("a");
    let ran = world.run("second").shipped(&[("V2__i.sql", &right)]).await;
    is_clean(&ran);
    assert_eq!(
        world
            .sql("SELECT installed_rank, version FROM flyway_schema_history ORDER BY 1")
            .await,
        ["1|1", "2|2"]
    );
}

#[tokio::test]
async fn l3_a_first_lone_file_goes_on_after_its_baseline() {
    let world = World::grown(r#"{"baselineOnMigrate": true}"#).await;
    let file = |last: &str| format!("CREATE TABLE x (a int);\nCOMMIT;\nSELECT * FROM {last};");
    let text = file("later");
    let files = [("V2__own.sql", text.as_str())];
    let ran = world.ship(&files).await;
    assert_eq!(ran.verified.verdict, Verdict::Between, "{ran:?}");
    world.cleanup(&ran.planned).await.unwrap();
    assert!(world.has("flyway_schema_history").await);
    world
        .sql("CREATE TABLE later (); GRANT SELECT ON later TO migrator")
        .await;
    let resumed = world.run("second").shipped(&files).await;
    assert!(resumed.planned.plan.resume.is_some());
    assert_eq!(
        world
            .sql("SELECT installed_rank, type FROM flyway_schema_history ORDER BY 1")
            .await,
        ["1|BASELINE", "2|SQL"]
    );
}
