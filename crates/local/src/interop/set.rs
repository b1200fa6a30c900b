//! Sets of migrations: a folder of SQL, with settings that both tools read from it, and perhaps with steps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use belay_local::{Error, Result};
use tempfile::TempDir;

use super::settings::{MIGRATIONS, Settings};
use super::step::{self, Step};

/// Flyway's settings; both tools read them.
const FLYWAY: &str = "flyway.conf";

/// What Belay reads instead, where it is there: Flyway's engine does not read it by itself.
const TOML: &str = "flyway.toml";

/// What the comparison must know.
const INTEROP: &str = "interop.conf";

/// What is done, where it is more than to migrate.
const STEPS: &str = "steps";

/// One set.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) settings: Settings,
    /// Empty: each tool migrates, and continues what the other began.
    pub(super) steps: Vec<Step>,
    folder: PathBuf,
    whole: Files,
    /// What is there when the first of two tools migrates; without, the half that was applied first.
    first: Option<Files>,
}

/// Files by their path in a location.
type Files = BTreeMap<String, PathBuf>;

/// The sets in the subfolders of a folder, by name.
pub(super) fn all(folder: &Path) -> Result<Vec<Set>> {
    let mut folders = entries(folder)?;
    folders.retain(|path| path.is_dir());
    folders.iter().map(|folder| Set::read(folder)).collect()
}

impl Set {
    /// A folder with `sql`, perhaps `first` or what its steps name, or the SQL itself.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let [sql, first] = ["sql", "first"].map(|name| Some(folder.join(name)).filter(|path| path.is_dir()));
        let whole = files(sql.as_deref().unwrap_or(folder))?;
        let first = match (&sql, first) {
            (Some(_), Some(first)) => Some(files(&first)?),
            _ => None,
        };
        let text = |name: &str| {
            let path = folder.join(name);
            match fs::read_to_string(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
                text => text.map_err(in_file("read", path)),
            }
        };
        let wrong = |name: &str| {
            let path = folder.join(name);
            move |why: String| in_file("understand", path)(io::Error::other(why))
        };
        Ok(Self {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            settings: Settings::parse(text(FLYWAY)?, &text(INTEROP)?).map_err(wrong(INTEROP))?,
            steps: step::parse(&text(STEPS)?).map_err(wrong(STEPS))?,
            folder: folder.to_owned(),
            whole,
            first,
        })
    }

    /// Whether the first tool finds other files than a half of the second's.
    pub(super) fn has_first(&self) -> bool {
        self.first.is_some()
    }

    /// Every file.
    pub(super) fn stage(&self) -> Result<TempDir> {
        self.stage_files(self.whole.iter())
    }

    /// What the first of two tools finds. `applied`: the scripts of the whole, in the order in which they were applied.
    pub(super) fn stage_first(&self, applied: &[String]) -> Result<TempDir> {
        if let Some(first) = &self.first {
            return self.stage_files(first.iter());
        }
        let half: Vec<&str> = applied
            .iter()
            .take(applied.len().div_ceil(2))
            .map(String::as_str)
            .collect();
        // What is never applied by itself is always there.
        let is_in = |path: &str| {
            let path = path.strip_suffix(".conf").unwrap_or(path);
            half.contains(&path) || !applied.iter().any(|applied| applied == path)
        };
        self.stage_files(self.whole.iter().filter(|(path, _)| is_in(path)))
    }

    /// What is in a folder of the set.
    pub(super) fn stage_folder(&self, name: &str) -> Result<TempDir> {
        self.stage_files(files(&self.folder.join(name))?.iter())
    }

    /// A file of the set that is none of a bundle's.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).map_err(in_file("read", path))
    }

    /// A bundle as a folder: the files, and the settings.
    fn stage_files<'a>(&self, files: impl Iterator<Item = (&'a String, &'a PathBuf)>) -> Result<TempDir> {
        let bundle = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
        let migrations = bundle.path().join(MIGRATIONS);
        // A location that is there has something in it for Belay, too.
        fs::create_dir_all(&migrations).map_err(in_file("make", &migrations))?;
        for (path, source) in files {
            let place = migrations.join(path);
            let parent = place.parent().unwrap_or(&place);
            fs::create_dir_all(parent).map_err(in_file("make", parent))?;
            fs::copy(source, &place).map_err(in_file("copy", source))?;
        }
        write_settings(bundle.path(), &self.settings)?;
        let toml = self.folder.join(TOML);
        if toml.exists() {
            fs::copy(&toml, bundle.path().join(TOML)).map_err(in_file("copy", toml))?;
        }
        Ok(bundle)
    }
}

/// The settings' place in a bundle.
pub(super) fn write_settings(bundle: &Path, settings: &Settings) -> Result<()> {
    if settings.flyway.is_empty() {
        return Ok(());
    }
    let place = bundle.join(FLYWAY);
    fs::write(&place, &settings.flyway).map_err(in_file("write", place))
}

/// Every file below a folder, but what is no migration.
fn files(folder: &Path) -> Result<Files> {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in entries(&next)? {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(folder)
                && ![FLYWAY, TOML, INTEROP, STEPS].map(Path::new).contains(&inside)
            {
                found.insert(inside.to_string_lossy().into_owned(), path);
            }
        }
    }
    Ok(found)
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    let mut paths: Vec<PathBuf> = io::Result::map_err(read(), in_file("read", folder))?;
    paths.sort();
    Ok(paths)
}

/// Adds what was done to which path to an I/O error.
pub(crate) fn in_file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { doing, path, source }
}
