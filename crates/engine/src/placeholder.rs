//! `${name}`: replaced before the server or the lexer sees a file, as Flyway does it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use belay_model::{FrozenPlaceholder, Plan, SecretRef};

/// The value of every placeholder, by lower-case name, and which of them are secret.
#[derive(Clone, Default)]
pub struct Placeholders {
    values: BTreeMap<String, String>,
    secret: Vec<String>,
}

/// Names only: a value may be a secret.
impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.keys()).finish()
    }
}

impl Placeholders {
    /// The values that a plan froze, with those of its secrets.
    ///
    /// # Errors
    /// The first secret that is not among the given ones.
    pub fn of_plan(plan: &Plan, secrets: &HashMap<SecretRef, String>) -> Result<Self, SecretRef> {
        let mut placeholders = Self::default();
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

    /// Replaces every `${name}` of a text; nothing if there is none.
    ///
    /// Values are not looked through again, and there is no escape: that is Flyway's rule.
    pub(crate) fn replace(&self, raw: &str, file_name: &str) -> Result<Option<Replaced>, UnknownPlaceholder> {
        if !raw.contains("${") {
            return Ok(None);
        }
        let mut sql = String::with_capacity(raw.len());
        let mut edits = Vec::new();
        let mut rest = 0;
        while let Some(found) = raw.get(rest..).and_then(|tail| tail.find("${")) {
            let start = rest + found;
            let unknown = |name: &str| UnknownPlaceholder {
                name: name.to_owned(),
                at: start,
            };
            let tail = raw.get(start + 2..).unwrap_or_default();
            let Some(length) = tail.find('}') else {
                return Err(unknown(tail.lines().next().unwrap_or_default()));
            };
            let name = tail.get(..length).unwrap_or_default();
            let lower = name.to_lowercase();
            let value = match lower.as_str() {
                "flyway:filename" => file_name,
                _ => self.values.get(&lower).ok_or_else(|| unknown(name))?,
            };
            sql.push_str(raw.get(rest..start).unwrap_or_default());
            let at = sql.len();
            sql.push_str(value);
            rest = start + 2 + length + 1;
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
}

/// A placeholder without a value, or one that does not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownPlaceholder {
    /// As written.
    pub(crate) name: String,
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
                name: "Nope".to_owned(),
                at: 2
            }
        );
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
