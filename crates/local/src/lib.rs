//! Belay's whole stack on one machine: real PostgreSQL servers, an AWS emulator, and the project's own template and
//! functions deployed to it. A library for the end-to-end tests, and a program, `belay-local`, for people.
//!
//! Nothing that is deployed depends on this crate. What it runs is installed by `scripts/setup`.
//!
//! # What ends when
//!
//! Each server ends with the value that stands for it, and also if this process ends in any other way, `kill -9`
//! included: see `supervise.rs`. A value in a `static` is never dropped; its servers end when the process does.

mod aws;
mod deployment;
mod emulator;
mod error;
mod execution;
mod functions;
mod mailbox;
mod place;
mod postgres;
mod program;
mod project;
mod rds;
mod stack;
mod supervise;
mod tools;

pub use self::aws::Aws;
pub use self::deployment::Source;
pub use self::emulator::{Emulator, REGION, RunningEmulator};
pub use self::error::{Error, Result};
pub use self::execution::{Ended, Entered, entered, states_entered, wait_for_end};
pub use self::functions::build_functions;
pub use self::mailbox::{Mail, Mailbox};
pub use self::postgres::{Build, Certificate, Postgres, Role, Settings};
pub use self::project::{FIRST_INSTANCE, FIRST_TARGET, NAME};
pub use self::rds::{DbInstance, Fault, Hold, Pace, Quotas, Rds, RdsRequest, RdsSettings, RdsState, StaleAddresses};
pub use self::stack::{Shipped, Stack, StackSettings};
pub use self::tools::{aws_cli, checkout, psql};
