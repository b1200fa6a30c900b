//! From a zip of SQL files to checked migrations: names, versions and checksums as Flyway has them, and nothing that
//! isn't what it says it is.
//!
//! Pure: the same bytes give the same answer, whenever and wherever. Nothing is ever unpacked to disk. The archive is
//! read by code that accepts one reading of it only: what two readers of zips could understand differently (prefixes,
//! gaps, overlaps, headers that disagree) is refused.
//!
//! ```text
//! archive/       bytes → entries, if the zip has one reading
//! entry_name     which names an entry may have
//! location       where migrations are; layout: which entry is what
//! settings       Flyway's own settings in the bundle; properties: how a `.conf` is read
//! file_name      Flyway's grammar of file names; rename: what a misnamed file could be called
//! unused         callbacks that never run here
//! should_execute whether a script's condition holds
//! unpack         one entry, bounded
//! text           what a file's text must be; checksum: Flyway's
//! check          all of these in one pass, every problem at once
//! bundle         what has passed
//! folder, pack   a folder → a zip that is the same on every machine; packer: files in memory → the same
//! ```

mod archive;
mod bundle;
mod check;
mod checksum;
mod entry_name;
mod file_name;
mod folder;
mod layout;
mod limits;
mod location;
mod pack;
mod packer;
mod properties;
mod rejected;
mod rename;
mod script_config;
mod settings;
mod should_execute;
mod text;
mod unpack;
mod unused;

pub use bundle::{Assertion, Bundle, Callback, Migration, ReadError};
pub use checksum::checksum;
pub use folder::FolderError;
pub use limits::Limits;
pub use packer::pack;
pub use rejected::Rejected;
pub use script_config::ScriptConfig;
pub use should_execute::{ShouldExecuteError, should_execute};
