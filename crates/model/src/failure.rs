//! What went wrong, in the shape in which it crosses from a function to the workflow, the result and the mail.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Code;

/// A failure with everything that its reader needs to act. It never holds a secret: who makes one masks first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// What kind.
    pub code: Code,
    /// What happened, in a sentence.
    pub message: String,
    /// Where in the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What PostgreSQL said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerError>,
    /// Every single problem, when there can be several at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What went wrong besides, after this, each in a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do next: a command or a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A place in a file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// The path in the bundle.
    pub file: String,
    /// Counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Counted in characters from 1; only where PostgreSQL gives a position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The first line of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// What PostgreSQL said of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerError {
    /// The five-character SQLSTATE.
    pub sql_state: String,
    /// The primary message.
    pub message: String,
    /// More on the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where inside functions.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// One problem of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// Where in the bundle, or the name of what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl Failure {
    /// A failure that is told by a sentence.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            server: None,
            problems: Vec::new(),
            notes: Vec::new(),
            next: None,
        }
    }

    /// A failure that is the sum of its problems.
    #[must_use]
    pub fn of_problems(code: Code, problems: Vec<Problem>) -> Self {
        let message = match problems.as_slice() {
            [
                Problem {
                    place: Some(place),
                    message,
                    ..
                },
            ] => format!("{place}: {message}"),
            [only] => only.message.clone(),
            several => format!("{} problems", several.len()),
        };
        Self {
            problems,
            ..Self::new(code, message)
        }
    }

    /// A failure with each of its reasons, told as a problem of the same code.
    #[must_use]
    pub fn because(code: Code, message: impl Into<String>, reasons: Vec<String>) -> Self {
        let problems = reasons.into_iter().map(|message| Problem {
            code,
            place: None,
            message,
        });
        Self {
            problems: problems.collect(),
            ..Self::new(code, message)
        }
    }

    /// The same failure at a place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// The same failure with the next command or step.
    #[must_use]
    pub fn next(self, next: impl Into<String>) -> Self {
        Self {
            next: Some(next.into()),
            ..self
        }
    }
}

impl Place {
    /// A file as a whole.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            statement: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// Several lines for people: what, where, what the server said, every problem, what next.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [only] => write!(f, "{only}")?,
            _ => {
                if let Some(place) = &self.place {
                    write!(f, "{place}: ")?;
                }
                write!(f, "{} ({})", self.message, self.code)?;
            }
        }
        if let Some(statement) = self.place.as_ref().and_then(|place| place.statement.as_ref()) {
            write!(f, "\n  statement: {statement}")?;
        }
        if let Some(server) = &self.server {
            write!(f, "\n  SQLSTATE {}: {}", server.sql_state, server.message)?;
            for (label, text) in [
                ("detail", &server.detail),
                ("hint", &server.hint),
                ("where", &server.context),
            ] {
                if let Some(text) = text {
                    write!(f, "\n  {label}: {text}")?;
                }
            }
        }
        if self.problems.len() > 1 {
            for problem in &self.problems {
                write!(f, "\n  {problem}")?;
            }
        }
        for note in &self.notes {
            write!(f, "\n  besides: {note}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {next}")?;
        }
        Ok(())
    }
}
