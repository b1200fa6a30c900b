//! `belay bundle`: a zip of a folder, the same bytes for the same files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use belay_bundle::Bundle;
use belay_model::{FlywayKeys, Outcome};

use crate::arguments::BundleOptions;
use crate::counted::counted;
use crate::error::CliError;
use crate::screen::Screen;
use crate::source;

/// Checks the folder as a bundle, then writes it; a file of that name is replaced at once and as a whole.
pub(crate) fn run(options: &BundleOptions, screen: Screen) -> Result<Outcome, CliError> {
    let BundleOptions { folder, output } = options;
    if !folder.is_dir() {
        return Err(CliError::Usage(format!("{} is not a folder", folder.display())));
    }
    let parent = parent(output)?;
    refuse_inside(folder, &parent, output)?;
    let bundle = source::open(folder, &FlywayKeys::default())?;
    write(&parent, output, bundle.zip())?;
    screen.say(&words(&bundle, output));
    Ok(Outcome::Done)
}

fn parent(output: &Path) -> Result<PathBuf, CliError> {
    let parent = output
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::canonicalize(parent).map_err(CliError::io("write", output))
}

/// A zip in its own folder would be part of the next one.
fn refuse_inside(folder: &Path, parent: &Path, output: &Path) -> Result<(), CliError> {
    let folder = fs::canonicalize(folder).map_err(CliError::io("read", folder))?;
    if parent.starts_with(&folder) {
        return Err(CliError::Usage(format!(
            "{} would be in the folder that it is made of, and so in the next bundle",
            output.display()
        )));
    }
    Ok(())
}

fn write(parent: &Path, output: &Path, zip: &[u8]) -> Result<(), CliError> {
    let written = || {
        let mut file = tempfile::Builder::new().prefix(".belay-").tempfile_in(parent)?;
        file.write_all(zip)?;
        open_to_all(file.as_file())?;
        file.persist(output).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(CliError::io("write", output))
}

/// As a file that is not secret: temporary ones are closed to others.
fn open_to_all(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

fn words(bundle: &Bundle, output: &Path) -> String {
    let mut text = format!(
        "{}: {}, {}, SHA-256 {}",
        output.display(),
        counted(bundle.migrations().len(), "migration"),
        counted(bundle.assertions().len(), "assertion"),
        bundle.digest()
    );
    text.extend(bundle.ignored().iter().map(|path| format!("\nignored: {path}")));
    text
}
