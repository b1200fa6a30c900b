//! What a run's attempts have committed, by the journal's word.

use belay_model::{Attempt, HistoryTable, MigrationKind, PlannedFile, PlannedMigration, RunId, Unit};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::change::What;
use crate::error::EngineError;
use crate::journal::attempt_number;

/// The rows of the history that are a run's, and whatever else it did.
pub(crate) struct Own {
    pub(crate) rows: Vec<OwnRow>,
    pub(crate) changes: Vec<OwnChange>,
}

impl Own {
    /// Of a database without a journal.
    pub(crate) const NOTHING: Self = Self {
        rows: Vec::new(),
        changes: Vec::new(),
    };

    pub(crate) async fn read(
        client: &Client,
        history: &HistoryTable,
        history_exists: bool,
        run: &RunId,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            rows: own_rows(client, history, history_exists, run).await?,
            changes: own_changes(client, history, history_exists, run).await?,
        })
    }

    /// V2: whether the run has committed nothing that was planned.
    pub(crate) fn is_nothing(&self) -> bool {
        self.rows.is_empty() && !self.changes.iter().any(OwnChange::is_planned)
    }

    /// Whether a row of the history is of this run.
    pub(crate) fn has_row(&self, rank: i32) -> bool {
        let added = |change: &OwnChange| change.what.adds_row() && change.rank == Some(rank);
        self.rows.iter().any(|row| row.rank == rank) || self.changes.iter().any(added)
    }

    /// Whether an attempt committed a unit, as far as the journal tells.
    pub(crate) fn is_committed(&self, attempt: Attempt, index: usize, unit: &Unit) -> bool {
        self.all_of(attempt, index, unit, |migration| {
            self.wrote(attempt, migration).is_some()
        })
    }

    /// V2: whether all of a unit is in, by this attempt, and still there.
    pub(crate) fn has_all_of(&self, attempt: Attempt, index: usize, unit: &Unit) -> bool {
        self.all_of(attempt, index, unit, |migration| self.has(attempt, index, migration))
            && unit
                .changes
                .iter()
                .enumerate()
                .all(|(number, _)| self.has_change(attempt, index, unit, number))
    }

    fn all_of(&self, attempt: Attempt, index: usize, unit: &Unit, applied: impl Fn(&PlannedMigration) -> bool) -> bool {
        let mut migrations = unit.migrations().peekable();
        let noted = |number: usize| self.noted(attempt, index, number).is_some();
        let changes = || (0..unit.changes.len()).all(|number| noted(unit.files.len() + number));
        if migrations.peek().is_none() {
            return (0..unit.files.len()).all(noted) && changes();
        }
        let mut files = unit.files.iter().enumerate();
        files.all(|(number, file)| match file {
            PlannedFile::Migration(migration) if migration.kind == MigrationKind::Undo => noted(number),
            PlannedFile::Migration(migration) => applied(migration),
            PlannedFile::Callback(_) => true,
        }) && changes()
    }

    /// Whether a migration is in, by this attempt, and still there; of an undo, whether it was.
    pub(crate) fn has(&self, attempt: Attempt, index: usize, migration: &PlannedMigration) -> bool {
        if migration.kind == MigrationKind::Undo {
            return self.changes.iter().any(|change| {
                change.what == What::Undone
                    && change.is_of(attempt, index)
                    && change.rank == Some(migration.rank)
                    && change.script == migration.script
            });
        }
        self.wrote(attempt, migration)
            .is_some_and(|row| row.is_there && row.script == migration.script)
    }

    /// Whether a callback of a unit without migrations was committed by this attempt.
    pub(crate) fn has_callback(&self, attempt: Attempt, index: usize, number: usize) -> bool {
        self.noted(attempt, index, number).is_some()
    }

    /// Whether a change of a unit was made by this attempt, and is still there.
    pub(crate) fn has_change(&self, attempt: Attempt, index: usize, unit: &Unit, number: usize) -> bool {
        self.noted(attempt, index, unit.files.len() + number)
            .is_some_and(|change| change.is_there)
    }

    fn wrote(&self, attempt: Attempt, migration: &PlannedMigration) -> Option<&OwnRow> {
        let attempt = attempt_number(attempt);
        let mut rows = self.rows.iter();
        rows.find(|row| row.rank == migration.rank && row.attempt == attempt)
    }

    fn noted(&self, attempt: Attempt, index: usize, number: usize) -> Option<&OwnChange> {
        let mut changes = self.changes.iter();
        changes.find(|change| {
            change.is_planned() && change.is_of(attempt, index) && usize::try_from(change.number) == Ok(number)
        })
    }
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
async fn own_rows(
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

/// What a run did besides applying migrations, by the journal's word.
pub(crate) struct OwnChange {
    pub(crate) attempt: i32,
    pub(crate) unit: i32,
    pub(crate) number: i32,
    pub(crate) what: What,
    pub(crate) rank: Option<i32>,
    pub(crate) script: String,
    /// The error that was passed over.
    pub(crate) told: Option<String>,
    /// Whether a row that it added to the history is still there.
    pub(crate) is_there: bool,
}

impl OwnChange {
    /// Whether it was planned.
    pub(crate) fn is_planned(&self) -> bool {
        self.what.is_planned()
    }

    fn is_of(&self, attempt: Attempt, index: usize) -> bool {
        self.attempt == attempt_number(attempt) && usize::try_from(self.unit) == Ok(index)
    }
}

/// What a run's attempts committed besides migrations; nothing in a journal of an earlier Belay.
async fn own_changes(
    client: &Client,
    history: &HistoryTable,
    history_exists: bool,
    run: &RunId,
) -> Result<Vec<OwnChange>, EngineError> {
    let sql = "SELECT pg_catalog.to_regclass('belay.change') IS NOT NULL";
    if !client.query_typed_one(sql, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(Vec::new());
    }
    let is_there = if history_exists {
        format!("EXISTS (SELECT FROM {history} h WHERE h.installed_rank = c.installed_rank)")
    } else {
        "false".to_owned()
    };
    let sql = format!(
        "SELECT c.attempt, c.unit, c.number, c.what, c.installed_rank, c.script, {is_there}, c.told FROM belay.change c
         WHERE c.run = $1 AND c.history = $2 ORDER BY c.id"
    );
    let rows = client
        .query_typed(&sql, &[(&run.as_str(), Type::TEXT), (&history.to_string(), Type::TEXT)])
        .await?;
    let mut changes = Vec::new();
    for row in &rows {
        let what: &str = row.try_get(3)?;
        // One that this Belay does not know was planned: it is not to be overlooked.
        let what = What::ALL.into_iter().find(|known| known.as_str() == what);
        let what = what.unwrap_or(What::Callback);
        let is_there: bool = row.try_get(6)?;
        changes.push(OwnChange {
            attempt: row.try_get(0)?,
            unit: row.try_get(1)?,
            number: row.try_get(2)?,
            what,
            rank: row.try_get(4)?,
            script: row.try_get(5)?,
            told: row.try_get(7)?,
            is_there: is_there || !what.adds_row(),
        });
    }
    Ok(changes)
}
