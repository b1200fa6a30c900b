//! From the server's error to a failure that names the file, the line and the statement.

use belay_model::{Code, Failure, Place};
use tokio_postgres::error::DbError;

use crate::error::server_error;
use crate::placeholder::Placeholders;

/// The line of a COPY's data that the server names, counted from 1: `COPY t, line 3, column a: "x"`.
pub(crate) fn copied_line(error: &DbError) -> Option<usize> {
    error.where_()?.lines().find_map(line_of_copy)
}

fn line_of_copy(context: &str) -> Option<usize> {
    let (_, behind) = context.strip_prefix("COPY ")?.split_once(", line ")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The failure of a migration's statement.
pub(crate) fn sql_failure(place: Place, error: &DbError, placeholders: &Placeholders) -> Failure {
    let server = server_error(error);
    let failure = Failure {
        server: Some(server),
        next: next_step(error).map(str::to_owned),
        ..Failure::new(Code::SqlFailed, "PostgreSQL refused a statement").at(place)
    };
    mask(failure, placeholders)
}

/// What only grouping causes (U2), and what only a transaction of ours causes.
fn next_step(error: &DbError) -> Option<&'static str> {
    match error.code().code() {
        "55P04" | "55006" => {
            Some("if the file works by itself, set transaction = \"each\" in the target and run again")
        }
        "42P07" if error.message().contains("pg_temp") => {
            Some("set transaction = \"each\" in the target and run again")
        }
        "25001" | "2D000" => Some(
            "put executeInTransaction=false into the file's .sql.conf: then it runs outside a transaction of Belay's",
        ),
        _ => None,
    }
}

/// The failure with every secret value of the placeholders masked.
pub(crate) fn mask(failure: Failure, placeholders: &Placeholders) -> Failure {
    let text = |text: String| placeholders.mask(&text);
    let place = failure.place.map(|place| Place {
        statement: place.statement.map(text),
        ..place
    });
    let server = failure.server.map(|server| belay_model::ServerError {
        sql_state: server.sql_state,
        message: text(server.message),
        detail: server.detail.map(text),
        hint: server.hint.map(text),
        context: server.context.map(text),
    });
    Failure {
        message: text(failure.message),
        place,
        server,
        ..failure
    }
}

/// What a guard of ours said, if it was one: the text behind `belay:`.
pub(crate) fn guard(error: &DbError) -> Option<Guard> {
    let (_, said) = error.message().split_once("belay:")?;
    let (kind, found) = said.split_once(' ').unwrap_or((said, ""));
    let found = found.trim_end_matches('"').to_owned();
    match kind {
        "attempt-closed" => Some(Guard::AttemptClosed(found)),
        "history-moved" => Some(Guard::HistoryMoved(moved(&found))),
        "transaction-lost" => Some(Guard::TransactionLost),
        _ => None,
    }
}

/// What the history is, in words.
fn moved(found: &str) -> String {
    match found {
        "empty" => "it is empty".to_owned(),
        "created" => "it was made meanwhile".to_owned(),
        "resumed" => "the half-done file is not where it was".to_owned(),
        found => match found.strip_prefix("row ") {
            Some(rank) => format!("its row with rank {rank} is not as it was"),
            None => format!("its highest rank is {found}"),
        },
    }
}

/// What a guard found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The attempt is not open: its state.
    AttemptClosed(String),
    /// The history is not as planned: what it is.
    HistoryMoved(String),
    /// The transaction of the mark is over.
    TransactionLost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_copy_is_read_from_its_context() {
        for (context, expected) in [
            ("COPY t, line 3, column a: \"x, line 4\"", Some(3)),
            ("COPY t, line 12: \"x\"", Some(12)),
            ("COPY t, line 7", Some(7)),
            ("PL/pgSQL function f() line 3 at RAISE", None),
            ("COPY t, Zeile 3", None),
        ] {
            assert_eq!(line_of_copy(context), expected, "{context}");
        }
    }
}
