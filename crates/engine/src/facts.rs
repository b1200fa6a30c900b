//! What Plan must know of the server, the database and the role: one round trip.

use belay_model::{Code, FlywaySettings, Problem};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::EngineError;

/// The server, the database and the role.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) user: String,
    pub(crate) database: String,
    /// The history's schema: as it is set, else the connection's own.
    pub(crate) schema: Option<String>,
    pub(crate) search_path: String,
    pub(crate) version: i32,
    pub(crate) in_recovery: bool,
    /// About how many relations one transaction may create before the lock table is full.
    pub(crate) relation_cap: usize,
    pub(crate) may_create_schema: bool,
    pub(crate) timestamp: String,
    pub(crate) has_deferred_constraint: bool,
    pub(crate) history: HistoryFacts,
    pub(crate) journal: JournalFacts,
    /// Schemas that the settings name and that do not exist, the history's among them.
    pub(crate) missing_schemas: Vec<String>,
}

/// The history table, and what the role may do with it.
#[derive(Debug, Clone)]
pub(crate) struct HistoryFacts {
    pub(crate) exists: bool,
    /// Read it and add rows.
    pub(crate) may_add: bool,
    /// Correct rows and take some out as well.
    pub(crate) may_change: bool,
    /// Make it in the schema, if that is there.
    pub(crate) may_make: bool,
    pub(crate) schema_is_missing: bool,
}

/// The journal, and what the role may do with it.
#[derive(Debug, Clone)]
pub(crate) struct JournalFacts {
    pub(crate) exists: bool,
    /// It has all that this Belay writes; else it is an earlier one's, which gets the rest.
    pub(crate) is_complete: bool,
    pub(crate) schema_is_missing: bool,
    /// Make tables in its schema.
    pub(crate) may_fill: bool,
    /// Read and write the tables that are there.
    pub(crate) may_write: bool,
}

/// `$1` is the history's schema if it is set, `$2` its table, `$3` the other schemas.
const FACTS: &str = "
WITH place AS (SELECT COALESCE($1, pg_catalog.current_schema()::text) AS schema),
     named AS (SELECT schema, pg_catalog.quote_ident(schema) AS quoted,
                      pg_catalog.quote_ident(schema) || '.' || pg_catalog.quote_ident($2) AS history FROM place),
     seen AS (SELECT *, pg_catalog.to_regclass(history) AS regclass, pg_catalog.to_regnamespace(quoted) AS regnamespace,
                     pg_catalog.to_regnamespace('belay') AS belay FROM named)
SELECT current_user::text, pg_catalog.current_database()::text, schema,
       pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('server_version_num')::int4,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('max_locks_per_transaction')::int8
       * (pg_catalog.current_setting('max_connections')::int8
          + pg_catalog.current_setting('max_prepared_transactions')::int8) / 2 / 4,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
       EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE condeferred),
       regclass IS NOT NULL,
       COALESCE(pg_catalog.has_table_privilege(regclass, 'SELECT') AND pg_catalog.has_table_privilege(regclass, 'INSERT'), false),
       COALESCE(pg_catalog.has_table_privilege(regclass, 'UPDATE') AND pg_catalog.has_table_privilege(regclass, 'DELETE'), false),
       COALESCE(pg_catalog.has_schema_privilege(regnamespace, 'CREATE'), false),
       regnamespace IS NULL,
       pg_catalog.to_regclass('belay.applied') IS NOT NULL,
       pg_catalog.to_regclass('belay.change') IS NOT NULL,
       belay IS NULL,
       COALESCE(pg_catalog.has_schema_privilege(belay, 'CREATE'), false),
       COALESCE((SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(t, 'SELECT')
                     AND pg_catalog.has_table_privilege(t, 'INSERT')
                     AND pg_catalog.has_table_privilege(t, 'UPDATE')
                     AND pg_catalog.has_table_privilege(t, 'DELETE'))
                 FROM pg_catalog.unnest(ARRAY[pg_catalog.to_regclass('belay.run'), pg_catalog.to_regclass('belay.unit'),
                                              pg_catalog.to_regclass('belay.applied'), pg_catalog.to_regclass('belay.change')]) t
                 WHERE t IS NOT NULL), false),
       ARRAY(SELECT s FROM pg_catalog.unnest($3::text[] || schema) WITH ORDINALITY schemas (s, number)
             WHERE s IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = s)
             GROUP BY s ORDER BY min(number))
FROM seen";

impl Facts {
    pub(crate) async fn read(client: &Client, flyway: &FlywaySettings) -> Result<Self, EngineError> {
        let schema = flyway.default_schema.as_ref().or(flyway.schemas.first());
        let row = client
            .query_typed_one(
                FACTS,
                &[
                    (&schema, Type::TEXT),
                    (&flyway.table, Type::TEXT),
                    (&flyway.schemas, Type::TEXT_ARRAY),
                ],
            )
            .await?;
        Self::of(&row)
    }

    fn of(row: &Row) -> Result<Self, EngineError> {
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
            history: HistoryFacts {
                exists: row.try_get(10)?,
                may_add: row.try_get(11)?,
                may_change: row.try_get(12)?,
                may_make: row.try_get(13)?,
                schema_is_missing: row.try_get(14)?,
            },
            journal: JournalFacts {
                exists: row.try_get(15)?,
                is_complete: row.try_get(16)?,
                schema_is_missing: row.try_get(17)?,
                may_fill: row.try_get(18)?,
                may_write: row.try_get(19)?,
            },
            missing_schemas: row.try_get(20)?,
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

    /// Whether the role may make the journal, or write it as it is.
    pub(crate) fn may_journal(&self) -> bool {
        match &self.journal {
            journal if journal.exists => journal.may_write && (journal.is_complete || journal.may_fill),
            journal if journal.schema_is_missing => self.may_create_schema,
            journal => journal.may_fill,
        }
    }
}
