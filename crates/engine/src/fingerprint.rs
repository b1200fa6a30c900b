//! The schema as facts, one for each object, so that a difference can be named. Findings only; never a verdict.

use std::collections::BTreeMap;

use belay_model::SchemaDigest;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::error::EngineError;

/// Every object of the database's own schemas (not extensions', not the journal, not the history), by kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(BTreeMap<String, String>);

impl Schema {
    /// The root: two schemas with one digest are the same, on one server version.
    #[must_use]
    pub fn digest(&self) -> SchemaDigest {
        let mut text = String::new();
        for (object, hash) in &self.0 {
            text.push_str(object);
            text.push(' ');
            text.push_str(hash);
            text.push('\n');
        }
        SchemaDigest::of(text.as_bytes())
    }

    /// What another schema has that this one has not (`+`), the reverse (`-`), and what differs (`~`), by object.
    #[must_use]
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let gone = self
            .0
            .keys()
            .filter(|object| !later.0.contains_key(*object))
            .map(|object| format!("- {object}"));
        let come = later.0.iter().filter_map(|(object, hash)| match self.0.get(object) {
            None => Some(format!("+ {object}")),
            Some(before) if before != hash => Some(format!("~ {object}")),
            Some(_) => None,
        });
        gone.chain(come).collect()
    }
}

/// Reads the facts in one statement, so in one snapshot; nothing if somebody holds a lock that keeps them from being read
/// (or they can't be read for another reason of the server's): a finding is not worth a run.
///
/// To be called last in a transaction: what the server prints of a definition depends on the search path, which is
/// emptied until the transaction ends.
pub(crate) async fn read(client: &Client) -> Result<Option<Schema>, EngineError> {
    client
        .batch_execute("SET LOCAL search_path = ''; SET LOCAL lock_timeout = '500ms'")
        .await?;
    match client.query_typed(FACTS, &[]).await {
        Ok(rows) => {
            let facts = rows
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<_, EngineError>>()?;
            Ok(Some(Schema(facts)))
        }
        Err(error) if error.as_db_error().is_some() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the facts in a transaction of its own.
pub(crate) async fn read_alone(client: &Client) -> Result<Option<Schema>, EngineError> {
    client
        .batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let schema = read(client).await?;
    client.batch_execute("ROLLBACK").await?;
    Ok(schema)
}

/// Names are qualified whatever the search path is, and no fact holds an OID: a restored database has the same.
const FACTS: &str = include_str!("fingerprint.sql");
