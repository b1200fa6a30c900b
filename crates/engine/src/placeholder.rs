//! `${name}`, or whatever the settings say it looks like: replaced before the server or the lexer sees a file, as Flyway does it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use belay_model::{FrozenPlaceholder, PlaceholderSyntax, Plan, SecretRef};

/// The value of every placeholder, by lower-case name, and which of them are secret.
#[derive(Clone, Default)]
pub struct Placeholders {
    values: BTreeMap<String, String>,
    secret: Vec<String>,
    syntax: PlaceholderSyntax,
}

/// Names only: a value may be a secret.
impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.keys()).finish()
    }
}

impl Placeholders {
    /// None yet, and what they will look like.
    pub(crate) fn new(syntax: PlaceholderSyntax) -> Self {
        Self {
            syntax,
            ..Self::default()
        }
    }

    /// What they look like.
    pub(crate) fn syntax(&self) -> &PlaceholderSyntax {
        &self.syntax
    }

    /// The values that a plan froze, with those of its secrets.
    ///
    /// # Errors
    /// The first secret that is not among the given ones.
    pub fn of_plan(plan: &Plan, secrets: &HashMap<SecretRef, String>) -> Result<Self, SecretRef> {
        let mut placeholders = Self::new(plan.placeholder_syntax.clone());
        for (name, frozen) in &plan.placeholders {
            match frozen {
                FrozenPlaceholder::Value(value) => placeholders.set(name, value),
                FrozenPlaceholder::Secret(at) => match secrets.get(at) {
                    Some(value) => placeholders.set_secret(name, value),
                    None => return Err(at.clone()),
                },
            }
        }
        Ok(placeholders)
    }

    /// Sets a value that may be shown.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_lowercase(), value.into());
    }

    /// Sets a value that is masked wherever Belay shows text.
    pub fn set_secret(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        self.secret.push(value.clone());
        // One may be a part of another.
        self.secret.sort_by_key(|secret| Reverse(secret.len()));
        self.values.insert(name.to_lowercase(), value);
    }

    /// The text with every secret value replaced by `****`.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in self.secret.iter().filter(|secret| !secret.is_empty()) {
            masked = masked.replace(secret.as_str(), "****");
        }
        masked
    }

    /// Replaces every placeholder of a text; nothing if there is none.
    ///
    /// Values are not looked through again, and there is no escape: that is Flyway's rule.
    pub(crate) fn replace(&self, raw: &str, file_name: &str) -> Result<Option<Replaced>, UnknownPlaceholder> {
        let PlaceholderSyntax { prefix, suffix, .. } = &self.syntax;
        if prefix.is_empty() || suffix.is_empty() || !raw.contains(prefix.as_str()) {
            return Ok(None);
        }
        let mut sql = String::with_capacity(raw.len());
        let mut edits = Vec::new();
        let mut rest = 0;
        while let Some(found) = raw.get(rest..).and_then(|tail| tail.find(prefix.as_str())) {
            let start = rest + found;
            let tail = raw.get(start + prefix.len()..).unwrap_or_default();
            let unknown = |name: &str| UnknownPlaceholder {
                shown: format!("{prefix}{name}{suffix}"),
                at: start,
            };
            let Some(length) = tail.find(suffix.as_str()) else {
                return Err(unknown(tail.lines().next().unwrap_or_default()));
            };
            let name = tail.get(..length).unwrap_or_default();
            let value = self.value(name, file_name).ok_or_else(|| unknown(name))?;
            sql.push_str(raw.get(rest..start).unwrap_or_default());
            let at = sql.len();
            sql.push_str(value);
            rest = start + prefix.len() + length + suffix.len();
            edits.push(Edit {
                at,
                length: value.len(),
                raw: start,
                raw_length: rest - start,
            });
        }
        sql.push_str(raw.get(rest..).unwrap_or_default());
        Ok(Some(Replaced { sql, edits }))
    }

    fn value<'a>(&'a self, name: &str, file_name: &'a str) -> Option<&'a str> {
        let name = name.to_lowercase();
        let of_flyway = name
            .strip_prefix("flyway")
            .and_then(|rest| rest.strip_prefix(&self.syntax.separator.to_lowercase()));
        match of_flyway {
            Some("filename") => Some(file_name),
            _ => self.values.get(&name).map(String::as_str),
        }
    }
}

/// A placeholder without a value, or one that does not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownPlaceholder {
    /// As written.
    pub(crate) shown: String,
    /// Where it begins, in bytes of the raw text.
    pub(crate) at: usize,
}

/// A text with its placeholders replaced, and the way back.
#[derive(Debug, Clone)]
pub(crate) struct Replaced {
    /// What the server gets.
    pub(crate) sql: String,
    edits: Vec<Edit>,
}

#[derive(Debug, Clone, Copy)]
struct Edit {
    at: usize,
    length: usize,
    raw: usize,
    raw_length: usize,
}

impl Replaced {
    /// A text as it is.
    pub(crate) fn verbatim(raw: String) -> Self {
        Self {
            sql: raw,
            edits: Vec::new(),
        }
    }

    /// The byte of the raw text that a byte of the replaced text came from; for one inside a value, the `$`.
    pub(crate) fn raw_offset(&self, at: usize) -> usize {
        let mut offset = at;
        for edit in &self.edits {
            if at >= edit.at + edit.length {
                offset = edit.raw + edit.raw_length + (at - edit.at - edit.length);
            } else if at >= edit.at {
                return edit.raw;
            } else {
                break;
            }
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn placeholders() -> Placeholders {
        let mut placeholders = Placeholders::default();
        placeholders.set("Schema", "app");
        placeholders.set("empty", "");
        placeholders.set("nested", "${schema}");
        placeholders.set_secret("key", "s3cret");
        placeholders
    }

    #[test]
    fn placeholders_are_replaced_everywhere_and_once() {
        for (raw, expected) in [
            ("a", "a"),
            ("${schema}.t -- ${SCHEMA}", "app.t -- app"),
            ("'${nested}' $$${empty}$$", "'${schema}' $$$$"),
            ("${flyway:filename}", "V1__a.sql"),
            ("$ {schema} $${ $", ""),
        ] {
            let replaced = placeholders()
                .replace(raw, "V1__a.sql")
                .map(|replaced| replaced.map_or_else(|| raw.to_owned(), |replaced| replaced.sql));
            match expected {
                "" => assert!(replaced.is_err(), "{raw}"),
                _ => assert_eq!(replaced, Ok(expected.to_owned())),
            }
        }
    }

    #[test]
    fn an_unknown_one_is_told_with_its_place() {
        let unknown = placeholders().replace("a ${Nope} b", "x").unwrap_err();
        assert_eq!(
            unknown,
            UnknownPlaceholder {
                shown: "${Nope}".to_owned(),
                at: 2
            }
        );
    }

    #[test]
    fn s11_prefix_suffix_and_separator_are_the_settings() {
        let mut placeholders = Placeholders::new(PlaceholderSyntax {
            prefix: "<<".to_owned(),
            suffix: ">>".to_owned(),
            separator: "_".to_owned(),
        });
        placeholders.set("name", "n");
        placeholders.set("flyway_table", "history");
        let replaced = placeholders.replace("<<NAME>> <<flyway_fileName>> <<Flyway_Table>> ${name}", "V1__a.sql");
        assert_eq!(replaced.unwrap().unwrap().sql, "n V1__a.sql history ${name}");
        let unknown = placeholders.replace("<<flyway:table>>", "x").unwrap_err();
        assert_eq!(unknown.shown, "<<flyway:table>>");
    }

    #[test]
    fn secrets_are_masked() {
        assert_eq!(placeholders().mask("key s3cret of app"), "key **** of app");
        assert!(!format!("{:?}", placeholders()).contains("s3cret"));
    }

    proptest! {
        #[test]
        fn offsets_outside_values_lead_back_to_the_same_character(raw in "([a-zé ]|\\$\\{schema\\}|\\$\\{empty\\}){0,12}") {
            let replaced = placeholders().replace(&raw, "x").unwrap().unwrap_or_else(|| Replaced::verbatim(raw.clone()));
            let marks: Vec<usize> = raw.match_indices('é').map(|(at, _)| at).collect();
            let found: Vec<usize> = replaced.sql.match_indices('é').map(|(at, _)| replaced.raw_offset(at)).collect();
            prop_assert_eq!(found, marks);
        }
    }
}
