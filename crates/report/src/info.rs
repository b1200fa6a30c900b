//! What the actions `info` and `validate` tell: each migration's state.

use belay_model::{Problem, Version};
use serde::{Deserialize, Serialize};

use crate::plain::line;

/// The paper of `info` and `validate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InfoTable {
    /// The database's name.
    pub database: String,
    /// The version that it is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Every migration: applied ones in the order in which they were, then the others.
    pub migrations: Vec<InfoLine>,
    /// What would keep a plan from being made.
    pub problems: Vec<Problem>,
    /// Of settings and files that have no effect, each in a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A migration's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InfoLine {
    /// For a versioned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// As the history or the file's name has it.
    pub description: String,
    /// The path, relative to its location.
    pub script: String,
    /// The state, in Flyway's words.
    pub state: String,
    /// When it was applied, as the history has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_on: Option<String>,
}

impl InfoTable {
    /// The table, a line for each migration.
    pub(crate) fn lines(&self) -> Vec<String> {
        let heading = ["Version", "Description", "Installed on", "State"].map(str::to_owned);
        let rows = self.migrations.iter().map(|migration| {
            [
                migration.version.as_ref().map_or_else(String::new, Version::to_string),
                line(&migration.description),
                line(migration.installed_on.as_deref().unwrap_or_default()),
                line(&migration.state),
            ]
        });
        let table: Vec<[String; 4]> = std::iter::once(heading).chain(rows).collect();
        let width = |column: usize| {
            let cells = table.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths = [0, 1, 2, 3].map(width);
        let padded = |row: &[String; 4]| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        table.iter().map(padded).collect()
    }
}
