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

/// Reads the facts in one statement, so in one snapshot. To be called in a transaction: what the server prints of a
/// definition depends on the search path, which is emptied until the transaction ends.
pub(crate) async fn read(client: &Client) -> Result<Schema, EngineError> {
    client.batch_execute("SET LOCAL search_path = ''").await?;
    let rows = client.query_typed(FACTS, &[]).await?;
    let mut facts = BTreeMap::new();
    for row in &rows {
        facts.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(Schema(facts))
}

/// Reads the facts in a transaction of its own.
pub(crate) async fn read_alone(client: &Client) -> Result<Schema, EngineError> {
    client
        .batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let schema = read(client).await?;
    client.batch_execute("COMMIT").await?;
    Ok(schema)
}

/// Names are qualified whatever the search path is, and no fact holds an OID: a restored database has the same.
const FACTS: &str = include_str!("fingerprint.sql");
