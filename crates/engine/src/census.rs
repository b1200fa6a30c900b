//! What is in the database when its snapshot is taken, and whether a restored one has it (R1, R2).

use std::collections::BTreeMap;

use belay_model::{Compared, HistoryTable};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{EngineError, is_lock_wait};
use crate::session::{Connect, Session};
use crate::writes::{Horizon, now};

/// What was in a database, table by table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Census {
    /// Whether nobody else could write meanwhile. Only then are rows of others' tables counted, and is a table that came
    /// besides a difference.
    pub quiesced: bool,
    /// Every table, by quoted name.
    pub tables: BTreeMap<String, Counted>,
    /// The moment that it was on the server.
    pub horizon: Horizon,
}

/// What was seen of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counted {
    /// Whether our role could read it.
    pub readable: bool,
    /// Its rows, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// The largest table whose rows are counted. On RDS, a restored database reads each block from S3 the first time: about
/// 10 MB a second.
pub(crate) const TABLE_BYTES: i64 = 64 << 20;

/// How much is read to count rows, at most; small tables first.
pub(crate) const TOTAL_BYTES: i64 = 512 << 20;

/// How many tables are asked ahead.
const AHEAD: usize = 64;

/// Notes what is there. Rows are counted in the history and in the journal, and where `quiesced` in every table that is not
/// too large to be read twice.
///
/// # Errors
/// If the database can't be asked.
pub async fn take_census(connect: &Connect, history: &HistoryTable, quiesced: bool) -> Result<Census, EngineError> {
    let session = Session::open(connect, None).await?;
    let census = take(session.client(), history, quiesced).await;
    session.close().await;
    census
}

/// Compares what is there now with what was noted. Problems are sentences; none: all of it is there.
///
/// # Errors
/// If the database can't be asked.
pub async fn compare_census(connect: &Connect, noted: &Census) -> Result<(Compared, Vec<String>), EngineError> {
    let session = Session::open(connect, None).await?;
    let compared = compare(session.client(), noted).await;
    session.close().await;
    compared
}

/// A table as the catalog has it.
struct Table {
    name: String,
    bytes: i64,
    readable: bool,
}

/// Every table and materialized view, the smallest first. Partitions are tables; what is partitioned has no rows of its own. To
/// ask for a size waits for whoever holds the table, so it is asked only when nobody does.
async fn tables(client: &Client, sizes: bool) -> Result<Vec<Table>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), CASE WHEN $1 THEN COALESCE(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END,
                    pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
                    AND (c.relkind <> 'm' OR c.relispopulated)
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
             ORDER BY 2, 1",
            &[(&sizes, Type::BOOL)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Table {
                name: row.try_get(0)?,
                bytes: row.try_get(1)?,
                readable: row.try_get(2)?,
            })
        })
        .collect()
}

async fn take(client: &Client, history: &HistoryTable, quiesced: bool) -> Result<Census, EngineError> {
    let horizon = now(client).await?;
    let history = format!(
        "{}.{}",
        quote_name(client, &history.schema).await?,
        quote_name(client, &history.table).await?
    );
    let tables = tables(client, quiesced).await?;
    let mut left = TOTAL_BYTES;
    let mut chosen = Vec::new();
    for table in tables.iter().filter(|table| table.readable) {
        let always = table.name == history || table.name.starts_with("belay.");
        let sensible = quiesced && table.bytes <= TABLE_BYTES && table.bytes <= left;
        if always || sensible {
            left -= table.bytes;
            chosen.push(table.name.as_str());
        }
    }
    let mut rows = BTreeMap::new();
    for names in chosen.chunks(AHEAD) {
        for (name, counted) in names
            .iter()
            .zip(join_all(names.iter().map(|name| rows_of(client, name))).await)
        {
            // One that can't be counted now is one whose rows are not compared.
            if let Ok(counted) = usable(counted)? {
                rows.insert((*name).to_owned(), counted);
            }
        }
    }
    let counted = |table: Table| {
        let rows = rows.get(&table.name).copied();
        let readable = table.readable;
        (table.name, Counted { readable, rows })
    };
    Ok(Census {
        quiesced,
        horizon,
        tables: tables.into_iter().map(counted).collect(),
    })
}

async fn compare(client: &Client, noted: &Census) -> Result<(Compared, Vec<String>), EngineError> {
    let now: BTreeMap<String, bool> = tables(client, false)
        .await?
        .into_iter()
        .map(|table| (table.name, table.readable))
        .collect();
    let mut compared = Compared::default();
    let mut problems = Vec::new();
    let noted_tables: Vec<_> = noted.tables.iter().collect();
    for some in noted_tables.chunks(AHEAD) {
        let looks = some
            .iter()
            .map(|(name, counted)| look(client, name, counted, now.get(*name).copied()));
        for ((name, _), seen) in some.iter().zip(join_all(looks).await) {
            match seen? {
                Look::Problem(problem) => problems.push(format!("table {name} {problem}")),
                Look::Unread => {}
                Look::Read => compared.tables += 1,
                Look::Counted(rows) => {
                    compared.tables += 1;
                    compared.counted += 1;
                    compared.rows += rows;
                }
            }
        }
    }
    if noted.quiesced {
        let more = now.keys().filter(|name| !noted.tables.contains_key(*name));
        problems.extend(more.map(|name| format!("table {name} is there, and was not when the snapshot was taken")));
    }
    Ok((compared, problems))
}

/// What became of a table.
enum Look {
    Problem(String),
    /// It is there, and our role could not read it before either.
    Unread,
    Read,
    Counted(u64),
}

async fn look(client: &Client, name: &str, noted: &Counted, readable: Option<bool>) -> Result<Look, EngineError> {
    let seen = match (readable, noted.rows) {
        (None, _) => return Ok(Look::Problem("is missing".to_owned())),
        (Some(_), _) if !noted.readable => return Ok(Look::Unread),
        (Some(false), _) => return Ok(Look::Problem("can't be read any more".to_owned())),
        (Some(true), Some(_)) => usable(rows_of(client, name).await)?,
        (Some(true), None) => usable(first_row(client, name).await)?,
    };
    Ok(match (seen, noted.rows) {
        (Err(why), _) => Look::Problem(format!("can't be read: {why}")),
        (Ok(_), None) => Look::Read,
        (Ok(rows), Some(before)) if rows == before => Look::Counted(rows),
        (Ok(rows), Some(before)) => Look::Problem(format!("has {rows} rows, and had {before}")),
    })
}

async fn rows_of(client: &Client, name: &str) -> Result<u64, tokio_postgres::Error> {
    let row = client
        .query_typed_one(&format!("SELECT pg_catalog.count(*) FROM ONLY {name}"), &[])
        .await?;
    row.try_get::<_, i64>(0)
        .map(|rows| u64::try_from(rows).unwrap_or_default())
}

/// Reads one row, whatever is in it.
async fn first_row(client: &Client, name: &str) -> Result<u64, tokio_postgres::Error> {
    let sql = format!("SELECT pg_catalog.count(t) FROM (SELECT t FROM ONLY {name} t LIMIT 1) one (t)");
    client
        .query_typed_one(&sql, &[])
        .await?
        .try_get::<_, i64>(0)
        .map(|rows| u64::try_from(rows).unwrap_or_default())
}

/// An error that the server has about a table says something of that table; one of the connection says nothing.
fn usable(seen: Result<u64, tokio_postgres::Error>) -> Result<Result<u64, String>, EngineError> {
    match seen {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) => match error.as_db_error() {
            Some(db) if is_about_a_table(db) => Ok(Err(db.message().to_owned())),
            _ => Err(error.into()),
        },
    }
}

fn is_about_a_table(error: &tokio_postgres::error::DbError) -> bool {
    // 42 is what is missing or forbidden, XX001 and XX002 are damaged data.
    is_lock_wait(error)
        || error.code().code().starts_with("42")
        || matches!(error.code().code(), "XX001" | "XX002" | "58P01")
}

/// A name as the server quotes it.
async fn quote_name(client: &Client, name: &str) -> Result<String, EngineError> {
    let row = client
        .query_typed_one("SELECT pg_catalog.quote_ident($1)", &[(&name, Type::TEXT)])
        .await?;
    Ok(row.try_get(0)?)
}
