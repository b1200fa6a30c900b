//! Every key of Flyway's, and what Belay does with it: one table for flyway.conf, flyway.toml and targets.

use super::IgnoredState;

/// One of Flyway's keys, or a namespace of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlywayKey {
    /// Its name, without `flyway.`.
    pub name: &'static str,
    /// What Belay does with it.
    pub effect: KeyEffect,
}

/// What Belay does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEffect {
    /// It is a field of [`super::FlywaySettings`].
    Setting(KeyShape),
    /// Flyway no longer knows it: `true` means `*:<state>` among `ignoreMigrationPatterns`.
    Ignores(IgnoredState),
    /// None, and why. Its value is never kept: it may be a password.
    Nothing(&'static str),
}

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyShape {
    /// A text.
    Text,
    /// `true` or `false`.
    Switch,
    /// A list of texts; in one text, separated by commas.
    List,
    /// Texts by name, as `key.NAME`.
    Map,
}

impl FlywayKey {
    /// Every key.
    pub const ALL: &'static [Self] = ALL;

    /// The key of this name, or the namespace that it lies in. `plugins.` before it does not matter, as in Flyway.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix("plugins.").unwrap_or(name);
        let exact = ALL.iter().find(|key| key.name == name);
        exact.or_else(|| ALL.iter().find(|key| key.holds(name)))
    }

    /// Whether it is a namespace and the name lies in it.
    fn holds(&self, name: &str) -> bool {
        let below = name.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('.'));
        let is_namespace = matches!(self.effect, KeyEffect::Nothing(_) | KeyEffect::Setting(KeyShape::Map));
        below && is_namespace
    }

    /// The name that is nearest to one that is none, if one is near.
    #[must_use]
    pub fn nearest(unknown: &str) -> Option<&'static str> {
        /// A longer text is no slip of a key, and would take as long to compare as it is long.
        const LONGEST: usize = 64;
        if unknown.chars().count() > LONGEST {
            return None;
        }
        let unknown = unknown.to_lowercase();
        let distance = |key: &&Self| strsim::damerau_levenshtein(&key.name.to_lowercase(), &unknown);
        let best = ALL.iter().min_by_key(distance)?;
        (distance(&best) <= best.name.len() / 3).then_some(best.name)
    }
}

const fn text(name: &'static str) -> FlywayKey {
    setting(name, KeyShape::Text)
}

const fn switch(name: &'static str) -> FlywayKey {
    setting(name, KeyShape::Switch)
}

const fn list(name: &'static str) -> FlywayKey {
    setting(name, KeyShape::List)
}

const fn setting(name: &'static str, shape: KeyShape) -> FlywayKey {
    FlywayKey {
        name,
        effect: KeyEffect::Setting(shape),
    }
}

const fn ignores(name: &'static str, state: IgnoredState) -> FlywayKey {
    FlywayKey {
        name,
        effect: KeyEffect::Ignores(state),
    }
}

const fn nothing(name: &'static str, why: &'static str) -> FlywayKey {
    FlywayKey {
        name,
        effect: KeyEffect::Nothing(why),
    }
}

const WHERE: &str = "where the database is and who logs in is the target's";
const JAVA: &str = "Belay runs no Java";
const SCRIPTS: &str = "Belay runs no script migrations";
const OUTPUT: &str = "Belay has its own report, mail and result";
const EDITION: &str = "nothing here needs a licence";
const LOCK: &str = "Belay takes Flyway's lock for the whole session and waits within the run's own time";
const VAULTS: &str = "secrets come from the target";
const OTHER_DATABASE: &str = "it is for another kind of database";
const OTHER_COMMAND: &str = "it is for a command that Belay does not have";
const SENDING: &str = "how statements are sent does not change what they do";

const ALL: &[FlywayKey] = &[
    // Where the history is.
    text("table"),
    text("defaultSchema"),
    list("schemas"),
    switch("createSchemas"),
    text("tablespace"),
    // Which files.
    list("locations"),
    switch("failOnMissingLocations"),
    list("callbackLocations"),
    switch("skipDefaultCallbacks"),
    text("sqlMigrationPrefix"),
    text("repeatableSqlMigrationPrefix"),
    text("baselineMigrationPrefix"),
    text("undoSqlMigrationPrefix"),
    text("sqlMigrationSeparator"),
    list("sqlMigrationSuffixes"),
    switch("validateMigrationNaming"),
    text("encoding"),
    // What is run.
    switch("outOfOrder"),
    text("target"),
    list("cherryPick"),
    switch("skipExecutingMigrations"),
    list("ignoreMigrationPatterns"),
    switch("validateOnMigrate"),
    switch("baselineOnMigrate"),
    text("baselineVersion"),
    text("baselineDescription"),
    // How.
    switch("group"),
    switch("mixed"),
    switch("executeInTransaction"),
    text("initSql"),
    list("errorOverrides"),
    switch("placeholderReplacement"),
    text("placeholderPrefix"),
    text("placeholderSuffix"),
    text("placeholderSeparator"),
    setting("placeholders", KeyShape::Map),
    text("installedBy"),
    text("environment"),
    // What Flyway no longer knows.
    ignores("ignoreMissingMigrations", IgnoredState::Missing),
    ignores("ignoreIgnoredMigrations", IgnoredState::Ignored),
    ignores("ignorePendingMigrations", IgnoredState::Pending),
    ignores("ignoreFutureMigrations", IgnoredState::Future),
    // The connection.
    nothing("url", WHERE),
    nothing("user", WHERE),
    nothing("password", WHERE),
    nothing("driver", "Belay brings its own driver"),
    nothing("jdbcProperties", "Belay brings its own driver"),
    nothing("connectRetries", "Belay waits for a database by itself"),
    nothing("connectRetriesInterval", "Belay waits for a database by itself"),
    nothing("kerberosConfigFile", WHERE),
    nothing("lockRetryCount", LOCK),
    nothing("postgresql.transactional.lock", LOCK),
    // Java and scripts.
    nothing("jarDirs", JAVA),
    nothing("callbacks", JAVA),
    nothing("resolvers", JAVA),
    nothing("migrationResolvers", JAVA),
    nothing("skipDefaultResolvers", JAVA),
    nothing("classLoader", JAVA),
    nothing("powershellExecutable", SCRIPTS),
    nothing("scriptPlaceholderPrefix", SCRIPTS),
    nothing("scriptPlaceholderSuffix", SCRIPTS),
    // What is said, and to whom.
    nothing("loggers", OUTPUT),
    nothing("color", OUTPUT),
    nothing("outputType", OUTPUT),
    nothing("outputProgress", OUTPUT),
    nothing("outputLogsInJson", OUTPUT),
    nothing("outputQueryResults", OUTPUT),
    nothing("reportEnabled", OUTPUT),
    nothing("reportFilename", OUTPUT),
    nothing("publishResult", OUTPUT),
    nothing("pipelineId", OUTPUT),
    nothing(
        "dryRunOutput",
        "each run's papers have what it runs, and `belay plan` shows it before",
    ),
    nothing("licenseKey", EDITION),
    nothing("licensePath", EDITION),
    nothing("edition", EDITION),
    nothing("email", EDITION),
    nothing("token", EDITION),
    nothing("offlinePermitPath", EDITION),
    nothing("communityDBSupportEnabled", EDITION),
    // How files are sent.
    nothing("batch", SENDING),
    nothing("stream", SENDING),
    nothing(
        "detectEncoding",
        "a file is in the encoding that `encoding` says, or it is refused",
    ),
    nothing(
        "failOnMissingTarget",
        "a target version that has no file is an error, unless it ends in `?`",
    ),
    // Where Flyway's settings and secrets are.
    nothing("configFiles", "Belay reads `flyway.toml` or `flyway.conf`"),
    nothing("configFileEncoding", "settings are UTF-8"),
    nothing("configurations", "Belay reads `flyway.toml` or `flyway.conf`"),
    nothing("workingDirectory", "paths begin at the root of the bundle"),
    nothing("provisionMode", OTHER_COMMAND),
    nothing("propertyResolvers", VAULTS),
    nothing("vault", VAULTS),
    nothing("dapr", VAULTS),
    nothing("gcsm", VAULTS),
    nothing("akv", VAULTS),
    nothing("azureKeyVault", VAULTS),
    nothing("conjur", VAULTS),
    nothing("secretsManager", VAULTS),
    // Other commands and other databases.
    nothing("cleanDisabled", "Belay has no `clean`"),
    nothing("cleanOnValidationError", "Belay has no `clean`"),
    nothing("checkDriftOnMigrate", "Belay tells of drift in its own way"),
    nothing("schemaModelLocation", OTHER_COMMAND),
    nothing("schemaModelSchemas", OTHER_COMMAND),
    nothing("add", OTHER_COMMAND),
    nothing("check", OTHER_COMMAND),
    nothing("deploy", OTHER_COMMAND),
    nothing("diff", OTHER_COMMAND),
    nothing("diffText", OTHER_COMMAND),
    nothing("generate", OTHER_COMMAND),
    nothing("init", OTHER_COMMAND),
    nothing("mcp", OTHER_COMMAND),
    nothing("migrate", OTHER_COMMAND),
    nothing("model", OTHER_COMMAND),
    nothing("prepare", OTHER_COMMAND),
    nothing("snapshot", OTHER_COMMAND),
    nothing("tags", OTHER_COMMAND),
    nothing("undo", OTHER_COMMAND),
    nothing("clickhouse", OTHER_DATABASE),
    nothing("db2zos", OTHER_DATABASE),
    nothing("db2z", OTHER_DATABASE),
    nothing("oracle", OTHER_DATABASE),
    nothing("sqlserver", OTHER_DATABASE),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FlywayKeys, FlywaySettings};

    #[test]
    fn s14_every_setting_is_a_key_and_every_key_of_a_setting_is_one() {
        let full = FlywaySettings {
            default_schema: Some("a".to_owned()),
            schemas: vec!["a".to_owned()],
            tablespace: Some("a".to_owned()),
            locations: vec!["a".to_owned()],
            callback_locations: vec!["a".to_owned()],
            cherry_pick: vec!["1".to_owned()],
            init_sql: Some("a".to_owned()),
            error_overrides: "*:*:W".parse().into_iter().collect(),
            installed_by: Some("a".to_owned()),
            environment: Some("a".to_owned()),
            placeholders: [("a".to_owned(), "b".to_owned())].into(),
            ..FlywaySettings::default()
        };
        let fields = FlywayKeys::from(&full);
        let mut of_fields: Vec<&str> = fields.names().collect();
        let is_setting = |key: &&FlywayKey| matches!(key.effect, KeyEffect::Setting(_));
        let mut of_table: Vec<&str> = FlywayKey::ALL.iter().filter(is_setting).map(|key| key.name).collect();
        of_fields.sort_unstable();
        of_table.sort_unstable();
        assert_eq!(of_table, of_fields);
    }

    #[test]
    fn s14_no_key_is_there_twice() {
        let mut names: Vec<&str> = FlywayKey::ALL.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FlywayKey::ALL.len());
    }

    #[test]
    fn s14_a_key_is_found_by_its_name_and_in_its_namespace() {
        for (name, found) in [
            ("outOfOrder", Some("outOfOrder")),
            ("plugins.cherryPick", Some("cherryPick")),
            ("jdbcProperties.accessToken", Some("jdbcProperties")),
            ("check.buildUrl", Some("check")),
            ("oracle.sqlplus", Some("oracle")),
            ("placeholders.a.b", Some("placeholders")),
            ("postgresql.transactional.lock", Some("postgresql.transactional.lock")),
            ("outOfOrder.x", None),
            ("checks.x", None),
            ("outoforder", None),
            ("", None),
        ] {
            assert_eq!(FlywayKey::find(name).map(|key| key.name), found, "{name}");
        }
    }

    #[test]
    fn s14_the_near_key_is_suggested() {
        for (slip, near) in [
            ("outoforder", Some("outOfOrder")),
            ("location", Some("locations")),
            ("defaultShcema", Some("defaultSchema")),
            ("sqlMigrationSufixes", Some("sqlMigrationSuffixes")),
            ("baselineOnMigrat", Some("baselineOnMigrate")),
            ("somethingElseEntirely", None),
            ("", None),
        ] {
            assert_eq!(FlywayKey::nearest(slip), near, "{slip}");
        }
        assert_eq!(FlywayKey::nearest(&"x".repeat(10_000)), None);
    }

    /// docs/flyway-settings.md has every key once, and says of it what is true.
    #[test]
    fn s14_the_page_is_the_table() {
        let page = include_str!("../../../../docs/flyway-settings.md");
        for key in FlywayKey::ALL {
            let start = format!("| `{}` | ", key.name);
            let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
            let [row] = rows.as_slice() else {
                panic!("{}: {rows:?}", key.name)
            };
            let pattern = |state| crate::IgnorePattern {
                kind: crate::IgnoredKind::Any,
                state,
            };
            match key.effect {
                KeyEffect::Setting(_) => assert_eq!(row.matches(" | ").count(), 2, "{row}"),
                KeyEffect::Ignores(state) => assert_eq!(*row, format!("{start}`{}` |", pattern(state))),
                KeyEffect::Nothing(why) => assert_eq!(*row, format!("{start}{why} |")),
            }
        }
        let named = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let is_location = |name: &&str| name.contains([':', '/']);
        let others: Vec<&str> = named
            .filter(|name| !is_location(name) && !FlywayKey::ALL.iter().any(|key| key.name == *name))
            .collect();
        assert_eq!(others, [""; 0]);
    }
}
