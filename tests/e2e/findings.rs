//! What could make a verdict lie, and doesn't.

use belay_model::{FindingKind, Verdict};

use crate::case::{Case, OURS};

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

/// V6: somebody else moved the history after Plan, before Migrate looked or after. Nothing of this run is in, so it plans
/// again, and applies what is left, once.
#[tokio::test]
async fn a_history_that_moved_is_planned_again() {
    let theirs = "2, '2', 'theirs', 'SQL', 'V2__theirs.sql', -690524359, 'flyway', now(), 1, true";
    let strange = "2, NULL, 'theirs', 'SQL', 'R__theirs.sql', 7, 'flyway', now(), 1, true";
    let waits = format!("EXISTS (SELECT FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock')");
    let cases = [
        (
            "moved-early",
            theirs,
            "true",
            "migrated",
            &["V1__t.sql", "V2__theirs.sql", "V3__mine.sql"][..],
        ),
        (
            "moved-late",
            theirs,
            &waits,
            "migrated",
            &["V1__t.sql", "V2__theirs.sql", "V3__mine.sql"],
        ),
        // Its file is not in the bundle. By now the database was opened for change, so that is `unchanged`.
        (
            "moved-away",
            strange,
            "true",
            "unchanged",
            &["V1__t.sql", "R__theirs.sql"],
        ),
    ];
    for (name, row, when, outcome, history) in cases {
        let case = Case::new(name).await;
        let first = ("V1__t.sql", "CREATE TABLE t (n int)");
        assert_eq!(case.ship(&[first]).await.result.status, "migrated");
        // Migrate has to wait for who has locked the history; Plan and Verify only read it.
        let other = case.superuser().await;
        other
            .batch_execute("BEGIN; LOCK TABLE flyway_schema_history IN SHARE MODE")
            .await
            .unwrap();
        let pending = [
            ("V2__theirs.sql", "select 1;"),
            ("V3__mine.sql", "INSERT INTO t VALUES (3)"),
        ];
        let shipped = case.upload(&[first, pending[0], pending[1]]).await;
        let running = case.says(&shipped, "running").await;
        case.enters(&running.execution, "Migrate", 1).await;
        case.wait_for(when).await;
        other
            .batch_execute(&format!("INSERT INTO flyway_schema_history VALUES ({row}); COMMIT"))
            .await
            .unwrap();
        let ran = case.ran(&shipped).await;
        assert_eq!(ran.result.status, outcome, "{name}: {:#?}", ran.result);
        let plans = ran.ended.states.iter().filter(|state| *state == "Plan").count();
        assert_eq!(
            (plans, case.history().await.as_slice()),
            (
                2,
                history.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()
            ),
            "{name}"
        );
        let rows: &[&str] = if outcome == "migrated" { &["3"] } else { &[] };
        assert_eq!(case.sql("TABLE t").await, rows, "{name}");
        case.assert_no_orphan().await;
    }
}
