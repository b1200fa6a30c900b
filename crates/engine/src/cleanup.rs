//! Cleanup: takes away what a lone file that failed has left, where that is sure; then the verdict may be *before* (L2, U3).
//!
//! Only what this run noted before it started a statement is looked for, and nothing that somebody may be building. To be
//! asked after Verify, which has closed the attempt; whatever it says, Verify is asked again.

use std::time::Duration;

use belay_model::{Plan, RunId, UnitKind};
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::budget::Budget;
use crate::building::may_be_built_on;
use crate::error::{EngineError, is_lock_wait};
use crate::gate::Gate;
use crate::journal;
use crate::lock::{self, POLL};
use crate::patience::Patience;
use crate::residue::{Leaves, Noted};
use crate::session::{Connect, Session, quote_identifier};

/// What Cleanup is asked.
#[derive(Clone, Copy)]
pub struct CleanupInput<'a> {
    /// How to log in, as the run that failed.
    pub connect: &'a Connect,
    /// Its plan.
    pub plan: &'a Plan,
    /// How long it may work.
    pub budget: Budget,
    /// Whether it may.
    pub gate: &'a dyn Gate,
}

/// How long Cleanup waits for the database lock: Verify has ended what this run left.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// Takes away what the run's failed lone files left, where that is sure. What was done, each in a sentence. Doing it again
/// is harmless.
///
/// # Errors
/// If the database can't be asked, or a lock can't be had. What was done until then stays done.
pub async fn cleanup(input: CleanupInput<'_>) -> Result<Vec<String>, EngineError> {
    let session = Session::open(input.connect, None).await?;
    let cleaned = clean(&session, input).await;
    session.close().await;
    cleaned
}

async fn clean(session: &Session, input: CleanupInput<'_>) -> Result<Vec<String>, EngineError> {
    let CleanupInput { connect, plan, .. } = input;
    let client = session.client();
    look_at_gate(input).await?;
    lock::end_orphans(session, &connect.run).await?;
    lock::take(session, &plan.history, LOCK_PATIENCE).await?;
    if !journal::exists(client).await? {
        return Ok(Vec::new());
    }
    journal::close_attempts(client, &connect.run).await?;
    let mut cleaned = Vec::new();
    for unit in started(client, &connect.run).await? {
        cleaned.extend(settle(client, input, &unit).await?);
    }
    cleaned.extend(take_back_setup(client, input).await?);
    Ok(cleaned)
}

/// K3.
async fn look_at_gate(input: CleanupInput<'_>) -> Result<(), EngineError> {
    let open = input.gate.check().await;
    open.map_err(|failure| EngineError::Gate(Box::new(failure)))
}

/// A lone file whose last statement was started and has no known end.
struct Started {
    attempt: i32,
    unit: i32,
    script: String,
    statement: i32,
    noted: Noted,
}

/// The run's, with what was noted. One without a note (of an earlier Belay, or a kind that nobody can tell) stays as it is.
async fn started(client: &Client, run: &RunId) -> Result<Vec<Started>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT attempt, unit, script, statement, pg_catalog.to_jsonb(u) ->> 'residue' FROM belay.unit u
             WHERE run = $1 AND state = 'open' AND kind = 'lone' AND progress = 'started' ORDER BY attempt, unit",
            &[(&run.as_str(), Type::TEXT)],
        )
        .await?;
    let mut units = Vec::new();
    for row in &rows {
        let noted: Option<String> = row.try_get(4)?;
        if let Some(noted) = noted.and_then(|noted| serde_json::from_str(&noted).ok()) {
            units.push(Started {
                attempt: row.try_get(0)?,
                unit: row.try_get(1)?,
                script: row.try_get(2)?,
                statement: row.try_get(3)?,
                noted,
            });
        }
    }
    Ok(units)
}

/// Finds out what became of the statement, takes away what it left, and notes how far the file is.
async fn settle(client: &Client, input: CleanupInput<'_>, unit: &Started) -> Result<Option<String>, EngineError> {
    let what = format!("{}: statement {}", unit.script, unit.statement);
    let (statement, progress) = (unit.noted.back.0, unit.noted.back.1.as_str());
    match left_behind(client, input, &unit.noted).await? {
        Left::Unsure => Ok(None),
        Left::Nothing => {
            note(client, input, unit, statement, progress).await?;
            Ok(Some(format!("{what} left nothing behind")))
        }
        Left::Done(index) => {
            note(client, input, unit, unit.statement, "done").await?;
            Ok(Some(format!(
                "{what} had made index {index} before it was cut off; it is noted as done"
            )))
        }
        Left::Invalid(indexes) => {
            for index in &indexes {
                if !drop_index(client, input, index).await? {
                    return Ok(None);
                }
            }
            note(client, input, unit, statement, progress).await?;
            let names: Vec<_> = indexes.iter().map(|index| index.name.as_str()).collect();
            Ok(Some(format!(
                "{what} had left the INVALID index {}; it is dropped",
                names.join(", ")
            )))
        }
    }
}

async fn note(
    client: &Client,
    input: CleanupInput<'_>,
    unit: &Started,
    statement: i32,
    progress: &str,
) -> Result<(), EngineError> {
    client
        .execute_typed(
            "UPDATE belay.unit SET statement = $5, progress = $6, residue = NULL
             WHERE run = $1 AND attempt = $2 AND unit = $3 AND state = 'open' AND progress = 'started' AND statement = $4",
            &[
                (&input.connect.run.as_str(), Type::TEXT),
                (&unit.attempt, Type::INT4),
                (&unit.unit, Type::INT4),
                (&unit.statement, Type::INT4),
                (&statement, Type::INT4),
                (&progress, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}

/// Whether a unit's statement that was started and refused has left nothing, for sure. Nothing is taken away.
///
/// # Errors
/// If the database can't be asked.
pub(crate) async fn left_nothing(client: &Client, input: CleanupInput<'_>, unit: usize) -> Result<bool, EngineError> {
    let mut started = started(client, &input.connect.run).await?;
    started.retain(|started| usize::try_from(started.unit) == Ok(unit));
    let [only] = started.as_slice() else { return Ok(false) };
    Ok(matches!(left_behind(client, input, &only.noted).await?, Left::Nothing))
}

/// What a statement left.
enum Left {
    Nothing,
    /// It succeeded: this index is there and valid.
    Done(String),
    /// Indexes that are INVALID, and that nobody is building.
    Invalid(Vec<Index>),
    /// It can't be told, or somebody is at work.
    Unsure,
}

/// An index that was not there when the statement started.
struct Index {
    oid: u32,
    /// Qualified and quoted.
    name: String,
    /// As the catalog has it.
    bare: String,
    valid: bool,
}

async fn left_behind(client: &Client, input: CleanupInput<'_>, noted: &Noted) -> Result<Left, EngineError> {
    let table = match (noted.leaves, noted.table) {
        // Without what it names the statement can only have been refused.
        (Leaves::Nothing, _) | (_, None) => return Ok(Left::Nothing),
        (Leaves::Gone, Some(index)) if is_valid(client, index).await? => return Ok(Left::Nothing),
        (Leaves::Gone, Some(_)) => return Ok(Left::Unsure),
        (_, Some(table)) => table,
    };
    if !is_quiet(client, input, table).await? {
        return Ok(Left::Unsure);
    }
    let mut new = new_indexes(client, table, &noted.indexes).await?;
    if let Some(name) = &noted.name {
        new.retain(|index| index.bare == *name);
    }
    let (valid, invalid): (Vec<Index>, Vec<Index>) = new.into_iter().partition(|index| index.valid);
    Ok(match (noted.leaves, valid.first(), invalid.as_slice()) {
        (_, None, []) => Left::Nothing,
        (Leaves::Index, Some(index), []) if noted.name.is_some() => Left::Done(index.name.clone()),
        (Leaves::Index, None, [_]) => Left::Invalid(invalid),
        // The name that the server gives to what a rebuild has not swapped in.
        (Leaves::Twins, None, twins) if twins.iter().all(|index| index.bare.contains("_ccnew")) => {
            Left::Invalid(invalid)
        }
        (Leaves::Twins, Some(index), []) => Left::Done(index.name.clone()),
        // Without a name, somebody else's index looks the same.
        _ => Left::Unsure,
    })
}

/// Whether an index is as good as ever: what begins to drop one makes it INVALID first.
async fn is_valid(client: &Client, index: u32) -> Result<bool, EngineError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = $1 AND indisvalid AND indislive)";
    Ok(client.query_typed_one(sql, &[(&index, Type::OID)]).await?.try_get(0)?)
}

/// Whether nobody builds an index on the table.
async fn is_quiet(client: &Client, input: CleanupInput<'_>, table: u32) -> Result<bool, EngineError> {
    let end = Instant::now() + Duration::from_secs(input.connect.locks.budget_s.into());
    loop {
        let asked = format!("SELECT {}", may_be_built_on("$1"));
        let busy: bool = client
            .query_typed_one(&asked, &[(&table, Type::OID)])
            .await?
            .try_get(0)?;
        if !busy {
            return Ok(true);
        }
        if input.budget.is_over() || Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The indexes of a table, and of what it stores out of line, that are none of these.
async fn new_indexes(client: &Client, table: u32, known: &[u32]) -> Result<Vec<Index>, EngineError> {
    let rows = client
        .query_typed(
            "SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relname::text, i.indisvalid
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_catalog.pg_class t ON i.indrelid IN (t.oid, t.reltoastrelid)
             WHERE t.oid = $1 AND c.oid <> ALL ($2) ORDER BY c.oid",
            &[(&table, Type::OID), (&known, Type::OID_ARRAY)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Index {
                oid: row.try_get(0)?,
                name: row.try_get(1)?,
                bare: row.try_get(2)?,
                valid: row.try_get(3)?,
            })
        })
        .collect()
}

/// Drops an INVALID index, waiting for those who use its table. Whether it is gone: what the server refuses stays.
async fn drop_index(client: &Client, input: CleanupInput<'_>, index: &Index) -> Result<bool, EngineError> {
    let mut patience = Patience::new(input.connect.locks);
    loop {
        look_at_gate(input).await?;
        if !is_invalid(client, index).await? {
            return Ok(false);
        }
        // A name can't be another index's while this one has it.
        let error = match client
            .batch_execute(&format!("DROP INDEX CONCURRENTLY {}", index.name))
            .await
        {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        match error.as_db_error() {
            Some(db) if is_lock_wait(db) && !input.budget.is_over() => patience.wait(error.into()).await?,
            Some(db) if db.code().code().starts_with("42") => return Ok(false),
            _ => return Err(error.into()),
        }
    }
}

async fn is_invalid(client: &Client, index: &Index) -> Result<bool, EngineError> {
    let row = client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = $1 AND NOT i.indisvalid
                            AND pg_catalog.to_regclass($2) = i.indexrelid)",
            &[(&index.oid, Type::OID), (&index.name, Type::TEXT)],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// U3: the schemas and the history that were made for a first lone file, if nothing else came.
async fn take_back_setup(client: &Client, input: CleanupInput<'_>) -> Result<Option<String>, EngineError> {
    let CleanupInput { connect, plan, .. } = input;
    let is_lone = plan.units.first().is_some_and(|unit| unit.kind == UnitKind::Lone);
    if !plan.prepares() || !is_lone || !made_nothing_else(client, input).await? {
        return Ok(None);
    }
    look_at_gate(input).await?;
    let history = &plan.history;
    let mut statements = vec![
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned(),
        format!("LOCK TABLE {history} IN ACCESS EXCLUSIVE MODE"),
    ];
    // A row that came besides: the division fails, and everything stays.
    let alone = |rows: &str| {
        format!("SELECT 1 / (CASE WHEN pg_catalog.count(*) = 0 THEN 1 ELSE 0 END) FROM {history} WHERE {rows}")
    };
    match (plan.history_exists, plan.schema_rank()) {
        (true, rank) => {
            let rank = rank.unwrap_or_default();
            statements.push(alone(&format!("\"installed_rank\" > {rank}")));
            statements.push(format!(
                "DELETE FROM {history} WHERE \"installed_rank\" = {rank} AND \"type\" = 'SCHEMA'"
            ));
        }
        (false, _) => {
            statements.push(alone("\"type\" NOT IN ('SCHEMA', 'BASELINE')"));
            statements.push(format!("DROP TABLE {history} RESTRICT"));
        }
    }
    let schemas = plan.create_schemas.iter().rev();
    statements.extend(schemas.map(|schema| format!("DROP SCHEMA {} RESTRICT", quote_identifier(schema))));
    statements.push(format!(
        "DELETE FROM belay.applied WHERE run = '{}' AND script = ''",
        connect.run
    ));
    statements.push("COMMIT".to_owned());
    let Err(error) = client.batch_execute(&statements.join(";\n")).await else {
        return Ok(Some(match plan.create_schemas.as_slice() {
            [] => format!("{history} is taken back: nothing had come into it"),
            made if plan.history_exists => {
                format!("schema {} is taken back: nothing had come into it", made.join(", "))
            }
            made => format!(
                "schema {} and {history} are taken back: nothing had come into them",
                made.join(", ")
            ),
        }));
    };
    if error.as_db_error().is_none() {
        return Err(error.into());
    }
    // Somebody else's object is in the schema, or the history is in use: that it was made stays true.
    client.batch_execute("ROLLBACK").await?;
    Ok(None)
}

/// Whether the schemas are all that the run has made: no row of a file, and no file of which anything is done.
async fn made_nothing_else(client: &Client, input: CleanupInput<'_>) -> Result<bool, EngineError> {
    let row = client
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM belay.applied WHERE run = $1 AND script = '')
                AND NOT EXISTS (SELECT FROM belay.applied WHERE run = $1 AND script <> '')
                AND NOT EXISTS (SELECT FROM belay.unit WHERE run = $1 AND state = 'open' AND (kind <> 'lone' OR progress <> 'none'))
                AND pg_catalog.to_regclass($2) IS NOT NULL",
            &[
                (&input.connect.run.as_str(), Type::TEXT),
                (&input.plan.history.to_string(), Type::TEXT),
            ],
        )
        .await?;
    Ok(row.try_get(0)?)
}
