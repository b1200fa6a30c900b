//! What could make a verdict lie, and doesn't.

use belay_model::{FindingKind, Verdict};

use crate::case::Case;

/// Whatever a file commits by itself, the outcome is not `unchanged` if it is in, and is if it isn't.
#[tokio::test]
async fn what_a_file_commits_by_itself_is_never_unchanged() {
    let cases = [
        (
            "commits",
            "INSERT INTO t VALUES (1); COMMIT; SELECT 1 / 0",
            "needs-operator",
            1,
        ),
        (
            "commits-begun",
            "BEGIN; INSERT INTO t VALUES (1); COMMIT; SELECT 1 / 0",
            "needs-operator",
            1,
        ),
        (
            "rolls-back",
            "INSERT INTO t VALUES (1); ROLLBACK; SELECT 1 / 0",
            "needs-operator",
            1,
        ),
        (
            "commits-later",
            "BEGIN; INSERT INTO t VALUES (1); SELECT 1 / 0; COMMIT",
            "unchanged",
            0,
        ),
        (
            "commits-inside",
            "INSERT INTO t VALUES (1); DO $$ BEGIN COMMIT; END $$",
            "unchanged",
            0,
        ),
        ("calls", "INSERT INTO t VALUES (1); CALL p()", "unchanged", 0),
    ];
    for (name, file, outcome, rows) in cases {
        let case = Case::new(name).await;
        let made = "CREATE TABLE t (n int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$";
        assert_eq!(case.ship(&[("V1__t.sql", made)]).await.result.status, "migrated");
        let ran = case.ship(&[("V1__t.sql", made), ("V2__bad.sql", file)]).await;
        assert_eq!(ran.result.status, outcome, "{name}: {:#?}", ran.result);
        assert_eq!(case.sql("TABLE t").await.len(), rows, "{name}");
        assert_eq!(case.history().await, ["V1__t.sql"], "{name}");
    }
}

const HELD: (&str, &str) = ("V1__held.sql", "CREATE TABLE ours (n int); SELECT gate.pass('on')");

/// A stranger's table in a run that fails: the run committed nothing, and says what else there is.
#[tokio::test]
async fn somebody_elses_ddl_is_a_finding_of_a_failed_run() {
    let case = Case::new("stranger-failed").await.with_gates().await;
    let shipped = case.upload(&[HELD, ("V2__bad.sql", "SELECT 1 / 0")]).await;
    case.sleeper().await;
    case.sql("CREATE TABLE theirs (n int)").await;
    case.open("on").await;
    let ran = case.ran(&shipped).await;
    assert_eq!(
        (ran.result.status.as_str(), ran.result.exit_code),
        ("unchanged", Some(1))
    );
    let verified = ran.result.verified.unwrap();
    assert_eq!(verified.verdict, Verdict::Before);
    let others: Vec<_> = verified
        .findings
        .iter()
        .filter(|f| f.kind == FindingKind::ChangedByOthers)
        .collect();
    assert!(
        others.len() == 1 && others[0].message.contains("public.theirs"),
        "{:?}",
        verified.findings
    );
    assert!(ran.mail.text.contains("public.theirs"), "{}", ran.mail.text);
    assert!(case.has("theirs").await && !case.has("ours").await);
}

#[tokio::test]
async fn somebody_elses_ddl_changes_no_verdict() {
    let case = Case::new("stranger").await.with_gates().await;
    let shipped = case.upload(&[HELD]).await;
    case.sleeper().await;
    case.sql("CREATE TABLE theirs (n int)").await;
    case.open("on").await;
    let ran = case.ran(&shipped).await;
    assert_eq!(ran.result.status, "migrated");
    let verified = ran.result.verified.unwrap();
    assert_eq!(verified.applied, ["V1__held.sql"]);
    assert!(
        verified
            .findings
            .iter()
            .any(|finding| finding.message.contains("public.theirs")),
        "{:?}",
        verified.findings
    );
}

/// V6: somebody else moved the history after Plan. Nothing of this run is in, so it plans again, and runs once.
#[tokio::test]
async fn a_history_that_moved_is_planned_again() {
    let case = Case::new("moved").await;
    let first = ("V1__t.sql", "CREATE TABLE t (n int)");
    assert_eq!(case.ship(&[first]).await.result.status, "migrated");
    // Migrate waits for whoever has locked the history; Plan and Verify only read it.
    let other = case.superuser().await;
    other
        .batch_execute("BEGIN; LOCK TABLE flyway_schema_history IN SHARE MODE")
        .await
        .unwrap();
    let shipped = case
        .upload(&[first, ("V2__mine.sql", "INSERT INTO t VALUES (2)")])
        .await;
    let running = case.says(&shipped, "running").await;
    case.enters(&running.execution, "Migrate", 1).await;
    let row = "INSERT INTO flyway_schema_history SELECT 2, NULL, 'theirs', 'SQL', 'R__theirs.sql', 7, 'x', now(), 1, true; COMMIT";
    other.batch_execute(row).await.unwrap();
    let ran = case.ran(&shipped).await;
    // A repeatable without its file is missing from the bundle: refused, now that something was opened for change.
    assert_eq!(ran.result.status, "unchanged", "{:#?}", ran.result);
    assert_eq!(
        ran.ended.states.iter().filter(|state| *state == "Plan").count(),
        2,
        "{:?}",
        ran.ended.states
    );
    assert_eq!(case.sql("TABLE t").await, [""; 0]);
}
