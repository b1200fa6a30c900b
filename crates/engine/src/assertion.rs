//! Assertions: what must be true before the last COMMIT. A file of `verify/` holds if none of its statements fails and
//! every row whose first column is boolean has it true (M3).

use belay_model::{Code, Failure, Place, Problem};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::classify::StatementKind;
use crate::error::{EngineError, is_lock_wait, server_error};
use crate::placeholder::Placeholders;
use crate::script::Script;

/// What must not be in a file of `verify/`: it would leave the transaction that it is to guard.
pub(crate) fn problems(script: &Script) -> Vec<Problem> {
    let refused = script.kinds().enumerate().filter_map(|(index, kind)| match kind {
        StatementKind::Plain | StatementKind::Session | StatementKind::Procedure => None,
        _ => Some(index),
    });
    let control = refused.map(|index| Problem {
        code: Code::AssertionControl,
        place: Some(script.statement_place(index)),
        message: "an assertion runs in a read-only transaction of Belay's: it can't have transaction control, \
                  or a statement that needs its own"
            .to_owned(),
    });
    control.chain(script.problems()).collect()
}

/// Runs the assertions in the transaction that is open. The transaction is read only until they end.
///
/// # Errors
/// [`EngineError::Failed`] with the first that does not hold; the transaction is then to be rolled back.
pub(crate) async fn run(client: &Client, scripts: &[Script], placeholders: &Placeholders) -> Result<(), EngineError> {
    // A savepoint ends with what was set in it: after it the transaction may write again.
    client
        .batch_execute("SAVEPOINT belay_verify; SET TRANSACTION READ ONLY")
        .await?;
    for script in scripts {
        for index in 0..script.len() {
            run_statement(client, script, index, placeholders).await?;
        }
    }
    client
        .batch_execute("ROLLBACK TO SAVEPOINT belay_verify; RELEASE SAVEPOINT belay_verify")
        .await?;
    Ok(())
}

async fn run_statement(
    client: &Client,
    script: &Script,
    index: usize,
    placeholders: &Placeholders,
) -> Result<(), EngineError> {
    let place = script.statement_place(index);
    let rows = match client.query_typed(script.statement_sql(index), &[]).await {
        Ok(rows) => rows,
        Err(error) => {
            return Err(match error.as_db_error() {
                // Not an answer to the question that was asked.
                Some(db) if !is_lock_wait(db) && !crate::error::is_cancelled(db) => {
                    let failure = Failure {
                        server: Some(server_error(db)),
                        ..failed(place, "the assertion failed")
                    };
                    EngineError::Failed(Box::new(crate::report::mask(failure, placeholders)))
                }
                _ => error.into(),
            });
        }
    };
    let boolean = |row: &tokio_postgres::Row| {
        row.columns()
            .first()
            .is_some_and(|column| *column.type_() == Type::BOOL)
    };
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| boolean(row)) {
        let held: Option<bool> = row.try_get(0)?;
        if held != Some(true) {
            let said = held.map_or("null", |_| "false");
            let message = format!(
                "the assertion does not hold: row {} of {} has {said}",
                number + 1,
                rows.len()
            );
            return Err(EngineError::Failed(Box::new(crate::report::mask(
                failed(place, &message),
                placeholders,
            ))));
        }
    }
    Ok(())
}

fn failed(place: Place, message: &str) -> Failure {
    Failure::new(Code::AssertionFailed, message).at(place)
}
