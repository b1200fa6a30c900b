//! Migrations on PostgreSQL: planned from what is there, applied under guards, and judged by what they left.
//!
//! Knows SQL, not AWS. Five doors, each for one state of the workflow and for `belay` by hand:
//!
//! - [`check`]: what the bundle's text alone shows to be wrong.
//! - [`plan`]: bundle and database together; only reads. [`info`] tells each migration's state.
//! - [`migrate`]: one attempt, under the database lock, within a budget of time.
//! - [`verify`]: closes the attempt and reads the verdict. Ask it whatever [`migrate`] said.
//! - [`keep`]: a person accepts the database as a run left it.
//!
//! The way of a file: [`belay_bundle`] → `script` (placeholders, statements) → `unit` (what commits together) → `group`
//! or `lone` (messages to the server) → `history` and `journal` (rows) → `verdict`.

mod apply;
mod assertion;
mod budget;
mod classify;
mod compare;
mod error;
mod facts;
mod fingerprint;
mod group;
mod history;
mod info;
mod journal;
mod keep;
mod lock;
mod lone;
mod placeholder;
mod plan;
mod report;
mod resume;
mod script;
mod session;
mod statement;
mod survey;
mod tls;
mod unit;
mod verdict;

pub use apply::{Gate, MigrateInput, Migrated, OpenGate, migrate};
pub use budget::Budget;
pub use compare::State;
pub use error::EngineError;
pub use fingerprint::Schema;
pub use info::{Info, InfoRow, info};
pub use keep::history_of_run;
pub use placeholder::Placeholders;
pub use plan::{Given, PlanRequest, Planned, check, plan};
pub use session::Connect;
pub use verdict::{Observed, VerifyInput, keep, verify};
