//! The journal: schema `belay` in the database. Runs and attempts, marks of units, and which run wrote which history row.
//!
//! It is committed before the first attempt and is not part of "as it was". Whoever may read it can tell what each run
//! did to this database.

use belay_model::{Attempt, BundleDigest, HistoryTable, Plan, PlanDigest, PlannedMigration, ResumedUnit, RunId};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::EngineError;
use crate::session::quote_literal;

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
COMMENT ON COLUMN belay.run.opened_by IS 'The transaction that opened the attempt: later ones may be the run''s'";

/// Makes the journal if it is missing, and commits it.
pub(crate) async fn create(client: &Client) -> Result<(), EngineError> {
    let ready: bool = client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute
                            WHERE attrelid = pg_catalog.to_regclass('belay.run') AND attname = 'opened_by' AND NOT attisdropped)",
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

/// What the journal says of a history.
pub(crate) async fn see(client: &Client, history: &HistoryTable) -> Result<Seen, EngineError> {
    if !exists(client).await? {
        return Ok(Seen {
            last_attempt: None,
            open: Vec::new(),
        });
    }
    let last = client
        .query_typed_one("SELECT pg_catalog.max(id) FROM belay.run", &[])
        .await?
        .try_get(0)?;
    let open = open_units(client, history, None).await?;
    Ok(Seen {
        last_attempt: Some(last).flatten(),
        open,
    })
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

/// A history row that a run committed.
pub(crate) struct OwnRow {
    pub(crate) rank: i32,
    pub(crate) attempt: i32,
    pub(crate) script: String,
    /// Whether it is still there. One that is not was taken away by somebody else: that it was committed stays true.
    pub(crate) is_there: bool,
}

/// The history rows that a run's attempts committed, by the journal's word, and whether they are still there.
pub(crate) async fn own_rows(
    client: &Client,
    history: &HistoryTable,
    history_exists: bool,
    run: &RunId,
) -> Result<Vec<OwnRow>, EngineError> {
    // A journal row without a script is of a schema that was made.
    let is_there = if history_exists {
        format!(
            "EXISTS (SELECT FROM {history} h WHERE h.installed_rank = a.installed_rank AND h.success
                     AND (h.script = a.script OR a.script = '' OR pg_catalog.length(a.script) > 1000))"
        )
    } else {
        "false".to_owned()
    };
    let sql = format!(
        "SELECT a.installed_rank, a.attempt, a.script, {is_there} FROM belay.applied a
         WHERE a.run = $1 AND a.history = $2 ORDER BY a.installed_rank"
    );
    let rows = client
        .query_typed(&sql, &[(&run.as_str(), Type::TEXT), (&history.to_string(), Type::TEXT)])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(OwnRow {
                rank: row.try_get(0)?,
                attempt: row.try_get(1)?,
                script: row.try_get(2)?,
                is_there: row.try_get(3)?,
            })
        })
        .collect()
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

/// A unit of an attempt, and the statements that are sent about it inside messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitKey<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) attempt: Attempt,
    pub(crate) unit: usize,
}

impl UnitKey<'_> {
    fn condition(&self) -> String {
        format!(
            "run = '{}' AND attempt = {} AND unit = {}",
            self.run, self.attempt, self.unit
        )
    }

    /// M1: fails unless the attempt is open and the history is at this rank.
    pub(crate) fn guard(&self, history: &HistoryTable, history_exists: bool, rank: Option<i32>) -> String {
        let open = format!(
            "(SELECT CASE WHEN state = 'open' THEN '' ELSE 'belay:attempt-closed ' || state END FROM belay.run \
             WHERE run = '{}' AND attempt = {})",
            self.run, self.attempt
        );
        let moved = if history_exists {
            let planned = rank.map_or_else(|| "NULL".to_owned(), |rank| rank.to_string());
            format!(
                "(SELECT CASE WHEN pg_catalog.max(installed_rank) IS NOT DISTINCT FROM {planned} THEN '' \
                 ELSE 'belay:history-moved ' || COALESCE(pg_catalog.max(installed_rank)::text, 'empty') END FROM {history})"
            )
        } else {
            format!(
                "CASE WHEN pg_catalog.to_regclass({}) IS NULL THEN '' ELSE 'belay:history-moved created' END",
                quote_literal(&history.to_string())
            )
        };
        format!("SELECT ('0' || COALESCE({open}, 'belay:attempt-closed absent') || {moved})::pg_catalog.int4")
    }

    /// The mark of a unit.
    pub(crate) fn insert_mark(&self, lone: bool, migration: &PlannedMigration) -> String {
        format!(
            "INSERT INTO belay.unit (run, attempt, unit, kind, script, sha256, state) VALUES ('{}', {}, {}, '{}', {}, '{}', 'open')",
            self.run,
            self.attempt,
            self.unit,
            if lone { "lone" } else { "group" },
            quote_literal(&migration.script),
            migration.sha256,
        )
    }

    /// The token: fails unless this is still the transaction that inserted the mark.
    pub(crate) fn token(&self) -> String {
        format!(
            "SELECT (CASE WHEN EXISTS (SELECT FROM belay.unit WHERE {} AND xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid) \
             THEN '0' ELSE 'belay:transaction-lost ' || pg_catalog.pg_current_xact_id()::text END)::pg_catalog.int4",
            self.condition()
        )
    }

    /// Milliseconds since the last file of this unit was applied, or since its mark.
    pub(crate) fn elapsed(&self) -> String {
        let condition = self.condition();
        format!(
            "(SELECT (1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - GREATEST(pg_catalog.max(u.at), \
             (SELECT pg_catalog.max(at) FROM belay.applied WHERE {condition}))))::pg_catalog.int4 FROM belay.unit u WHERE {condition})"
        )
    }

    /// The journal's row for a history row.
    pub(crate) fn insert_applied(&self, history: &HistoryTable, migration: &PlannedMigration) -> String {
        format!(
            "INSERT INTO belay.applied (run, attempt, unit, history, installed_rank, script, sha256) VALUES ('{}', {}, {}, {}, {}, {}, '{}')",
            self.run,
            self.attempt,
            self.unit,
            quote_literal(&history.to_string()),
            migration.rank,
            quote_literal(&migration.script),
            migration.sha256,
        )
    }

    /// The journal's row for a history row that belongs to no file (a schema was made).
    pub(crate) fn insert_applied_setup(&self, history: &HistoryTable, rank: i32) -> String {
        format!(
            "INSERT INTO belay.applied (run, attempt, unit, history, installed_rank, script, sha256) VALUES ('{}', {}, {}, {}, {rank}, '', '')",
            self.run,
            self.attempt,
            self.unit,
            quote_literal(&history.to_string()),
        )
    }

    /// Removes a group's mark.
    pub(crate) fn delete_mark(&self) -> String {
        format!("DELETE FROM belay.unit WHERE {}", self.condition())
    }

    /// Closes a lone file's mark.
    pub(crate) fn close_mark(&self) -> String {
        format!("UPDATE belay.unit SET state = 'closed' WHERE {}", self.condition())
    }

    /// L1: a lone file's progress; fails unless the mark and the attempt are open.
    pub(crate) fn note(&self, statement: usize, progress: &str) -> String {
        self.note_with(statement, progress, "NULL")
    }

    /// The same, with the expression of what the statement may leave behind.
    pub(crate) fn note_with(&self, statement: usize, progress: &str, residue: &str) -> String {
        format!(
            "WITH noted AS (UPDATE belay.unit SET statement = {statement}, progress = '{progress}', residue = {residue} WHERE {} AND state = 'open' \
             AND EXISTS (SELECT FROM belay.run r WHERE r.run = '{}' AND r.attempt = {} AND r.state = 'open') RETURNING 1) \
             SELECT (CASE WHEN pg_catalog.count(*) = 1 THEN '0' ELSE 'belay:attempt-closed ' || pg_catalog.count(*) END)::pg_catalog.int4 FROM noted",
            self.condition(),
            self.run,
            self.attempt,
        )
    }

    /// L3: takes over another run's half-done file: its mark is closed and this one is as far as it was. Fails unless
    /// the other is as the plan saw it.
    pub(crate) fn take_over(&self, other: &ResumedUnit) -> String {
        format!(
            "WITH taken AS (UPDATE belay.unit SET state = 'closed' WHERE run = '{}' AND attempt = {} AND unit = {} \
             AND state = 'open' AND progress <> 'started' AND statement = {} RETURNING statement, progress), \
             mine AS (UPDATE belay.unit SET statement = taken.statement, progress = taken.progress FROM taken WHERE {} \
             RETURNING 1) \
             SELECT (CASE WHEN pg_catalog.count(*) = 1 THEN '0' ELSE 'belay:history-moved resumed' END)::pg_catalog.int4 FROM mine",
            other.run,
            other.attempt,
            other.unit,
            other.statement,
            self.condition(),
        )
    }

    /// Notes that the assertions held, in the transaction that commits last.
    pub(crate) fn note_assertions(&self) -> String {
        format!(
            "UPDATE belay.run SET assertions_passed = true WHERE run = '{}' AND attempt = {}",
            self.run, self.attempt
        )
    }
}

/// An attempt's number as the database has it.
pub(crate) fn attempt_number(attempt: Attempt) -> i32 {
    i32::try_from(attempt.0).unwrap_or(i32::MAX)
}
