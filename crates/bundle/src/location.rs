//! Where in a bundle migrations are.

mod pattern;

use belay_model::{Code, FlywaySettings};

use crate::file_name::{FileName, Naming, sql_stem};
use crate::rejected::{Flaw, show};
use crate::rename;
use crate::settings::FLYWAY_SETTINGS;
use pattern::Pattern;

/// Where migrations are, if nobody says: the first that holds one.
const LOCATIONS: [&str; 4] = ["db/migration/", "migrations/", "sql/", ""];
/// Where assertions are.
pub(crate) const VERIFY: &str = "verify/";
/// Our own settings.
pub(crate) const BELAY_TOML: &str = "belay.toml";

/// Where files of a kind are.
#[derive(Debug)]
pub(crate) enum Locations {
    /// Nowhere.
    None,
    /// In this one of the usual folders; "" is the root.
    Usual(&'static str),
    /// Where the settings say.
    Set(Vec<Pattern>),
}

impl Locations {
    /// The path relative to its location.
    pub(crate) fn script<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self {
            Self::None => None,
            Self::Usual(folder) => path.strip_prefix(folder),
            Self::Set(patterns) => patterns.iter().find_map(|pattern| pattern.script(path)),
        }
    }

    /// Where migrations are. `complete`: whether these are all files of the bundle.
    pub(crate) fn of_migrations(
        paths: &[&str],
        complete: bool,
        settings: &FlywaySettings,
        notes: &mut Vec<String>,
    ) -> Result<Self, Vec<Flaw>> {
        if let Some(folder) = wrapper(paths) {
            let message = format!(
                "everything lies in the folder `{}`; zip what is in the folder, not the folder itself",
                show(folder)
            );
            return Err(vec![Flaw::new(Code::Unsupported, message)]);
        }
        let naming = Naming::new(settings);
        let locations = match settings.locations.is_empty() {
            true => usual(paths, &naming),
            false => Self::set(&settings.locations, paths, settings, notes)?,
        };
        let is_one = |path: &&str| match locations.script(path).map(|script| candidate(path, script, &naming)) {
            Some(FileName::Migration { .. } | FileName::Unsupported(_)) => true,
            Some(FileName::Misnamed(_)) => settings.validate_migration_naming,
            Some(FileName::Callback { .. } | FileName::Other) | None => false,
        };
        // What is not among the paths may have been one.
        if complete && !paths.iter().any(is_one) {
            return Err(vec![no_migration(paths, settings, &naming)]);
        }
        Ok(locations)
    }

    /// Where callbacks are.
    pub(crate) fn of_callbacks(
        paths: &[&str],
        settings: &FlywaySettings,
        notes: &mut Vec<String>,
    ) -> Result<Self, Vec<Flaw>> {
        match settings.callback_locations.as_slice() {
            [] => Ok(Self::None),
            locations => Self::set(locations, paths, settings, notes),
        }
    }

    /// As the settings say. One that lies in another adds nothing.
    fn set(
        locations: &[String],
        paths: &[&str],
        settings: &FlywaySettings,
        notes: &mut Vec<String>,
    ) -> Result<Self, Vec<Flaw>> {
        let (mut patterns, mut flaws) = (Vec::new(), Vec::new());
        for location in locations {
            match Pattern::of_location(location) {
                Ok(found)
                    if found
                        .iter()
                        .all(|one| !paths.iter().any(|path| one.script(path).is_some())) =>
                {
                    let what = match found.iter().any(Pattern::has_wildcard) {
                        true => "matches no file of the bundle, as Flyway reads wildcards",
                        false => "is not in the bundle",
                    };
                    let message = format!("location `{}` {what}", show(location));
                    match settings.fail_on_missing_locations {
                        true => flaws.push(Flaw::new(Code::ConfigInvalid, message)),
                        false => notes.push(message),
                    }
                }
                Ok(found) => patterns.extend(found),
                Err(flaw) => flaws.push(flaw),
            }
        }
        let inner = |one: &Pattern| patterns.iter().any(|other: &Pattern| other.is_above(one));
        let outer = patterns.iter().filter(|one| !inner(one)).cloned().collect();
        match flaws.is_empty() {
            true => Ok(Self::Set(outer)),
            false => Err(flaws),
        }
    }
}

fn usual(paths: &[&str], naming: &Naming<'_>) -> Locations {
    let holds_one = |location: &&str| {
        let mut inside = paths
            .iter()
            .filter_map(|path| Some((path, path.strip_prefix(location)?)));
        inside.any(|(path, script)| candidate(path, script, naming) != FileName::Other)
    };
    let found = LOCATIONS.into_iter().find(holds_one);
    found.map_or(Locations::None, Locations::Usual)
}

/// What the path was meant as, if it looks as if it was meant as anything.
fn candidate(path: &str, script: &str, naming: &Naming<'_>) -> FileName {
    if is_hidden(path) || path.starts_with(VERIFY) {
        return FileName::Other;
    }
    match naming.read(last(script)) {
        FileName::Misnamed(_) if !looks_meant(last(script)) => FileName::Other,
        read => read,
    }
}

/// `V3_x.sql`, `v4__x.sql`, `R1__x.sql`, `001_init.sql`; not `queries.sql`.
fn looks_meant(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().unwrap_or_default().to_ascii_uppercase();
    let second = bytes.next().unwrap_or_default();
    match first {
        b'V' | b'R' | b'B' | b'U' => second.is_ascii_digit() || matches!(second, b'_' | b'-' | b'.'),
        b'0'..=b'9' => true,
        _ => name.contains("__"),
    }
}

/// In a hidden folder, or what macOS adds to a zip.
pub(crate) fn is_hidden(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let hidden_folder = |folder: &str| folder.starts_with('.') || folder == "__MACOSX";
    folders.split('/').any(hidden_folder) || last(path).starts_with("._") || last(path) == ".DS_Store"
}

/// The name without its folders.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

/// The one folder that everything lies in, if it holds what belongs to the root: then the folder was zipped instead
/// of what is in it, and its `verify/` or its settings would be overlooked.
fn wrapper<'a>(paths: &[&'a str]) -> Option<&'a str> {
    let mut seen = paths.iter().filter(|path| !is_hidden(path));
    let (folder, _) = seen.next()?.split_once('/')?;
    let inside = |path: &'a str| path.strip_prefix(folder)?.strip_prefix('/');
    let mut found = false;
    for path in paths.iter().filter(|path| !is_hidden(path)) {
        if belongs_to_root(path) {
            return None;
        }
        found |= belongs_to_root(inside(path)?);
    }
    found.then_some(folder)
}

fn belongs_to_root(path: &str) -> bool {
    path.starts_with(VERIFY)
        || path == BELAY_TOML
        || FLYWAY_SETTINGS.contains(&path)
        || LOCATIONS
            .iter()
            .any(|location| !location.is_empty() && path.starts_with(location))
}

fn no_migration(paths: &[&str], settings: &FlywaySettings, naming: &Naming<'_>) -> Flaw {
    let sql = paths
        .iter()
        .find(|path| sql_stem(last(path)).is_some() && !path.starts_with(VERIFY));
    let message = match (sql, settings.locations.as_slice()) {
        (_, [_, ..]) => format!(
            "no migration in any of the locations: {}",
            show(&settings.locations.join(", "))
        ),
        (Some(path), []) => {
            let name = last(path);
            format!(
                "no migration; is `{}` one? {}",
                show(name),
                rename::advice(name, naming)
            )
        }
        (None, []) => format!(
            "no migration: no file named like `{}` in `db/migration`, `migrations`, `sql` or at the root",
            naming.example("1", "what_it_does")
        ),
    };
    Flaw::new(Code::NoMigration, message)
}
