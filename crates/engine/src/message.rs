//! A message to the server: statements of ours and texts of files one after the other, and the way back from an error to
//! its file.

use std::ops::Range;
use std::sync::Arc;

use belay_model::Place;
use futures_util::TryStreamExt;
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use crate::script::Script;

/// A message under way to being sent.
#[derive(Debug, Default)]
pub(crate) struct Message {
    sql: String,
    layout: Layout,
    /// How much of the text has been counted: its bytes, and the characters in them.
    counted: (usize, usize),
}

/// What a message was made of.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    parts: Vec<Part>,
    /// How many statements there are.
    statements: usize,
}

/// A file's text in a message.
#[derive(Debug)]
struct Part {
    script: Arc<Script>,
    bytes: Range<usize>,
    statements: Range<usize>,
    /// Characters before it.
    first_char: usize,
    /// Statements before it.
    first_statement: usize,
}

impl Message {
    /// Adds statements of ours: each is one.
    pub(crate) fn ours<'s>(&mut self, statements: impl IntoIterator<Item = &'s String>) {
        for statement in statements {
            self.sql.push_str(statement);
            self.sql.push_str(";\n");
            self.layout.statements += 1;
        }
    }

    /// Adds whole statements of a file.
    pub(crate) fn file(&mut self, script: &Arc<Script>, bytes: Range<usize>, statements: Range<usize>) {
        let (bytes_before, chars_before) = self.counted;
        let since = self.sql.get(bytes_before..).unwrap_or_default();
        self.counted = (self.sql.len(), chars_before + since.chars().count());
        self.sql.push_str(script.sql().get(bytes.clone()).unwrap_or_default());
        // The file may end in a comment, or without a semicolon.
        self.sql.push_str("\n;");
        self.layout.parts.push(Part {
            script: Arc::clone(script),
            first_char: self.counted.1,
            first_statement: self.layout.statements,
            bytes,
            statements: statements.clone(),
        });
        self.layout.statements += statements.len();
    }

    /// Adds one statement of a file.
    pub(crate) fn statement(&mut self, script: &Arc<Script>, index: usize) {
        let statement = script.statements().get(index);
        let bytes = statement.map_or(0..0, |statement| statement.start..statement.end);
        self.file(script, bytes, index..index + 1);
    }

    /// How many statements there are until now.
    pub(crate) fn statements(&self) -> usize {
        self.layout.statements
    }

    /// What the server gets, and the way back.
    pub(crate) fn finish(self) -> (String, Layout) {
        (self.sql, self.layout)
    }
}

impl Layout {
    /// A statement of a file that is sent by itself.
    pub(crate) fn of_statement(script: &Arc<Script>, index: usize) -> Self {
        let mut message = Message::default();
        message.statement(script, index);
        message.layout
    }

    /// Where an error happened: by the server's position, else by how many statements had completed. Nothing if it was in
    /// a statement of ours.
    pub(crate) fn locate(&self, error: &DbError, completed: usize) -> Option<Place> {
        self.by_position(error).or_else(|| self.by_count(completed))
    }

    fn by_position(&self, error: &DbError) -> Option<Place> {
        let Some(ErrorPosition::Original(position)) = error.position() else {
            return None;
        };
        // Characters, from 1, of the whole message.
        let chars = usize::try_from(*position).ok()?.checked_sub(1)?;
        let part = self.parts.iter().rev().find(|part| part.first_char <= chars)?;
        let sent = part.script.sql().get(part.bytes.clone())?;
        let mut offsets = sent.char_indices().map(|(at, _)| at).chain([sent.len()]);
        let offset = offsets.nth(chars - part.first_char)?;
        Some(part.script.byte_place(part.bytes.start + offset))
    }

    fn by_count(&self, completed: usize) -> Option<Place> {
        let mut parts = self.parts.iter();
        let part = parts
            .find(|part| (part.first_statement..part.first_statement + part.statements.len()).contains(&completed))?;
        let index = part.statements.start + completed - part.first_statement;
        Some(part.script.statement_place(index))
    }
}

/// Reads a message's answer to its end or its first error: the text of the row that was asked for, and how many statements
/// were completed.
pub(crate) async fn read(
    stream: SimpleQueryStream,
    asks: Option<usize>,
) -> (Result<Option<String>, tokio_postgres::Error>, usize) {
    let mut stream = std::pin::pin!(stream);
    let (mut completed, mut text) = (0, None);
    loop {
        match stream.try_next().await {
            Ok(Some(SimpleQueryMessage::CommandComplete(_))) => completed += 1,
            Ok(Some(SimpleQueryMessage::Row(row))) if asks == Some(completed) => {
                text = row.get(0).map(str::to_owned);
            }
            Ok(Some(_)) => {}
            Ok(None) => return (Ok(text), completed),
            Err(error) => return (Err(error), completed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(path: &str, sql: &str) -> Arc<Script> {
        Arc::new(Script::new(path, sql.to_owned(), None).unwrap())
    }

    #[test]
    fn a_message_leads_back_to_its_files() {
        let (a, b) = (
            script("a.sql", "SELECT 'é'; SELECT 2"),
            script("b.sql", "-- b\nSELECT 3"),
        );
        let mut message = Message::default();
        message.ours(&["BEGIN".to_owned()]);
        message.file(&a, 0..a.sql().len(), 0..a.len());
        message.file(&b, 0..b.sql().len(), 0..b.len());
        message.ours(&["COMMIT".to_owned()]);
        assert_eq!(message.statements(), 5);
        let (sql, layout) = message.finish();
        assert_eq!(sql, "BEGIN;\nSELECT 'é'; SELECT 2\n;-- b\nSELECT 3\n;COMMIT;\n");
        let told: Vec<_> = (0..6)
            .map(|completed| layout.by_count(completed).map(|place| place.to_string()))
            .collect();
        let place = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [None, place("a.sql:1"), place("a.sql:1"), place("b.sql:2"), None, None]
        );
    }
}
