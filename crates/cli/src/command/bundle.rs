//! `belay bundle`: a zip of a folder, the same bytes for the same files; or only whether it is sound.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use belay_bundle::Bundle;
use belay_model::{MigrationKind, Outcome};

use crate::arguments::BundleOptions;
use crate::counted::counted;
use crate::error::CliError;
use crate::screen::Screen;
use crate::settings::Said;
use crate::source;
use crate::table;

/// So many files that are not read are named: a project's folder may have thousands.
const MOST_IGNORED: usize = 20;

/// Checks the folder as a bundle, then writes it; a file of that name is replaced at once and as a whole.
pub(crate) fn run(options: &BundleOptions, screen: Screen) -> Result<Outcome, CliError> {
    let settings = Said::of_pairs(&options.flyway)?;
    let folder = &options.folder;
    let Some(output) = &options.output else {
        let bundle = source::open(folder, &settings.keys)?;
        screen.say(&format!(
            "{}\n\n{}",
            words(&bundle, folder, &settings),
            table::of_bundle(&bundle)
        ));
        return Ok(Outcome::Done);
    };
    if !folder.is_dir() {
        return Err(CliError::Usage(format!("{} is not a folder", folder.display())));
    }
    let parent = parent(output)?;
    refuse_inside(folder, &parent, output)?;
    let bundle = source::open(folder, &settings.keys)?;
    write(&parent, output, bundle.zip())?;
    screen.say(&words(&bundle, output, &settings));
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

fn words(bundle: &Bundle, output: &Path, settings: &Said) -> String {
    let kinds = [
        (MigrationKind::Versioned, "versioned migration"),
        (MigrationKind::Baseline, "baseline migration"),
        (MigrationKind::Repeatable, "repeatable migration"),
        (MigrationKind::Undo, "undo migration"),
    ];
    let of_kind = |kind| bundle.migrations().iter().filter(|file| file.kind == kind).count();
    let counts: Vec<String> = kinds
        .into_iter()
        .map(|(kind, noun)| (of_kind(kind), noun))
        .chain([
            (bundle.callbacks().len(), "callback"),
            (bundle.assertions().len(), "assertion"),
        ])
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    let mut text = format!(
        "{}: {}, SHA-256 {}",
        output.display(),
        counts.join(", "),
        bundle.digest()
    );
    let ignored = bundle.ignored().iter();
    text.extend(ignored.take(MOST_IGNORED).map(|path| format!("\nignored: {path}")));
    if let Some(more) = bundle
        .ignored()
        .len()
        .checked_sub(MOST_IGNORED)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!("\nignored: {}", counted(more, "more file")));
    }
    let notes = settings.notes.iter().chain(bundle.notes());
    text.extend(notes.map(|note| format!("\nnote: {note}")));
    text
}
