//! The double of RDS, seen through the real SDK: it does what RDS does, and refuses what RDS refuses.

#![expect(clippy::unwrap_used, reason = "what the tests share is not itself a test")]

mod account;
mod answers;
mod conformance;
mod names;
mod restoring;
mod scene;
mod settings;
mod time;
