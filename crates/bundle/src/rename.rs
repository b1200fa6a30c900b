//! What a misnamed file could be called.

use crate::file_name::{FileName, Naming, sql_stem};

/// A sentence that says how to rename it.
pub(crate) fn advice(name: &str, naming: &Naming<'_>) -> String {
    match suggestion(name, naming) {
        Some(better) => format!("rename it to `{better}`"),
        None => {
            let description = words(naming.stem(name).unwrap_or(name));
            let example = |start: &str| naming.example(start, &description);
            format!(
                "rename it to `{}` if it runs once, to `{}` if it runs whenever it changes; an assertion goes to \
                 `verify/`, anything else out of the folder",
                example("<version>"),
                example("")
            )
        }
    }
}

/// The name that was most likely meant; always one that is a migration's.
fn suggestion(name: &str, naming: &Naming<'_>) -> Option<String> {
    let stem = sql_stem(name)?;
    let prefix = stem.chars().next()?;
    let rest = stem.get(prefix.len_utf8()..)?;
    let better = match prefix {
        'V' | 'v' => versioned(rest)?,
        'R' | 'r' => repeatable(rest)?,
        '0'..='9' => versioned(stem)?,
        _ => return None,
    };
    let is_migration = matches!(naming.read(&better), FileName::Migration { .. });
    is_migration.then_some(better)
}

fn versioned(rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches(['_', '-', ' ', '.']);
    let length = rest
        .char_indices()
        .take_while(|(at, c)| c.is_ascii_digit() || (matches!(c, '.' | '_') && digit_follows(rest, *at)))
        .count();
    let (version, description) = rest.split_at_checked(length)?;
    if version.is_empty() {
        return None;
    }
    match words(description).as_str() {
        "" => Some(format!("V{version}.sql")),
        description => Some(format!("V{version}__{description}.sql")),
    }
}

fn digit_follows(text: &str, at: usize) -> bool {
    text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit)
}

/// `R1__x`, `R_x`, `r__x`; not `README`.
fn repeatable(rest: &str) -> Option<String> {
    let description = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | ' '));
    let description = words(description.strip_prefix('_')?);
    (!description.is_empty()).then(|| format!("R__{description}.sql"))
}

/// As a description: words separated by single underscores.
fn words(text: &str) -> String {
    text.split(['_', '-', ' '])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use belay_model::FlywaySettings;
    use proptest::prelude::*;

    use super::*;

    fn suggested(name: &str) -> Option<String> {
        suggestion(name, &Naming::new(&FlywaySettings::default()))
    }

    #[test]
    fn what_was_meant_is_found() {
        for (name, better) in [
            ("V3_x.sql", Some("V3__x.sql")),
            ("V3_add_orders.sql", Some("V3__add_orders.sql")),
            ("V1.2-add.sql", Some("V1.2__add.sql")),
            ("v4__x.sql", Some("V4__x.sql")),
            ("v1_2__x.sql", Some("V1_2__x.sql")),
            ("V_5__x.sql", Some("V5__x.sql")),
            ("001_init.sql", Some("V001__init.sql")),
            ("20261120-orders.SQL", Some("V20261120__orders.sql")),
            ("R1__x.sql", Some("R__x.sql")),
            ("R_x.sql", Some("R__x.sql")),
            ("r__x.sql", Some("R__x.sql")),
            ("V__x.sql", None),
            ("README.sql", None),
            ("init.sql", None),
            (".sql", None),
        ] {
            assert_eq!(suggested(name).as_deref(), better, "{name}");
        }
    }

    proptest! {
        #[test]
        fn advice_never_panics(name in "\\PC{0,20}") {
            advice(&name, &Naming::new(&FlywaySettings::default()));
        }

        #[test]
        fn a_suggestion_is_a_migration(name in "[VvRr]?[0-9._-]{0,5}[a-z_ .é-]{0,8}\\.sql") {
            if let Some(better) = suggested(&name) {
                let settings = FlywaySettings::default();
                let read = Naming::new(&settings).read(&better);
                prop_assert!(!matches!(read, FileName::Misnamed(_)), "{} -> {}", name, better);
            }
        }
    }
}
