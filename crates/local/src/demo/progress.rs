//! The states of a run as it goes through them: one growing line on a terminal, a line each elsewhere.

use std::io::{self, IsTerminal, Write};

/// The states so far.
pub(super) struct Progress {
    terminal: bool,
    first: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            terminal: io::stdout().is_terminal(),
            first: true,
        }
    }

    /// A state was entered.
    pub(super) fn entered(&mut self, state: &str) {
        let arrow = if self.first { "" } else { " › " };
        self.first = false;
        let mut out = io::stdout();
        // There is nobody to show it to if standard output is closed.
        let _ = if self.terminal {
            write!(out, "{arrow}{state}")
        } else {
            writeln!(out, "  {state}")
        };
        let _ = out.flush();
    }

    /// The run has ended.
    pub(super) fn end(&self) {
        if self.terminal {
            let _ = writeln!(io::stdout());
        }
    }
}
