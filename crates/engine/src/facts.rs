//! What Plan must know of the server, the database and the role: one round trip.

use belay_model::{Code, Problem};
use tokio_postgres::Client;

use crate::error::EngineError;

/// The server, the database and the role.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) schema: Option<String>,
    pub(crate) search_path: String,
    pub(crate) version: i32,
    pub(crate) in_recovery: bool,
    /// About how many relations one transaction may create before the lock table is full.
    pub(crate) relation_cap: usize,
    pub(crate) may_create_schema: bool,
    pub(crate) timestamp: String,
    pub(crate) has_deferred_constraint: bool,
}

impl Facts {
    pub(crate) async fn read(client: &Client) -> Result<Self, EngineError> {
        let row = client
            .query_typed_one(
                "SELECT current_user::text, pg_catalog.current_database()::text, pg_catalog.current_schema()::text,
                        pg_catalog.current_setting('search_path'),
                        pg_catalog.current_setting('server_version_num')::int4,
                        pg_catalog.pg_is_in_recovery(),
                        (pg_catalog.current_setting('max_locks_per_transaction')::int8
                         * (pg_catalog.current_setting('max_connections')::int8
                            + pg_catalog.current_setting('max_prepared_transactions')::int8) / 2 / 4),
                        pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
                        pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                        EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE condeferred)",
                &[],
            )
            .await?;
        let relation_cap: i64 = row.try_get(6)?;
        Ok(Self {
            user: row.try_get(0)?,
            database: row.try_get(1)?,
            schema: row.try_get(2)?,
            search_path: row.try_get(3)?,
            version: row.try_get(4)?,
            in_recovery: row.try_get(5)?,
            relation_cap: usize::try_from(relation_cap).unwrap_or(usize::MAX),
            may_create_schema: row.try_get(7)?,
            timestamp: row.try_get(8)?,
            has_deferred_constraint: row.try_get(9)?,
        })
    }

    /// Why no plan can be made for this server at all.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let problem = |message: &str| Problem {
            code: Code::ServerUnfit,
            place: None,
            message: message.to_owned(),
        };
        let mut problems = Vec::new();
        if self.in_recovery {
            problems.push(problem(
                "the server is in recovery: the target's endpoint must be the writer",
            ));
        }
        if self.version < 140_000 {
            problems.push(problem(
                "the server is older than PostgreSQL 14, and would not notice that a client is gone",
            ));
        }
        problems
    }
}
