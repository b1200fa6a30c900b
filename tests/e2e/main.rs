//! The deployed pipeline through the public door: an upload or an execution's input on one side; the database, the
//! result object and the mail on the other.
//!
//! The stack is deployed once; each test has a target and a database of its own, and some a server of their own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what broke by breaking")]

mod bundle;
mod case;
mod commands;
mod deaths;
mod findings;
mod flyway;
mod guarded;
mod kills;
mod outages;
mod payloads;
mod permissions;
mod policy;
mod process;
mod queue;
mod refusals;
mod releases;
mod restores;
mod secrecy;
mod secrets;
mod world;
