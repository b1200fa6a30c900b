//! What can be typed. Options that Flyway has are named after Flyway's keys, and take Flyway's spelling as well.

mod settings;

use std::path::PathBuf;

use belay_model::{PlannedAction, RunId};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use settings::{SettingOptions, Transaction};

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
    /// Tell whether the database is as the bundle says; list every problem
    Validate(ReadOptions),
    /// Show what `migrate` would do, and what would commit together
    Plan(PlanOptions),
    /// Bring the database to the state that the bundle describes, or leave it as it was
    Migrate(ChangeOptions),
    /// Take a database that has no history yet to be at a version
    Baseline(ChangeOptions),
    /// Bring the history in line with the files: failed rows, missing files, changed checksums
    Repair(ChangeOptions),
    /// Take back the last version, or all down to --target and with it, by the bundle's undo files
    Undo(ChangeOptions),
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
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) bundle: PathBuf,
}

/// Options of `plan`.
#[derive(Args)]
pub(crate) struct PlanOptions {
    #[command(flatten)]
    pub(crate) read: ReadOptions,
    /// What is planned
    #[arg(long, value_enum, default_value_t = Planning::Migrate)]
    pub(crate) action: Planning,
    /// Show the SQL that would run, placeholders replaced and secrets masked
    #[arg(long)]
    pub(crate) sql: bool,
}

/// What changes a database, by the command of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Planning {
    Migrate,
    Baseline,
    Repair,
    Undo,
}

impl From<Planning> for PlannedAction {
    fn from(planning: Planning) -> Self {
        match planning {
            Planning::Migrate => Self::Migrate,
            Planning::Baseline => Self::Baseline,
            Planning::Repair => Self::Repair,
            Planning::Undo => Self::Undo,
        }
    }
}

/// Options of what changes a database.
#[derive(Args)]
pub(crate) struct ChangeOptions {
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
    /// The folder; with --check also a zip
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The zip to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Write nothing: tell whether the folder or zip is a sound bundle, and what is in it
    #[arg(long, conflicts_with = "output")]
    pub(crate) check: bool,
    /// A setting of the target, under Flyway's name; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) flyway: Vec<String>,
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
    /// postgres://USER:PASSWORD@HOST:PORT/DATABASE or jdbc:postgresql://HOST:PORT/DATABASE; else FLYWAY_URL
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Who logs in; else as the URL says, FLYWAY_USER or PGUSER. The password is in FLYWAY_PASSWORD, PGPASSWORD or the URL
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Refused: other users of this machine could read it
    #[arg(long, hide = true)]
    pub(crate) password: Option<String>,
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
