//! What is wrong with a bundle, all of it.

use std::fmt;

use belay_model::{Code, Failure, Place, Problem};

/// A bundle that is refused, with every problem that was found.
///
/// It fits into a message whatever the bundle held: at most 100 problems (a last one counts the others), and names
/// are shown shortened, without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl std::error::Error for Rejected {}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Failure::from(self.clone()).fmt(f)
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self::of_problems(Code::BundleRejected, rejected.problems)
            .next("mend the bundle and upload it again; the database was not opened")
    }
}

/// What is wrong, without saying where.
#[derive(Debug)]
pub(crate) struct Flaw {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) line: Option<u32>,
}

impl Flaw {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            line: None,
        }
    }

    pub(crate) fn at_line(self, line: u32) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }
}

/// Collects problems.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    kept: Vec<Problem>,
    others: usize,
}

impl Problems {
    const MOST: usize = 100;

    /// A problem of the bundle as a whole.
    pub(crate) fn of_bundle(&mut self, flaw: Flaw) {
        self.add(flaw.code, None, flaw.message);
    }

    /// A problem of one entry, by the name that is shown for it.
    pub(crate) fn of_entry(&mut self, name: &str, flaw: Flaw) {
        let place = Place {
            line: flaw.line,
            ..Place::file(show(name))
        };
        self.add(flaw.code, Some(place), flaw.message);
    }

    fn add(&mut self, code: Code, place: Option<Place>, message: String) {
        if self.kept.len() < Self::MOST {
            self.kept.push(Problem { code, place, message });
        } else {
            self.others += 1;
        }
    }

    /// Nothing, or the refusal.
    pub(crate) fn finish(self) -> Result<(), Rejected> {
        match self.kept.is_empty() {
            true => Ok(()),
            false => Err(self.into_rejected()),
        }
    }

    /// The refusal, where there is a problem.
    pub(crate) fn into_rejected(mut self) -> Rejected {
        if self.others > 0 {
            self.kept.push(Problem {
                code: Code::BundleRejected,
                place: None,
                message: format!("and {} more problems", self.others),
            });
        }
        Rejected { problems: self.kept }
    }
}

/// What is worth telling, of which there may be as much as there are files.
pub(crate) struct Notes;

impl Notes {
    const MOST: usize = 100;

    /// In an order that does not come from the zip; of too many the number of the others.
    pub(crate) fn of(mut notes: Vec<String>) -> Vec<String> {
        notes.sort();
        notes.dedup();
        let others = notes.len().saturating_sub(Self::MOST);
        notes.truncate(Self::MOST);
        if others > 0 {
            notes.push(format!("and {others} more notes"));
        }
        notes
    }
}

/// A name for a log or a mail: control characters escaped, the middle of a long one left out.
pub(crate) fn show(name: &str) -> String {
    const MOST: usize = 200;
    let escape = |c: char| -> String {
        match c.is_control() || is_invisible(c) {
            true => c.escape_unicode().collect(),
            false => c.to_string(),
        }
    };
    let length = name.chars().count();
    if length <= MOST {
        return name.chars().map(escape).collect();
    }
    let first = name.chars().take(MOST / 2).map(escape);
    let last = name.chars().skip(length - MOST / 2).map(escape);
    first.chain(std::iter::once("…".to_owned())).chain(last).collect()
}

/// Characters that reorder text, break lines or can't be seen, beside the control characters.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
