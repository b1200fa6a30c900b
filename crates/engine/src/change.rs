//! Changes of the history that are no migration's rows: each with its row in the journal, in one statement that fails
//! unless the history is as planned.

use belay_model::{Aligned, HistoryChange, HistoryTable, Plan, PlannedBaseline, PlannedCallback, PlannedMigration};

use crate::history::{self, shorten_description};
use crate::mark::UnitKey;
use crate::session::quote_literal;

/// What the journal says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The row of a baseline was written.
    Baseline,
    /// The row of a migration that failed was taken out.
    Removed,
    /// A row was added that marks a migration as deleted.
    Deleted,
    /// A row was brought in line with its file.
    Aligned,
    /// A migration was taken back, and its row taken out.
    Undone,
    /// A callback ran in a unit without migrations.
    Callback,
    /// A callback ran after an error; nothing that was planned.
    ErrorCallback,
    /// An error of a file's statement was passed over; nothing that was planned.
    PassedOver,
    /// An INVALID index that was in the way was dropped; nothing that was planned.
    Cleared,
}

impl What {
    pub(crate) const ALL: [Self; 9] = [
        Self::Baseline,
        Self::Removed,
        Self::Deleted,
        Self::Aligned,
        Self::Undone,
        Self::Callback,
        Self::ErrorCallback,
        Self::PassedOver,
        Self::Cleared,
    ];

    /// As the journal has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Removed => "removed",
            Self::Deleted => "deleted",
            Self::Aligned => "aligned",
            Self::Undone => "undone",
            Self::Callback => "callback",
            Self::ErrorCallback => "error-callback",
            Self::PassedOver => "passed-over",
            Self::Cleared => "cleared",
        }
    }

    /// Whether it was planned, so that the verdict hangs on it.
    pub(crate) fn is_planned(self) -> bool {
        !matches!(self, Self::ErrorCallback | Self::PassedOver | Self::Cleared)
    }

    /// Whether it has added a row to the history.
    pub(crate) fn adds_row(self) -> bool {
        matches!(self, Self::Baseline | Self::Deleted)
    }
}

/// The script of a change, as the journal has it.
pub(crate) fn script(change: &HistoryChange) -> &str {
    match change {
        HistoryChange::Baseline(baseline) => &baseline.description,
        HistoryChange::RemoveFailed { script, .. }
        | HistoryChange::MarkDeleted { script, .. }
        | HistoryChange::Align { script, .. } => script,
    }
}

/// A row of the journal that is to be written.
struct Entry<'a> {
    number: usize,
    what: What,
    script: &'a str,
    sha256: String,
    /// Of the row that must be as planned.
    rank: i32,
}

impl UnitKey<'_> {
    /// Makes a change.
    pub(crate) fn change(&self, plan: &Plan, number: usize, change: &HistoryChange) -> String {
        let history = &plan.history;
        let installed_by = plan.installed_by.as_deref();
        let entry = |what, rank| Entry {
            number,
            what,
            script: script(change),
            sha256: String::new(),
            rank,
        };
        match change {
            HistoryChange::Baseline(baseline) => {
                let insert = history::insert_baseline_row(history, baseline, installed_by);
                let made =
                    format!("made AS ({insert} RETURNING installed_rank AS rank, NULL::pg_catalog.jsonb AS was)");
                self.kept(history, &made, &entry(What::Baseline, PlannedBaseline::RANK))
            }
            HistoryChange::RemoveFailed { rank, script } => {
                let made = taken(history, *rank, script, "AND NOT h.success");
                self.kept(history, &made, &entry(What::Removed, *rank))
            }
            HistoryChange::MarkDeleted { rank, of, script } => {
                let made = marked(history, *rank, *of, script, installed_by);
                self.kept(history, &made, &entry(What::Deleted, *of))
            }
            HistoryChange::Align { rank, script, to } => {
                let made = aligned(history, *rank, script, to);
                self.kept(history, &made, &entry(What::Aligned, *rank))
            }
        }
    }

    /// Takes the row of what was undone out of the history.
    pub(crate) fn take_out(&self, history: &HistoryTable, number: usize, undo: &PlannedMigration) -> String {
        let script = undo.undoes.as_deref().unwrap_or(&undo.script);
        let made = taken(history, undo.rank, script, "");
        let entry = Entry {
            number,
            what: What::Undone,
            script: &undo.script,
            sha256: undo.sha256.to_string(),
            rank: undo.rank,
        };
        self.kept(history, &made, &entry)
    }

    /// The journal's row for a callback.
    pub(crate) fn insert_callback(
        &self,
        history: &HistoryTable,
        number: usize,
        callback: &PlannedCallback,
        what: What,
    ) -> String {
        let Self { run, attempt, unit } = self;
        format!(
            "INSERT INTO belay.change (run, attempt, unit, number, history, what, script, sha256) \
             VALUES ('{run}', {attempt}, {unit}, {number}, {}, '{}', {}, '{}')",
            quote_literal(&history.to_string()),
            what.as_str(),
            quote_literal(&callback.script),
            callback.sha256,
        )
    }

    /// The journal's row for something that was not planned, in words.
    pub(crate) fn insert_told(&self, history: &HistoryTable, what: What, script: &str, told: &str) -> String {
        let Self { run, attempt, unit } = self;
        format!(
            "INSERT INTO belay.change (run, attempt, unit, number, history, what, script, sha256, told) \
             VALUES ('{run}', {attempt}, {unit}, 0, {}, '{}', {}, '', {})",
            quote_literal(&history.to_string()),
            what.as_str(),
            quote_literal(script),
            quote_literal(told),
        )
    }

    /// With what `made` returns: one row goes into the journal, or the history is not as planned.
    fn kept(&self, history: &HistoryTable, made: &str, entry: &Entry<'_>) -> String {
        let Self { run, attempt, unit } = self;
        let Entry {
            number,
            what,
            script,
            sha256,
            rank,
        } = entry;
        format!(
            "WITH {made}, kept AS (INSERT INTO belay.change (run, attempt, unit, number, history, installed_rank, what, \
             script, sha256, \"row\") SELECT '{run}', {attempt}, {unit}, {number}, {}, made.rank, '{}', {}, '{sha256}', \
             made.was FROM made RETURNING 1) \
             SELECT (CASE WHEN pg_catalog.count(*) = 1 THEN '0' ELSE 'belay:history-moved row {rank}' END)::pg_catalog.int4 FROM kept",
            quote_literal(&history.to_string()),
            what.as_str(),
            quote_literal(script),
        )
    }
}

/// A row that is taken out.
fn taken(history: &HistoryTable, rank: i32, script: &str, besides: &str) -> String {
    format!(
        "made AS (DELETE FROM {history} h WHERE h.installed_rank = {rank} AND h.script = {} {besides} \
         RETURNING h.installed_rank AS rank, pg_catalog.to_jsonb(h) AS was)",
        quote_literal(script)
    )
}

/// A row that marks another one as deleted, as Flyway writes it.
fn marked(history: &HistoryTable, rank: i32, of: i32, script: &str, installed_by: Option<&str>) -> String {
    let installed_by = installed_by.map_or_else(|| "CURRENT_USER".to_owned(), quote_literal);
    format!(
        "was AS (SELECT h.* FROM {history} h WHERE h.installed_rank = {of} AND h.script = {}), \
         added AS (INSERT INTO {history} (\"installed_rank\", \"version\", \"description\", \"type\", \"script\", \
         \"checksum\", \"installed_by\", \"execution_time\", \"success\") SELECT {rank}, was.version, was.description, \
         'DELETE', was.script, was.checksum, {installed_by}, 0, was.success FROM was RETURNING installed_rank), \
         made AS (SELECT added.installed_rank AS rank, pg_catalog.to_jsonb(was) AS was FROM added, was)",
        quote_literal(script)
    )
}

/// A row that says what its file says.
fn aligned(history: &HistoryTable, rank: i32, script: &str, to: &Aligned) -> String {
    let checksum = to
        .checksum
        .map_or_else(|| "NULL".to_owned(), |checksum| checksum.to_string());
    format!(
        "was AS (SELECT h.* FROM {history} h WHERE h.installed_rank = {rank} AND h.script = {}), \
         made AS (UPDATE {history} h SET \"description\" = {}, \"type\" = {}, \"checksum\" = {checksum} FROM was \
         WHERE h.installed_rank = was.installed_rank RETURNING h.installed_rank AS rank, pg_catalog.to_jsonb(was) AS was)",
        quote_literal(script),
        quote_literal(&shorten_description(&to.description)),
        quote_literal(&to.row_type),
    )
}
