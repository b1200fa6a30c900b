//! Answers in Flyway's JSON shapes, with an object `belay` for what Flyway has no word for.

use belay_bundle::{Bundle, Migration};
use belay_engine::InfoRow;
use belay_model::{Code, Failure, MigrationKind, Outcome, PlannedMigration, Problem};
use serde::Serialize;

use crate::table::{category, undoable};

/// What every answer has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Common {
    operation: &'static str,
    /// Belay is no version of Flyway.
    flyway_version: Option<&'static str>,
    database: String,
    database_type: &'static str,
    warnings: Vec<String>,
}

impl Common {
    pub(crate) fn new(operation: &'static str, database: &str, warnings: Vec<String>) -> Self {
        Self {
            operation,
            flyway_version: None,
            database: database.to_owned(),
            database_type: "PostgreSQL",
            warnings,
        }
    }
}

/// An answer.
#[derive(Serialize)]
pub(crate) struct Answer<T, B> {
    #[serde(flatten)]
    pub(crate) common: Common,
    #[serde(flatten)]
    pub(crate) flyway: T,
    pub(crate) belay: B,
}

/// A line of `info`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InfoOutput {
    category: &'static str,
    version: String,
    raw_version: String,
    description: String,
    #[serde(rename = "type")]
    row_type: String,
    #[serde(rename = "installedOnUTC")]
    installed_on_utc: String,
    state: &'static str,
    undoable: &'static str,
    filepath: String,
    undo_filepath: String,
    installed_by: String,
    should_execute_expression: String,
    execution_time: i32,
}

impl InfoOutput {
    /// `path` is the file's in the bundle, where there is one.
    pub(crate) fn new(row: &InfoRow, bundle: &Bundle) -> Self {
        let version = row
            .version
            .as_ref()
            .map_or_else(String::new, |version| version.as_str().to_owned());
        let file = bundle.migrations().iter().find(|file| file.script == row.script);
        Self {
            category: row.category,
            version: version.clone(),
            raw_version: version,
            description: row.description.clone(),
            row_type: row.row_type.clone(),
            // The column has no time zone; servers on AWS are in UTC.
            installed_on_utc: row
                .installed_on
                .as_ref()
                .map_or_else(String::new, |at| format!("{}Z", at.replacen(' ', "T", 1))),
            state: row.state.as_str(),
            undoable: undoable(row),
            filepath: file.map_or_else(String::new, |file| file.path.clone()),
            undo_filepath: row.undo_path.clone().unwrap_or_default(),
            installed_by: row.installed_by.clone().unwrap_or_default(),
            should_execute_expression: file
                .and_then(|file| file.config.should_execute.clone())
                .unwrap_or_default(),
            execution_time: row.execution_time.unwrap_or_default(),
        }
    }
}

/// A migration that was applied, or is to be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MigrateOutput {
    category: &'static str,
    version: String,
    description: String,
    #[serde(rename = "type")]
    row_type: &'static str,
    filepath: String,
    execution_time: i32,
}

impl MigrateOutput {
    /// `milliseconds`: as the history has it; 0 for one that is not applied.
    pub(crate) fn new(migration: &PlannedMigration, milliseconds: i32) -> Self {
        Self {
            category: category(migration.kind),
            version: migration
                .version
                .as_ref()
                .map_or_else(String::new, |version| version.as_str().to_owned()),
            description: migration.description.clone(),
            row_type: "SQL",
            filepath: migration.path.clone(),
            execution_time: milliseconds,
        }
    }
}

/// A problem of `validate`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidateOutput {
    version: String,
    description: String,
    filepath: String,
    error_details: ErrorDetails,
}

impl ValidateOutput {
    pub(crate) fn new(problem: &Problem, bundle: Option<&Bundle>) -> Self {
        let path = problem.place.as_ref().map_or("", |place| place.file.as_str());
        let file = bundle.and_then(|bundle| bundle.migrations().iter().find(|file| file.path == path));
        let version = |file: &Migration| file.version.as_ref().map(|version| version.as_str().to_owned());
        Self {
            version: file.and_then(version).unwrap_or_default(),
            description: file.map_or_else(String::new, |file| file.description.clone()),
            filepath: path.to_owned(),
            error_details: ErrorDetails {
                error_code: flyway_code_of(problem, file),
                error_message: problem.to_string(),
            },
        }
    }
}

/// An error as `validate` has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorDetails {
    pub(crate) error_code: &'static str,
    pub(crate) error_message: String,
}

/// An error as every other command has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorOutput {
    error_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql_state: Option<String>,
    message: String,
    line_number: Option<u32>,
    path: Option<String>,
}

impl ErrorOutput {
    pub(crate) fn new(failure: &Failure) -> Self {
        let (code, place) = match failure.problems.as_slice() {
            [only] => (only.code, only.place.as_ref()),
            _ => (failure.code, failure.place.as_ref()),
        };
        Self {
            error_code: flyway_code(code),
            sql_state: failure.server.as_ref().map(|server| server.sql_state.clone()),
            message: failure.to_string(),
            line_number: place.and_then(|place| place.line),
            path: place.map(|place| place.file.clone()),
        }
    }
}

/// An answer that is an error.
#[derive(Serialize)]
pub(crate) struct ErrorAnswer<'a> {
    pub(crate) error: ErrorOutput,
    pub(crate) operation: &'static str,
    pub(crate) belay: Failed<'a>,
}

/// What Belay says of an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) exit_code: u8,
    pub(crate) failure: &'a Failure,
}

/// Flyway's name for a problem. It tells repeatable migrations apart where Belay has one code.
fn flyway_code_of(problem: &Problem, file: Option<&Migration>) -> &'static str {
    let repeatable = match file {
        Some(file) => file.kind == MigrationKind::Repeatable,
        // Only the history knows it, and the message says what it is first.
        None => problem.message.starts_with("repeatable "),
    };
    match (problem.code, repeatable) {
        (Code::MigrationMissing, true) => "APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED",
        (Code::MigrationFailed, true) => "FAILED_REPEATABLE_MIGRATION",
        (Code::OutOfOrder | Code::NotApplied, true) => "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
        (Code::MigrationFailed, false) if file.is_some_and(|file| file.kind == MigrationKind::Baseline) => {
            "FAILED_BASELINE_MIGRATION"
        }
        (code, _) => flyway_code(code),
    }
}

/// Flyway's name for a code, where it has one.
pub(crate) fn flyway_code(code: Code) -> &'static str {
    match code {
        Code::ChecksumMismatch => "CHECKSUM_MISMATCH",
        Code::DescriptionMismatch => "DESCRIPTION_MISMATCH",
        Code::TypeMismatch => "TYPE_MISMATCH",
        Code::MigrationMissing => "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED",
        Code::MigrationFailed => "FAILED_VERSIONED_MIGRATION",
        Code::OutOfOrder | Code::NotApplied => "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
        Code::RepeatableOutdated => "OUTDATED_REPEATABLE_MIGRATION",
        Code::NonEmptySchema => "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE",
        Code::SchemaMissing => "SCHEMA_DOES_NOT_EXIST",
        Code::DuplicateVersion => "DUPLICATE_VERSIONED_MIGRATION",
        Code::DuplicateRepeatable => "DUPLICATE_REPEATABLE_MIGRATION",
        Code::TargetInvalid => "CONFIGURATION",
        Code::PlanRejected => "VALIDATE_ERROR",
        Code::Database | Code::Credentials => "DB_CONNECTION",
        Code::Bug => "FAULT",
        _ => "ERROR",
    }
}
