//! Where words go: the answer to standard output, what is told on the way and what went wrong to standard error.

use std::io::{self, IsTerminal, Write};

use belay_bundle::Bundle;
use belay_model::Failure;
use serde::Serialize;

use crate::arguments::Format;
use crate::diagnostic;
use crate::error::CliError;
use crate::json::{ErrorAnswer, ErrorOutput, Failed};
use crate::printable::printable;

/// Where words go. What can't be written is lost: the exit code is then all that is left to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) format: Format,
    watched: bool,
}

impl Screen {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            watched: io::stderr().is_terminal(),
        }
    }

    /// What is going on, for somebody who watches.
    pub(crate) fn progress(self, text: &str) {
        if self.watched {
            self.warn(text);
        }
    }

    /// What must be told now, watched or not.
    pub(crate) fn warn(self, text: &str) {
        let _ = writeln!(io::stderr(), "{}", printable(text));
    }

    /// The answer in words.
    pub(crate) fn say(self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out
            .write_all(printable(text.trim_end()).as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
    }

    /// The answer in JSON.
    pub(crate) fn say_json(self, answer: &impl Serialize) {
        let text = serde_json::to_string_pretty(answer).unwrap_or_else(|error| {
            // Only a map with keys that are no text can't be written, and there is none.
            format!("{{\"error\": {{\"errorCode\": \"FAULT\", \"message\": \"{error}\"}}}}")
        });
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// What kept a command from an answer.
    pub(crate) fn stop(self, operation: &'static str, error: &CliError, bundle: Option<&Bundle>) {
        let Some(outcome) = error.outcome() else {
            self.warn(&format!(
                "belay {operation}: {error}\nFor more information, try 'belay {operation} --help'."
            ));
            return;
        };
        let failure = error.failure();
        match self.format {
            Format::Table => {
                self.fail(&failure, bundle);
                self.say(&format!("{outcome}: nothing was changed"));
            }
            Format::Json => self.say_json(&ErrorAnswer {
                error: ErrorOutput::new(&failure),
                operation,
                belay: Failed {
                    outcome,
                    exit_code: outcome.exit_code(),
                    failure: &failure,
                },
            }),
        }
    }

    /// What went wrong, with the lines of the bundle that it points to.
    pub(crate) fn fail(self, failure: &Failure, bundle: Option<&Bundle>) {
        let colours = self.watched && std::env::var_os("NO_COLOR").is_none();
        let _ = write!(io::stderr(), "{}", diagnostic::render(failure, bundle, colours));
    }
}
