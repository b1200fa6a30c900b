//! `info`: each migration's state, whether or not a plan could be made.

use std::collections::HashMap;

use belay_bundle::Bundle;
use belay_model::{HistoryTable, MigrationKind, Problem, Version};

use crate::compare::{Entry, Scope};
use crate::error::EngineError;
use crate::history::{self, Applied, RowKind};
use crate::plan::PlanRequest;
use crate::session::{Connect, Session};
use crate::state::State;
use crate::survey::Survey;
use crate::validation::{not_applied, problems};

/// What `info` tells.
#[derive(Debug)]
pub struct Info {
    /// Flyway's table.
    pub history: HistoryTable,
    /// The database's name.
    pub database: String,
    /// The version that the database is at.
    pub version: Option<Version>,
    /// Whether there is no history, and no object in any of the schemas that must be empty.
    pub all_schemas_empty: bool,
    /// Every row by rank, then what is not applied, in order.
    pub rows: Vec<InfoRow>,
    /// What keeps `migrate` from beginning: what is validated before it.
    pub problems: Vec<Problem>,
    /// What `validate` refuses besides, as Flyway does: what is not applied yet.
    pub not_applied: Vec<Problem>,
}

/// A line of `info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoRow {
    /// How often it runs.
    pub kind: MigrationKind,
    /// For a versioned one.
    pub version: Option<Version>,
    /// As the history or the file's name has it.
    pub description: String,
    /// As the history has it; `SQL` for a file.
    pub row_type: String,
    /// The path, relative to its location.
    pub script: String,
    /// When it was applied, as the history has it.
    pub installed_on: Option<String>,
    /// Who applied it.
    pub installed_by: Option<String>,
    /// How long it took, in milliseconds.
    pub execution_time: Option<i32>,
    /// The state.
    pub state: State,
    /// Flyway's category; empty for a row that no file brought.
    pub category: &'static str,
    /// Whether the bundle has an undo file for it; nothing for what is never undone.
    pub undoable: Option<bool>,
    /// The undo file's path in the bundle.
    pub undo_path: Option<String>,
}

/// Compares bundle and history. Only reads.
///
/// # Errors
/// If the database can't be reached or the history can't be read.
pub async fn info(connect: &Connect, bundle: &Bundle, request: &PlanRequest<'_>) -> Result<Info, EngineError> {
    let session = Session::open(connect, None).await?;
    let info = match Survey::new(&session, bundle, request).await {
        Ok(survey) => survey.entries(&Scope::of(survey.flyway())).map(|entries| Info {
            history: survey.history.clone(),
            database: survey.facts.database.clone(),
            version: current_version(&entries),
            all_schemas_empty: survey.rows.is_none()
                && survey.journal.open.is_empty()
                && survey.unknown_object().is_none(),
            problems: survey
                .problems
                .iter()
                .cloned()
                .chain(problems(&entries, survey.flyway()))
                .collect(),
            not_applied: not_applied(
                &entries,
                survey.flyway(),
                survey
                    .facts
                    .history
                    .schema_is_missing
                    .then_some(survey.history.schema.as_str()),
            ),
            rows: info_rows(&entries),
        }),
        Err(error) => Err(error),
    };
    session.close().await;
    info
}

/// The version that the history is at: the highest that has a live row, as Flyway has it.
pub(crate) fn current_version(entries: &[Entry<'_>]) -> Option<Version> {
    let counts = |row: &&Applied| !matches!(row.kind, RowKind::Delete | RowKind::Undo(_));
    let live = entries
        .iter()
        .filter(|entry| !matches!(entry.state, State::Deleted | State::Undone));
    let rows = live.filter_map(|entry| entry.row).filter(counts);
    rows.filter_map(|row| row.version.clone()).max()
}

/// As Flyway shows them: undo files only by what they can undo, and what `repair` said of a version only by its state.
fn info_rows(entries: &[Entry<'_>]) -> Vec<InfoRow> {
    let files = entries.iter().filter_map(|entry| entry.file).map(|file| file.migration);
    let undos: HashMap<&Version, &str> = files
        .filter(|file| file.kind == MigrationKind::Undo)
        .filter_map(|file| Some((file.version.as_ref()?, file.path.as_str())))
        .collect();
    let is_deletion = |row: &Applied| row.kind == RowKind::Delete && row.version.is_some();
    let shown = entries
        .iter()
        .filter(|entry| entry.state != State::Available && !entry.row.is_some_and(is_deletion));
    let mut rows: Vec<InfoRow> = shown.filter_map(info_row).collect();
    for row in &mut rows {
        let is_undoable = !matches!(row.state, State::Deleted | State::Undone) && row.row_type != "DELETE";
        let Some(version) = row.version.as_ref().filter(|_| is_undoable) else {
            continue;
        };
        row.undo_path = undos
            .get(version)
            .filter(|_| !row.state.is_failed())
            .map(|path| (*path).to_owned());
        row.undoable = Some(row.undo_path.is_some());
    }
    rows
}

fn info_row(entry: &Entry<'_>) -> Option<InfoRow> {
    match (entry.row, entry.file) {
        (Some(row), _) => Some(applied_row(row, entry.state)),
        (None, Some(file)) => Some(InfoRow {
            kind: file.migration.kind,
            version: file.migration.version.clone(),
            description: file.migration.description.clone(),
            row_type: file.migration.kind.row_type().to_owned(),
            script: file.migration.script.clone(),
            installed_on: None,
            installed_by: None,
            execution_time: None,
            state: entry.state,
            category: category(file.migration.kind),
            undoable: None,
            undo_path: None,
        }),
        (None, None) => None,
    }
}

fn applied_row(row: &Applied, state: State) -> InfoRow {
    let kind = match (&row.kind, &row.version) {
        (RowKind::Undo(_), _) => MigrationKind::Undo,
        (RowKind::Baseline(_), _) if row.kind.is_of_a_file() => MigrationKind::Baseline,
        (_, version) => history::kind_of(version.as_ref()),
    };
    InfoRow {
        kind,
        version: row.version.clone(),
        description: row.description.clone(),
        row_type: row.kind.as_str().to_owned(),
        script: row.script.clone(),
        installed_on: Some(row.installed_on.clone()),
        installed_by: Some(row.installed_by.clone()),
        execution_time: Some(row.execution_time),
        state,
        category: match &row.kind {
            RowKind::Schema | RowKind::Delete => "",
            kind if kind.is_baseline_command() => "",
            _ => category(kind),
        },
        undoable: None,
        undo_path: None,
    }
}

fn category(kind: MigrationKind) -> &'static str {
    match kind {
        MigrationKind::Versioned => "Versioned",
        MigrationKind::Baseline => "Baseline",
        MigrationKind::Repeatable => "Repeatable",
        MigrationKind::Undo => "Undo",
    }
}
