//! Which names entries may have: relative paths that mean the same place, and only one, to every program.

use std::collections::HashMap;

use belay_model::Code;

use crate::Limits;
use crate::rejected::{Flaw, is_invisible, show};

/// Everything that is wrong with the name of an entry. A folder's name ends with `/`.
pub(crate) fn flaws(name: &str, limits: &Limits) -> Vec<Flaw> {
    let mut found = Vec::new();
    if name.len() > limits.path_bytes {
        found.push(Flaw::new(
            Code::PathTooLong,
            format!("the path has {} bytes; at most {}", name.len(), limits.path_bytes),
        ));
    }
    let path = name.strip_suffix('/').unwrap_or(name);
    let levels = path.split('/').count();
    if levels > limits.levels {
        found.push(Flaw::new(
            Code::PathTooLong,
            format!("the path has {levels} levels; at most {}", limits.levels),
        ));
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        found.push(Flaw::new(Code::ControlCharacter, "a control character in the name"));
    }
    if name.contains('\\') {
        found.push(Flaw::new(
            Code::Backslash,
            "a backslash in the name; paths in a zip are separated by `/`",
        ));
    }
    if let Some(flaw) = absolute(name).or_else(|| traversal(path)) {
        found.push(flaw);
    }
    found
}

fn absolute(name: &str) -> Option<Flaw> {
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    (drive || name.starts_with(['/', '\\'])).then(|| {
        Flaw::new(
            Code::AbsolutePath,
            "an absolute path; names in a bundle are relative to its root",
        )
    })
}

fn traversal(path: &str) -> Option<Flaw> {
    let odd = path
        .split(['/', '\\'])
        .find(|component| matches!(*component, "" | "." | ".."))?;
    Some(Flaw::new(
        Code::PathTraversal,
        match odd {
            "" => "the path has an empty component".to_owned(),
            _ => format!("the path has a `{odd}` component"),
        },
    ))
}

/// For each name, whether an earlier one is the same file wherever case is ignored, or it lies in a "folder" that is a
/// file.
pub(crate) fn duplicates(names: &[Option<&str>]) -> Vec<Option<Flaw>> {
    let flaw = |message: String| Some(Flaw::new(Code::DuplicateName, message));
    let folded: Vec<Option<String>> = names.iter().map(|name| name.map(without_case)).collect();
    let mut first: HashMap<&str, &str> = HashMap::new();
    let mut flaws: Vec<Option<Flaw>> = names.iter().map(|_| None).collect();
    for ((name, folded), slot) in names.iter().zip(&folded).zip(&mut flaws) {
        let (Some(name), Some(folded)) = (name, folded) else {
            continue;
        };
        let folded = folded.trim_end_matches('/');
        *slot = match first.get(folded) {
            None => None,
            Some(same) if same == name => flaw("the name is there twice".to_owned()),
            Some(same) => flaw(format!(
                "`{}` is there too, and is the same where case is ignored",
                show(same)
            )),
        };
        first.entry(folded).or_insert(name);
    }
    for (folded, slot) in folded.iter().zip(&mut flaws) {
        let Some(folded) = folded else { continue };
        let parents = folded
            .match_indices('/')
            .filter_map(|(at, _)| first.get(folded.get(..at)?));
        let mut files = parents.filter(|parent| !parent.ends_with('/'));
        if let (None, Some(file)) = (&slot, files.next()) {
            *slot = flaw(format!("it lies in `{}`, which is a file", show(file)));
        }
    }
    flaws
}

/// The name without case, as far as any file system ignores it: two entries with one such name are one file there.
pub(crate) fn without_case(name: &str) -> String {
    // Upper first: `ß` and `ss`, `ſ` and `s` meet there; then lower, for letters whose upper case is their own.
    name.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_only_are_one() {
        for (a, b) in [
            ("A/b.sql", "a/B.SQL"),
            ("é", "É"),
            ("ß", "SS"),
            ("ſ", "S"),
            ("\u{212a}", "k"),
            ("σ", "ς"),
        ] {
            assert_eq!(without_case(a), without_case(b), "{a} and {b}");
        }
        assert_ne!(without_case("a"), without_case("b"));
    }
}
