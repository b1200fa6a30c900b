//! Bundles through the public door.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod archive;
mod contents;
mod entries;
mod folder;
mod forge;
mod grammar;
mod limits;
mod locations;
mod names;
mod opened;
mod order;
mod prefixes;
mod programs;
mod properties;
mod settings;
