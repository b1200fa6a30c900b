//! Migrations on PostgreSQL: planned from what is there, applied under guards, and judged by what they left.
//!
//! Knows SQL, not AWS. Each door is for one state of the workflow and for `belay` by hand:
//!
//! - [`check`]: what the bundle's text alone shows to be wrong.
//! - [`plan`]: bundle and database together; only reads. [`info`] tells each migration's state.
//! - [`migrate`]: one attempt, under the database lock, within a budget of time.
//! - [`verify`]: closes the attempt and reads the verdict. Ask it whatever [`migrate`] said.
//! - [`cleanup`]: takes away what a lone file that failed has left, where that is sure.
//! - [`keep`]: a person accepts the database as a run left it.
//!
//! And what snapshot and restore need: the door ([`who_logs_in`], [`keep_out`], [`let_in`]), whether a restore loses nothing
//! ([`not_lossless`]), what is in the database ([`take_census`], [`compare_census`]), how much others wrote
//! ([`horizon`], [`writes_by_others`]), and whether a server is the restored one ([`attempt_is_absent`]).
//!
//! The way of a file: [`belay_bundle`] → `script` (placeholders, statements) → `unit` (what commits together) → `group`
//! or `lone` (messages to the server) → `history` and `journal` (rows) → `verdict`.
//!
//! In a group: `block` (which files share their settings) → `piece` (what of them goes into which message) → `message` (sent
//! between the statements of `frame`, and the way back from an error). What no migration brings is in `change`; what runs
//! after a rollback, in `on_error`.

mod apply;
mod assertion;
mod block;
mod budget;
mod building;
mod callbacks;
mod census;
mod change;
mod classify;
mod cleanup;
mod compare;
mod copy;
mod door;
mod dry_run;
mod environment;
mod error;
mod facts;
mod fingerprint;
mod frame;
mod gate;
mod group;
mod history;
mod info;
mod init_sql;
mod journal;
mod keep;
mod liveness;
mod lock;
mod lone;
mod lossless;
mod mark;
mod message;
mod notice;
mod object;
mod on_error;
mod overridden;
mod own;
mod patience;
mod piece;
mod placeholder;
mod plan;
mod ranks;
mod report;
mod residue;
mod resume;
mod script;
mod session;
mod state;
mod statement;
mod stop;
mod survey;
mod tls;
mod traits;
mod unit;
mod validation;
mod verdict;
mod writes;

pub use apply::{MigrateInput, Migrated, migrate};
pub use budget::Budget;
pub use census::{Census, Counted, compare_census, take_census};
pub use cleanup::{CleanupInput, cleanup};
pub use door::{keep_out, let_in, who_logs_in};
pub use dry_run::dry_run;
pub use error::EngineError;
pub use fingerprint::Schema;
pub use gate::{Gate, OpenGate};
pub use info::{Info, InfoRow, info};
pub use keep::history_of_run;
pub use lossless::{not_lossless, unnamed_roles};
pub use placeholder::Placeholders;
pub use plan::{Given, PlanRequest, Planned, check, plan};
pub use session::Connect;
pub use state::State;
pub use verdict::{Observed, VerifyInput, attempt_is_absent, keep, verify};
pub use writes::{Horizon, horizon, writes_by_others};
