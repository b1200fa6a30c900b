//! Flyway's history table: read, made and written as Flyway does, with nothing of ours in it.

use belay_model::{Checksum, HistoryTable, MigrationKind, PlannedBaseline, PlannedMigration, Version};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::EngineError;
use crate::session::quote_literal;

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) rank: i32,
    pub(crate) version: Option<Version>,
    pub(crate) description: String,
    pub(crate) kind: RowKind,
    pub(crate) script: String,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) installed_by: String,
    pub(crate) installed_on: String,
    pub(crate) execution_time: i32,
    pub(crate) success: bool,
}

/// A row's `type`. One that Flyway does not know makes the history unreadable, for Flyway too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// A file that runs, of whatever resolver.
    Migration(String),
    /// A baseline: `BASELINE`, or a `B` file.
    Baseline(String),
    /// Flyway made a schema.
    Schema,
    /// `repair` marked a migration as deleted.
    Delete,
    /// An undo.
    Undo(String),
}

impl RowKind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "SQL" | "JDBC" | "SCRIPT" | "CUSTOM" => Some(Self::Migration(text.to_owned())),
            "BASELINE" | "SQL_BASELINE" | "JDBC_BASELINE" => Some(Self::Baseline(text.to_owned())),
            // As Flyway reads what it once called by other names.
            "SPRING_JDBC" => Some(Self::Migration("JDBC".to_owned())),
            "SQL_STATE_SCRIPT" => Some(Self::Baseline("SQL_BASELINE".to_owned())),
            "JDBC_STATE_SCRIPT" => Some(Self::Baseline("JDBC_BASELINE".to_owned())),
            "SCHEMA" => Some(Self::Schema),
            "DELETE" => Some(Self::Delete),
            "UNDO_SQL" | "UNDO_JDBC" | "UNDO_SCRIPT" => Some(Self::Undo(text.to_owned())),
            _ => None,
        }
    }

    /// Whether a file brought the row, and not a command.
    pub(crate) fn is_of_a_file(&self) -> bool {
        match self {
            Self::Migration(_) => true,
            Self::Baseline(_) => !self.is_baseline_command(),
            Self::Schema | Self::Delete | Self::Undo(_) => false,
        }
    }

    /// Whether it is the row of `baseline`, and not of a `B` file.
    pub(crate) fn is_baseline_command(&self) -> bool {
        matches!(self, Self::Baseline(text) if text == "BASELINE")
    }

    /// As the table has it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Migration(text) | Self::Baseline(text) | Self::Undo(text) => text,
            Self::Schema => "SCHEMA",
            Self::Delete => "DELETE",
        }
    }
}

/// Why the table is not Flyway's.
#[derive(Debug)]
pub(crate) enum ReadError {
    Unreadable(String),
    Engine(EngineError),
}

impl From<tokio_postgres::Error> for ReadError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // Undefined column: a table of that name, but not of that shape.
            Some(db) if *db.code() == tokio_postgres::error::SqlState::UNDEFINED_COLUMN => {
                Self::Unreadable(db.message().to_owned())
            }
            _ => Self::Engine(error.into()),
        }
    }
}

/// Every row, by rank; nothing if there is no table.
pub(crate) async fn read(client: &Client, table: &HistoryTable) -> Result<Option<Vec<Applied>>, ReadError> {
    let exists: bool = client
        .query_typed_one(
            "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
            &[(&table.to_string(), Type::TEXT)],
        )
        .await?
        .try_get(0)?;
    match exists {
        true => read_rows(client, table).await.map(Some),
        false => Ok(None),
    }
}

/// Every row of the table, which is there, by rank. One round trip for any number of them.
pub(crate) async fn read_rows(client: &Client, table: &HistoryTable) -> Result<Vec<Applied>, ReadError> {
    let sql = format!(
        r#"SELECT "installed_rank", "version", "description", "type", "script", "checksum", "installed_by",
                  "installed_on"::text, "execution_time", "success"
           FROM {table} ORDER BY "installed_rank""#
    );
    let rows = client.query_typed(&sql, &[]).await?;
    rows.iter().map(applied).collect()
}

fn applied(row: &Row) -> Result<Applied, ReadError> {
    let rank: i32 = row.try_get(0)?;
    let unreadable = |what: &str| ReadError::Unreadable(format!("the row with installed_rank {rank} has {what}"));
    let version: Option<&str> = row.try_get(1)?;
    let kind: &str = row.try_get(3)?;
    Ok(Applied {
        rank,
        version: version
            .map(str::parse)
            .transpose()
            .map_err(|e| unreadable(&format!("a bad version: {e}")))?,
        description: row.try_get(2)?,
        kind: RowKind::parse(kind)
            .ok_or_else(|| unreadable(&format!("the type {kind:?}, which Flyway does not know")))?,
        script: row.try_get(4)?,
        checksum: row.try_get::<_, Option<i32>>(5)?.map(Checksum),
        installed_by: row.try_get(6)?,
        installed_on: row.try_get(7)?,
        execution_time: row.try_get(8)?,
        success: row.try_get(9)?,
    })
}

/// The key of Flyway's advisory lock for this table: a Flyway and a Belay exclude each other.
pub(crate) fn lock_key(table: &HistoryTable) -> i64 {
    /// The bytes of "Flyway".
    const FLYWAY: i64 = 77_431_708_279_161;
    let hash = table
        .to_string()
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    FLYWAY + i64::from(hash)
}

/// The statements that make the table and its index, with Flyway's names.
pub(crate) fn create_table(table: &HistoryTable, tablespace: Option<&str>) -> [String; 2] {
    let name = |suffix: &str| crate::session::quote_identifier(&format!("{}{suffix}", table.table));
    let (primary_key, success_index) = (name("_pk"), name("_s_idx"));
    let tablespace = tablespace.map_or_else(String::new, |name| {
        format!(" TABLESPACE {}", crate::session::quote_identifier(name))
    });
    let of_key = if tablespace.is_empty() { "" } else { " USING INDEX" };
    let create = format!(
        r#"CREATE TABLE {table} (
    "installed_rank" integer NOT NULL,
    "version" varchar(50),
    "description" varchar(200) NOT NULL,
    "type" varchar(20) NOT NULL,
    "script" varchar(1000) NOT NULL,
    "checksum" integer,
    "installed_by" varchar(100) NOT NULL,
    "installed_on" timestamp NOT NULL DEFAULT pg_catalog.now(),
    "execution_time" integer NOT NULL,
    "success" boolean NOT NULL,
    CONSTRAINT {primary_key} PRIMARY KEY ("installed_rank"){of_key}{tablespace}
){tablespace}"#
    );
    [
        create,
        format!(r#"CREATE INDEX {success_index} ON {table} ("success"){tablespace}"#),
    ]
}

/// The statement that writes a migration's row.
///
/// `execution_time` is an SQL expression in milliseconds.
pub(crate) fn insert_row(
    table: &HistoryTable,
    migration: &PlannedMigration,
    installed_by: Option<&str>,
    execution_time: &str,
) -> String {
    let version = migration
        .version
        .as_ref()
        .map_or_else(|| "NULL".to_owned(), |v| quote_literal(v.as_str()));
    let installed_by = installed_by.map_or_else(|| "CURRENT_USER".to_owned(), quote_literal);
    format!(
        "INSERT INTO {table} (\"installed_rank\", \"version\", \"description\", \"type\", \"script\", \"checksum\", \
         \"installed_by\", \"execution_time\", \"success\") VALUES ({}, {version}, {}, '{}', {}, {}, {installed_by}, \
         {execution_time}, true)",
        migration.rank,
        quote_literal(&shorten_description(&migration.description)),
        migration.kind.row_type(),
        quote_literal(&shorten_script(&migration.script)),
        migration.checksum,
    )
}

/// The statement that writes the row for schemas that were made.
pub(crate) fn insert_schema_row(
    table: &HistoryTable,
    rank: i32,
    schemas: &[String],
    installed_by: Option<&str>,
) -> String {
    let names: Vec<String> = schemas
        .iter()
        .map(|schema| crate::session::quote_identifier(schema))
        .collect();
    let installed_by = installed_by.map_or_else(|| "CURRENT_USER".to_owned(), quote_literal);
    format!(
        "INSERT INTO {table} (\"installed_rank\", \"version\", \"description\", \"type\", \"script\", \"checksum\", \
         \"installed_by\", \"execution_time\", \"success\") VALUES ({rank}, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', \
         {}, NULL, {installed_by}, 0, true)",
        quote_literal(&shorten_script(&names.join(",")))
    )
}

/// The statement that writes the row of a baseline.
pub(crate) fn insert_baseline_row(
    table: &HistoryTable,
    baseline: &PlannedBaseline,
    installed_by: Option<&str>,
) -> String {
    let installed_by = installed_by.map_or_else(|| "CURRENT_USER".to_owned(), quote_literal);
    let description = quote_literal(&shorten_description(&baseline.description));
    format!(
        "INSERT INTO {table} (\"installed_rank\", \"version\", \"description\", \"type\", \"script\", \"checksum\", \
         \"installed_by\", \"execution_time\", \"success\") VALUES ({}, {}, {description}, 'BASELINE', {}, NULL, \
         {installed_by}, 0, true)",
        PlannedBaseline::RANK,
        quote_literal(baseline.version.as_str()),
        quote_literal(&shorten_script(&baseline.description)),
    )
}

/// The row of a baseline, before it is written.
pub(crate) fn baseline_row(baseline: &PlannedBaseline) -> Applied {
    Applied {
        rank: PlannedBaseline::RANK,
        version: Some(baseline.version.clone()),
        description: shorten_description(&baseline.description),
        kind: RowKind::Baseline("BASELINE".to_owned()),
        script: shorten_script(&baseline.description),
        checksum: None,
        installed_by: String::new(),
        installed_on: String::new(),
        execution_time: 0,
        success: true,
    }
}

/// A description as the table has room for.
pub(crate) fn shorten_description(text: &str) -> String {
    match text.chars().count() {
        0..=200 => text.to_owned(),
        _ => format!("{}...", text.chars().take(197).collect::<String>()),
    }
}

/// A script's path as the table has room for: the end matters.
fn shorten_script(text: &str) -> String {
    match text.chars().count() {
        0..=1000 => text.to_owned(),
        n => format!("...{}", text.chars().skip(n - 997).collect::<String>()),
    }
}

/// The category that Flyway shows.
pub(crate) fn kind_of(version: Option<&Version>) -> MigrationKind {
    if version.is_some() {
        MigrationKind::Versioned
    } else {
        MigrationKind::Repeatable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: &str) -> HistoryTable {
        HistoryTable {
            schema: schema.to_owned(),
            table: "flyway_schema_history".to_owned(),
        }
    }

    #[test]
    fn k7_the_lock_key_is_flyways() {
        assert_eq!(lock_key(&table("public")), 77_433_833_903_597);
        assert_eq!(lock_key(&table("app")), 77_431_436_970_681);
        assert_eq!(lock_key(&table("flyway")), 77_432_057_852_442);
    }

    #[test]
    fn long_texts_are_shortened_as_flyway_does() {
        assert_eq!(shorten_description(&"d".repeat(200)).len(), 200);
        assert_eq!(shorten_description(&"é".repeat(201)), format!("{}...", "é".repeat(197)));
        assert_eq!(
            shorten_script(&format!("x{}", "s".repeat(1000))),
            format!("...{}", "s".repeat(997))
        );
    }
}
