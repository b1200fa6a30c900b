//! The schema as facts, one for each object, so that a difference can be named. Findings only; never a verdict.

use std::collections::{BTreeMap, HashSet};

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

    /// What another schema has that this one has not (`+`), the reverse (`-`), and what differs (`~`), by object. What
    /// belongs to a relation that came or went as a whole is not told by itself.
    #[must_use]
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let gone = apart(self.0.keys().filter(|object| !later.0.contains_key(*object)));
        let come = apart(later.0.keys().filter(|object| !self.0.contains_key(*object)));
        let changed = later
            .0
            .iter()
            .filter(|(object, hash)| self.0.get(*object).is_some_and(|before| before != *hash));
        let told = |sign: char| move |object: &String| format!("{sign} {object}");
        let gone = gone.into_iter().map(told('-'));
        gone.chain(come.into_iter().map(told('+')))
            .chain(changed.map(|(object, _)| object).map(told('~')))
            .collect()
    }
}

/// These objects without what belongs to one of them: columns, constraints, triggers, policies and rules of a relation.
fn apart<'a>(objects: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let objects: Vec<&String> = objects.collect();
    let relation = |object: &&'a String| {
        RELATIONS
            .iter()
            .find_map(|kind| object.strip_prefix(kind)?.strip_prefix(' '))
    };
    let relations: HashSet<&str> = objects.iter().filter_map(relation).collect();
    let is_part = |object: &&String| {
        let part = PARTS
            .iter()
            .find_map(|kind| object.strip_prefix(kind)?.strip_prefix(' '));
        part.is_some_and(|name| {
            name.match_indices('.')
                .any(|(dot, _)| name.get(..dot).is_some_and(|of| relations.contains(of)))
        })
    };
    objects.into_iter().filter(|object| !is_part(object)).collect()
}

const RELATIONS: [&str; 5] = ["table", "view", "materialized view", "foreign table", "sequence"];
const PARTS: [&str; 6] = ["column", "constraint", "trigger", "policy", "rule", "sequence settings"];

/// Reads the facts in one statement, so in one snapshot; nothing if somebody holds a lock that keeps them from being read
/// (or they can't be read for another reason of the server's): a finding is not worth a run.
///
/// To be called last in a transaction: what the server prints of a definition depends on the search path, which is
/// emptied until the transaction ends.
pub(crate) async fn read(client: &Client) -> Result<Option<Schema>, EngineError> {
    // What is polled together is sent together, in this order.
    let set = client.batch_execute("SET LOCAL search_path = ''; SET LOCAL lock_timeout = '500ms'");
    let (set, facts) = futures_util::join!(set, client.query_typed(FACTS, &[]));
    set?;
    match facts {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(facts: &[(&str, &str)]) -> Schema {
        Schema(
            facts
                .iter()
                .map(|(object, hash)| ((*object).to_owned(), (*hash).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn a_difference_names_what_a_person_would() {
        let before = schema(&[
            ("table a.t", "1"),
            ("column a.t.x", "1"),
            ("table a.gone", "1"),
            ("column a.gone.x", "1"),
        ]);
        let after = schema(&[
            ("table a.t", "1"),
            ("column a.t.x", "2"),
            ("column a.t.y", "1"),
            ("table a.new", "1"),
            ("column a.new.x", "1"),
            ("constraint a.new.new_pkey", "1"),
            ("index a.new_pkey", "1"),
        ]);
        assert_eq!(
            before.difference(&after),
            [
                "- table a.gone",
                "+ column a.t.y",
                "+ index a.new_pkey",
                "+ table a.new",
                "~ column a.t.x",
            ]
        );
        assert!(after.difference(&after).is_empty());
        assert_ne!(before.digest(), after.digest());
    }
}
