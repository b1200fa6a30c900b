//! What others wrote since the snapshot: rows of theirs that are there, so at least so many.
//!
//! A server numbers its transactions as they begin to write, and keeps with each row which one wrote it. A row is
//! somebody else's and missing in the snapshot if its transaction was not over when the snapshot was there, and has a
//! number from before this run's attempt was opened or after it was closed. In between, nobody can tell who wrote what in
//! this database; in others this run writes nothing.
//!
//! Not seen: rows that were deleted or written again, what our role may not read, and what takes too long to read.

use std::time::Duration;

use belay_model::{Attempt, HistoryTable, RunId, Writes};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::census::{TABLE_BYTES, TOTAL_BYTES};
use crate::error::EngineError;
use crate::journal::{self, attempt_number};
use crate::session::{Connect, Session};

/// A moment of a server: every transaction with a lower number was over by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Horizon(i64);

/// Rows keep 32 bits of the number. Where a server has had more transactions (less some, for those that come while it is
/// counted), an old row can look new.
const WRAPPED: Horizon = Horizon((1 << 32) - (1 << 20));

/// How long may be counted; a statement that is under way then is ended by [`STATEMENT_TIMEOUT`].
const PATIENCE: Duration = Duration::from_secs(20);

/// Milliseconds that one table may take.
const STATEMENT_TIMEOUT: &str = "5000";

/// The moment that it is on the server.
///
/// # Errors
/// If the database can't be asked.
pub async fn horizon(connect: &Connect) -> Result<Horizon, EngineError> {
    let session = Session::open(connect, None).await?;
    let now = now(session.client()).await;
    session.close().await;
    now
}

pub(crate) async fn now(client: &Client) -> Result<Horizon, EngineError> {
    let sql = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8";
    Ok(Horizon(client.query_typed_one(sql, &[]).await?.try_get(0)?))
}

/// What others wrote since the snapshot of a run's attempt, by database and table: at least so much. Nothing is said of a
/// server that does not know the attempt, nor of one that has numbered so many transactions that it began again.
///
/// # Errors
/// If the database can't be asked. Another database of the server that can't be is left out.
pub async fn writes_by_others(
    connect: &Connect,
    run: &RunId,
    attempt: Attempt,
    snapshot: Horizon,
) -> Result<Vec<Writes>, EngineError> {
    let mut count = Count {
        until: Instant::now() + PATIENCE,
        left: TOTAL_BYTES,
        snapshot,
        writes: Vec::new(),
    };
    let session = Session::open(connect, None).await?;
    let others = count.here(&session, connect, run, attempt).await;
    session.close().await;
    for database in others? {
        if count.is_over() {
            break;
        }
        // Not everybody is let in everywhere.
        let _ = count.elsewhere(connect, database).await;
    }
    Ok(count.writes)
}

/// A count under way.
struct Count {
    until: Instant,
    left: i64,
    snapshot: Horizon,
    writes: Vec<Writes>,
}

impl Count {
    /// Counts in the target's database. The other databases of the server.
    async fn here(
        &mut self,
        session: &Session,
        connect: &Connect,
        run: &RunId,
        attempt: Attempt,
    ) -> Result<Vec<String>, EngineError> {
        let client = session.client();
        if now(client).await? >= WRAPPED || !journal::exists(client).await? {
            return Ok(Vec::new());
        }
        let Some(Span {
            history,
            opened,
            closed,
        }) = span(client, run, attempt).await?
        else {
            return Ok(Vec::new());
        };
        let Horizon(snapshot) = self.snapshot;
        let before = opened.map(|opened| format!("x < {opened}"));
        let after = closed.map(|closed| format!("x > {closed}"));
        let outside: Vec<_> = before.into_iter().chain(after).collect();
        if !outside.is_empty() {
            let theirs = format!("x >= {snapshot} AND ({})", outside.join(" OR "));
            self.database(session, &connect.endpoint.database, history.as_ref(), &theirs)
                .await?;
        }
        let sql = "SELECT datname::text FROM pg_catalog.pg_database
                   WHERE datallowconn AND NOT datistemplate AND datname NOT IN (pg_catalog.current_database(), 'rdsadmin')
                     AND pg_catalog.has_database_privilege(session_user, oid, 'CONNECT') ORDER BY 1";
        let rows = client.query_typed(sql, &[]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn elsewhere(&mut self, connect: &Connect, database: String) -> Result<(), EngineError> {
        let mut connect = connect.clone();
        connect.endpoint.database.clone_from(&database);
        let session = Session::open(&connect, None).await?;
        let Horizon(snapshot) = self.snapshot;
        let theirs = format!("x >= {snapshot}");
        let counted = self.database(&session, &database, None, &theirs).await;
        session.close().await;
        counted
    }

    /// Counts the rows of each table whose transaction `x` is theirs.
    async fn database(
        &mut self,
        session: &Session,
        database: &str,
        history: Option<&HistoryTable>,
        theirs: &str,
    ) -> Result<(), EngineError> {
        let client = session.client();
        let timeout = format!("SET statement_timeout = {STATEMENT_TIMEOUT}");
        session.run(&timeout).await?;
        for (table, bytes, first_page) in tables(client, history, self.snapshot).await? {
            if self.left < bytes || self.is_over() {
                break;
            }
            self.left -= bytes;
            let sql = format!(
                "SELECT pg_catalog.count(*) FROM (SELECT xmin::text::int8 FROM ONLY {table} WHERE ctid >= '({first_page},0)') rows (x)
                 WHERE {theirs}"
            );
            let rows: i64 = match client.query_typed_one(&sql, &[]).await {
                Ok(row) => row.try_get(0)?,
                // Gone, locked, too slow, of a kind that does not know who wrote a row.
                Err(error) if error.as_db_error().is_some() => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(rows) = u64::try_from(rows).ok().filter(|rows| *rows > 0) {
                self.writes.push(Writes {
                    database: database.to_owned(),
                    table: Some(table),
                    rows,
                });
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// The transactions that an attempt may have written in: none before `opened`, none after `closed`.
struct Span {
    history: Option<HistoryTable>,
    /// Not known of an attempt that an earlier Belay opened.
    opened: Option<i64>,
    /// Nothing while it is open.
    closed: Option<i64>,
}

/// An attempt's span, if the attempt is known. Who closes it is the last who writes its row.
async fn span(client: &Client, run: &RunId, attempt: Attempt) -> Result<Option<Span>, EngineError> {
    let row = client
        .query_typed_opt(
            "SELECT history, opened_by, CASE WHEN state = 'closed' THEN xmin::text::int8 END FROM belay.run
             WHERE run = $1 AND attempt = $2",
            &[(&run.as_str(), Type::TEXT), (&attempt_number(attempt), Type::INT4)],
        )
        .await?;
    row.map(|row| {
        Ok(Span {
            history: row.try_get::<_, &str>(0)?.parse().ok(),
            opened: row.try_get(1)?,
            closed: row.try_get(2)?,
        })
    })
    .transpose()
}

/// Tables that can be read, but the history and the journal, the smallest first: what is read of each, and from which page
/// on. New rows of a large one are mostly at its end.
///
/// Without those that may have been written anew as a whole since the snapshot: then each row looks as if it were new. A
/// table whose file is not its first one was written anew or truncated once; its row in the catalog says since when it is
/// so at the latest.
async fn tables(
    client: &Client,
    history: Option<&HistoryTable>,
    Horizon(snapshot): Horizon,
) -> Result<Vec<(String, i64, i64)>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT name, LEAST(bytes, $1), GREATEST(bytes - $1, 0) / pg_catalog.current_setting('block_size')::int8
             FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), COALESCE(pg_catalog.pg_relation_size(c.oid), 0)
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'belay')
                     AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
                     AND c.oid IS DISTINCT FROM pg_catalog.to_regclass($2)
                     AND (c.relfilenode = c.oid OR c.xmin::text::int8 < $3)) seen (name, bytes)
             WHERE bytes > 0 ORDER BY bytes, name",
            &[
                (&TABLE_BYTES, Type::INT8),
                (&history.map(ToString::to_string), Type::TEXT),
                (&snapshot, Type::INT8),
            ],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}
