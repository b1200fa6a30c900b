//! The engine through its public door, against a real PostgreSQL, as a role that is no superuser.
//!
//! `BELAY_TEST_POSTGRES=16` runs all of it on PostgreSQL 16; else it is 18.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what broke by breaking")]

mod assertions;
mod baseline;
mod census;
mod cleanup;
mod copy;
mod door;
mod faults;
mod flyway;
mod groups;
mod lone;
mod plans;
mod settings;
mod tls;
mod verdicts;
mod world;
mod writes;
