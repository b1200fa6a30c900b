//! A checked bundle, and its texts on demand.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use belay_model::{
    BundleDigest, Checksum, Code, Encoding, Event, Failure, FileDigest, FlywayKeys, FlywaySettings, MigrationKind,
    Place, Version,
};

use crate::archive::Packed;
use crate::check::{self, Checked};
use crate::folder::{self, FolderError};
use crate::unpack::Unpacker;
use crate::{Limits, Rejected, ScriptConfig, text};

/// A bundle that has been checked: every name, size, CRC-32 and text in it is what it must be.
///
/// It holds the zip's bytes; of the unpacked files never more than one at a time.
pub struct Bundle {
    zip: Vec<u8>,
    digest: BundleDigest,
    settings: FlywaySettings,
    notes: Vec<String>,
    migrations: Vec<Migration>,
    callbacks: Vec<Callback>,
    assertions: Vec<Assertion>,
    ignored: Vec<String>,
    texts: BTreeMap<String, (Packed, Encoding)>,
}

/// A migration of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// How often it runs.
    pub kind: MigrationKind,
    /// For a repeatable one never, else always.
    pub version: Option<Version>,
    /// From the file's name, `_` read as a space.
    pub description: String,
    /// The path relative to its location, with `/`: what the history stores.
    pub script: String,
    /// The path in the bundle.
    pub path: String,
    /// Of the raw text, before placeholders.
    pub checksum: Checksum,
    /// Of the file's bytes.
    pub sha256: FileDigest,
    /// The file's size in bytes.
    pub bytes: u64,
    /// What `<script>.conf` says.
    pub config: ScriptConfig,
}

/// A callback of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// When it runs.
    pub event: Event,
    /// From the file's name, `_` read as a space.
    pub description: String,
    /// The path relative to its location, with `/`.
    pub script: String,
    /// The path in the bundle.
    pub path: String,
    /// Of the file's bytes.
    pub sha256: FileDigest,
    /// The file's size in bytes.
    pub bytes: u64,
    /// What `<script>.conf` says.
    pub config: ScriptConfig,
}

/// A file of `verify/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The path in the bundle.
    pub path: String,
    /// Of the file's bytes.
    pub sha256: FileDigest,
    /// The file's size in bytes.
    pub bytes: u64,
}

/// A text that a bundle can't give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No migration, callback or assertion has this path.
    #[error("the bundle has no migration, callback or assertion `{0}`")]
    NotThere(String),
    /// The bytes were checked when the bundle was opened and read differently now: a bug.
    #[error("`{path}` can't be read any more: {message}")]
    Changed {
        /// The path in the bundle.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let message = error.to_string();
        match error {
            ReadError::NotThere(path) => Self::new(Code::PlanMismatch, message).at(Place::file(path)),
            ReadError::Changed { path, .. } => Self::new(Code::Bug, message).at(Place::file(path)),
        }
    }
}

impl Bundle {
    /// Checks a zip, whole. `above` are Flyway's settings that come before the bundle's own: the target's, and a request's.
    ///
    /// # Errors
    /// Every problem at once, as far as the zip can be read.
    pub fn from_zip(bytes: Vec<u8>, limits: &Limits, above: &FlywayKeys) -> Result<Self, Rejected> {
        let Checked {
            settings,
            notes,
            migrations,
            callbacks,
            assertions,
            ignored,
            texts,
        } = check::check(&bytes, limits, above)?;
        Ok(Self {
            digest: BundleDigest::of(&bytes),
            zip: bytes,
            settings,
            notes,
            migrations,
            callbacks,
            assertions,
            ignored,
            texts,
        })
    }

    /// Packs a folder, in memory, and checks that: the same files make the same zip, and so the same digest, on every
    /// machine. Hidden files (`.git`) are left out.
    ///
    /// # Errors
    /// Every problem of the bundle, or what keeps the folder from being read.
    pub fn from_folder(path: &Path, limits: &Limits, above: &FlywayKeys) -> Result<Self, FolderError> {
        Ok(Self::from_zip(folder::zip(path, limits)?, limits, above)?)
    }

    /// The bundle's identity: the SHA-256 of the zip.
    #[must_use]
    pub fn digest(&self) -> BundleDigest {
        self.digest
    }

    /// The zip's bytes, as they were checked.
    #[must_use]
    pub fn zip(&self) -> &[u8] {
        &self.zip
    }

    /// Flyway's settings: the bundle's own, and over them those that it was opened with.
    #[must_use]
    pub fn settings(&self) -> &FlywaySettings {
        &self.settings
    }

    /// What is worth telling of the bundle: settings and files that have no effect here, each in a sentence.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// By event, then by description.
    #[must_use]
    pub fn callbacks(&self) -> &[Callback] {
        &self.callbacks
    }

    /// Versioned ones by version, then baselines, then repeatable ones by description in UTF-16 code units, then undo
    /// ones by version: the order in which they run. Never empty.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// The files of `verify/`, by path.
    #[must_use]
    pub fn assertions(&self) -> &[Assertion] {
        &self.assertions
    }

    /// The paths of all other files, in order.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The text of a migration, a callback or an assertion, by its path in the bundle; unpacked for this call. It never begins with
    /// a byte order mark; else it is what the checksum was made of.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn text(&self, path: &str) -> Result<String, ReadError> {
        let (packed, encoding) = self
            .texts
            .get(path)
            .ok_or_else(|| ReadError::NotThere(path.to_owned()))?;
        let changed = |message: String| ReadError::Changed {
            path: path.to_owned(),
            message,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(packed.size).unwrap_or_default());
        Unpacker::new()
            .unpack(&self.zip, packed, |piece| bytes.extend_from_slice(piece))
            .map_err(|flaw| changed(flaw.message))?;
        let mut text = match encoding {
            Encoding::Utf8 => String::from_utf8(bytes).map_err(|error| changed(error.to_string()))?,
            other => text::decode(&bytes, *other)
                .map_err(|flaw| changed(flaw.message))?
                .into_owned(),
        };
        let marks = text.len() - text.trim_start_matches('\u{feff}').len();
        text.drain(..marks);
        Ok(text)
    }
}

/// Without the zip's bytes.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("digest", &self.digest)
            .field("migrations", &self.migrations)
            .field("assertions", &self.assertions)
            .field("ignored", &self.ignored)
            .finish_non_exhaustive()
    }
}
