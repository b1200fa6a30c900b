//! A unit's mark in the journal, and every statement about it that goes into a message with a migration: guard, token, rows
//! (M1 to M4, L1).

use belay_model::{
    Attempt, HistoryTable, Plan, PlannedBaseline, PlannedFile, PlannedMigration, ResumedUnit, RunId, Unit,
};

use crate::change;
use crate::history;
use crate::session::quote_literal;

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
        let open = self.open();
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

    /// The attempt's part of the guard alone, for what is none of a unit's.
    pub(crate) fn guard_attempt(&self) -> String {
        format!(
            "SELECT ('0' || COALESCE({}, 'belay:attempt-closed absent'))::pg_catalog.int4",
            self.open()
        )
    }

    /// Nothing while the attempt is open; else what is said, and nothing at all if there is no such attempt.
    fn open(&self) -> String {
        format!(
            "(SELECT CASE WHEN state = 'open' THEN '' ELSE 'belay:attempt-closed ' || state END FROM belay.run \
             WHERE run = '{}' AND attempt = {})",
            self.run, self.attempt
        )
    }

    /// The mark of a unit: it names the first of what the unit does.
    pub(crate) fn insert_mark(&self, lone: bool, unit: &Unit) -> String {
        let first = unit.files.first();
        let script = first
            .map(PlannedFile::script)
            .or(unit.changes.first().map(change::script));
        format!(
            "INSERT INTO belay.unit (run, attempt, unit, kind, script, sha256, state) VALUES ('{}', {}, {}, '{}', {}, '{}', 'open')",
            self.run,
            self.attempt,
            self.unit,
            if lone { "lone" } else { "group" },
            quote_literal(script.unwrap_or_default()),
            first.map(|file| file.sha256().to_string()).unwrap_or_default(),
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

    /// Milliseconds since the message came in which this is said: how long a file took that is in one message.
    pub(crate) const SINCE_MESSAGE: &'static str =
        "(1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))::pg_catalog.int4";

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

    /// U3: makes the history, with the row of the baseline if there is one.
    pub(crate) fn make_history(&self, plan: &Plan) -> Vec<String> {
        let mut statements = history::create_table(&plan.history, plan.tablespace.as_deref()).to_vec();
        if let Some(baseline) = &plan.baseline {
            let installed_by = plan.installed_by.as_deref();
            statements.push(history::insert_baseline_row(&plan.history, baseline, installed_by));
            statements.push(self.insert_applied_setup(&plan.history, PlannedBaseline::RANK));
        }
        statements
    }

    /// The journal's row for a history row that belongs to no file (a schema was made, or a baseline).
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
