//! `errorOverrides`: notices that are errors, and errors that are only told (§14).

use belay_model::{Code, TransactionMode, Verdict};

use crate::callbacks::{callbacks, files, logged, world};
use crate::world::{Ran, World};

impl World {
    fn overriding(self, rules: &str) -> Self {
        let mut world = self;
        world.flyway.mixed = true;
        world.flyway.error_overrides = rules.split(',').map(|rule| rule.parse().unwrap()).collect();
        world
    }
}

/// What people are told of a run that went in.
fn told(ran: &Ran) -> Vec<String> {
    ran.migrated.as_ref().unwrap().notices.clone()
}

const NOTICE: &str = "CREATE TABLE a (b int);\nDO $$ BEGIN RAISE WARNING 'careful' USING ERRCODE = 'ZZ001'; END $$;\nCREATE TABLE c (d int);";

#[tokio::test]
async fn s14_a_notice_is_taken_for_what_the_rule_says() {
    for (rules, expected) in [
        ("42P07:0:W", "WARNING: careful"),
        ("ZZ001:0:W", "WARNING: careful (SQLSTATE ZZ001)"),
        ("ZZ001:0:I-", "INFO: careful"),
        ("ZZ001:*:I+,*:*:W", "INFO: SQLSTATE ZZ001"),
        ("*:0:D", ""),
    ] {
        let world = World::new().await.overriding(rules);
        let ran = world.shipped(&[("V1__a.sql", NOTICE)]).await;
        assert_eq!(told(&ran).join("\n"), expected, "{rules}");
        assert!(world.has("c").await, "{rules}");
    }
}

#[tokio::test]
async fn s14_a_notice_that_is_an_error_takes_its_unit_back() {
    let said = "said something that errorOverrides makes an error (Belay.SqlFailed)\n  statement: DO $$";
    for (rules, shown, hidden) in [
        ("ZZ001:0:E", "SQLSTATE ZZ001: careful", "(not shown)"),
        ("*:*:E-", "makes an error: careful", "ZZ001:"),
        ("*:*:E+", "SQLSTATE ZZ001: (not shown)", "ZZ001: careful"),
    ] {
        let world = World::new().await.overriding(rules);
        let ran = world.ship(&[("V1__a.sql", NOTICE), ("V2__b.sql", "SELECT 1")]).await;
        assert_eq!(ran.told(), "before Belay.SqlFailed", "{rules}");
        let failure = ran.failure();
        assert!(failure.starts_with("V1__a.sql:2: PostgreSQL said"), "{failure}");
        assert!(failure.contains(shown), "{rules} {failure}");
        assert!(rules.ends_with('-') || failure.contains(said), "{failure}");
        assert!(!failure.contains(hidden), "{rules} {failure}");
        assert!(!world.has("a").await && !world.has("flyway_schema_history").await);
    }
}

/// In units of their own, what went in before stays, and error callbacks run as for any error.
#[tokio::test]
async fn s14_a_notice_that_is_an_error_runs_error_callbacks() {
    let world = World {
        transaction: TransactionMode::Each,
        ..world().await
    }
    .overriding("ZZ001:0:E");
    let list = callbacks(&["afterEachMigrateError", "afterMigrateError", "afterMigrate"]);
    let migrations = [("V1__x.sql", "CREATE TABLE x (y int)"), ("V2__a.sql", NOTICE)];
    let ran = world.ship(&[&files(&[&list])[..], &migrations].concat()).await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert_eq!(logged(&world).await, "afterEachMigrateError afterMigrateError");
    assert!(world.has("x").await && !world.has("a").await);
}

/// A trigger that waits for the end of the transaction is heard before COMMIT.
#[tokio::test]
async fn s14_a_notice_at_the_end_of_the_transaction_is_heard() {
    let world = World::new().await.overriding("ZZ001:0:E");
    let sql = "CREATE TABLE a (b int);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'late' USING ERRCODE = 'ZZ001'; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();
        INSERT INTO a VALUES (1);";
    let ran = world.ship(&[("V1__a.sql", sql)]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().contains("late"), "{}", ran.failure());
    assert!(!world.has("a").await);
}

#[tokio::test]
async fn s14_an_error_that_is_a_warning_is_told_and_the_file_goes_on() {
    for mode in [TransactionMode::All, TransactionMode::Each] {
        let world = World {
            transaction: mode,
            ..World::new().await
        }
        .overriding("42P07:0:W,42601:0:I-,23505:0:D");
        let first = "CREATE TABLE a (b int PRIMARY KEY);\nCREATE TABLE a (c int);\nINSERT INTO a VALUES (1);\n\
            INSERT INTO a VALUES (2), (1);\nCOPY a FROM STDIN;\n7\n\\.\nnonsense;\nINSERT INTO a VALUES (3) -- é";
        let ran = world
            .shipped(&[("V1__a.sql", first), ("V2__b.sql", "INSERT INTO a VALUES (4)")])
            .await;
        assert_eq!(world.sql("SELECT b FROM a ORDER BY b").await, ["1", "3", "4", "7"]);
        assert_eq!(ran.verified.applied, ["V1__a.sql", "V2__b.sql"]);
        assert_eq!(world.sql("SELECT success FROM flyway_schema_history").await, ["t", "t"]);
        let tail = "; errorOverrides lets it pass, and the statement did nothing";
        let expected = [
            "V1__a.sql:2: WARNING: relation \"a\" already exists (SQLSTATE 42P07)",
            "V1__a.sql:4: DEBUG: duplicate key value violates unique constraint \"a_pkey\" (SQLSTATE 23505)",
            "V1__a.sql:8:1: INFO: syntax error at or near \"nonsense\"",
        ];
        let expected = expected.map(|line| format!("{line}{tail}"));
        assert_eq!(told(&ran), expected);
        // The journal has them, and so Verify tells of them.
        let found: Vec<String> = ran.verified.findings.iter().map(ToString::to_string).collect();
        assert!(expected.iter().all(|line| found.contains(line)), "{found:?}");
        let notes = ran.planned.plan.notes.join("\n");
        assert!(
            notes.contains("lets errors of files pass: 42P07:0:W, 42601:0:I-, 23505:0:D"),
            "{notes}"
        );
    }
}

/// The savepoints of a file are its own.
#[tokio::test]
async fn s14_a_files_savepoints_are_its_own() {
    let sql = "CREATE TABLE a (b int); SAVEPOINT s; INSERT INTO a VALUES (1); nonsense; SAVEPOINT t; INSERT INTO a VALUES (2);
        ROLLBACK TO SAVEPOINT s; INSERT INTO a VALUES (3); nonsense; RELEASE s; INSERT INTO a VALUES (4); SAVEPOINT open; nonsense";
    for text in [sql.to_owned(), format!("BEGIN; {sql}; COMMIT")] {
        let world = World::new().await.overriding("42601:0:W");
        world.shipped(&[("V1__a.sql", &text)]).await;
        assert_eq!(world.sql("SELECT b FROM a ORDER BY b").await, ["3", "4"], "{text}");
        assert_eq!(
            world
                .value("SELECT count(*) FROM belay.unit WHERE state = 'open'")
                .await,
            "0"
        );
    }
}

/// Whatever the rules say: what is no fault of a file's, and what decides on which transaction is open.
#[tokio::test]
async fn s14_some_errors_stay_errors() {
    for (sql, told) in [
        (
            "SELECT 1; SELECT pg_terminate_backend(pg_backend_pid())",
            "before Infra.Database",
        ),
        ("ROLLBACK TO SAVEPOINT nope", "before Belay.SqlFailed"),
        (
            "CREATE TABLE a (b int); COPY a FROM STDIN;\nx\n\\.\n",
            "before Belay.SqlFailed",
        ),
        (
            "SET statement_timeout = 100; SELECT pg_sleep(60)",
            "before Belay.SqlFailed",
        ),
        (
            "BEGIN; CREATE TABLE a (b int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1), (1); COMMIT",
            "before Belay.SqlFailed",
        ),
        (
            "CREATE TABLE a (b int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1), (1)",
            "before Belay.SqlFailed",
        ),
        (
            "CREATE TABLE a (b int); SET ROLE nobody_has_this; DO $$ BEGIN RAISE EXCEPTION 'belay:transaction-lost x'; END $$",
            "before Belay.TransactionLost",
        ),
    ] {
        let world = World::new().await.overriding("*:*:W");
        let ran = world.ship(&[("V1__a.sql", sql)]).await;
        assert_eq!(ran.told(), told, "{sql}: {}", ran.failure());
        assert!(!world.has("a").await, "{sql}");
    }
}

#[tokio::test]
async fn s14_in_a_lone_file_a_passed_over_statement_is_done() {
    let sql = "CREATE TABLE a (b int);\nCREATE TABLE a (c int);\nBEGIN; INSERT INTO a VALUES (1); CREATE TABLE a (d int);\n\
        INSERT INTO a VALUES (2); COMMIT;\nCREATE INDEX CONCURRENTLY i ON a (b);\nCREATE INDEX CONCURRENTLY i ON a (b);\nVACUUM nope;\n\
        COPY a FROM STDIN;\n3\n\\.\n";
    let world = World::new().await.overriding("42P07:0:W,42P01:0:W");
    let ran = world.shipped(&[("V1__a.sql", sql)]).await;
    assert_eq!(world.sql("SELECT b FROM a ORDER BY b").await, ["1", "2", "3"]);
    let told: Vec<String> = told(&ran)
        .iter()
        .map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(passed_over(&world).await, "4");
    assert_eq!(
        told,
        [
            "V1__a.sql:2 WARNING",
            "V1__a.sql:3 WARNING",
            "V1__a.sql:6 WARNING",
            "V1__a.sql:7 WARNING"
        ]
    );
}

/// L2: an index that is left INVALID is never passed over; Cleanup finds it.
#[tokio::test]
async fn s14_what_leaves_something_behind_stays_an_error() {
    let world = World::new().await.overriding("*:*:W");
    world
        .sql("CREATE TABLE a (b int); INSERT INTO a VALUES (1), (1); ALTER TABLE a OWNER TO migrator")
        .await;
    world.flyway_baseline().await;
    let ran = world
        .ship(&[("V2__i.sql", "CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)")])
        .await;
    assert_eq!(ran.migrated.as_ref().unwrap_err().failure().code, Code::SqlFailed);
    assert_eq!(ran.verified.verdict, Verdict::Between);
    let cleaned = world.cleanup(&ran.planned).await.unwrap();
    assert!(cleaned.join("\n").contains("INVALID index public.i"), "{cleaned:?}");
    assert!(!world.has("i").await);
}

impl World {
    /// The database is one that Flyway knows.
    async fn flyway_baseline(&self) {
        crate::flyway::history(self, &["1, '1', 'a', 'BASELINE', NULL, true"]).await;
    }
}

#[tokio::test]
async fn s14_in_a_lone_file_a_notice_that_is_an_error_takes_its_statement_back() {
    let warns = "DO $$ BEGIN CREATE TABLE c (d int); RAISE WARNING 'careful' USING ERRCODE = 'ZZ001'; END $$";
    for (sql, told, a) in [
        (
            format!("SET lock_timeout = '1s'; {warns}; VACUUM"),
            "before Belay.SqlFailed",
            false,
        ),
        (
            format!("CREATE TABLE a (b int); {warns}; VACUUM"),
            "between Belay.SqlFailed",
            true,
        ),
        (
            format!("BEGIN; CREATE TABLE a (b int); {warns}; COMMIT"),
            "before Belay.SqlFailed",
            false,
        ),
    ] {
        let world = World::new().await.overriding("ZZ001:0:E");
        let ran = world.ship(&[("V1__a.sql", &sql)]).await;
        assert_eq!(ran.told(), told, "{sql}: {}", ran.failure());
        assert_eq!((world.has("a").await, world.has("c").await), (a, false), "{sql}");
    }
}

/// §13: the same goes for callbacks and `initSql`, before a lone file too.
#[tokio::test]
async fn s14_callbacks_and_init_sql_are_files_too() {
    for sql in ["SELECT 1", "SELECT 1; VACUUM"] {
        let mut world = world().await.overriding("42883:0:W");
        world.flyway.init_sql = Some("SELECT nope()".to_owned());
        let list = callbacks(&["beforeEachMigrateStatement", "afterMigrate"]);
        let callback = ("beforeEachMigrate.sql", "SET search_path = beside; SELECT nope_too()");
        let ran = world
            .shipped(&[&files(&[&list])[..], &[callback, ("V1__a.sql", sql)]].concat())
            .await;
        let told = told(&ran).join("\n");
        assert!(told.contains("initSql:1:8: WARNING: function nope()"), "{told}");
        assert!(
            told.contains("beforeEachMigrate.sql:1:34: WARNING: function nope_too()"),
            "{told}"
        );
        assert!(logged(&world).await.ends_with("afterMigrate"));
    }
}

/// What fails later may fail because of it, so the error says it too. What is taken back leaves no row.
#[tokio::test]
async fn s14_an_error_names_what_was_passed_over_before_it() {
    let world = World::new().await.overriding("42P01:0:W");
    let ran = world.ship(&[("V1__a.sql", "TRUNCATE nope;\nSELECT 1/0")]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    let failure = ran.failure();
    assert!(failure.starts_with("V1__a.sql:2: "), "{failure}");
    assert!(
        failure.contains("besides: V1__a.sql:1: WARNING: relation \"nope\""),
        "{failure}"
    );
    assert_eq!(world.value("SELECT count(*) FROM belay.change").await, "0");
}

/// A lock that can't be had is tried again with the whole unit, and what is passed over is told once.
#[tokio::test]
async fn s14_a_unit_that_is_tried_again_tells_once() {
    let world = World::new().await.overriding("*:*:W");
    world
        .sql("CREATE TABLE a (b int); ALTER TABLE a OWNER TO migrator; CREATE SEQUENCE s; ALTER SEQUENCE s OWNER TO migrator")
        .await;
    world.flyway_baseline().await;
    let superuser = world.postgres.superuser();
    let client = world.postgres.connect(superuser, &world.database).await.unwrap();
    client.batch_execute("BEGIN; LOCK TABLE a").await.unwrap();
    let files = [(
        "V2__c.sql",
        "DROP TABLE nope;\nSELECT nextval('s');\nALTER TABLE a ADD c int",
    )];
    let (ran, ()) = tokio::join!(world.shipped(&files), async {
        world.wait_for("(SELECT last_value FROM s) >= 2").await;
        client.batch_execute("COMMIT").await.unwrap();
    });
    assert_eq!(told(&ran).len(), 1, "{ran:?}");
    assert_eq!(passed_over(&world).await, "1");
}

/// How many errors the journal says were passed over.
async fn passed_over(world: &World) -> String {
    world
        .value("SELECT count(*) FROM belay.change WHERE what = 'passed-over'")
        .await
}

/// A file that was interrupted goes on behind a setting that was passed over, which is said again.
#[tokio::test]
async fn s14_a_lone_file_goes_on_behind_what_was_passed_over() {
    let world = World::new().await.overriding("22023:0:W");
    let first = world
        .ship(&[(
            "V1__a.sql",
            "CREATE TABLE a (b int); SET ROLE nope; VACUUM a; SELECT 1/0",
        )])
        .await;
    assert_eq!(first.told(), "between Belay.SqlFailed");
    let again = world.run("again");
    let ran = again
        .ship(&[(
            "V1__a.sql",
            "CREATE TABLE a (b int); SET ROLE nope; VACUUM a; SELECT 1/0",
        )])
        .await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert!(ran.failure().contains("statement: SELECT 1/0"), "{}", ran.failure());
    assert_eq!(
        world
            .value("SELECT statement FROM belay.unit WHERE state = 'open'")
            .await,
        "3"
    );
}

/// What is told holds no secret.
#[tokio::test]
async fn s14_what_is_told_is_masked() {
    let mut world = World::new().await.overriding("ZZ002:0:W");
    let at = belay_model::SecretRef {
        arn: "arn:aws:secretsmanager:eu-west-1:1:secret:x".to_owned(),
        key: "k".to_owned(),
        version_id: "v".to_owned(),
    };
    let value = "hunter2-hunter2".to_owned();
    world
        .placeholders
        .insert("word".to_owned(), belay_engine::Given::Secret { at, value });
    let sql = "DO $$ BEGIN RAISE EXCEPTION 'no ${word}' USING ERRCODE = 'ZZ002'; END $$";
    let ran = world.shipped(&[("V1__a.sql", sql)]).await;
    let told = told(&ran).join("\n");
    assert!(told.contains("WARNING: no ") && !told.contains("hunter2"), "{told}");
}
