//! The journal: schema `belay` in the database. Runs and attempts, marks of units, which run wrote which history row, and
//! what else it did.
//!
//! It is committed before the first attempt and is not part of "as it was". Whoever may read it can tell what each run
//! did to this database.

use belay_model::{Attempt, BundleDigest, HistoryTable, Plan, PlanDigest, RunId};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::EngineError;

/// What an administrator runs where the migration role may not create a schema.
pub(crate) fn admin_statements(role: &str) -> String {
    format!(
        "CREATE SCHEMA belay AUTHORIZATION {};",
        crate::session::quote_identifier(role)
    )
}

/// Makes what is missing. One statement each, so that a journal of an earlier Belay gets what is new, which is at the end.
const CREATE: &str = "
CREATE TABLE IF NOT EXISTS belay.run (
    id bigint GENERATED ALWAYS AS IDENTITY,
    run text NOT NULL,
    attempt integer NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    history text NOT NULL,
    base_rank integer,
    bundle text NOT NULL,
    plan text NOT NULL,
    assertions_passed boolean NOT NULL DEFAULT false,
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    closed_at timestamptz,
    PRIMARY KEY (run, attempt)
);
COMMENT ON TABLE belay.run IS 'Attempts of runs to change this database; base_rank is the history''s highest rank before the first';
CREATE TABLE IF NOT EXISTS belay.unit (
    run text NOT NULL,
    attempt integer NOT NULL,
    unit integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('group', 'lone')),
    script text NOT NULL,
    sha256 text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed', 'kept')),
    statement integer NOT NULL DEFAULT 0,
    progress text NOT NULL DEFAULT 'none' CHECK (progress IN ('none', 'started', 'done')),
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (run, attempt, unit)
);
COMMENT ON TABLE belay.unit IS 'Marks of units: a group''s is gone when it commits; a lone file''s is open until its history row is in, and says how many statements are done';
CREATE TABLE IF NOT EXISTS belay.applied (
    run text NOT NULL,
    attempt integer NOT NULL,
    unit integer NOT NULL,
    history text NOT NULL,
    installed_rank integer NOT NULL,
    script text NOT NULL,
    sha256 text NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (run, attempt, history, installed_rank)
);
COMMENT ON TABLE belay.applied IS 'Which run wrote which row of the history, and the SHA-256 of the file that it applied';
ALTER TABLE belay.unit ADD COLUMN IF NOT EXISTS residue jsonb;
COMMENT ON COLUMN belay.unit.residue IS 'Of a statement that was started: what it may leave, and how to find it';
ALTER TABLE belay.run ADD COLUMN IF NOT EXISTS opened_by bigint;
COMMENT ON COLUMN belay.run.opened_by IS 'The transaction that opened the attempt: later ones may be the run''s';
CREATE TABLE IF NOT EXISTS belay.change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL,
    attempt integer NOT NULL,
    unit integer NOT NULL,
    number integer NOT NULL,
    history text NOT NULL,
    installed_rank integer,
    what text NOT NULL CHECK (what IN ('baseline', 'removed', 'deleted', 'aligned', 'undone', 'callback', 'error-callback', 'passed-over', 'cleared')),
    script text NOT NULL,
    sha256 text NOT NULL,
    \"row\" jsonb,
    told text,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE UNIQUE INDEX IF NOT EXISTS change_once ON belay.change (run, attempt, unit, number) WHERE what NOT IN ('error-callback', 'passed-over', 'cleared');
COMMENT ON TABLE belay.change IS 'What a run did besides applying migrations: rows of the history that it changed or took out, and callbacks that committed without a migration';
COMMENT ON COLUMN belay.change.\"row\" IS 'The row of the history as it was before';
COMMENT ON COLUMN belay.change.told IS 'What was done that was not planned, in words: an error that errorOverrides let pass, an INVALID index that was dropped first'";

/// Makes the journal if it is missing, and commits it.
pub(crate) async fn create(client: &Client) -> Result<(), EngineError> {
    let ready: bool = client
        .query_typed_one(
            // What is newest.
            "SELECT pg_catalog.to_regclass('belay.change') IS NOT NULL",
            &[],
        )
        .await?
        .try_get(0)?;
    if !ready {
        let schema: bool = client
            .query_typed_one("SELECT pg_catalog.to_regnamespace('belay') IS NOT NULL", &[])
            .await?
            .try_get(0)?;
        let create_schema = if schema {
            String::new()
        } else {
            "CREATE SCHEMA belay; COMMENT ON SCHEMA belay IS 'The journal of Belay';".to_owned()
        };
        client
            .batch_execute(&format!("BEGIN; {create_schema} {CREATE}; COMMIT"))
            .await?;
    }
    Ok(())
}

/// What Plan sees of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The highest id of an attempt; nothing without a journal.
    pub(crate) last_attempt: Option<i64>,
    /// Units that are open, of any run on this history.
    pub(crate) open: Vec<OpenUnit>,
}

/// A unit that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenUnit {
    pub(crate) run: String,
    pub(crate) attempt: i32,
    pub(crate) unit: i32,
    pub(crate) lone: bool,
    pub(crate) script: String,
    pub(crate) sha256: String,
    pub(crate) statement: i32,
    pub(crate) progress: String,
}

impl OpenUnit {
    /// L2: a lone file of which nothing is done or started counts as never begun.
    pub(crate) fn is_unbegun(&self) -> bool {
        self.lone && self.progress == "none"
    }

    /// What it says, for people.
    pub(crate) fn describe(&self) -> String {
        let Self {
            run,
            script,
            statement,
            progress,
            ..
        } = self;
        match (self.lone, progress.as_str()) {
            (false, _) => format!("run {run}: {script} committed something that was not meant to"),
            (true, "none") => format!("run {run}: {script} was begun; no statement is known to have run"),
            (true, "started") => {
                format!("run {run}: {script} is at statement {statement}, which was started and has no known end")
            }
            (true, _) => format!("run {run}: {script} is done up to statement {statement}"),
        }
    }
}

/// Whether the journal exists.
pub(crate) async fn exists(client: &Client) -> Result<bool, EngineError> {
    let row = client
        .query_typed_one("SELECT pg_catalog.to_regclass('belay.applied') IS NOT NULL", &[])
        .await?;
    Ok(row.try_get(0)?)
}

/// What the journal says of a history, if it is there. One round trip.
pub(crate) async fn see(client: &Client, history: &HistoryTable, exists: bool) -> Result<Seen, EngineError> {
    if !exists {
        return Ok(Seen {
            last_attempt: None,
            open: Vec::new(),
        });
    }
    let last = async {
        let sql = "SELECT pg_catalog.max(id) FROM belay.run";
        Ok(client.query_typed_one(sql, &[]).await?.try_get(0)?)
    };
    let (last_attempt, open) = futures_util::try_join!(last, open_units(client, history, None))?;
    Ok(Seen { last_attempt, open })
}

/// The open units on a history, of one run or of all.
pub(crate) async fn open_units(
    client: &Client,
    history: &HistoryTable,
    run: Option<&RunId>,
) -> Result<Vec<OpenUnit>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT u.run, u.attempt, u.unit, u.kind = 'lone', u.script, u.sha256, u.statement, u.progress
             FROM belay.unit u JOIN belay.run r USING (run, attempt)
             WHERE u.state = 'open' AND r.history = $1 AND ($2::text IS NULL OR u.run = $2)
             ORDER BY u.run, u.attempt, u.unit",
            &[
                (&history.to_string(), Type::TEXT),
                (&run.map(RunId::as_str), Type::TEXT),
            ],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(OpenUnit {
                run: row.try_get(0)?,
                attempt: row.try_get(1)?,
                unit: row.try_get(2)?,
                lone: row.try_get(3)?,
                script: row.try_get(4)?,
                sha256: row.try_get(5)?,
                statement: row.try_get(6)?,
                progress: row.try_get(7)?,
            })
        })
        .collect()
}

/// An attempt's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptRow {
    pub(crate) open: bool,
    pub(crate) plan: String,
    pub(crate) assertions_passed: bool,
}

/// Opens an attempt, or finds it as it is. Under the lock.
pub(crate) async fn open_attempt(
    client: &Client,
    run: &RunId,
    attempt: Attempt,
    plan: &Plan,
    digest: &PlanDigest,
) -> Result<AttemptRow, EngineError> {
    let bundle: BundleDigest = plan.bundle;
    client
        .execute_typed(
            "INSERT INTO belay.run (run, attempt, state, history, base_rank, bundle, plan, opened_by)
             VALUES ($1, $2, 'open', $3, $4, $5, $6, pg_catalog.pg_current_xact_id()::text::int8) ON CONFLICT (run, attempt) DO NOTHING",
            &[
                (&run.as_str(), Type::TEXT),
                (&attempt_number(attempt), Type::INT4),
                (&plan.history.to_string(), Type::TEXT),
                (&plan.base_rank, Type::INT4),
                (&bundle.to_string(), Type::TEXT),
                (&digest.to_string(), Type::TEXT),
            ],
        )
        .await?;
    let row = attempt_row(client, run, attempt).await?;
    row.ok_or_else(|| EngineError::AttemptClosed {
        run: run.clone(),
        attempt,
        found: "its row is gone".to_owned(),
    })
}

/// An attempt's row, if it is there.
pub(crate) async fn attempt_row(
    client: &Client,
    run: &RunId,
    attempt: Attempt,
) -> Result<Option<AttemptRow>, EngineError> {
    let row = client
        .query_typed_opt(
            "SELECT state = 'open', plan, assertions_passed FROM belay.run WHERE run = $1 AND attempt = $2",
            &[(&run.as_str(), Type::TEXT), (&attempt_number(attempt), Type::INT4)],
        )
        .await?;
    row.map(|row| {
        Ok(AttemptRow {
            open: row.try_get(0)?,
            plan: row.try_get(1)?,
            assertions_passed: row.try_get(2)?,
        })
    })
    .transpose()
}

/// Closes every attempt of a run: what a zombie sends from now on fails its guard. Under the lock.
pub(crate) async fn close_attempts(client: &Client, run: &RunId) -> Result<(), EngineError> {
    client
        .execute_typed(
            "UPDATE belay.run SET state = 'closed', closed_at = pg_catalog.clock_timestamp()
             WHERE run = $1 AND state = 'open'",
            &[(&run.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// Closes the marks of lone files of a run that did and started nothing (L2).
pub(crate) async fn close_unbegun(client: &Client, run: &RunId) -> Result<(), EngineError> {
    client
        .execute_typed(
            "UPDATE belay.unit SET state = 'closed' WHERE run = $1 AND state = 'open' AND kind = 'lone' AND progress = 'none'",
            &[(&run.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(())
}

/// Closes a run's attempts and open units because a person accepts the database as it is. The number of units closed.
pub(crate) async fn keep(client: &Client, run: &RunId) -> Result<u32, EngineError> {
    close_attempts(client, run).await?;
    let closed = client
        .execute_typed(
            "UPDATE belay.unit SET state = 'kept' WHERE run = $1 AND state = 'open'",
            &[(&run.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(u32::try_from(closed).unwrap_or(u32::MAX))
}

/// An attempt's number as the database has it.
pub(crate) fn attempt_number(attempt: Attempt) -> i32 {
    i32::try_from(attempt.0).unwrap_or(i32::MAX)
}
