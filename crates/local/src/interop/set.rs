//! Sets of migrations: a folder of SQL, with settings that both tools get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use belay_local::{Error, Result};
use tempfile::TempDir;

/// The file of settings, as Flyway's `flyway.conf`.
const CONF: &str = "interop.conf";

/// One set.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) settings: Settings,
    whole: Files,
    /// What is there when the first of two tools migrates; without, the half that was applied first.
    first: Option<Files>,
}

/// Files by their path in a location.
type Files = BTreeMap<String, PathBuf>;

/// A bundle as a folder, made for a run.
pub(super) struct Staged {
    folder: TempDir,
}

impl Staged {
    pub(super) fn bundle(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn migrations(&self) -> PathBuf {
        self.folder.path().join("migrations")
    }
}

/// The sets in the subfolders of a folder, by name.
pub(super) fn all(folder: &Path) -> Result<Vec<Set>> {
    let mut folders = entries(folder)?;
    folders.retain(|path| path.is_dir());
    folders.iter().map(|folder| Set::read(folder)).collect()
}

impl Set {
    /// A folder with `sql`, perhaps `first`, or the SQL itself.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let [sql, first] = ["sql", "first"].map(|name| Some(folder.join(name)).filter(|path| path.is_dir()));
        let whole = files(sql.as_deref().unwrap_or(folder))?;
        let first = match (&sql, first) {
            (Some(_), Some(first)) => Some(files(&first)?),
            _ => None,
        };
        let conf = folder.join(CONF);
        let text = match fs::read_to_string(&conf) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(in_file("read", &conf))?,
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            name,
            settings: Settings::parse(&text),
            whole,
            first,
        })
    }

    /// Whether the first tool finds other files than a half of the second's.
    pub(super) fn has_first(&self) -> bool {
        self.first.is_some()
    }

    /// Every file.
    pub(super) fn stage(&self) -> Result<Staged> {
        stage(self.whole.iter())
    }

    /// What the first of two tools finds. `applied`: the scripts of the whole, in the order in which they were applied.
    pub(super) fn stage_first(&self, applied: &[String]) -> Result<Staged> {
        if let Some(first) = &self.first {
            return stage(first.iter());
        }
        let half: Vec<&str> = applied
            .iter()
            .take(applied.len().div_ceil(2))
            .map(String::as_str)
            .collect();
        let is_in = |path: &str| half.contains(&path.strip_suffix(".conf").unwrap_or(path));
        stage(self.whole.iter().filter(|(path, _)| is_in(path)))
    }
}

fn stage<'a>(files: impl Iterator<Item = (&'a String, &'a PathBuf)>) -> Result<Staged> {
    let folder = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
    let staged = Staged { folder };
    for (path, source) in files {
        let place = staged.migrations().join(path);
        let parent = place.parent().unwrap_or(&place);
        fs::create_dir_all(parent).map_err(in_file("make", parent))?;
        fs::copy(source, &place).map_err(in_file("copy", source))?;
    }
    Ok(staged)
}

/// Every file below a folder, but the settings.
fn files(folder: &Path) -> Result<Files> {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in entries(&next)? {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(folder)
                && inside != Path::new(CONF)
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

/// Settings by Flyway's keys, without their prefix.
#[derive(Debug, Default)]
pub(super) struct Settings {
    keys: BTreeMap<String, String>,
    /// Whether the rows of the tables must be equal too; not so where a migration writes the time.
    pub(super) rows: bool,
}

impl Settings {
    fn parse(text: &str) -> Self {
        let mut settings = Self {
            rows: true,
            ..Self::default()
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        for (key, value) in lines.filter_map(|line| line.split_once('=')) {
            let (key, value) = (key.trim(), value.trim().to_owned());
            match key.strip_prefix("flyway.").unwrap_or(key) {
                "interop.rows" => settings.rows = value == "true",
                key => drop(settings.keys.insert(key.to_owned(), value)),
            }
        }
        settings
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.keys.iter()
    }

    /// The schema and the name of the history table.
    pub(super) fn history(&self) -> (String, String) {
        let get = |key: &str| self.keys.get(key).cloned();
        let first = get("schemas").and_then(|schemas| schemas.split(',').next().map(str::to_owned));
        let schema = get("defaultSchema").or(first).unwrap_or_else(|| "public".to_owned());
        (
            schema,
            get("table").unwrap_or_else(|| "flyway_schema_history".to_owned()),
        )
    }

    /// As options of `belay`; else the key that it has none for.
    pub(super) fn for_belay(&self) -> Result<Vec<String>, String> {
        let mut options = Vec::new();
        for (key, value) in &self.keys {
            match key.as_str() {
                // Belay's lock is always as this makes Flyway's.
                "postgresql.transactional.lock" => {}
                "outOfOrder" if value == "true" => options.push("--outOfOrder".to_owned()),
                "baselineOnMigrate" if value == "true" => options.push("--baselineOnMigrate".to_owned()),
                "schemas"
                | "defaultSchema"
                | "createSchemas"
                | "table"
                | "installedBy"
                | "placeholderReplacement"
                | "target"
                | "ignoreMigrationPatterns"
                | "validateOnMigrate"
                | "baselineVersion"
                | "baselineDescription" => {
                    options.push(format!("--{key}={value}"));
                }
                key => match key.strip_prefix("placeholders.") {
                    Some(name) => options.push(format!("--placeholder={name}={value}")),
                    None => return Err(format!("belay has no option for {key}={value}")),
                },
            }
        }
        Ok(options)
    }
}

/// Adds what was done to which path to an I/O error.
pub(super) fn in_file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { doing, path, source }
}
