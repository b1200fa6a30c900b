//! The plan: what a run is going to do, with everything frozen that could change meanwhile.

mod change;
mod syntax;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, BundleDigest, Checksum, ErrorOverride, Event, FileDigest, MigrationKind, PlanDigest, RunId,
    TransactionMode, Version,
};

pub use change::{Aligned, HistoryChange};
pub use syntax::PlaceholderSyntax;

/// What is to be done, as units, in the order in which they run.
///
/// Two plans with one digest do the same: the digest covers every field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// What was asked.
    #[serde(default)]
    pub action: PlannedAction,
    /// The bundle that it was made from.
    pub bundle: BundleDigest,
    /// Flyway's table.
    pub history: HistoryTable,
    /// Where the table is made, if it must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// Whether that table was there.
    pub history_exists: bool,
    /// The highest installed rank; nothing for no table or no row.
    pub base_rank: Option<i32>,
    /// The last attempt that the journal knew; nothing without a journal.
    pub journal: Option<i64>,
    /// A lone file that an earlier run left half done, if the first unit is that very file: it goes on where it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<ResumedUnit>,
    /// Schemas to create before the first unit.
    pub create_schemas: Vec<String>,
    /// What the database is taken to hold already, as it has objects and no history: a row that is written before the
    /// first unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<PlannedBaseline>,
    /// The search path of every session, where the target names a default schema.
    pub search_path: Option<String>,
    /// Whether a constraint may wait for the end of a transaction, so that it must be told to wait again after each file.
    pub defers_constraints: bool,
    /// How the units were made, and why.
    pub transaction: TransactionMode,
    /// Why the units are as they are, in a sentence.
    pub reason: String,
    /// What commits together, in order. Empty: nothing is pending.
    pub units: Vec<Unit>,
    /// Callbacks that run after the rollback of a unit that failed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_error: Vec<PlannedCallback>,
    /// Callbacks around each statement of each migration: those before, then those after. Not in lone files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_statement: Vec<PlannedCallback>,
    /// Files are written to the history without being run.
    #[serde(default)]
    pub skip_executing: bool,
    /// What is said to the database before each file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_sql: Option<String>,
    /// What messages of the server to a file are taken for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub error_overrides: Vec<ErrorOverride>,
    /// What is worth telling of how it was made: settings and files without effect, versions above the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The value of every placeholder, by lower-case name.
    pub placeholders: BTreeMap<String, FrozenPlaceholder>,
    /// Whether `${name}` is replaced at all.
    pub placeholder_replacement: bool,
    /// What a placeholder looks like.
    #[serde(default, skip_serializing_if = "PlaceholderSyntax::is_default")]
    pub placeholder_syntax: PlaceholderSyntax,
    /// The files of `verify/`, in order.
    pub assertions: Vec<PlannedAssertion>,
    /// Who the history says applied a migration; nothing for the role.
    pub installed_by: Option<String>,
    /// The version that the database is at before the first unit.
    pub from_version: Option<Version>,
}

impl Plan {
    /// The plan's identity.
    ///
    /// # Errors
    /// None in practice: a plan is made of what JSON can hold.
    pub fn digest(&self) -> Result<PlanDigest, serde_json::Error> {
        serde_json::to_vec(self).map(|json| PlanDigest::of(&json))
    }

    /// U3: whether more than the history must be made before the first unit; then it is made even before a lone file.
    #[must_use]
    pub fn prepares(&self) -> bool {
        !self.create_schemas.is_empty() || (!self.history_exists && self.baseline.is_some())
    }

    /// The rank of Flyway's row for the schemas that are made; nothing if none is. In a new history it comes first, but
    /// behind the row of the command `baseline`.
    #[must_use]
    pub fn schema_rank(&self) -> Option<i32> {
        let rank = match (self.base_rank, self.action) {
            (Some(base), _) => base + 1,
            (None, PlannedAction::Baseline) => PlannedBaseline::RANK + 1,
            (None, _) => 0,
        };
        (!self.create_schemas.is_empty()).then_some(rank)
    }

    /// Every pending migration, in order.
    pub fn migrations(&self) -> impl Iterator<Item = &PlannedMigration> {
        self.units.iter().flat_map(Unit::migrations)
    }

    /// Every change of the history that is none of a migration's, in order.
    pub fn changes(&self) -> impl Iterator<Item = &HistoryChange> {
        self.units.iter().flat_map(|unit| &unit.changes)
    }

    /// How much is to be done. 0: the database is as was asked.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.migrations().count() + self.changes().count()
    }
}

/// What a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlannedAction {
    /// Applies what is pending.
    #[default]
    Migrate,
    /// Takes the database to be at a version.
    Baseline,
    /// Brings the history in line with the files.
    Repair,
    /// Takes back the last versions.
    Undo,
}

/// Flyway's table, by its two names as they are (not quoted).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryTable {
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
}

/// Quoted, as SQL and as Flyway's lock key need it: `"public"."flyway_schema_history"`.
impl fmt::Display for HistoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\".\"{}\"",
            self.schema.replace('"', "\"\""),
            self.table.replace('"', "\"\"")
        )
    }
}

/// A text that is not two quoted names with a dot between them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a table's quoted name, such as \"public\".\"flyway_schema_history\"")]
pub struct ParseHistoryTableError;

/// As it is displayed.
impl FromStr for HistoryTable {
    type Err = ParseHistoryTableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (schema, rest) = quoted(text).ok_or(ParseHistoryTableError)?;
        let rest = rest.strip_prefix('.').ok_or(ParseHistoryTableError)?;
        match quoted(rest) {
            Some((table, "")) => Ok(Self { schema, table }),
            _ => Err(ParseHistoryTableError),
        }
    }
}

/// A quoted name at the beginning of the text, and what is behind it. A quote inside a name is doubled.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
}

/// The open mark of a lone file of an earlier run, and how far that file is (L3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResumedUnit {
    /// The earlier run.
    pub run: RunId,
    /// Its attempt.
    pub attempt: Attempt,
    /// Its unit, counted from 0.
    pub unit: u32,
    /// How many statements are done.
    pub statement: u32,
}

/// Flyway's BASELINE row: versions up to this one are taken as applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedBaseline {
    /// The version.
    pub version: Version,
    /// What the history says of it.
    pub description: String,
}

impl PlannedBaseline {
    /// The rank of the row: the first, as only the row of schemas that were made comes before it, with 0.
    pub const RANK: i32 = 1;
}

/// What commits together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unit {
    /// Whether it runs in a transaction of ours.
    pub kind: UnitKind,
    /// For a lone file: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The highest rank of the history before it (M1).
    pub base_rank: Option<i32>,
    /// The files, in order; exactly one if lone. A unit of callbacks alone has no migration, and one of changes has only
    /// callbacks.
    pub files: Vec<PlannedFile>,
    /// Changes of the history that are none of a migration's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<HistoryChange>,
}

impl Unit {
    /// Its migrations, in order.
    pub fn migrations(&self) -> impl Iterator<Item = &PlannedMigration> {
        self.files.iter().filter_map(PlannedFile::migration)
    }
}

/// A file to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlannedFile {
    /// One that the history tells of.
    Migration(PlannedMigration),
    /// One that runs beside it.
    Callback(PlannedCallback),
}

impl PlannedFile {
    /// The migration, if it is one.
    #[must_use]
    pub fn migration(&self) -> Option<&PlannedMigration> {
        match self {
            Self::Migration(migration) => Some(migration),
            Self::Callback(_) => None,
        }
    }

    /// The path in the bundle.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Migration(migration) => &migration.path,
            Self::Callback(callback) => &callback.path,
        }
    }

    /// The path relative to its location.
    #[must_use]
    pub fn script(&self) -> &str {
        match self {
            Self::Migration(migration) => &migration.script,
            Self::Callback(callback) => &callback.script,
        }
    }

    /// Of the file's bytes.
    #[must_use]
    pub fn sha256(&self) -> FileDigest {
        match self {
            Self::Migration(migration) => migration.sha256,
            Self::Callback(callback) => callback.sha256,
        }
    }
}

/// A callback at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedCallback {
    /// When it runs.
    pub event: Event,
    /// The path relative to its location.
    pub script: String,
    /// The path in the bundle.
    pub path: String,
    /// Of the file's bytes.
    pub sha256: FileDigest,
}

/// Whether a unit runs in a transaction of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// One transaction of ours.
    Group,
    /// One file that can't be in a transaction of ours.
    Lone,
}

/// A migration with everything frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedMigration {
    /// How often it runs.
    pub kind: MigrationKind,
    /// For a versioned one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// As the history shows it.
    pub description: String,
    /// The path relative to its location, as the history stores it.
    pub script: String,
    /// The path in the bundle.
    pub path: String,
    /// As the history stores it; for a repeatable, of the text after placeholders.
    pub checksum: Checksum,
    /// Of the file's bytes.
    pub sha256: FileDigest,
    /// The rank that its row gets; for an undo, of the row that is taken out.
    pub rank: i32,
    /// For an undo: the script of the row that is taken out, as it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
}

/// A placeholder's value, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FrozenPlaceholder {
    /// The value.
    Value(String),
    /// Where the value is. A plan never holds a secret.
    Secret(SecretRef),
}

/// One value of one version of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// The secret's ARN.
    pub arn: String,
    /// The key of its JSON.
    pub key: String,
    /// The version that was read at Plan.
    pub version_id: String,
}

/// A file of `verify/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedAssertion {
    /// The path in the bundle.
    pub path: String,
    /// Of the file's bytes.
    pub sha256: FileDigest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_table_and_its_text_are_the_same_thing() {
        for (schema, table) in [
            ("public", "flyway_schema_history"),
            ("a.b", "c d"),
            ("a\".\"b", "\""),
            ("\"\"", "."),
        ] {
            let history = HistoryTable {
                schema: schema.to_owned(),
                table: table.to_owned(),
            };
            assert_eq!(history.to_string().parse(), Ok(history));
        }
        for wrong in [
            "",
            "a.b",
            "\"a\"",
            "\"a\".b",
            "\"a\".\"b",
            "\"a\".\"b\"x",
            "\"a\"\".\"b\"",
        ] {
            assert!(wrong.parse::<HistoryTable>().is_err(), "{wrong:?}");
        }
    }
}
