//! `COPY … FROM STDIN`: its data goes into the transaction of its file (rules M1, M2, M5, L1).

use std::process::Command;

use belay_model::Verdict;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::world::{World, bundle, codes};

const TABLE: (&str, &str) = ("V1__t.sql", "CREATE TABLE t (a int PRIMARY KEY, b text)");

#[tokio::test]
async fn rows_arrive_whatever_they_look_like() {
    let mut world = World::new().await;
    let file = "CREATE TABLE c (a int, b text);\n\
        COPY t (a, b) FROM STDIN; -- as pg_dump writes it\n\
        1\tit's; \"open\" /* $$ --\n\
        2\ta\\\\b\\tc\\nd\n\
        3\t\\N\n\
        4\t${greeting}\n\
        \\.\n\
        ;;UPDATE t SET b = upper(b) WHERE a = 4;\n\
        COPY c FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'nil');\r\n\
        x;y\r\n\
        1;\"two\r\nlines; 'and'\"\r\n\
        2;nil\r\n\
        \\.\r\n\
        COPY public.c FROM STDIN;\n\
        \\.\n";
    world.placeholders.insert(
        "greeting".to_owned(),
        belay_engine::Given::Value("hello; 'you".to_owned()),
    );
    let ran = world
        .shipped(&[
            TABLE,
            ("V2__data.sql", file),
            ("V3__more.sql", "COPY t FROM STDIN;\n5\tx\n\\."),
        ])
        .await;
    assert_eq!(ran.planned.plan.units.len(), 1);
    assert_eq!(
        world.sql("SELECT a, b FROM t ORDER BY a").await,
        [
            "1|it's; \"open\" /* $$ --",
            "2|a\\b\tc\nd",
            "3|null",
            "4|HELLO; 'YOU",
            "5|x"
        ]
    );
    assert_eq!(
        world.sql("SELECT a, b FROM c ORDER BY a").await,
        ["1|two\r\nlines; 'and'", "2|null"]
    );
    let transactions = "SELECT count(DISTINCT x) FROM (SELECT xmin::text x FROM t WHERE a <> 4 UNION SELECT xmin::text FROM flyway_schema_history) r";
    assert_eq!(world.value(transactions).await, "1");
    assert_eq!(world.value("SELECT count(*) FROM belay.unit").await, "0");
}

#[tokio::test]
async fn an_error_in_the_data_names_its_line_and_takes_everything_back() {
    let data = "SELECT 1;\n\nCOPY t FROM STDIN;\n1\tx\nnope\ty\n3\tz\n\\.\nSELECT 2;\n";
    let twice = "COPY t FROM STDIN;\n1\tx\n2\ty\n1\tz\n\\.\n";
    for (file, expected) in [
        (data, "V2__data.sql:5"),
        (twice, "V2__data.sql:4"),
        ("\nCOPY t FROM STDIN WITH (nonsense);\n\\.\n", "V2__data.sql:2:25"),
        ("\nCOPY absent FROM STDIN;\n1\n\\.\n", "V2__data.sql:2"),
        ("\nCOPY t (a, nope) FROM STDIN;\n1\n\\.\n", "V2__data.sql:2"),
        ("COPY t FROM STDIN;\n1\tx\n\\.\nSELECT\n  nope", "V2__data.sql:5:3"),
        (
            "SELECT 1;\nCOPY t FROM STDIN WHERE nope;\n1\tx\n\\.\n",
            "V2__data.sql:2:25",
        ),
    ] {
        let world = World::new().await;
        let ran = world
            .ship(&[TABLE, ("V2__data.sql", file), ("V3__x.sql", "SELECT 3")])
            .await;
        assert_eq!(ran.told(), "before Belay.SqlFailed", "{file}: {}", ran.failure());
        let place = ran.migrated.unwrap_err().failure().place.unwrap();
        assert_eq!(place.to_string(), expected, "{file}");
        assert!(!world.has("t").await);
        assert!(!world.has("flyway_schema_history").await);
        // The next run begins as if nothing had been.
        world.run("next").shipped(&[TABLE]).await;
    }
}

#[tokio::test]
async fn a_copy_that_the_server_refuses_or_a_trigger_stops_is_told_as_it_is() {
    let world = World::new().await;
    let guarded = (
        "V1__t.sql",
        "CREATE TABLE t (a int); CREATE TABLE theirs (a int);\n\
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more'; END $$;\n\
         CREATE TRIGGER no BEFORE INSERT ON t EXECUTE FUNCTION no()",
    );
    world.shipped(&[guarded]).await;
    world.sql("ALTER TABLE theirs OWNER TO postgres").await;
    for (table, said) in [("t", "no more"), ("theirs", "permission denied for table theirs")] {
        let file = format!("SELECT 1;\nCOPY {table} FROM STDIN;\n1\n\\.\n");
        let ran = world.run(table).ship(&[guarded, ("V2__data.sql", &file)]).await;
        assert_eq!(ran.told(), "before Belay.SqlFailed", "{table}");
        let failure = ran.migrated.unwrap_err().failure();
        assert_eq!(failure.server.as_ref().unwrap().message, said);
        assert_eq!(failure.place.unwrap().line, Some(2));
    }
}

#[tokio::test]
async fn m5_a_table_that_is_locked_is_waited_for() {
    let mut world = World::new().await;
    world.shipped(&[TABLE]).await;
    let holder = world
        .postgres
        .connect(world.postgres.superuser(), &world.database)
        .await
        .unwrap();
    let lock = "BEGIN; LOCK TABLE t IN SHARE MODE";
    holder.batch_execute(lock).await.unwrap();
    let files = [TABLE, ("V2__data.sql", "SELECT 1;\nCOPY t FROM STDIN;\n1\tx\n\\.\n")];
    world.connect.locks.budget_s = 1;
    let ran = world.run("gives up").ship(&files).await;
    assert_eq!(ran.told(), "before Belay.LockTimeout");
    let place = ran.migrated.unwrap_err().failure().place.unwrap();
    assert_eq!(place.to_string(), "V2__data.sql:2");
    world.connect.locks.budget_s = 20;
    let patient = world.run("patient");
    tokio::join!(patient.shipped(&files), async {
        world
            .wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)")
            .await;
        holder.batch_execute("ROLLBACK").await.unwrap();
    });
    assert_eq!(world.sql("SELECT a, b FROM t").await, ["1|x"]);
}

#[tokio::test]
async fn l1_in_a_lone_file_a_copy_is_a_statement_with_its_trail() {
    let mut world = World::new().await;
    world.flyway.mixed = true;
    let file = "COPY t FROM STDIN;\n1\tx\n\\.\nBEGIN;\nCOPY t FROM STDIN;\n2\ty;\n\\.\nCOMMIT;\nVACUUM t;\n";
    let ran = world.shipped(&[TABLE, ("V2__data.sql", file)]).await;
    assert_eq!(ran.planned.plan.units.len(), 2);
    assert_eq!(world.sql("SELECT a, b FROM t ORDER BY a").await, ["1|x", "2|y;"]);
    let marks = "SELECT kind, state, statement, progress FROM belay.unit";
    assert_eq!(world.sql(marks).await, ["lone|closed|5|done"]);
}

#[tokio::test]
async fn l2_a_copy_that_failed_in_a_lone_file_has_done_nothing() {
    for (file, place, verdict) in [
        (
            "COPY t FROM STDIN;\n1\tx\nnope\ty\n\\.\nCOMMIT",
            "V2__data.sql:3",
            Verdict::Before,
        ),
        (
            "BEGIN;\nCOPY t FROM STDIN;\nnope\ty\n\\.\nCOMMIT",
            "V2__data.sql:3",
            Verdict::Before,
        ),
        (
            "SET search_path = pg_catalog;\nCOPY t FROM STDIN;\n\\.\nCOMMIT",
            "V2__data.sql:2",
            Verdict::Before,
        ),
        (
            "COPY t FROM STDIN;\n1\tx\n\\.\nCOMMIT;\nCOPY t FROM STDIN;\n1\ty\n\\.\n",
            "V2__data.sql:6",
            Verdict::Between,
        ),
    ] {
        let world = World::new().await;
        world.shipped(&[TABLE]).await;
        let ran = world.run("data").ship(&[TABLE, ("V2__data.sql", file)]).await;
        assert_eq!(ran.verified.verdict, verdict, "{file}: {}", ran.failure());
        let failure = ran.migrated.unwrap_err().failure();
        assert_eq!(failure.code, belay_model::Code::SqlFailed, "{file}");
        assert_eq!(failure.place.unwrap().to_string(), place, "{file}");
        let rows = if verdict == Verdict::Before { "0" } else { "1" };
        assert_eq!(world.value("SELECT count(*) FROM t").await, rows, "{file}");
    }
}

#[tokio::test]
async fn data_without_an_end_is_refused_before_anything_runs() {
    let world = World::new().await;
    for file in [
        "COPY t FROM STDIN",
        "COPY t FROM STDIN;\n1\tx\n",
        "COPY t FROM STDIN\n1\tx\n\\.\n",
        "COPY t FROM STDIN; SELECT 1;\n1\tx\n\\.\n",
        "COPY t FROM STDOUT;\n",
        "BEGIN; COPY t FROM STDIN;\n1\tx\n; COMMIT",
    ] {
        let planned = world.plan(&bundle(&[TABLE, ("V2__data.sql", file)])).await;
        assert_eq!(codes(planned), ["Belay.CopyFromStdin"], "{file}");
    }
    let asserted = bundle(&[TABLE, ("verify/a.sql", "COPY t FROM STDIN;\n\\.\n")]);
    assert_eq!(codes(world.plan(&asserted).await), ["Belay.AssertionControl"]);
}

#[tokio::test]
async fn what_pg_dump_writes_is_a_migration() {
    let source = World::new().await;
    source
        .sql("CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int, b bytea, c timestamptz[]); CREATE SEQUENCE s; \
              INSERT INTO t SELECT n, repeat(chr(n), 3) || E'\\\\. \\t;\\n' FROM generate_series(1, 1000) n; SELECT setval('s', 42); \
              INSERT INTO u VALUES (1, '\\x00ff5c2e', '{2026-01-01}'), (NULL, NULL, '{}')")
        .await;
    let dump = Command::new(belay_local::psql().unwrap().with_file_name("pg_dump"))
        .args(["--data-only", "--dbname"])
        .arg(source.postgres.url(source.postgres.superuser(), &source.database))
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    // psql's own commands are no SQL, and a newer pg_dump sets what an older server does not know.
    let dump = String::from_utf8(dump.stdout).unwrap();
    let left_out = ["\\restrict ", "\\unrestrict ", "SET transaction_timeout"];
    let is_kept = |line: &&str| !left_out.iter().any(|start| line.starts_with(start));
    let dump: String = dump.split_inclusive('\n').filter(is_kept).collect();
    let world = source.beside().await;
    let schema = "CREATE TABLE t (a int PRIMARY KEY, b text); CREATE TABLE u (a int, b bytea, c timestamptz[]); CREATE SEQUENCE s";
    world
        .shipped(&[("V1__schema.sql", schema), ("V2__data.sql", &dump)])
        .await;
    for sql in [
        "SELECT * FROM t ORDER BY a",
        "SELECT * FROM u ORDER BY a",
        "SELECT last_value FROM s",
    ] {
        assert_eq!(world.sql(sql).await, source.sql(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn much_data_goes_in_pieces() {
    let world = World::new().await;
    let mut file = "COPY t FROM STDIN;\n".to_owned();
    let padding = "p".repeat(200);
    for n in 0..100_000 {
        file.push_str(&format!("{n}\t{padding}{n}\n"));
    }
    file.push_str("\\.\n");
    assert!(file.len() > 20 << 20);
    world.shipped(&[TABLE]).await;
    let wrong = file.replacen("\n0\tp", "\nzero\tp", 1);
    let ran = world.run("wrong").ship(&[TABLE, ("V2__data.sql", &wrong)]).await;
    assert_eq!(ran.told(), "before Belay.SqlFailed");
    assert!(ran.failure().starts_with("V2__data.sql:2: "), "{}", ran.failure());
    world.run("right").shipped(&[TABLE, ("V2__data.sql", &file)]).await;
    let sql = format!("SELECT count(*), sum(a) FROM t WHERE b = '{padding}' || a");
    assert_eq!(world.value(&sql).await, "100000|4999950000");
}

/// A text as a column of COPY's text format.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[tokio::test]
async fn any_rows_come_back_as_they_were() {
    let mut runner = TestRunner::deterministic();
    let rows = prop::collection::vec("[a-z'\"$;/*\\-\\\\.\n\r\t éλ\u{1F600}\u{85}]{0,20}", 0..20);
    let mut file = String::new();
    let mut expected = Vec::new();
    for _ in 0..100 {
        file.push_str("COPY t FROM STDIN;\n");
        for text in rows.new_tree(&mut runner).unwrap().current() {
            file.push_str(&format!("{}\t{}\n", expected.len(), escaped(&text)));
            expected.push(text);
        }
        file.push_str("\\.\n");
    }
    let mut world = World::new().await;
    world.flyway.placeholder_replacement = false;
    world.shipped(&[TABLE, ("V2__data.sql", &file)]).await;
    assert_eq!(world.sql("SELECT b FROM t ORDER BY a").await, expected);
}
