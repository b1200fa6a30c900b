//! Callbacks: their order, what they share with their migration, and what becomes of it when one fails (§13).

use belay_model::{TransactionMode, Verdict};

use crate::world::{World, bundle};

/// What a file says of itself in the table `log`.
pub(crate) fn says(what: &str) -> String {
    format!(
        "INSERT INTO beside.log (what, role, path, timeout) \
         SELECT '{what}', current_user, current_setting('search_path'), current_setting('lock_timeout');"
    )
}

/// A world with the table, and a role that owns things.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    world
        .sql(
            "GRANT app TO migrator; GRANT ALL ON SCHEMA public TO app; CREATE SCHEMA beside;
             GRANT ALL ON SCHEMA beside TO public;
             CREATE TABLE beside.log (id int GENERATED ALWAYS AS IDENTITY, what text, role text, path text, timeout text,
                                      transaction text DEFAULT pg_current_xact_id()::text);
             GRANT ALL ON beside.log TO public",
        )
        .await;
    World {
        transaction: TransactionMode::All,
        ..world
    }
}

pub(crate) async fn logged(world: &World) -> String {
    world.sql("SELECT what FROM beside.log ORDER BY id").await.join(" ")
}

/// A file for each of these events that says its name.
pub(crate) fn callbacks(events: &[&str]) -> Vec<(String, String)> {
    let file = |event: &&str| (format!("{event}.sql"), says(event));
    events.iter().map(file).collect()
}

pub(crate) fn files<'a>(lists: &[&'a [(String, String)]]) -> Vec<(&'a str, &'a str)> {
    let all = lists.iter().flat_map(|list| list.iter());
    all.map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn migrations() -> Vec<(String, String)> {
    let file = |path: &str, text: String| (path.to_owned(), text);
    vec![
        file("V1__a.sql", says("v1")),
        file("V2__b.sql", says("v2") + &says("v2b")),
        file("R__c.sql", says("r")),
    ]
}

const EVENTS: [&str; 11] = [
    "beforeMigrate",
    "beforeEachMigrate",
    "afterEachMigrate",
    "beforeEachMigrateStatement",
    "afterEachMigrateStatement",
    "afterVersioned",
    "beforeRepeatables",
    "afterMigrateApplied",
    "afterMigrate",
    "afterMigrateOperationFinish",
    "afterMigrateError",
];

/// As Flyway 13.12.0 runs them.
#[tokio::test]
async fn s13_callbacks_run_in_flyways_order() {
    let each = |file: &str| {
        let statements = file
            .split('+')
            .map(|what| format!("beforeEachMigrateStatement {what} afterEachMigrateStatement"));
        let statements: Vec<String> = statements.collect();
        format!("beforeEachMigrate {} afterEachMigrate", statements.join(" "))
    };
    let expected = [
        "beforeMigrate".to_owned(),
        each("v1"),
        each("v2+v2b"),
        "afterVersioned beforeRepeatables".to_owned(),
        each("r"),
        "afterMigrateApplied afterMigrate afterMigrateOperationFinish".to_owned(),
    ]
    .join(" ");
    let (migrations, callbacks) = (migrations(), callbacks(&EVENTS));
    for transaction in [TransactionMode::All, TransactionMode::Each] {
        let world = World {
            transaction,
            ..world().await
        };
        let ran = world.shipped(&files(&[&migrations, &callbacks])).await;
        assert_eq!(logged(&world).await, expected, "{transaction:?}");
        assert_eq!(ran.verified.applied, ["V1__a.sql", "V2__b.sql", "R__c.sql"]);
        // Nothing is pending: nothing runs.
        assert_eq!(
            world
                .plan(&bundle(&files(&[&migrations, &callbacks])))
                .await
                .unwrap()
                .plan
                .pending(),
            0
        );
    }
}

/// Flyway runs a migration and what is around it on one connection, without a reset between.
#[tokio::test]
async fn s13_what_is_set_before_a_migration_holds_for_it_and_no_longer() {
    let world = world().await;
    let set = "SET ROLE app; SET search_path = beside; SET lock_timeout = '9s';";
    let mut list = migrations();
    let leak = |event: &str| {
        (
            format!("{event}.sql"),
            format!("{} SET lock_timeout = '7s';", says(event)),
        )
    };
    list.extend([leak("beforeMigrate"), leak("afterVersioned")]);
    list.push((
        "beforeEachMigrate.sql".to_owned(),
        says("before").replace("INSERT", &format!("{set} INSERT")),
    ));
    list.extend(callbacks(&["afterEachMigrate", "beforeRepeatables", "afterMigrate"]));
    world.shipped(&files(&[&list])).await;
    let rows = world
        .sql("SELECT what || ' ' || role || ' ' || timeout FROM beside.log WHERE what <> 'v2b' ORDER BY id")
        .await;
    let each = |what: &str| {
        [
            "before app 9s".to_owned(),
            format!("{what} app 9s"),
            "afterEachMigrate app 9s".to_owned(),
        ]
    };
    let alone = |what: &str| vec![format!("{what} migrator 300ms")];
    let expected = [
        alone("beforeMigrate"),
        each("v1").to_vec(),
        each("v2").to_vec(),
        alone("afterVersioned"),
        alone("beforeRepeatables"),
        each("r").to_vec(),
        alone("afterMigrate"),
    ];
    assert_eq!(rows, expected.concat());
    let paths = "SELECT DISTINCT path = 'beside' FROM beside.log WHERE what IN ('v1', 'before', 'r')";
    assert_eq!(world.sql(paths).await, ["t"]);
    assert_eq!(
        world
            .value("SELECT string_agg(DISTINCT installed_by, ' ') FROM flyway_schema_history")
            .await,
        "migrator"
    );
}

#[tokio::test]
async fn s13_beside_a_lone_file_callbacks_commit_by_themselves() {
    let mut world = world().await;
    world.flyway.mixed = true;
    let mut list = callbacks(&["beforeMigrate", "afterEachMigrate", "afterMigrate"]);
    let before = format!("SET ROLE app; SET lock_timeout = '9s'; {}", says("before"));
    list.push(("beforeEachMigrate.sql".to_owned(), before));
    list.push((
        "V1__t.sql".to_owned(),
        format!("CREATE TABLE t (a int); {}", says("v1")),
    ));
    // What the callback has set holds for a file that it can't share a transaction with, too.
    let lone = format!(
        "CREATE INDEX CONCURRENTLY i ON t (a); {} CREATE TABLE made (a int);",
        says("v2")
    );
    list.push(("V2__lone.sql".to_owned(), lone));
    let ran = world.shipped(&files(&[&list])).await;
    assert_eq!(
        logged(&world).await,
        "beforeMigrate before v1 afterEachMigrate before v2 afterEachMigrate afterMigrate"
    );
    let told = world
        .sql("SELECT what || ' ' || role || ' ' || timeout FROM beside.log WHERE id > 5 ORDER BY id")
        .await;
    assert_eq!(
        told,
        ["v2 app 9s", "afterEachMigrate app 9s", "afterMigrate migrator 300ms"]
    );
    assert_eq!(
        world
            .value("SELECT tableowner FROM pg_tables WHERE tablename = 'made'")
            .await,
        "app"
    );
    let kinds: Vec<usize> = ran
        .planned
        .plan
        .units
        .iter()
        .map(|unit| unit.migrations().count())
        .collect();
    assert_eq!(kinds, [1, 1, 0]);
    assert_eq!(
        world
            .sql("SELECT unit, number, what, script FROM belay.change ORDER BY id")
            .await,
        ["2|0|callback|afterEachMigrate.sql", "2|1|callback|afterMigrate.sql"]
    );
}

/// Better than Flyway, which leaves applied what a failing `afterMigrate` comes after.
#[tokio::test]
async fn s13_a_callback_that_fails_takes_its_group_with_it() {
    for event in &EVENTS[..10] {
        let world = world().await;
        let mut list = callbacks(&EVENTS);
        list.retain(|(path, _)| path != &format!("{event}.sql"));
        list.push((format!("{event}.sql"), "SELECT 1;\n  SELECT nope;".to_owned()));
        let ran = world.ship(&files(&[&migrations(), &list])).await;
        assert_eq!(ran.told(), "before Belay.SqlFailed", "{event}");
        assert!(
            ran.failure().starts_with(&format!("{event}.sql:2:10: ")),
            "{}",
            ran.failure()
        );
        // What ran after the error is all that is left.
        assert_eq!(logged(&world).await, "afterMigrateError", "{event}");
        assert!(!world.has("flyway_schema_history").await);
    }
}

#[tokio::test]
async fn s13_callbacks_that_committed_are_between_if_what_follows_fails() {
    let world = world().await;
    let mut list = callbacks(&["beforeMigrate"]);
    list.push(("V1__own.sql".to_owned(), "BEGIN; SELECT nope; COMMIT;".to_owned()));
    let ran = world.ship(&files(&[&list])).await;
    assert_eq!(ran.told(), "between Belay.SqlFailed");
    assert_eq!(logged(&world).await, "beforeMigrate");
    assert_eq!(ran.verified.missing, ["V1__own.sql"]);
}

#[tokio::test]
async fn s13_a_callback_with_data_or_placeholders_is_a_file_like_any_other() {
    let mut world = world().await;
    world
        .placeholders
        .insert("who".to_owned(), belay_engine::Given::Value("copied".to_owned()));
    let ran = world
        .shipped(&[
            (
                "beforeEachMigrate.sql",
                "COPY beside.log (what) FROM STDIN;\n${who}\n\\.\n",
            ),
            ("V1__a.sql", "CREATE TABLE a (b int);\nCOPY a FROM STDIN;\n7\n\\.\n"),
            (
                "beforeEachMigrateStatement.sql",
                "INSERT INTO beside.log (what) VALUES ('statement')",
            ),
            (
                "afterEachMigrate.sql",
                "INSERT INTO beside.log (what) SELECT b::text FROM a",
            ),
        ])
        .await;
    assert_eq!(logged(&world).await, "copied statement statement 7");
    assert_eq!(ran.planned.plan.units.len(), 1);
    assert_eq!(
        world.value("SELECT count(DISTINCT transaction) FROM beside.log").await,
        "1"
    );
}

#[tokio::test]
async fn s13_schemas_are_made_after_the_callbacks_of_their_making() {
    let mut world = world().await;
    world.flyway.schemas = vec!["made".to_owned()];
    let look = "INSERT INTO beside.log (what) SELECT 'EVENT ' || (to_regnamespace('made') IS NULL)";
    let at = |event: &str| look.replace("EVENT", event);
    world
        .shipped(&[
            ("beforeCreateSchema.sql", &at("before")),
            ("createSchema.sql", &at("create")),
            ("beforeMigrate.sql", &at("migrate")),
            ("V1__own.sql", "CREATE TABLE made.a (b int); COMMIT;"),
        ])
        .await;
    assert_eq!(
        world.sql("SELECT what FROM beside.log ORDER BY what").await,
        ["before true", "create true", "migrate false"]
    );
    assert_eq!(
        world
            .sql("SELECT installed_rank FROM made.flyway_schema_history ORDER BY 1")
            .await,
        ["0", "1"]
    );
}

/// Flyway says it once for a connection; here each file has it, whatever the one before it did.
#[tokio::test]
async fn s12_what_is_said_before_each_file_is_not_lost_and_does_not_pile_up() {
    let mut world = world().await;
    world.flyway.init_sql = Some("SET lock_timeout = '5s'; SET ROLE app".to_owned());
    let mut list = callbacks(&["beforeMigrate", "afterMigrate"]);
    list.push((
        "V1__a.sql".to_owned(),
        format!("{} RESET ROLE; SET lock_timeout = '1s';", says("v1")),
    ));
    list.push(("V2__b.sql".to_owned(), says("v2")));
    list.push(("V3__own.sql".to_owned(), format!("{} COMMIT;", says("v3"))));
    list.push(("V4__c.sql".to_owned(), says("v4")));
    world.shipped(&files(&[&list])).await;
    let rows = world
        .sql("SELECT what || ' ' || role || ' ' || timeout FROM beside.log ORDER BY id")
        .await;
    let expected = ["beforeMigrate", "v1", "v2", "v3", "v4", "afterMigrate"].map(|what| format!("{what} app 5s"));
    assert_eq!(rows, expected);
    let mut wrong = world.run("wrong");
    wrong.flyway.init_sql = Some("SET lock_timeout = '5s';\nSELECT nope".to_owned());
    list.push(("V5__d.sql".to_owned(), says("v5")));
    let ran = wrong.ship(&files(&[&list])).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("initSql:2:8: "), "{}", ran.failure());
}

#[tokio::test]
async fn s8_files_that_are_skipped_get_their_rows_and_nothing_else() {
    let mut world = world().await;
    world.flyway.skip_executing_migrations = true;
    let mut list = callbacks(&EVENTS);
    list.push(("V1__a.sql".to_owned(), "CREATE TABLE never (a int)".to_owned()));
    list.push((
        "V2__lone.sql".to_owned(),
        "CREATE INDEX CONCURRENTLY i ON never (a)".to_owned(),
    ));
    list.push(("R__r.sql".to_owned(), "SELECT nope".to_owned()));
    let ran = world.shipped(&files(&[&list])).await;
    assert!(!world.has("never").await);
    assert_eq!(ran.verified.applied, ["V1__a.sql", "V2__lone.sql", "R__r.sql"]);
    assert_eq!(
        logged(&world).await,
        "beforeMigrate afterVersioned beforeRepeatables afterMigrateApplied afterMigrate afterMigrateOperationFinish"
    );
}

/// Who dies in a callback that is a unit by itself: what is committed is what the journal says.
#[tokio::test]
async fn v2_a_session_that_dies_in_a_callback_is_judged_by_the_journal() {
    let slow = "SELECT pg_sleep(CASE WHEN to_regclass('beside.gate') IS NULL THEN 60 ELSE 0 END)";
    let own = ("V1__own.sql", "CREATE TABLE a (b int); COMMIT;");
    for (event, verdict, missing) in [
        (
            "beforeMigrate",
            Verdict::Before,
            &["the callback beforeMigrate.sql", "V1__own.sql"][..],
        ),
        ("afterMigrate", Verdict::Between, &["the callback afterMigrate.sql"]),
    ] {
        let world = world().await;
        let path = format!("{event}.sql");
        let list = [(path.as_str(), slow), own];
        let files = bundle(&list);
        let planned = world.plan(&files).await.unwrap();
        let sleeping = "FROM pg_stat_activity WHERE application_name LIKE 'belay/%' AND datname = current_database() AND wait_event = 'PgSleep'";
        let (migrated, ()) = tokio::join!(world.migrate(&files, &planned), async {
            world.wait_for(&format!("SELECT EXISTS (SELECT {sleeping})")).await;
            world.sql(&format!("SELECT pg_terminate_backend(pid) {sleeping}")).await;
        });
        assert_eq!(migrated.unwrap_err().failure().code.name(), "Infra.Database");
        let verified = world.verify(&files, &planned, None).await;
        assert_eq!(
            (verified.verdict, verified.missing),
            (verdict, missing.iter().map(ToString::to_string).collect())
        );
        assert_eq!(
            world
                .value("SELECT count(*) FROM belay.unit WHERE state = 'open'")
                .await,
            "0"
        );
        // A run that goes on from there has its own truth.
        world.sql("CREATE TABLE beside.gate (a int)").await;
        let more = [&list[..], &[("V2__more.sql", "SELECT 1")]].concat();
        world.run("again").shipped(&more).await;
    }
}
