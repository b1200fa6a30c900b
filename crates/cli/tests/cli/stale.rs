//! Somebody else moves the history between Plan and Migrate (V6).

use crate::bench::Bench;

/// The journal is opened after Plan and under the lock: whoever waits for that is in between.
async fn move_history(bench: &Bench, attempts: &str) {
    bench.files(&[("V1__a.sql", "CREATE TABLE a (id int)")]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    let sql = format!(
        "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO flyway_schema_history (installed_rank, description, type, script, installed_by, execution_time, success)
             SELECT max(installed_rank) + 1, 'x', 'DELETE', 'x', 'x', 0, true FROM flyway_schema_history;
             RETURN NULL;
         END $$;
         CREATE TRIGGER move AFTER INSERT ON belay.run FOR EACH ROW WHEN (NEW.attempt {attempts}) EXECUTE FUNCTION move()"
    );
    bench.client().await.batch_execute(&sql).await.unwrap();
    bench.files(&[("V2__b.sql", "CREATE TABLE b (id int)")]);
}

#[tokio::test]
async fn v6_a_stale_plan_is_made_again() {
    let bench = Bench::new().await;
    move_history(&bench, "= 1").await;
    let said = bench.belay("migrate", &["--format", "json"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["belay"]["attempt"], 2);
    assert_eq!(bench.look("SELECT count(*) FROM b").await, "0");
}

#[tokio::test]
async fn v6_after_three_plans_it_is_unchanged() {
    let bench = Bench::new().await;
    move_history(&bench, "> 0").await;
    let said = bench.belay("migrate", &["--format", "json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let belay = &said.json()["belay"];
    assert_eq!((&belay["outcome"], &belay["attempt"]), (&"unchanged".into(), &3.into()));
    assert_eq!(belay["failure"]["code"], "Belay.PlanStale");
    assert_eq!(bench.look("SELECT to_regclass('b')").await, "NULL");
}
