//! From the snapshot to the end of a restore, with the real functions, the real SDK and RDS's double over real servers:
//! whatever goes wrong on the way, it ends `restored` with every row under the same endpoint, or both databases are there
//! and a person is told (rules R1 to R3, V3, Q1 to Q3).

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod calls;
mod faults;
mod lags;
mod others;
mod stage;
mod writer;
mod writers;
