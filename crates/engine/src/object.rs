//! Whether a schema is empty, as Flyway sees it.

use belay_model::{FlywaySettings, HistoryTable};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::EngineError;

/// The schemas that must be empty where there is no history.
pub(crate) fn schemas<'a>(flyway: &'a FlywaySettings, history: &'a HistoryTable) -> Vec<&'a str> {
    let named = flyway.schemas.iter().map(String::as_str);
    named.chain([history.schema.as_str()]).collect()
}

/// An object of one of these schemas, if there is one. What an extension made does not count.
pub(crate) async fn first(client: &Client, schemas: &[&str]) -> Result<Option<String>, EngineError> {
    let row = client
        .query_typed_opt(
            "WITH schemas AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])),
                  members AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e')
             SELECT object FROM (
                 SELECT oid, 'pg_class'::regclass AS class, 'relation ' || oid::regclass::text AS object
                 FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM schemas) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                 UNION ALL
                 SELECT oid, 'pg_proc'::regclass, 'function ' || oid::regprocedure::text
                 FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM schemas)
                 UNION ALL
                 SELECT oid, 'pg_type'::regclass, 'type ' || oid::regtype::text
                 FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM schemas) AND typtype IN ('d', 'e', 'r')
             ) objects
             WHERE NOT EXISTS (SELECT FROM members WHERE classid = class AND objid = oid) ORDER BY object LIMIT 1",
            &[(&schemas, Type::TEXT_ARRAY)],
        )
        .await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}
