//! The real binary against a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share is not itself a test"
)]

mod bench;
mod bundle;
mod golden;
mod json;
mod keep;
mod login;
mod migrate;
mod refused;
mod shop;
mod stale;
mod stopped;
mod unlock;
mod usage;
