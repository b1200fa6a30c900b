//! `COPY … FROM STDIN`: its data is cut out of the file, as Flyway does it, and streamed to the server.

use std::io::Cursor;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use futures_util::SinkExt;
use squawk_lexer::{TokenKind, tokenize};
use tokio_postgres::{Client, CopyInSink};

use crate::apply::Applying;
use crate::message::Layout;
use crate::report;
use crate::script::Script;
use crate::stop::{At, Stop, stop};

/// How much of the data is handed over at once; the connection waits for the server before it takes more.
const PIECE_BYTES: usize = 64 << 10;

/// What is wrong where the statement has no semicolon.
pub(crate) const NO_SEMICOLON: &str =
    "COPY … FROM STDIN has no data: it needs a semicolon, the data on the lines below, and then a line with only \\.";

const NO_END: &str = "the data of COPY … FROM STDIN does not end: a line with only \\. is missing";

const FOLLOWED: &str = "what follows COPY … FROM STDIN on its line would never run; put it below the data";

/// The data below a `COPY … FROM STDIN` whose semicolon ends at this byte, and the first byte behind it. The data are the
/// lines from the next one to the first that is only `\.`, and are not SQL, whatever they look like.
///
/// # Errors
/// What is wrong.
pub(crate) fn below(sql: &str, after: usize) -> Result<(Range<usize>, usize), &'static str> {
    let mut lines = sql.get(after..).unwrap_or_default().split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is_blank(first) {
        return Err(FOLLOWED);
    }
    let start = after + first.len();
    let mut end = start;
    for line in lines {
        let next = end + line.len();
        if line.trim_matches(|c| c <= ' ') == "\\." {
            return Ok((start..end, next));
        }
        end = next;
    }
    Err(NO_END)
}

/// Whether there is nothing on a line that would run.
fn is_blank(line: &str) -> bool {
    tokenize(line).all(|token| {
        matches!(
            token.kind,
            TokenKind::Whitespace
                | TokenKind::LineComment
                | TokenKind::BlockComment { terminated: true }
                | TokenKind::Semi
        )
    })
}

/// What goes before a COPY: its table's lock, so that a wait for it ends in an ordinary message, after which the session
/// is as good as before. Whatever else is wrong with the table, the COPY itself says.
pub(crate) fn before(sql: &str) -> Vec<String> {
    let lock = |table: &str| {
        format!(
            "DO $belay$ BEGIN LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE; \
             EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RAISE; WHEN OTHERS THEN NULL; END $belay$"
        )
    };
    table(sql).into_iter().map(lock).collect()
}

/// The table that a COPY fills, as it is written; nothing if that is anything else than a name.
fn table(sql: &str) -> Option<&str> {
    let mut at = 0;
    let mut name: Option<Range<usize>> = None;
    for token in tokenize(sql) {
        let here = at..at + token.len as usize;
        at = here.end;
        let text = sql.get(here.clone())?;
        match token.kind {
            TokenKind::Whitespace => {}
            TokenKind::Ident
                if name.is_none() && ["COPY", "BINARY"].iter().any(|word| text.eq_ignore_ascii_case(word)) => {}
            TokenKind::Ident if text.eq_ignore_ascii_case("FROM") => break,
            TokenKind::OpenParen => break,
            TokenKind::Ident | TokenKind::QuotedIdent { .. } | TokenKind::Dot => {
                name = Some(name.map_or(here.start, |name| name.start)..here.end);
            }
            _ => return None,
        }
    }
    sql.get(name?).filter(|name| !name.contains("$belay$"))
}

/// Runs a COPY of a script with its data, in whatever transaction is open.
pub(crate) async fn run(applying: &Applying<'_>, script: &Arc<Script>, index: usize) -> Result<(), Stop> {
    let Applying { session, input, .. } = applying;
    let (sent, cancelled) = input
        .budget
        .answer(session, send(session.client(), script, index))
        .await?;
    let Err(Refused { error, began }) = sent else {
        return Ok(());
    };
    let place = match error.as_db_error() {
        Some(db) if db.position().is_some() => Layout::of_statement(script, index)
            .locate(db, 0)
            .unwrap_or_else(|| script.statement_place(index)),
        Some(db) => report::copied_line(db)
            .and_then(|line| script.data_place(index, line))
            .unwrap_or_else(|| script.statement_place(index)),
        None => script.statement_place(index),
    };
    Err(match stop(applying, error, cancelled, At::File(place)) {
        // The client has sent one Sync too many, so the session can't be gone on with.
        Stop::LockWait(error) if !began => Stop::Failed(error),
        stop => stop,
    })
}

struct Refused {
    error: tokio_postgres::Error,
    /// The server had asked for the data.
    began: bool,
}

async fn send(client: &Client, script: &Arc<Script>, index: usize) -> Result<(), Refused> {
    let refused = |began| move |error| Refused { error, began };
    let statement = client
        .prepare(script.statement_sql(index))
        .await
        .map_err(refused(false))?;
    let sink: CopyInSink<Cursor<Piece>> = client.copy_in(&statement).await.map_err(refused(false))?;
    let mut sink = pin!(sink);
    for bytes in pieces(script.data(index)) {
        let piece = Piece {
            script: Arc::clone(script),
            bytes,
        };
        sink.feed(Cursor::new(piece)).await.map_err(refused(true))?;
    }
    sink.finish().await.map_err(refused(true))?;
    Ok(())
}

/// Some of the data, where it is in the script: nothing is copied before it is on its way.
struct Piece {
    script: Arc<Script>,
    bytes: Range<usize>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        let text = self.script.sql().as_bytes();
        text.get(self.bytes.clone()).unwrap_or_default()
    }
}

fn pieces(data: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = data.end;
    data.step_by(PIECE_BYTES)
        .map(move |start| start..end.min(start + PIECE_BYTES))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_are_the_lines_up_to_one_with_only_the_end() {
        for (sql, expected) in [
            (";\n1\n2\n\\.\nrest", Ok("1\n2\n")),
            ("; -- why; not\n1\n\\.", Ok("1\n")),
            (";; /* x */ \n\\.\n", Ok("")),
            (";\r\n1\r\n \\.\t\r\nrest", Ok("1\r\n")),
            (
                ";\n'\n\"\n/*\n$$\n--;\n\\.x\n\\\\.\n\\.\n",
                Ok("'\n\"\n/*\n$$\n--;\n\\.x\n\\\\.\n"),
            ),
            (";\n1\n", Err(NO_END)),
            (";", Err(NO_END)),
            (";\n\\..\n", Err(NO_END)),
            ("; SELECT 1;\n\\.\n", Err(FOLLOWED)),
            ("; /* x\n*/\n\\.\n", Err(FOLLOWED)),
        ] {
            let found = below(sql, 1);
            assert_eq!(found.clone().map(|(data, _)| &sql[data]), expected, "{sql:?}");
            if let Ok((_, next)) = found {
                assert!(sql[next..].is_empty() || &sql[next..] == "rest", "{sql:?}");
            }
        }
    }

    #[test]
    fn the_table_is_as_it_is_written() {
        for (sql, expected) in [
            ("COPY t FROM STDIN", Some("t")),
            ("copy binary \"a.b\" . C (x, \"y\") from stdin", Some("\"a.b\" . C")),
            ("COPY public.t(a) FROM STDIN", Some("public.t")),
            ("COPY \"$belay$\" FROM STDIN", None),
            ("COPY U&\"!0074\" UESCAPE '!' FROM STDIN", None),
        ] {
            assert_eq!(table(sql), expected, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_all_of_the_data_in_order(start in 0..10_usize, length in 0..400_000_usize) {
            let mut at = start;
            for piece in pieces(start..start + length) {
                prop_assert_eq!(piece.start, at);
                prop_assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
                at = piece.end;
            }
            prop_assert_eq!(at, start + length);
        }
    }
}
