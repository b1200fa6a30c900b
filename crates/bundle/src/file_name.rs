//! Flyway's grammar of file names.

use belay_model::Version;

/// What Flyway takes a file in a location for, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileName {
    /// `V<version>[__<description>].sql`
    Versioned { version: Version, description: String },
    /// `R__<description>.sql`
    Repeatable { description: String },
    /// Something that Flyway runs and Belay does not (yet).
    Unsupported(Unsupported),
    /// SQL that Flyway would silently not run.
    Misnamed(&'static str),
    /// No SQL and no migration.
    Other,
}

/// What Flyway runs and Belay does not (yet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    Baseline,
    Undo,
    Callback,
    Script,
    Java,
}

const SUFFIX: &str = ".sql";
const SEPARATOR: &str = "__";
/// The history table's column.
const LONGEST_VERSION: usize = 50;

/// The name without `.sql`, which Flyway reads in any case.
pub(crate) fn sql_stem(name: &str) -> Option<&str> {
    let (stem, suffix) = name.split_at_checked(name.len().checked_sub(SUFFIX.len())?)?;
    suffix.eq_ignore_ascii_case(SUFFIX).then_some(stem)
}

/// Reads the last component of a path.
pub(crate) fn read(name: &str) -> FileName {
    match sql_stem(name) {
        Some(stem) => sql(stem),
        None => other(name),
    }
}

fn sql(stem: &str) -> FileName {
    let (event, _) = split(stem);
    if is_callback(event) {
        return FileName::Unsupported(Unsupported::Callback);
    }
    let Some(prefix) = stem.chars().next() else {
        return FileName::Misnamed("it has no name");
    };
    let rest = stem.get(prefix.len_utf8()..).unwrap_or_default();
    let (version, description) = split(rest);
    match prefix {
        'V' => versioned(version, description),
        'R' if version.is_empty() => FileName::Repeatable { description },
        'R' => FileName::Misnamed("a repeatable migration has no version: two underscores come right after the `R`"),
        'B' if is_version(version) => FileName::Unsupported(Unsupported::Baseline),
        'U' if is_version(version) => FileName::Unsupported(Unsupported::Undo),
        'v' | 'r' if version.is_empty() || is_version(version) => {
            FileName::Misnamed("the prefix of a migration is a capital letter")
        }
        _ => FileName::Misnamed("it is not named as a migration"),
    }
}

fn versioned(version: &str, description: String) -> FileName {
    if version.is_empty() {
        return FileName::Misnamed("it has no version");
    }
    match version.parse::<Version>() {
        Ok(version) if version.as_str().len() > LONGEST_VERSION => {
            FileName::Misnamed("its version has more than 50 characters")
        }
        Ok(version) => FileName::Versioned { version, description },
        Err(_) => FileName::Misnamed(
            "what comes before the first two underscores is not a version: numbers with dots or single underscores",
        ),
    }
}

/// Version and description, at the first separator.
fn split(rest: &str) -> (&str, String) {
    let (version, description) = rest.split_once(SEPARATOR).unwrap_or((rest, ""));
    (version, description.replace('_', " "))
}

fn is_version(text: &str) -> bool {
    text.parse::<Version>().is_ok()
}

/// Flyway's events are named `beforeMigrate`, `afterEachMigrateError` and so on, and `createSchema`.
fn is_callback(event: &str) -> bool {
    let tail = event.strip_prefix("before").or_else(|| event.strip_prefix("after"));
    let is_event = |tail: &str| {
        tail.starts_with(|c: char| c.is_ascii_uppercase()) && tail.bytes().all(|b| b.is_ascii_alphabetic())
    };
    event == "createSchema" || tail.is_some_and(is_event)
}

fn other(name: &str) -> FileName {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let kind = match extension.to_ascii_lowercase().as_str() {
        "" | "cmd" | "bat" | "ps1" | "py" | "sh" | "bash" => Unsupported::Script,
        "java" | "class" | "kt" | "groovy" => Unsupported::Java,
        _ => return FileName::Other,
    };
    match sql(stem) {
        FileName::Misnamed(_) | FileName::Other => FileName::Other,
        FileName::Versioned { .. } | FileName::Repeatable { .. } | FileName::Unsupported(_) => {
            FileName::Unsupported(kind)
        }
    }
}

impl Unsupported {
    /// What it is, and the way out.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Baseline => {
                "a baseline migration (`B`), which Belay does not run yet; leave it out: the versioned ones below it \
                 build the same"
            }
            Self::Undo => "an undo migration (`U`), which Belay does not run yet; leave it out",
            Self::Callback => {
                "a callback, which Belay does not run yet; leave it out, or make it a migration: `R__…` runs whenever \
                 it changes"
            }
            Self::Script => "a script migration, which Belay does not run; write it as SQL",
            Self::Java => "a Java migration, which Belay does not run; write it as SQL",
        }
    }
}
