//! `info`: each migration's state, whether or not a plan could be made.

use belay_bundle::Bundle;
use belay_model::{HistoryTable, MigrationKind, Problem, Version};

use crate::compare::{Entry, State};
use crate::error::EngineError;
use crate::history::{self, Applied};
use crate::plan::PlanRequest;
use crate::session::{Connect, Session};
use crate::survey::Survey;
use crate::validation::problems;

/// What `info` tells.
#[derive(Debug)]
pub struct Info {
    /// Flyway's table.
    pub history: HistoryTable,
    /// The database's name.
    pub database: String,
    /// The version that the database is at.
    pub version: Option<Version>,
    /// Every row by rank, then what is not applied, in order.
    pub rows: Vec<InfoRow>,
    /// What Flyway's `validate` would refuse.
    pub problems: Vec<Problem>,
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
}

/// Compares bundle and history. Only reads.
///
/// # Errors
/// If the database can't be reached or the history can't be read.
pub async fn info(connect: &Connect, bundle: &Bundle, request: &PlanRequest<'_>) -> Result<Info, EngineError> {
    let session = Session::open(connect, None).await?;
    session
        .run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let info = match Survey::new(session.client(), bundle, request).await {
        Ok(survey) => {
            let entries = survey.entries();
            Ok(Info {
                history: survey.history.clone(),
                database: survey.facts.database.clone(),
                version: current_version(&entries),
                problems: survey
                    .problems
                    .iter()
                    .cloned()
                    .chain(problems(&entries, survey.flyway()))
                    .collect(),
                rows: entries.iter().filter_map(info_row).collect(),
            })
        }
        Err(error) => Err(error),
    };
    session.close().await;
    info
}

/// The version that the history is at.
pub(crate) fn current_version(entries: &[Entry<'_>]) -> Option<Version> {
    entries
        .iter()
        .filter(|entry| {
            matches!(
                entry.state,
                State::Success | State::OutOfOrder | State::Baseline | State::Future
            )
        })
        .filter_map(|entry| entry.row?.version.clone())
        .max()
}

fn info_row(entry: &Entry<'_>) -> Option<InfoRow> {
    match (entry.row, entry.file) {
        (Some(row), _) => Some(applied_row(row, entry.state)),
        (None, Some((file, _))) => Some(InfoRow {
            kind: file.kind,
            version: file.version.clone(),
            description: file.description.clone(),
            row_type: "SQL".to_owned(),
            script: file.script.clone(),
            installed_on: None,
            installed_by: None,
            execution_time: None,
            state: entry.state,
        }),
        (None, None) => None,
    }
}

fn applied_row(row: &Applied, state: State) -> InfoRow {
    InfoRow {
        kind: history::kind_of(row.version.as_ref()),
        version: row.version.clone(),
        description: row.description.clone(),
        row_type: row.kind.as_str().to_owned(),
        script: row.script.clone(),
        installed_on: Some(row.installed_on.clone()),
        installed_by: Some(row.installed_by.clone()),
        execution_time: Some(row.execution_time),
        state,
    }
}
