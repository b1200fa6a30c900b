//! Which entry is what: by its path alone.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use belay_model::{Code, Version};

use crate::file_name::{self, FileName};
use crate::location::{self, BELAY_TOML, FLYWAY_SETTINGS, VERIFY, is_hidden, last};
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

/// The role of each path, in order. `complete`: whether these are all files of the bundle.
pub(crate) fn roles(paths: &[&str], complete: bool, problems: &mut Problems) -> Vec<Role> {
    let location = location::find(paths, complete).unwrap_or_else(|flaw| {
        problems.of_bundle(flaw);
        None
    });
    let all: BTreeSet<&str> = paths.iter().copied().collect();
    let mut taken = Taken::default();
    let mut with_flaws = |path| {
        role(path, location, &all)
            .and_then(|role| taken.by(path, role))
            .unwrap_or_else(|flaw| {
                problems.of_entry(path, flaw);
                Role::Refused
            })
    };
    paths.iter().map(|path| with_flaws(path)).collect()
}

/// Versions and descriptions, with the paths that have them.
#[derive(Default)]
struct Taken<'a> {
    versions: HashMap<Version, &'a str>,
    descriptions: HashMap<String, &'a str>,
}

impl<'a> Taken<'a> {
    /// The role, if no earlier path has its version or description.
    fn by(&mut self, path: &'a str, role: Role) -> Result<Role, Flaw> {
        let (code, what, other) = match &role {
            Role::Versioned(_, version, _) => {
                let other = earlier(&mut self.versions, version, path);
                (Code::DuplicateVersion, format!("version {version}"), other)
            }
            Role::Repeatable(_, description) => {
                let other = earlier(&mut self.descriptions, description, path);
                (Code::DuplicateRepeatable, format!("description `{description}`"), other)
            }
            _ => return Ok(role),
        };
        match other {
            None => Ok(role),
            Some(other) => Err(Flaw::new(code, format!("`{}` has the same {what}", show(other)))),
        }
    }
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
        None if location.is_some() && is_lost_assertion(path) => Err(Flaw::new(
            Code::Misnamed,
            "assertions are read from `verify/` at the root of the bundle only; move it there",
        )),
        None => Ok(Role::Ignored),
    }
}

/// `db/verify/x.sql`, `Verify/x.sql`: whoever wrote it relies on it.
fn is_lost_assertion(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    file_name::sql_stem(path).is_some() && folders.any(|folder| folder.eq_ignore_ascii_case("verify"))
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
