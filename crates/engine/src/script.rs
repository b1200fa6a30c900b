//! A file made ready to run: placeholders replaced, statements told apart, and the way back to its lines.

use std::ops::Range;

use belay_model::{Code, Place, Problem};

use crate::classify::{StatementKind, mentions};
use crate::placeholder::{Placeholders, Replaced};
use crate::statement::{SplitError, Statement, split};

/// Whole statements of a file, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Their text.
    pub(crate) bytes: Range<usize>,
    /// Which they are.
    pub(crate) statements: Range<usize>,
    /// It is one `COPY … FROM STDIN`, which is sent with its data.
    pub(crate) is_copy: bool,
}

/// A file made ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// The path in the bundle.
    pub(crate) path: String,
    /// As it is in the bundle; nothing if it is what the server gets.
    raw: Option<String>,
    text: Replaced,
    statements: Vec<Statement>,
}

impl Script {
    /// Replaces the placeholders of a file (unless told not to) and splits it.
    ///
    /// # Errors
    /// A problem with its place: an unknown placeholder, or something that does not end.
    pub(crate) fn new(path: &str, raw: String, placeholders: Option<&Placeholders>) -> Result<Self, Problem> {
        let file_name = path.rsplit('/').next().unwrap_or(path);
        let replaced = match placeholders {
            None => None,
            Some(placeholders) => placeholders.replace(&raw, file_name).map_err(|unknown| Problem {
                code: Code::PlaceholderUnknown,
                place: Some(place_of(path, &raw, unknown.at, None)),
                message: format!("no value for placeholder {}", unknown.shown),
            })?,
        };
        let (raw, text) = match replaced {
            Some(text) => (Some(raw), text),
            None => (None, Replaced::verbatim(raw)),
        };
        let mut script = Self {
            path: path.to_owned(),
            raw,
            text,
            statements: Vec::new(),
        };
        match split(script.sql()) {
            Ok(statements) => script.statements = statements,
            Err(error) => {
                return Err(Problem {
                    code: match error {
                        SplitError::Unterminated { .. } => Code::Unterminated,
                        SplitError::Continued { .. } => Code::StringSyntax,
                        SplitError::Copy { .. } => Code::CopyFromStdin,
                    },
                    place: Some(script.place_of(error.at(), None)),
                    message: error.to_string(),
                });
            }
        }
        Ok(script)
    }

    /// Where a byte of what the server gets is in the file.
    fn place_of(&self, at: usize, statement: Option<String>) -> Place {
        let raw = self.raw.as_deref().unwrap_or(self.sql());
        place_of(&self.path, raw, self.text.raw_offset(at), statement)
    }

    /// What the server gets.
    pub(crate) fn sql(&self) -> &str {
        &self.text.sql
    }

    /// How many statements there are.
    pub(crate) fn len(&self) -> usize {
        self.statements.len()
    }

    /// The statements, in order.
    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Each statement's kind, in order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = StatementKind> {
        self.statements.iter().map(|statement| statement.nature.kind)
    }

    /// The text of one statement.
    pub(crate) fn statement_sql(&self, index: usize) -> &str {
        self.statements
            .get(index)
            .and_then(|s| self.sql().get(s.start..s.end))
            .unwrap_or_default()
    }

    /// The bytes of the data of a `COPY … FROM STDIN`.
    pub(crate) fn data(&self, index: usize) -> Range<usize> {
        let statement = self.statements.get(index);
        statement.and_then(|s| s.data.clone()).unwrap_or_default()
    }

    /// The file cut into chunks of whole statements of at most `limit` bytes each (a longer statement is a chunk by
    /// itself); each `COPY … FROM STDIN` is a chunk by itself, and is never the last.
    pub(crate) fn chunks(&self, limit: usize) -> Vec<Chunk> {
        let has_data = self.statements.iter().any(|statement| statement.data.is_some());
        if !has_data && (self.sql().len() <= limit || self.statements.is_empty()) {
            return vec![Chunk {
                bytes: 0..self.sql().len(),
                statements: 0..self.statements.len(),
                is_copy: false,
            }];
        }
        let mut chunks: Vec<Chunk> = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            let is_copy = statement.data.is_some();
            match chunks.last_mut() {
                Some(chunk) if !is_copy && !chunk.is_copy && statement.end - chunk.bytes.start <= limit => {
                    chunk.bytes.end = statement.end;
                    chunk.statements.end = index + 1;
                }
                _ => chunks.push(Chunk {
                    bytes: statement.start..statement.end,
                    statements: index..index + 1,
                    is_copy,
                }),
            }
        }
        if let Some(copy) = chunks.last().filter(|chunk| chunk.is_copy) {
            chunks.push(Chunk {
                bytes: copy.bytes.end..copy.bytes.end,
                statements: copy.statements.end..copy.statements.end,
                is_copy: false,
            });
        }
        chunks
    }

    /// The file as a whole.
    pub(crate) fn place(&self) -> Place {
        Place::file(&self.path)
    }

    /// Where a statement begins.
    pub(crate) fn statement_place(&self, index: usize) -> Place {
        match self.statements.get(index) {
            Some(statement) => Place {
                column: None,
                ..self.place_of(statement.start, self.first_line(statement))
            },
            None => self.place(),
        }
    }

    /// Where a byte of what the server got is.
    pub(crate) fn byte_place(&self, at: usize) -> Place {
        let statement = self.statements.iter().find(|statement| at <= statement.end);
        self.place_of(at, statement.and_then(|s| self.first_line(s)))
    }

    /// Where a line of the data of a `COPY … FROM STDIN` is, counted from 1.
    pub(crate) fn data_place(&self, index: usize, line: usize) -> Option<Place> {
        let statement = self.statements.get(index)?;
        let data = self.data(index);
        let text = self.sql().get(data.clone())?;
        let at = match line.checked_sub(1)? {
            0 => 0,
            before => text.match_indices('\n').nth(before - 1)?.0 + 1,
        };
        Some(Place {
            column: None,
            ..self.place_of(data.start + at, self.first_line(statement))
        })
    }

    fn first_line(&self, statement: &Statement) -> Option<String> {
        let text = self.sql().get(statement.start..statement.end)?;
        Some(text.lines().next()?.chars().take(200).collect())
    }

    /// Everything that no transaction mode makes right.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let problem = |index: usize, code: Code, message: &str| Problem {
            code,
            place: Some(self.statement_place(index)),
            message: message.to_owned(),
        };
        let string_syntax = mentions(self.sql(), "standard_conforming_strings");
        let mut problems = Vec::new();
        for (index, (statement, kind)) in self.statements.iter().zip(self.kinds()).enumerate() {
            match kind {
                StatementKind::TwoPhase => problems.push(problem(
                    index,
                    Code::TwoPhase,
                    "two-phase commit leaves an outcome that nobody can tell from the history",
                )),
                _ if string_syntax && statement.nature.changes_string_syntax(self.statement_sql(index)) => problems
                    .push(problem(
                        index,
                        Code::StringSyntax,
                        "standard_conforming_strings must stay on: what ends a string must not depend on the run",
                    )),
                _ => {}
            }
        }
        problems
    }
}

/// The line and column of a byte of a file, both counted from 1.
fn place_of(path: &str, raw: &str, at: usize, statement: Option<String>) -> Place {
    let before = raw.get(..at).unwrap_or(raw);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let counted = |n: usize| u32::try_from(n).ok();
    Place {
        file: path.to_owned(),
        line: counted(line),
        column: counted(column),
        statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(raw: &str) -> Script {
        let mut placeholders = Placeholders::default();
        placeholders.set("schema", "a_rather_long_name");
        Script::new("db/V1__a.sql", raw.to_owned(), Some(&placeholders)).unwrap()
    }

    #[test]
    fn places_are_those_of_the_file_and_not_of_what_was_sent() {
        let script = script("SELECT 1;\n\n-- é\nSELECT ${schema}, é FROM\n  ${schema}.x;\n");
        assert_eq!(script.statement_place(1).to_string(), "db/V1__a.sql:4");
        let at = script.sql().rfind(".x").unwrap();
        let place = script.byte_place(at);
        assert_eq!(place.to_string(), "db/V1__a.sql:5:12");
        assert_eq!(place.statement.as_deref(), Some("SELECT a_rather_long_name, é FROM"));
    }

    #[test]
    fn chunks_are_whole_statements_and_lose_none() {
        let script = script("SELECT 1; SELECT 22; SELECT 333; SELECT 4444");
        assert_eq!(script.chunks(1000).len(), 1);
        let chunks = script.chunks(20);
        assert_eq!(
            chunks.iter().map(|chunk| chunk.statements.len()).collect::<Vec<_>>(),
            [2, 1, 1]
        );
        assert_eq!(&script.sql()[chunks[0].bytes.clone()], "SELECT 1; SELECT 22");
        assert_eq!(script.chunks(1).len(), 4);
    }

    #[test]
    fn m2_a_copy_is_a_chunk_and_something_is_after_it() {
        let script = script("SELECT 1; SELECT 2; COPY t FROM STDIN;\n1\n\\.\nSELECT 3;COPY u FROM STDIN;\n\\.\n");
        let chunks: Vec<(&str, usize, bool)> = script
            .chunks(1000)
            .into_iter()
            .map(|chunk| (&script.sql()[chunk.bytes], chunk.statements.len(), chunk.is_copy))
            .collect();
        assert_eq!(
            chunks,
            [
                ("SELECT 1; SELECT 2", 2, false),
                ("COPY t FROM STDIN", 1, true),
                ("SELECT 3", 1, false),
                ("COPY u FROM STDIN", 1, true),
                ("", 0, false),
            ]
        );
    }

    #[test]
    fn lines_of_data_are_those_of_the_file() {
        let script = script("SELECT 1;\n\nCOPY ${schema} FROM STDIN; -- x\n${schema}\r\nb\n\\.\n");
        for (line, expected) in [
            (1, Some("db/V1__a.sql:4")),
            (2, Some("db/V1__a.sql:5")),
            (9, None),
            (0, None),
        ] {
            let place = script.data_place(1, line);
            assert_eq!(place.map(|place| place.to_string()).as_deref(), expected, "{line}");
        }
        assert_eq!(script.data_place(0, 2), None);
    }

    #[test]
    fn problems_name_their_statement() {
        let problems = script("SELECT 1;\nPREPARE TRANSACTION 'x';\nSET standard_conforming_strings=off").problems();
        let told: Vec<String> = problems
            .iter()
            .map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.code))
            .collect();
        assert_eq!(
            told,
            ["db/V1__a.sql:2 Belay.TwoPhase", "db/V1__a.sql:3 Belay.StringSyntax"]
        );
    }

    #[test]
    fn what_cannot_be_split_is_a_problem_with_a_place() {
        let problem = Script::new("V1__a.sql", "SELECT 1;\n  'a".to_owned(), None).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "V1__a.sql:2:3: a string is not closed (Belay.Unterminated)"
        );
        let problem = Script::new("V1__a.sql", "SELECT 1;\nCOPY t FROM STDIN;\n1\n".to_owned(), None).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "V1__a.sql:2:1: the data of COPY … FROM STDIN does not end: a line with only \\. is missing (Belay.CopyFromStdin)"
        );
    }
}
