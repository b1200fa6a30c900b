//! Flyway's grammar of file names.

use belay_model::{Event, FlywaySettings, MigrationKind, Version};

/// What Flyway takes a file in a location for, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileName {
    /// `V<version>[__<description>].sql`, also with `B` and `U`; `R__<description>.sql`, without a version.
    Migration {
        kind: MigrationKind,
        version: Option<Version>,
        description: String,
    },
    /// `<event>[__<description>].sql`
    Callback { event: Event, description: String },
    /// Something that Flyway runs and Belay does not.
    Unsupported(Unsupported),
    /// SQL that Flyway would silently not run.
    Misnamed(&'static str),
    /// No SQL and no migration.
    Other,
}

/// What Flyway runs and Belay does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    Script,
    Java,
}

/// How files are named, as the settings have it.
#[derive(Debug)]
pub(crate) struct Naming<'a> {
    settings: &'a FlywaySettings,
    /// What a name may begin with, the longest first.
    prefixes: Vec<(&'a str, Sort)>,
}

#[derive(Debug, Clone, Copy)]
enum Sort {
    Migration(MigrationKind),
    Callback(Event),
}

const SQL: &str = ".sql";
/// The history table's column.
const LONGEST_VERSION: usize = 50;

/// The name without `.sql`, which Flyway reads in any case.
pub(crate) fn sql_stem(name: &str) -> Option<&str> {
    without_suffix(name, SQL)
}

fn without_suffix<'n>(name: &'n str, suffix: &str) -> Option<&'n str> {
    let (stem, end) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    (end.to_uppercase() == suffix.to_uppercase()).then_some(stem)
}

impl<'a> Naming<'a> {
    pub(crate) fn new(settings: &'a FlywaySettings) -> Self {
        let migrations = [
            (settings.sql_migration_prefix.as_str(), MigrationKind::Versioned),
            (&settings.repeatable_sql_migration_prefix, MigrationKind::Repeatable),
            (&settings.baseline_migration_prefix, MigrationKind::Baseline),
            (&settings.undo_sql_migration_prefix, MigrationKind::Undo),
        ];
        let migrations = migrations.map(|(prefix, kind)| (prefix, Sort::Migration(kind)));
        let events = Event::ALL.iter().map(|event| (event.as_str(), Sort::Callback(*event)));
        let mut prefixes: Vec<_> = migrations.into_iter().chain(events).collect();
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.encode_utf16().count()));
        Self { settings, prefixes }
    }

    /// The name without the first configured suffix that it ends in.
    pub(crate) fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        let mut suffixes = self.settings.sql_migration_suffixes.iter();
        suffixes.find_map(|suffix| without_suffix(name, suffix))
    }

    /// Reads the last component of a path.
    pub(crate) fn read(&self, name: &str) -> FileName {
        match self.stem(name) {
            Some(stem) => self.sql(stem),
            None => self.other(name),
        }
    }

    /// The name of a migration: a versioned one's, or without a version a repeatable one's.
    pub(crate) fn example(&self, version: &str, description: &str) -> String {
        let settings = self.settings;
        let prefix = match version {
            "" => &settings.repeatable_sql_migration_prefix,
            _ => &settings.sql_migration_prefix,
        };
        let suffix = settings.sql_migration_suffixes.first().map_or(SQL, String::as_str);
        format!(
            "{prefix}{version}{}{description}{suffix}",
            settings.sql_migration_separator
        )
    }

    fn sql(&self, stem: &str) -> FileName {
        let strip = |(prefix, sort): &(&str, Sort)| Some((stem.strip_prefix(prefix)?, *sort));
        let Some((rest, sort)) = self.prefixes.iter().find_map(strip) else {
            return FileName::Misnamed(unknown_prefix(stem));
        };
        let (version, description) = self.split(rest);
        match sort {
            Sort::Migration(MigrationKind::Repeatable) if version.is_empty() => FileName::Migration {
                kind: MigrationKind::Repeatable,
                version: None,
                description,
            },
            Sort::Callback(event) if version.is_empty() => FileName::Callback { event, description },
            Sort::Migration(MigrationKind::Repeatable) => {
                FileName::Misnamed("a repeatable migration has no version: two underscores come right after the `R`")
            }
            Sort::Callback(_) => FileName::Misnamed(
                "it begins with the name of an event of Flyway's, after which two underscores or nothing must come",
            ),
            Sort::Migration(kind) => versioned(kind, version, description),
        }
    }

    /// Version and description, at the first separator.
    fn split<'n>(&self, rest: &'n str) -> (&'n str, String) {
        let (version, description) = rest
            .split_once(self.settings.sql_migration_separator.as_str())
            .unwrap_or((rest, ""));
        (version, description.replace('_', " "))
    }

    fn other(&self, name: &str) -> FileName {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let kind = match extension.to_ascii_lowercase().as_str() {
            "" | "cmd" | "bat" | "ps1" | "py" | "sh" | "bash" => Unsupported::Script,
            "java" | "class" | "kt" | "groovy" => Unsupported::Java,
            _ => return FileName::Other,
        };
        match self.sql(stem) {
            FileName::Misnamed(_) | FileName::Other => FileName::Other,
            FileName::Migration { .. } | FileName::Callback { .. } | FileName::Unsupported(_) => {
                FileName::Unsupported(kind)
            }
        }
    }
}

fn versioned(kind: MigrationKind, version: &str, description: String) -> FileName {
    if version.is_empty() {
        return FileName::Misnamed("it has no version");
    }
    match version.parse::<Version>() {
        Ok(version) if version.as_str().len() > LONGEST_VERSION => {
            FileName::Misnamed("its version has more than 50 characters")
        }
        Ok(version) => FileName::Migration {
            kind,
            version: Some(version),
            description,
        },
        Err(_) => FileName::Misnamed(
            "what comes before the first two underscores is not a version: numbers with dots or single underscores",
        ),
    }
}

fn unknown_prefix(stem: &str) -> &'static str {
    match stem {
        "" => "it has no name",
        _ if stem.starts_with(['v', 'r', 'b', 'u']) => {
            "it is not named as a migration, whose prefix is a capital letter"
        }
        _ => "it is not named as a migration",
    }
}

impl Unsupported {
    /// What it is, and the way out.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Script => "a script migration, which Belay does not run; write it as SQL",
            Self::Java => "a Java migration, which Belay does not run; write it as SQL",
        }
    }
}
