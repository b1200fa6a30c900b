//! A file made ready to run: placeholders replaced, statements told apart, and the way back to its lines.

use std::ops::Range;

use belay_model::{Code, Place, Problem};

use crate::classify::{StatementKind, mentions};
use crate::placeholder::{Placeholders, Replaced};
use crate::statement::{SplitError, Statement, split};

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
                message: format!("no value for placeholder ${{{}}}", unknown.name),
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

    /// The file cut into runs of whole statements of at most `limit` bytes each (a longer statement is a run by itself):
    /// the bytes and the statements of each.
    pub(crate) fn chunks(&self, limit: usize) -> Vec<(Range<usize>, Range<usize>)> {
        if self.sql().len() <= limit || self.statements.is_empty() {
            return vec![(0..self.sql().len(), 0..self.statements.len())];
        }
        let mut chunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            match chunks.last_mut() {
                Some((bytes, statements)) if statement.end - bytes.start <= limit => {
                    bytes.end = statement.end;
                    statements.end = index + 1;
                }
                _ => chunks.push((statement.start..statement.end, index..index + 1)),
            }
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
                StatementKind::CopyFromStdin => problems.push(problem(
                    index,
                    Code::CopyFromStdin,
                    "COPY … FROM STDIN does not run yet; use INSERT, or load the data another way",
                )),
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
            chunks
                .iter()
                .map(|(_, statements)| statements.len())
                .collect::<Vec<_>>(),
            [2, 1, 1]
        );
        assert_eq!(&script.sql()[chunks[0].0.clone()], "SELECT 1; SELECT 22");
        assert_eq!(script.chunks(1).len(), 4);
    }

    #[test]
    fn problems_name_their_statement() {
        let problems =
            script("SELECT 1;\nCOPY t FROM STDIN;\nPREPARE TRANSACTION 'x';\nSET standard_conforming_strings=off")
                .problems();
        let told: Vec<String> = problems
            .iter()
            .map(|p| format!("{} {}", p.place.as_ref().unwrap(), p.code))
            .collect();
        assert_eq!(
            told,
            [
                "db/V1__a.sql:2 Belay.CopyFromStdin",
                "db/V1__a.sql:3 Belay.TwoPhase",
                "db/V1__a.sql:4 Belay.StringSyntax"
            ]
        );
    }

    #[test]
    fn what_cannot_be_split_is_a_problem_with_a_place() {
        let problem = Script::new("V1__a.sql", "SELECT 1;\n  'a".to_owned(), None).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "V1__a.sql:2:3: a string is not closed (Belay.Unterminated)"
        );
    }
}
