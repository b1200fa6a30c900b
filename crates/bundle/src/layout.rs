//! Which entry is what: by its path alone.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use belay_model::{Code, Version};

use crate::file_name::{self, FileName};
use crate::rejected::{Flaw, Problems, show};
use crate::rename;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// `V`: script (the path relative to the location), version, description.
    Versioned(String, Version, String),
    /// `R`: script, description.
    Repeatable(String, String),
    /// The settings of the migration at this path.
    ScriptConfig(String),
    /// A file of `verify/`.
    Assertion,
    /// Our own settings.
    BelayToml,
    /// Anything else.
    Ignored,
    /// Told as a problem.
    Refused,
}

/// Where migrations are, if the bundle doesn't say: the first that holds one.
const LOCATIONS: [&str; 4] = ["db/migration/", "migrations/", "sql/", ""];
const VERIFY: &str = "verify/";
const BELAY_TOML: &str = "belay.toml";
const FLYWAY_SETTINGS: [&str; 3] = ["flyway.toml", "flyway.conf", "flyway.user.toml"];

/// The role of each path, in order. `complete`: whether these are all files of the bundle.
pub(crate) fn roles(paths: &[&str], complete: bool, problems: &mut Problems) -> Vec<Role> {
    if let Some(folder) = wrapper(paths) {
        problems.of_bundle(Flaw::new(
            Code::Unsupported,
            format!(
                "everything lies in the folder `{}`; zip what is in the folder, not the folder itself",
                show(folder)
            ),
        ));
        return paths.iter().map(|_| Role::Refused).collect();
    }
    let location = LOCATIONS
        .into_iter()
        .find(|location| paths.iter().any(|path| is_candidate(path, location)));
    if location.is_none() && complete {
        problems.of_bundle(no_migration(paths));
    }
    let all: BTreeSet<&str> = paths.iter().copied().collect();
    let mut versions: HashMap<Version, &str> = HashMap::new();
    let mut descriptions: HashMap<String, &str> = HashMap::new();
    let mut unique = |path, role| {
        let (code, what, other) = match &role {
            Role::Versioned(_, version, _) => (
                Code::DuplicateVersion,
                format!("version {version}"),
                earlier(&mut versions, version, path),
            ),
            Role::Repeatable(_, description) => (
                Code::DuplicateRepeatable,
                format!("repeatable `{}`", show(description)),
                earlier(&mut descriptions, description, path),
            ),
            _ => return Ok(role),
        };
        match other {
            None => Ok(role),
            Some(other) => Err(Flaw::new(code, format!("{what} is also `{}`", show(other)))),
        }
    };
    let mut roles = Vec::with_capacity(paths.len());
    for path in paths {
        let role = role(path, location, &all).and_then(|role| unique(path, role));
        roles.push(role.unwrap_or_else(|flaw| {
            problems.of_entry(path, flaw);
            Role::Refused
        }));
    }
    roles
}

/// The path that has this already; else this one has it from now on.
fn earlier<'a, K: Eq + Hash + Clone>(seen: &mut HashMap<K, &'a str>, key: &K, path: &'a str) -> Option<&'a str> {
    let other = seen.get(key).copied();
    seen.entry(key.clone()).or_insert(path);
    other
}

fn role(path: &str, location: Option<&str>, all: &BTreeSet<&str>) -> Result<Role, Flaw> {
    if path == BELAY_TOML {
        return Ok(Role::BelayToml);
    }
    if FLYWAY_SETTINGS.contains(&path) {
        return Err(Flaw::new(
            Code::Unsupported,
            "Flyway's own settings are not read from a bundle yet; put them into the target's `flyway` and leave this \
             file out",
        ));
    }
    if is_hidden(path) {
        return Ok(Role::Ignored);
    }
    if path.starts_with(VERIFY) {
        return Ok(match file_name::sql_stem(last(path)) {
            Some(_) => Role::Assertion,
            None => Role::Ignored,
        });
    }
    match location.and_then(|location| path.strip_prefix(location)) {
        Some(script) => in_location(path, script, all),
        None => Ok(Role::Ignored),
    }
}

fn in_location(path: &str, script: &str, all: &BTreeSet<&str>) -> Result<Role, Flaw> {
    if let Some(of) = path.strip_suffix(".conf")
        && file_name::sql_stem(of).is_some()
    {
        return match all.contains(of) {
            true => Ok(Role::ScriptConfig(of.to_owned())),
            false => Err(Flaw::new(
                Code::ConfigInvalid,
                format!("the settings of a script that is not there: `{}`", last(of)),
            )),
        };
    }
    match file_name::read(last(path)) {
        FileName::Versioned { version, description } => Ok(Role::Versioned(script.to_owned(), version, description)),
        FileName::Repeatable { description } => Ok(Role::Repeatable(script.to_owned(), description)),
        FileName::Unsupported(kind) => Err(Flaw::new(Code::Unsupported, kind.message())),
        FileName::Misnamed(why) => Err(Flaw::new(
            Code::Misnamed,
            format!("{why}; {}", rename::advice(last(path))),
        )),
        FileName::Other => Ok(Role::Ignored),
    }
}

/// Whether the path is in the location and looks as if it was meant as a migration.
fn is_candidate(path: &str, location: &str) -> bool {
    let Some(inside) = path.strip_prefix(location) else {
        return false;
    };
    if is_hidden(path) || (location.is_empty() && path.starts_with(VERIFY)) {
        return false;
    }
    match file_name::read(last(inside)) {
        FileName::Versioned { .. } | FileName::Repeatable { .. } | FileName::Unsupported(_) => true,
        FileName::Misnamed(_) => looks_meant(last(inside)),
        FileName::Other => false,
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
fn is_hidden(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let hidden_folder = |folder: &str| folder.starts_with('.') || folder == "__MACOSX";
    folders.split('/').any(hidden_folder) || last(path).starts_with("._") || last(path) == ".DS_Store"
}

fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

/// The one folder that everything lies in, if it holds what belongs to the root: then the folder was zipped instead
/// of what is in it, and its `verify/` or its settings would be overlooked.
fn wrapper<'a>(paths: &[&'a str]) -> Option<&'a str> {
    let mut seen = paths.iter().filter(|path| !is_hidden(path));
    let (folder, _) = seen.next()?.split_once('/')?;
    let inside = |path: &'a str| path.strip_prefix(folder)?.strip_prefix('/');
    if LOCATIONS.iter().any(|known| known.starts_with(&format!("{folder}/"))) || folder == "verify" {
        return None;
    }
    let belongs_to_root = |path: &str| {
        path.starts_with(VERIFY)
            || path == BELAY_TOML
            || FLYWAY_SETTINGS.contains(&path)
            || LOCATIONS
                .iter()
                .any(|known| !known.is_empty() && path.starts_with(known))
    };
    let mut found = false;
    for path in paths.iter().filter(|path| !is_hidden(path)) {
        found |= belongs_to_root(inside(path)?);
    }
    found.then_some(folder)
}

fn no_migration(paths: &[&str]) -> Flaw {
    let sql = paths
        .iter()
        .find(|path| file_name::sql_stem(last(path)).is_some() && !path.starts_with(VERIFY));
    let message = match sql {
        Some(path) => {
            let name = last(path);
            format!("no migration; is `{}` one? {}", show(name), rename::advice(name))
        }
        None => "no migration: no file named like `V1__what_it_does.sql` in `db/migration`, `migrations`, `sql` or at \
                 the root"
            .to_owned(),
    };
    Flaw::new(Code::NoMigration, message)
}
