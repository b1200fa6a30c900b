//! The real binary against a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share is not itself a test"
)]

mod bench;
mod bundle;
mod change;
mod golden;
mod json;
mod keep;
mod login;
mod migrate;
mod refused;
mod settings;
mod shop;
mod stale;
mod stopped;
mod unlock;
mod usage;
