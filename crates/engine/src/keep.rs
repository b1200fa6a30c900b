//! What [`crate::keep`] must know of a run that it knows by its name only.

use belay_model::{HistoryTable, RunId};
use tokio_postgres::types::Type;

use crate::error::EngineError;
use crate::journal;
use crate::session::{Connect, Session};

/// The history that a run worked on, by its last attempt; nothing if this database's journal does not know the run.
///
/// # Errors
/// If the database can't be asked, or the journal has no table's name there.
pub async fn history_of_run(connect: &Connect, run: &RunId) -> Result<Option<HistoryTable>, EngineError> {
    let session = Session::open(connect, None).await?;
    let history = read(&session, run).await;
    session.close().await;
    history
}

async fn read(session: &Session, run: &RunId) -> Result<Option<HistoryTable>, EngineError> {
    let client = session.client();
    if !journal::exists(client).await? {
        return Ok(None);
    }
    let sql = "SELECT history FROM belay.run WHERE run = $1 ORDER BY attempt DESC LIMIT 1";
    let Some(row) = client.query_typed_opt(sql, &[(&run.as_str(), Type::TEXT)]).await? else {
        return Ok(None);
    };
    let name: String = row.try_get(0)?;
    let history = name.parse();
    history
        .map(Some)
        .map_err(|error| EngineError::TargetInvalid(format!("the journal's row of run {run} has no history: {error}")))
}
