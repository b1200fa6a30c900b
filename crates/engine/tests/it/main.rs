//! The engine through its public door, against a real PostgreSQL, as a role that is no superuser.
//!
//! `BELAY_TEST_POSTGRES=16` runs all of it on PostgreSQL 16; else it is 18.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what broke by breaking")]

mod assertions;
mod baseline;
mod callbacks;
mod census;
mod cleanup;
mod copy;
mod door;
mod error_callbacks;
mod error_overrides;
mod faults;
mod flyway;
mod groups;
mod history_changes;
mod invalid_index;
mod lone;
mod planned;
mod planned_changes;
mod planned_whole;
mod plans;
mod round_trips;
mod settings;
mod states;
mod tls;
mod undo;
mod validation;
mod verdicts;
mod world;
mod writes;
