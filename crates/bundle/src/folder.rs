//! A folder → a zip that is the same on every machine.
//!
//! Only names and contents count: entries are sorted by name, and times, modes and the compression are fixed. Hidden
//! files and folders (`.git`, `.DS_Store`) are left out, and so are empty folders.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use belay_model::{Code, Failure};

use crate::pack::Zip;
use crate::rejected::{Flaw, Problems};
use crate::{Limits, Rejected};

/// A folder that can't be made a bundle.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// What is in it is refused.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It can't be read.
    #[error("can't read `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Rejected(rejected) => rejected.into(),
            FolderError::Io { .. } => {
                Self::new(Code::BundleGone, error.to_string()).next("check the path and who may read it")
            }
        }
    }
}

/// The zip of the folder's files. Links and special files are refused, and what is above the limits is not read.
pub(crate) fn zip(folder: &Path, limits: &Limits) -> Result<Vec<u8>, FolderError> {
    let mut problems = Problems::default();
    let mut files = list(folder, limits, &mut problems)?;
    problems.finish()?;
    files.sort();
    let mut zip = Zip::default();
    for (name, path) in files {
        let bytes = read(&path, &name, limits)?;
        zip.add(&name, &bytes).map_err(|flaw| refusal(Some(&name), flaw))?;
    }
    Ok(zip.finish().map_err(|flaw| refusal(None, flaw))?)
}

/// The regular files, by the names that they get.
fn list(folder: &Path, limits: &Limits, problems: &mut Problems) -> Result<Vec<(String, PathBuf)>, FolderError> {
    let mut files = Vec::new();
    let mut total: u64 = 0;
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(io_error(&folder))?;
        for entry in entries {
            let entry = entry.map_err(io_error(&folder))?;
            let path = entry.path();
            let Some(name) = visible_name(&entry, &prefix, problems) else {
                continue;
            };
            let kind = entry.file_type().map_err(io_error(&path))?;
            if kind.is_dir() {
                folders.push((format!("{name}/"), path));
            } else if kind.is_file() {
                total = total.saturating_add(entry.metadata().map_err(io_error(&path))?.len());
                files.push((name, path));
            } else {
                let what = match kind.is_symlink() {
                    true => "a symbolic link; put the file itself into the folder",
                    false => "a device, socket or pipe",
                };
                problems.of_entry(&name, Flaw::new(Code::SpecialFile, what));
            }
            check_size(files.len(), total, limits)?;
        }
    }
    Ok(files)
}

/// Its name in the zip, or nothing if it is left out.
fn visible_name(entry: &DirEntry, prefix: &str, problems: &mut Problems) -> Option<String> {
    let name = entry.file_name();
    match name.to_str() {
        Some(name) if name.starts_with('.') => None,
        Some(name) => Some(format!("{prefix}{name}")),
        None => {
            let shown = format!("{prefix}{}", name.to_string_lossy());
            problems.of_entry(&shown, Flaw::new(Code::NameNotUtf8, "the name is not UTF-8"));
            None
        }
    }
}

/// Stops at once, so that the wrong folder (a home, a build) isn't walked to its end.
fn check_size(files: usize, total: u64, limits: &Limits) -> Result<(), Rejected> {
    let flaw = if files as u64 > u64::from(limits.entries) {
        Flaw::new(
            Code::TooManyEntries,
            format!(
                "the folder has more than {} files; is it the right one?",
                limits.entries
            ),
        )
    } else if total > limits.total_bytes {
        Flaw::new(
            Code::TotalTooLarge,
            format!(
                "the folder has more than {} bytes; is it the right one?",
                limits.total_bytes
            ),
        )
    } else {
        return Ok(());
    };
    Err(refusal(None, flaw))
}

/// The whole file, if it is not too large, even if it grows meanwhile.
fn read(path: &Path, name: &str, limits: &Limits) -> Result<Vec<u8>, FolderError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io_error(path))?;
    file.take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io_error(path))?;
    if bytes.len() as u64 > limits.file_bytes {
        let message = format!("it has more than {} bytes", limits.file_bytes);
        return Err(refusal(Some(name), Flaw::new(Code::FileTooLarge, message)).into());
    }
    Ok(bytes)
}

fn refusal(name: Option<&str>, flaw: Flaw) -> Rejected {
    let mut problems = Problems::default();
    match name {
        Some(name) => problems.of_entry(name, flaw),
        None => problems.of_bundle(flaw),
    }
    problems.into_rejected()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}
