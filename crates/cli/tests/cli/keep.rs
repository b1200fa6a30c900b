//! A lone file that stops in its middle, and the person who accepts it.

use crate::bench::Bench;
use crate::golden::golden;

#[tokio::test]
async fn l3_what_is_half_done_stops_the_next_run_until_it_is_kept() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql.conf", "executeInTransaction=false"),
        (
            "V2__b.sql",
            "CREATE INDEX CONCURRENTLY a_id ON a (id);\nSELECT nowhere;\n",
        ),
    ]);
    let said = bench.belay("migrate", &[]);
    golden("half_done", &said);
    bench.files(&[("V2__b.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON a (id);\n")]);
    golden("half_done_rejects_another_file", &bench.belay("migrate", &[]));
    let (_, run) = said.out.rsplit_once("--run ").unwrap();
    let run = run.trim();
    golden("kept", &bench.belay("keep", &["--run", run]));
    golden("kept_twice", &bench.belay("keep", &["--run", run]));
    assert_eq!(
        bench.belay("keep", &["--run", run, "--format", "json"]).json()["belay"]["closed"],
        0
    );

    // It accepted what is there: the file that never ended is still pending.
    let said = bench.belay("migrate", &[]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn l3_the_very_same_file_goes_on_where_it_stopped() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql.conf", "executeInTransaction=false"),
        (
            "V2__b.sql",
            "CREATE INDEX CONCURRENTLY a_id ON a (id);\nSELECT 1 / (SELECT count(*) FROM a);\n",
        ),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 2);
    bench
        .client()
        .await
        .batch_execute("INSERT INTO a VALUES (1)")
        .await
        .unwrap();
    golden("resumed", &bench.belay("migrate", &[]));
}

#[tokio::test]
async fn a_run_that_the_database_does_not_know_cannot_be_kept() {
    let bench = Bench::new().await;
    golden("keep_unknown", &bench.belay("keep", &["--run", "abcdefgh2345"]));
    bench.files(&[("V1__a.sql", "SELECT 1")]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    assert_eq!(bench.belay("keep", &["--run", "abcdefgh2345"]).code, 4);
}
