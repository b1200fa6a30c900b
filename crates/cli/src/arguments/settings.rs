//! Flyway's settings as options. Only what is said counts: the rest comes from the environment and the bundle.

use clap::{Args, ValueEnum};

/// Flyway's settings, and ours about the same.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingOptions {
    /// The history table's schema, and the first of the search path
    #[arg(long, aliases = ["defaultSchema", "schema"], value_name = "SCHEMA")]
    pub(crate) default_schema: Option<String>,
    /// Schemas that must be empty before the first migration; missing ones are created
    #[arg(long, value_name = "SCHEMA,…")]
    pub(crate) schemas: Option<String>,
    /// Whether missing schemas are created
    #[arg(long, alias = "createSchemas", value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) create_schemas: Option<String>,
    /// The history table's name
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Where in the bundle migrations are
    #[arg(long, value_name = "FOLDER,…")]
    pub(crate) locations: Option<String>,
    /// The environment of the bundle's flyway.toml
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Run versions below an applied one as well
    #[arg(long, alias = "outOfOrder", value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) out_of_order: Option<String>,
    /// Up to which version files run: latest, current, next, or a version (1.2? if there need be no such file)
    #[arg(long, value_name = "VERSION")]
    pub(crate) target: Option<String>,
    /// The versions or descriptions of the only migrations to run, in this order
    #[arg(long, alias = "cherryPick", value_name = "VERSION,…")]
    pub(crate) cherry_pick: Option<String>,
    /// Write what is pending to the history without running it
    #[arg(
        long,
        alias = "skipExecutingMigrations",
        value_name = "true|false",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub(crate) skip_executing_migrations: Option<String>,
    /// What validate does not look at: (*|versioned|repeatable):(*|missing|pending|ignored|future)
    #[arg(long, alias = "ignoreMigrationPatterns", value_name = "PATTERN,…")]
    pub(crate) ignore_migration_patterns: Option<String>,
    /// Whether what validate refuses keeps migrate from beginning
    #[arg(long, alias = "validateOnMigrate", value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) validate_on_migrate: Option<String>,
    /// Take a database with objects and without a history to be at --baseline-version
    #[arg(long, alias = "baselineOnMigrate", value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) baseline_on_migrate: Option<String>,
    /// The version that such a database is taken to be at
    #[arg(long, alias = "baselineVersion", value_name = "VERSION")]
    pub(crate) baseline_version: Option<String>,
    /// What the history says of it
    #[arg(long, alias = "baselineDescription", value_name = "TEXT")]
    pub(crate) baseline_description: Option<String>,
    /// Whether all files share one transaction
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) group: Option<String>,
    /// Whether a file may hold statements that can be in a transaction and others that can't
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) mixed: Option<String>,
    /// What is said to the database before each file
    #[arg(long, alias = "initSql", value_name = "SQL")]
    pub(crate) init_sql: Option<String>,
    /// Who the history says applied a migration
    #[arg(long, alias = "installedBy", value_name = "NAME")]
    pub(crate) installed_by: Option<String>,
    /// Whether ${NAME} is replaced
    #[arg(
        long,
        alias = "placeholderReplacement",
        value_name = "true|false",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub(crate) placeholder_replacement: Option<String>,
    /// Any setting, under Flyway's name; may be repeated. Flyway's own spelling, -KEY=VALUE, is the same
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) flyway: Vec<String>,
    /// A value for ${NAME}; may be repeated
    #[arg(long = "placeholder", alias = "placeholders", value_name = "NAME=VALUE")]
    pub(crate) placeholders: Vec<String>,
    /// A value for ${NAME} from an environment variable, masked wherever it would show; may be repeated
    #[arg(long = "secret-placeholder", value_name = "NAME=VARIABLE")]
    pub(crate) secret_placeholders: Vec<String>,
    /// What commits together: all files if they can, all or nothing, or each by itself
    #[arg(long, value_enum, default_value_t = Transaction::Auto)]
    pub(crate) transaction: Transaction,
}

impl SettingOptions {
    /// The options that have a name of their own, under Flyway's names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("defaultSchema", &self.default_schema),
            ("schemas", &self.schemas),
            ("createSchemas", &self.create_schemas),
            ("table", &self.table),
            ("locations", &self.locations),
            ("environment", &self.environment),
            ("outOfOrder", &self.out_of_order),
            ("target", &self.target),
            ("cherryPick", &self.cherry_pick),
            ("skipExecutingMigrations", &self.skip_executing_migrations),
            ("ignoreMigrationPatterns", &self.ignore_migration_patterns),
            ("validateOnMigrate", &self.validate_on_migrate),
            ("baselineOnMigrate", &self.baseline_on_migrate),
            ("baselineVersion", &self.baseline_version),
            ("baselineDescription", &self.baseline_description),
            ("group", &self.group),
            ("mixed", &self.mixed),
            ("initSql", &self.init_sql),
            ("installedBy", &self.installed_by),
            ("placeholderReplacement", &self.placeholder_replacement),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

/// What commits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transaction {
    Auto,
    All,
    Each,
}
