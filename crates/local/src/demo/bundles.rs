//! The demo's bundles, made as a user makes them: `scripts/bundle` over the folders of `examples/shop`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use belay_local::{Error, Result, checkout};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::cases::{Case, Content};

/// A folder for the zips.
pub(super) struct Bundles {
    folder: TempDir,
}

impl Bundles {
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|source| file("make a folder in", &std::env::temp_dir(), source))?;
        Ok(Self { folder })
    }

    /// A case's zip. Two cases of one name have one key.
    pub(super) fn make(&self, case: &Case) -> Result<PathBuf> {
        let path = self.folder.path().join(format!("{}.zip", case.name));
        match case.content {
            Content::Folders(folders) => bundle(&path, folders)?,
            Content::PathTraversal => hostile(&path)?,
        }
        Ok(path)
    }
}

fn bundle(path: &Path, folders: &[&str]) -> Result<()> {
    let root = checkout();
    let script = root.join("scripts/bundle");
    let mut command = Command::new(&script);
    command
        .arg(path)
        .args(folders.iter().map(|folder| root.join("examples/shop").join(folder)));
    command.env("BELAY", root.join("target/local/belay"));
    let output = command.output().map_err(|source| file("run", &script, source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(file("run", &script, std::io::Error::other(said)))
}

/// What no archiver makes by accident: an entry that would be unpacked outside.
fn hostile(path: &Path) -> Result<()> {
    let write = || -> zip::result::ZipResult<()> {
        let mut zip = ZipWriter::new(std::fs::File::create(path)?);
        for name in ["migrations/V1__customers.sql", "../../etc/cron.d/surprise"] {
            zip.start_file(
                name,
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
            )?;
            zip.write_all(b"SELECT 1;\n")?;
        }
        zip.finish().map(drop)
    };
    write().map_err(|error| file("write", path, std::io::Error::other(error)))
}

fn file(doing: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
