//! Flyway's settings that Belay knows, under Flyway's names and with Flyway's defaults.

mod encoding;
mod error_override;
mod ignore_pattern;
mod key;
mod keys;
mod target_version;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Version;

pub use encoding::{Encoding, ParseEncodingError};
pub use error_override::{ErrorOverride, MessageSeverity, MessageShown, ParseErrorOverrideError};
pub use ignore_pattern::{IgnorePattern, IgnoredKind, IgnoredState, ParseIgnorePatternError};
pub use key::{FlywayKey, KeyEffect, KeyShape};
pub use keys::{FlywayKeyError, FlywayKeys};
pub use target_version::{ParseTargetVersionError, TargetVersion};

/// Flyway's settings, as they are together: a bundle's, the target's over them, and a request's over those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FlywaySettings {
    /// The history table's name.
    pub table: String,
    /// The history table's schema, and the first of the search path. Absent: the first of `schemas`, else the
    /// connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_schema: Option<String>,
    /// Schemas that must be empty before the first migration, and are created if they are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// Whether missing schemas are created.
    pub create_schemas: bool,
    /// The tablespace of the history table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,

    /// Where in the bundle migrations are. Empty: the first usual folder that holds one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// Whether a location that is not there is an error.
    pub fail_on_missing_locations: bool,
    /// Where in the bundle callbacks are. Empty: in `locations`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callback_locations: Vec<String>,
    /// Whether callbacks are left out.
    pub skip_default_callbacks: bool,
    /// What the name of a versioned migration begins with.
    pub sql_migration_prefix: String,
    /// What the name of a repeatable migration begins with.
    pub repeatable_sql_migration_prefix: String,
    /// What the name of a baseline migration begins with.
    pub baseline_migration_prefix: String,
    /// What the name of an undo migration begins with.
    pub undo_sql_migration_prefix: String,
    /// What is between version and description.
    pub sql_migration_separator: String,
    /// What the name of a migration ends in, one of.
    pub sql_migration_suffixes: Vec<String>,
    /// Whether a misnamed file is an error. Flyway's default is false: it silently does not run the file.
    pub validate_migration_naming: bool,
    /// How files are to be read.
    pub encoding: Encoding,

    /// Whether a version below an applied one still runs.
    pub out_of_order: bool,
    /// Up to which version files run. Repeatables run with every one of them but `next`.
    pub target: TargetVersion,
    /// Versions or descriptions of the only migrations to run, in this order. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cherry_pick: Vec<String>,
    /// Whether pending migrations are written to the history without being run.
    pub skip_executing_migrations: bool,
    /// What `validate` does not look at.
    pub ignore_migration_patterns: Vec<IgnorePattern>,
    /// Whether what `validate` refuses keeps a run from beginning. A failed row in the history always does.
    pub validate_on_migrate: bool,
    /// Whether a database with objects and without a history is taken to be at `baseline_version`.
    pub baseline_on_migrate: bool,
    /// The version that such a database is taken to be at.
    pub baseline_version: Version,
    /// What the history says of it.
    pub baseline_description: String,

    /// Whether all pending migrations share one transaction.
    pub group: bool,
    /// Whether a file may hold statements that can be in a transaction and others that can't.
    pub mixed: bool,
    /// Whether migrations run in a transaction at all.
    pub execute_in_transaction: bool,
    /// What is said to the database before each migration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_sql: Option<String>,
    /// What messages of the server are taken for, the first rule that fits first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_overrides: Vec<ErrorOverride>,

    /// Whether placeholders are replaced.
    pub placeholder_replacement: bool,
    /// What a placeholder begins with.
    pub placeholder_prefix: String,
    /// What a placeholder ends with.
    pub placeholder_suffix: String,
    /// What is between `flyway` and the name of one of Flyway's own placeholders.
    pub placeholder_separator: String,
    /// Values of placeholders. The target's own `placeholders` come before them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, String>,
    /// Who the history says applied a migration. Absent: the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_by: Option<String>,
    /// Which of the bundle's environments is meant, and what `${flyway:environment}` is. Absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl Default for FlywaySettings {
    fn default() -> Self {
        Self {
            table: "flyway_schema_history".to_owned(),
            default_schema: None,
            schemas: Vec::new(),
            create_schemas: true,
            tablespace: None,
            locations: Vec::new(),
            fail_on_missing_locations: false,
            callback_locations: Vec::new(),
            skip_default_callbacks: false,
            sql_migration_prefix: "V".to_owned(),
            repeatable_sql_migration_prefix: "R".to_owned(),
            baseline_migration_prefix: "B".to_owned(),
            undo_sql_migration_prefix: "U".to_owned(),
            sql_migration_separator: "__".to_owned(),
            sql_migration_suffixes: vec![".sql".to_owned()],
            validate_migration_naming: true,
            encoding: Encoding::Utf8,
            out_of_order: false,
            target: TargetVersion::Latest,
            cherry_pick: Vec::new(),
            skip_executing_migrations: false,
            ignore_migration_patterns: vec![IgnorePattern::FUTURE],
            validate_on_migrate: true,
            baseline_on_migrate: false,
            baseline_version: Version::one(),
            baseline_description: "<< Flyway Baseline >>".to_owned(),
            group: false,
            mixed: false,
            execute_in_transaction: true,
            init_sql: None,
            error_overrides: Vec::new(),
            placeholder_replacement: true,
            placeholder_prefix: "${".to_owned(),
            placeholder_suffix: "}".to_owned(),
            placeholder_separator: ":".to_owned(),
            placeholders: BTreeMap::new(),
            installed_by: None,
            environment: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_the_defaults_are_flyways() {
        let settings: FlywaySettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, FlywaySettings::default());
        assert_eq!(
            serde_json::to_value(&settings).unwrap(),
            serde_json::json!({
                "table": "flyway_schema_history",
                "createSchemas": true,
                "failOnMissingLocations": false,
                "skipDefaultCallbacks": false,
                "sqlMigrationPrefix": "V",
                "repeatableSqlMigrationPrefix": "R",
                "baselineMigrationPrefix": "B",
                "undoSqlMigrationPrefix": "U",
                "sqlMigrationSeparator": "__",
                "sqlMigrationSuffixes": [".sql"],
                "validateMigrationNaming": true,
                "encoding": "UTF-8",
                "outOfOrder": false,
                "target": "latest",
                "skipExecutingMigrations": false,
                "ignoreMigrationPatterns": ["*:future"],
                "validateOnMigrate": true,
                "baselineOnMigrate": false,
                "baselineVersion": "1",
                "baselineDescription": "<< Flyway Baseline >>",
                "group": false,
                "mixed": false,
                "executeInTransaction": true,
                "placeholderReplacement": true,
                "placeholderPrefix": "${",
                "placeholderSuffix": "}",
                "placeholderSeparator": ":",
            })
        );
    }
}
