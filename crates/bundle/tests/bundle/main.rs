//! Bundles through the public door.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod archive;
mod contents;
mod entries;
mod folder;
mod forge;
mod limits;
mod names;
mod programs;
mod properties;
