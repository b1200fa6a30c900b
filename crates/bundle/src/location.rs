//! Where in a bundle migrations are.

use belay_model::Code;

use crate::file_name::{self, FileName};
use crate::rejected::{Flaw, show};
use crate::rename;

/// Where migrations are, if the bundle doesn't say: the first that holds one.
const LOCATIONS: [&str; 4] = ["db/migration/", "migrations/", "sql/", ""];
/// Where assertions are.
pub(crate) const VERIFY: &str = "verify/";
/// Our own settings.
pub(crate) const BELAY_TOML: &str = "belay.toml";
/// Where Flyway looks for its settings.
pub(crate) const FLYWAY_SETTINGS: [&str; 5] = [
    "flyway.toml",
    "flyway.conf",
    "flyway.user.toml",
    "conf/flyway.toml",
    "conf/flyway.conf",
];

/// The location: "" is the root. `complete`: whether these are all files of the bundle.
pub(crate) fn find(paths: &[&str], complete: bool) -> Result<Option<&'static str>, Flaw> {
    if let Some(folder) = wrapper(paths) {
        let message = format!(
            "everything lies in the folder `{}`; zip what is in the folder, not the folder itself",
            show(folder)
        );
        return Err(Flaw::new(Code::Unsupported, message));
    }
    let holds_one = |location: &&str| paths.iter().any(|path| is_candidate(path, location));
    match LOCATIONS.into_iter().find(holds_one) {
        // What is not among the paths may have been one.
        None if complete => Err(no_migration(paths)),
        location => Ok(location),
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
