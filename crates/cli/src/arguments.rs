//! What can be typed. Options that Flyway has are named after Flyway's keys, and take Flyway's spelling as well.

use std::path::PathBuf;

use belay_model::{IgnorePattern, RunId, TargetVersion, Version};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Database migrations that end with the truth about what is in. The engine of Belay, by hand.
#[derive(Parser)]
#[command(
    name = "belay",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 failed and nothing was committed, 2 a person must look, 4 refused and nothing was \
                  tried, 64 called wrongly."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show which migrations are applied and which are pending
    Info(ReadOptions),
    /// Tell whether the bundle fits the database; list every problem
    Validate(ReadOptions),
    /// Show what `migrate` would do, and what would commit together
    Plan(ReadOptions),
    /// Bring the database to the state that the bundle describes, or leave it as it was
    Migrate(MigrateOptions),
    /// Accept the database as a run left it: close what it left half done
    Keep(KeepOptions),
    /// Make a zip of a folder: the same files give the same bytes
    Bundle(BundleOptions),
    /// Free what a run quarantined in the deployed stack; without --run, list it
    Unlock(UnlockOptions),
}

/// Options of what only reads.
#[derive(Args)]
pub(crate) struct ReadOptions {
    #[command(flatten)]
    pub(crate) login: LoginOptions,
    #[command(flatten)]
    pub(crate) settings: SettingOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    /// The bundle: a zip or a folder
    #[arg(long, value_name = "PATH")]
    pub(crate) bundle: PathBuf,
}

/// Options of `migrate`.
#[derive(Args)]
pub(crate) struct MigrateOptions {
    #[command(flatten)]
    pub(crate) read: ReadOptions,
    /// How long to go on asking a database that does not answer, once something was begun
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub(crate) patience: String,
}

/// Options of `keep`.
#[derive(Args)]
pub(crate) struct KeepOptions {
    #[command(flatten)]
    pub(crate) login: LoginOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    /// The run to close, as its report names it
    #[arg(long)]
    pub(crate) run: RunId,
}

/// Options of `bundle`.
#[derive(Args)]
pub(crate) struct BundleOptions {
    /// The folder
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The zip to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Options of `unlock`.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub(crate) struct UnlockOptions {
    /// The stack
    #[arg(long, group = "where", value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// The stack's lock table
    #[arg(long, group = "where", value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The lock: an instance, or a host and a port
    #[arg(long, value_name = "KEY", requires = "run")]
    pub(crate) lock: Option<String>,
    /// The run that is to be settled by this: it says that you know what you free
    #[arg(long)]
    pub(crate) run: Option<RunId>,
}

/// How to log in.
#[derive(Args)]
pub(crate) struct LoginOptions {
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE; the password may also be in PGPASSWORD
    #[arg(long)]
    pub(crate) url: String,
    /// verify-full, off (for a loopback address only), or a file with the certificates to trust [default: verify-full]
    #[arg(long, value_name = "verify-full|off|FILE")]
    pub(crate) tls: Option<String>,
    /// The role to become, so that it owns what is created
    #[arg(long, alias = "setRole", value_name = "ROLE")]
    pub(crate) set_role: Option<String>,
    /// How long one statement waits for one lock
    #[arg(long, value_name = "DURATION", default_value = "3s")]
    pub(crate) lock_timeout: String,
    /// How long a unit is tried again because of locks
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub(crate) lock_budget: String,
}

/// Flyway's settings, and ours about the same.
#[derive(Args)]
pub(crate) struct SettingOptions {
    /// The history table's schema, and the first of the search path
    #[arg(long, aliases = ["defaultSchema", "schema"], value_name = "SCHEMA")]
    pub(crate) default_schema: Option<String>,
    /// Schemas that must be empty before the first migration; missing ones are created
    #[arg(long, value_delimiter = ',', value_name = "SCHEMA,…")]
    pub(crate) schemas: Vec<String>,
    /// Whether missing schemas are created
    #[arg(long, alias = "createSchemas", action = clap::ArgAction::Set, default_value_t = true, value_name = "true|false")]
    pub(crate) create_schemas: bool,
    /// The history table's name
    #[arg(long, default_value = "flyway_schema_history")]
    pub(crate) table: String,
    /// Run versions below an applied one as well
    #[arg(long, alias = "outOfOrder")]
    pub(crate) out_of_order: bool,
    /// Up to which version files run: latest, current, next, or a version (1.2? if there need be no such file)
    #[arg(long, default_value = "latest", value_name = "VERSION")]
    pub(crate) target: TargetVersion,
    /// What validate does not look at: (*|versioned|repeatable):(*|missing|pending|ignored|future)
    #[arg(
        long,
        alias = "ignoreMigrationPatterns",
        value_delimiter = ',',
        default_value = "*:future",
        value_name = "PATTERN,…"
    )]
    pub(crate) ignore_migration_patterns: Vec<IgnorePattern>,
    /// Whether what validate refuses keeps migrate from beginning
    #[arg(long, alias = "validateOnMigrate", action = clap::ArgAction::Set, default_value_t = true, value_name = "true|false")]
    pub(crate) validate_on_migrate: bool,
    /// Take a database with objects and without a history to be at --baseline-version
    #[arg(long, alias = "baselineOnMigrate")]
    pub(crate) baseline_on_migrate: bool,
    /// The version that such a database is taken to be at
    #[arg(long, alias = "baselineVersion", default_value = "1", value_name = "VERSION")]
    pub(crate) baseline_version: Version,
    /// What the history says of it
    #[arg(
        long,
        alias = "baselineDescription",
        default_value = "<< Flyway Baseline >>",
        value_name = "TEXT"
    )]
    pub(crate) baseline_description: String,
    /// Who the history says applied a migration [default: the role]
    #[arg(long, alias = "installedBy", value_name = "NAME")]
    pub(crate) installed_by: Option<String>,
    /// A value for ${NAME}; may be repeated
    #[arg(long = "placeholder", alias = "placeholders", value_name = "NAME=VALUE")]
    pub(crate) placeholders: Vec<String>,
    /// A value for ${NAME} from an environment variable, masked wherever it would show; may be repeated
    #[arg(long = "secret-placeholder", value_name = "NAME=VARIABLE")]
    pub(crate) secret_placeholders: Vec<String>,
    /// Whether ${NAME} is replaced
    #[arg(long, alias = "placeholderReplacement", action = clap::ArgAction::Set, default_value_t = true, value_name = "true|false")]
    pub(crate) placeholder_replacement: bool,
    /// What commits together: all files if they can, all or nothing, or each by itself
    #[arg(long, value_enum, default_value_t = Transaction::Auto)]
    pub(crate) transaction: Transaction,
}

/// How to answer.
#[derive(Args)]
pub(crate) struct OutputOptions {
    /// For people, or in Flyway's JSON
    #[arg(long, alias = "outputType", value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// What commits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transaction {
    Auto,
    All,
    Each,
}
