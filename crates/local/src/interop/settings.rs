//! A set's settings: those that both tools read from its `flyway.conf`, and those of the comparison itself.

use std::collections::BTreeMap;
use std::path::Path;

/// Where the migrations of a set are in its bundle.
pub(super) const MIGRATIONS: &str = "migrations";

/// What a set says besides its files.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The text of `flyway.conf`.
    pub(super) flyway: String,
    /// Whether the rows of the tables must be equal too; not so where a migration writes the time.
    pub(super) rows: bool,
    /// What commits together, as Belay has it.
    transaction: Option<String>,
    /// The only version of Flyway that has what the set is about.
    only: Option<String>,
}

impl Settings {
    /// Of the texts of `flyway.conf` and `interop.conf`.
    ///
    /// # Errors
    /// A key of the latter that is none.
    pub(super) fn parse(flyway: String, interop: &str) -> Result<Self, String> {
        let mut settings = Self {
            flyway,
            rows: true,
            transaction: None,
            only: None,
        };
        for (key, value) in pairs(interop) {
            match key {
                "rows" => settings.rows = value == "true",
                "transaction" => settings.transaction = Some(value.to_owned()),
                "flyway" => settings.only = Some(value.to_owned()),
                key => return Err(format!("{key} is none of rows, transaction, flyway")),
            }
        }
        Ok(settings)
    }

    /// Whether a version of Flyway has what the set is about.
    pub(super) fn is_for(&self, version: &str) -> bool {
        self.only.as_ref().is_none_or(|only| version.starts_with(only))
    }

    /// The schema and the name of the history table.
    pub(super) fn history(&self) -> (String, String) {
        let keys = self.keys();
        let get = |key: &str| keys.get(key).map(|value| (*value).to_owned());
        let first = get("schemas").and_then(|schemas| schemas.split(',').next().map(str::to_owned));
        let schema = get("defaultSchema").or(first).unwrap_or_else(|| "public".to_owned());
        let table = get("table").unwrap_or_else(|| "flyway_schema_history".to_owned());
        (schema, table)
    }

    /// In Java's format of properties: as they are, but for locations, which are the bundle's.
    pub(super) fn for_flyway(&self, bundle: &Path) -> String {
        let keys = self.keys();
        let locations = keys.get("locations").copied().unwrap_or(MIGRATIONS);
        let place = |location: &str| {
            let inside = location
                .trim()
                .split_once(':')
                .map_or(location.trim(), |(_, inside)| inside);
            format!("filesystem:{}/{inside}", bundle.display())
        };
        let locations: Vec<String> = locations.split(',').map(place).collect();
        format!("{}\nflyway.locations={}\n", self.flyway, locations.join(","))
    }

    /// What Belay doesn't read from the bundle, as options.
    pub(super) fn for_belay(&self) -> Vec<String> {
        let transaction = self.transaction.as_ref();
        transaction
            .map(|mode| format!("--transaction={mode}"))
            .into_iter()
            .collect()
    }

    fn keys(&self) -> BTreeMap<&str, &str> {
        pairs(&self.flyway)
            .map(|(key, value)| (key.strip_prefix("flyway.").unwrap_or(key), value))
            .collect()
    }
}

/// Keys and values, as far as the comparison needs them: no line of theirs goes on on the next.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
}
