//! The database lock: Flyway's key, at session level, on the one session that works (K7); and what a run left behind.

use std::time::Duration;

use belay_model::{HistoryTable, RunId};
use tokio::time::Instant;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::Type;

use crate::error::EngineError;
use crate::history::lock_key;
use crate::session::{Session, application_name, quote_literal};

/// How often a lock or a session is looked at again.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// How long an ended session may take to go.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(60);

/// Ends this run's other sessions, and waits until they are gone: what they were doing is then committed or is not.
///
/// Nobody else's session is touched.
pub(crate) async fn end_orphans(session: &Session, run: &RunId) -> Result<(), EngineError> {
    // As the role that logs in: the sessions are its own, and the target's set_role may not end them.
    let sql = format!(
        "BEGIN; SET LOCAL ROLE NONE;
         SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
         WHERE application_name = {} AND usename = session_user AND pid <> pg_catalog.pg_backend_pid();
         COMMIT",
        quote_literal(&application_name(run))
    );
    let patience = Instant::now() + ORPHAN_PATIENCE;
    loop {
        let answer = session.client().simple_query(&sql).await?;
        let counted = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        // What can't be read may be one that is left.
        let left: i64 = counted.unwrap_or(1);
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= patience {
            return Err(EngineError::OrphansStay(left));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Takes the lock, waiting for at most `patience`.
///
/// # Errors
/// [`EngineError::LockTimeout`] with whoever holds it.
pub(crate) async fn take(session: &Session, history: &HistoryTable, patience: Duration) -> Result<(), EngineError> {
    let key = lock_key(history);
    let end = Instant::now() + patience;
    loop {
        let taken: bool = session
            .client()
            .query_typed_one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[(&key, Type::INT8)])
            .await?
            .try_get(0)?;
        if taken {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(EngineError::LockTimeout {
                seconds: patience.as_secs(),
                holder: holder(session, key).await?,
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Whether the session still holds the lock: a file can drop it.
pub(crate) async fn is_held(session: &Session, history: &HistoryTable) -> Result<bool, EngineError> {
    let row = session
        .client()
        .query_typed_one(
            &format!("SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE {KEY} AND granted AND pid = pg_catalog.pg_backend_pid())"),
            &[(&lock_key(history), Type::INT8)],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// How `pg_locks` shows an advisory lock with a key of 64 bits.
const KEY: &str = "locktype = 'advisory' AND objsubid = 1
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND ((classid::int8 << 32) | objid::int8) = $1";

async fn holder(session: &Session, key: i64) -> Result<String, EngineError> {
    let row = session
        .client()
        .query_typed_opt(
            &format!(
                "SELECT 'session ' || pid || ' of ' || COALESCE(usename, '?') || ' (' || COALESCE(NULLIF(application_name, ''), 'no name')
                        || ', ' || COALESCE(state, 'unknown') || ' since ' || COALESCE(state_change::timestamptz(0)::text, '?') || ')'
                 FROM pg_catalog.pg_locks JOIN pg_catalog.pg_stat_activity USING (pid) WHERE {KEY} AND granted"
            ),
            &[(&key, Type::INT8)],
        )
        .await?;
    match row {
        Some(row) => Ok(row.try_get(0)?),
        None => Ok("a session that is gone by now".to_owned()),
    }
}
