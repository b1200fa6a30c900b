//! One of Flyway's locations as a pattern of paths in a bundle.

use std::collections::BTreeSet;

use belay_model::Code;

use crate::rejected::{Flaw, show};

/// A folder of the bundle, perhaps with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<String>,
}

/// Where a class path begins in a Maven or Gradle project, besides the root.
const CLASS_PATH: &str = "src/main/resources/";
/// Where the official image of Flyway keeps its files.
const IMAGE: &str = "/flyway/";

impl Pattern {
    /// The folders that a location of Flyway's can mean.
    ///
    /// # Errors
    /// If it can't be one of a bundle.
    pub(crate) fn of_location(location: &str) -> Result<Vec<Self>, Flaw> {
        let text = location.trim().replace('\\', "/");
        let (scheme, path) = match text.split_once(':') {
            Some((drive, _)) if drive.len() == 1 => return Err(elsewhere(location)),
            Some((scheme, path)) => (scheme.to_ascii_lowercase(), path),
            None => ("classpath".to_owned(), text.as_str()),
        };
        match scheme.as_str() {
            "filesystem" => {
                let path = path.strip_prefix(IMAGE).unwrap_or(path);
                match path.starts_with('/') {
                    true => Err(elsewhere(location)),
                    false => Ok(vec![Self::of_path(path).ok_or_else(|| elsewhere(location))?]),
                }
            }
            "classpath" => {
                let path = path.trim_start_matches('/');
                let pattern = |path: &str| Self::of_path(path).ok_or_else(|| elsewhere(location));
                Ok(vec![pattern(path)?, pattern(&format!("{CLASS_PATH}{path}"))?])
            }
            _ => Err(Flaw::new(
                Code::Unsupported,
                format!(
                    "location `{}` is not in the bundle; put its files into a folder of the bundle and name that as \
                     `filesystem:FOLDER`",
                    show(location)
                ),
            )),
        }
    }

    /// The path, if it stays in the bundle.
    fn of_path(path: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                _ => parts.push(part.to_owned()),
            }
        }
        Some(Self { parts })
    }

    pub(crate) fn has_wildcard(&self) -> bool {
        self.parts.iter().any(|part| is_wild(part))
    }

    /// Whether all of that one is in this one.
    pub(crate) fn is_above(&self, other: &Self) -> bool {
        !self.has_wildcard() && !other.has_wildcard() && self != other && other.parts.starts_with(&self.parts)
    }

    /// The part of a file's path that comes after this folder, if it is in it.
    ///
    /// As Flyway does it, and not as its documentation has it: `**` is as few folders as will do, and at the end it is
    /// nothing; after a wildcard a last part with a dot names files, which are told from the first wildcard on.
    pub(crate) fn script<'p>(&self, path: &'p str) -> Option<&'p str> {
        let folders: Vec<&str> = path.split('/').collect();
        let first = self.parts.iter().position(|part| is_wild(part));
        let levels = match (first, self.parts.last().map_or("", String::as_str)) {
            (Some(_), "**") => return None,
            (Some(first), last) if last.contains('.') => {
                Search::new(&self.parts, &folders, true).levels().map(|_| first)
            }
            _ => Search::new(&self.parts, &folders, false).levels(),
        };
        path.splitn(levels? + 1, '/').last()
    }
}

fn is_wild(part: &str) -> bool {
    part.contains(['*', '?'])
}

fn elsewhere(location: &str) -> Flaw {
    Flaw::new(
        Code::ConfigInvalid,
        format!(
            "location `{}` leads out of the bundle; name a folder of the bundle, from its root",
            show(location)
        ),
    )
}

/// The way of a path through a pattern.
struct Search<'a> {
    parts: &'a [String],
    folders: &'a [&'a str],
    /// Whether the pattern is to take the whole path; else it leaves at least the file's name.
    whole: bool,
    /// What led nowhere, so that nothing is tried twice.
    dead: BTreeSet<(usize, usize)>,
}

impl<'a> Search<'a> {
    fn new(parts: &'a [String], folders: &'a [&'a str], whole: bool) -> Self {
        Self {
            parts,
            folders,
            whole,
            dead: BTreeSet::new(),
        }
    }

    /// How many levels of the path the pattern takes.
    fn levels(mut self) -> Option<usize> {
        self.from(0, 0)
    }

    fn from(&mut self, part: usize, folder: usize) -> Option<usize> {
        let Some(pattern) = self.parts.get(part) else {
            let left = self.folders.len().checked_sub(folder)?;
            return ((left == 0) == self.whole).then_some(folder);
        };
        if self.dead.contains(&(part, folder)) {
            return None;
        }
        let found = match pattern.as_str() {
            "**" => (folder..self.folders.len()).find_map(|next| self.from(part + 1, next)),
            _ if matches(pattern, self.folders.get(folder)?) => self.from(part + 1, folder + 1),
            _ => None,
        };
        if found.is_none() {
            self.dead.insert((part, folder));
        }
        found
    }
}

/// `*` is one character or more, `?` is one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Which lengths of the name the pattern can have taken so far.
    let mut taken = vec![false; name.len() + 1];
    if let Some(none) = taken.first_mut() {
        *none = true;
    }
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        for (at, found) in name.iter().enumerate() {
            let before = taken.get(at).copied().unwrap_or_default();
            let more = next.get(at).copied().unwrap_or_default();
            let here = match wanted {
                '*' => before || more,
                '?' => before,
                _ => before && *found == wanted,
            };
            if let Some(slot) = next.get_mut(at + 1) {
                *slot = here;
            }
        }
        taken = next;
    }
    taken.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(location: &str) -> Pattern {
        Pattern::of_location(location).unwrap().remove(0)
    }

    #[test]
    fn s1_a_script_is_relative_to_its_location() {
        for (location, path, script) in [
            ("filesystem:sql", "sql/V1.sql", Some("V1.sql")),
            ("filesystem:sql", "sql/a/b/V1.sql", Some("a/b/V1.sql")),
            ("filesystem:./sql/", "sql/V1.sql", Some("V1.sql")),
            ("filesystem:a/../sql", "sql/V1.sql", Some("V1.sql")),
            ("filesystem:sql", "sqlx/V1.sql", None),
            ("filesystem:sql", "sql", None),
            ("filesystem:", "a/V1.sql", Some("a/V1.sql")),
            ("filesystem:.", "V1.sql", Some("V1.sql")),
            ("filesystem:/flyway/sql", "sql/V1.sql", Some("V1.sql")),
            ("FILESYSTEM:sql\\deep", "sql/deep/V1.sql", Some("V1.sql")),
            ("db/migration", "db/migration/V1.sql", Some("V1.sql")),
            ("classpath:/db/migration", "db/migration/x/V1.sql", Some("x/V1.sql")),
            ("filesystem:sql/*/x", "sql/a/x/V1.sql", Some("V1.sql")),
            ("filesystem:sql/*/x", "sql/a/x/y/V1.sql", Some("y/V1.sql")),
            ("filesystem:sql/*/x", "sql/a/b/x/V1.sql", None),
            ("filesystem:sql/**/x", "sql/x/V1.sql", Some("V1.sql")),
            ("filesystem:sql/**/x", "sql/a/b/x/V1.sql", Some("V1.sql")),
            ("filesystem:sql/**/x", "sql/a/x/b/x/V1.sql", Some("b/x/V1.sql")),
            ("filesystem:sql/v?", "sql/v1/V1.sql", Some("V1.sql")),
            ("filesystem:sql/v?", "sql/v10/V1.sql", None),
            ("filesystem:sql/v*", "sql/v/V1.sql", None),
            ("filesystem:sql/v*", "sql/v1/b/V1.sql", Some("b/V1.sql")),
            ("filesystem:sql/*/", "sql/a/V1.sql", Some("V1.sql")),
            ("filesystem:sql/**", "sql/a/V1.sql", None),
            ("filesystem:sql/**", "sql/V1.sql", None),
            ("filesystem:sql/release1.*", "sql/release1.0/V1.sql", None),
            ("filesystem:sql/release1.*", "sql/release1.sql", Some("release1.sql")),
            ("filesystem:sql/*/V1*.sql", "sql/a/V1__x.sql", Some("a/V1__x.sql")),
            ("filesystem:sql/release1.0", "sql/release1.0/V1.sql", Some("V1.sql")),
            ("filesystem:sql/V1.sql", "sql/V1.sql", None),
        ] {
            assert_eq!(first(location).script(path), script, "{location} {path}");
        }
    }

    #[test]
    fn s1_a_class_path_is_the_root_or_a_projects_resources() {
        let both = Pattern::of_location("classpath:db/migration").unwrap();
        let found = |path| both.iter().find_map(|pattern| pattern.script(path));
        assert_eq!(found("db/migration/V1.sql"), Some("V1.sql"));
        assert_eq!(found("src/main/resources/db/migration/V1.sql"), Some("V1.sql"));
        assert_eq!(found("app/db/migration/V1.sql"), None);
    }

    #[test]
    fn s1_a_location_outside_of_the_bundle_is_refused() {
        for (location, code) in [
            ("s3:bucket/sql", Code::Unsupported),
            ("gcs:bucket", Code::Unsupported),
            ("ftp:x", Code::Unsupported),
            ("filesystem:/opt/sql", Code::ConfigInvalid),
            ("filesystem:../sql", Code::ConfigInvalid),
            ("filesystem:a/../../sql", Code::ConfigInvalid),
            ("C:\\sql", Code::ConfigInvalid),
        ] {
            assert_eq!(Pattern::of_location(location).unwrap_err().code, code, "{location}");
        }
    }

    #[test]
    fn s1_many_wildcards_take_no_time() {
        let pattern = first(&format!("filesystem:{}x", "**/".repeat(60)));
        assert_eq!(pattern.script(&format!("{}y/V1.sql", "a/".repeat(30))), None);
        assert!(!matches(
            &"*a".repeat(100),
            &"a".repeat(250).replace("aaaa", "aaab")[..200]
        ));
    }
}
