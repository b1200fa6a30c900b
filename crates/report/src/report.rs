//! A report: a headline and sections, for the mail and for the page.

use belay_model::{AssertionState, Code, Failure, Outcome, RunResult};

use crate::plain::line;
use crate::sections;
use crate::story::Story;

/// A run's ending in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The outcome's name, or what the result says instead.
    pub status: String,
    /// One line for a subject; may be too long for one.
    pub subject: String,
    /// What comes before everything else: who can't log in, and how to open the door.
    pub first: Vec<String>,
    /// What happened and what state the database is in, in a sentence or two.
    pub headline: String,
    /// The rest.
    pub sections: Vec<Section>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: &'static str,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A piece of a section. Its texts are harmless: one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A sentence or more.
    Words(String),
    /// A list under a heading.
    List(String, Vec<String>),
    /// Lines as they are.
    Quote(Vec<String>),
    /// What to type, with what it is for.
    Command(String, String),
    /// Names and values.
    Facts(Vec<(&'static str, String)>),
}

impl Report {
    /// The report on a run's end.
    #[must_use]
    pub fn of(story: &Story<'_>) -> Self {
        let result = story.result;
        let headline = sections::headline(story);
        let target = match line(&result.target) {
            name if name.is_empty() => "(no target)".to_owned(),
            name => name,
        };
        let about = about(story).map_or_else(String::new, |about| format!(" - {about}"));
        Self {
            status: line(&result.status),
            subject: format!("[belay] {target}: {}{about}", line(&result.status)),
            first: sections::first_lines(story),
            headline,
            sections: sections::all(story),
        }
    }

    /// The ending in a few lines, for the execution itself: at most 8,000 bytes.
    #[must_use]
    pub fn cause(&self) -> String {
        let happened = self.sections.iter().filter(|section| section.title == sections::WHAT);
        let quotes = happened
            .flat_map(|section| &section.blocks)
            .filter_map(|block| match block {
                Block::Quote(lines) => Some(lines.join("\n")),
                _ => None,
            });
        let mut cause = self
            .first
            .iter()
            .chain(std::iter::once(&self.headline))
            .cloned()
            .chain(quotes)
            .collect::<Vec<_>>()
            .join("\n");
        cause.truncate(cause.floor_char_boundary(8_000));
        cause
    }
}

/// The few words of the subject: what happened in success, where and why in failure.
fn about(story: &Story<'_>) -> Option<String> {
    let result = story.result;
    if let Some(failure) = result.failure.as_ref().or(result.compensation.as_ref()) {
        return Some(about_failure(failure));
    }
    let outcome: Outcome = result.status.parse().ok()?;
    match outcome {
        Outcome::Migrated if failed_later(result) => Some("but an assertion fails now".to_owned()),
        Outcome::Migrated => story.plan.map(sections::how_many),
        Outcome::Done if failed_later(result) => Some("but an assertion fails now".to_owned()),
        Outcome::Done => sections::done_by_plan(story),
        Outcome::NeedsOperator if assertions(result) == Some(AssertionState::Failed) => {
            Some("an assertion does not hold".to_owned())
        }
        Outcome::Superseded => result.superseded_by.as_deref().map(|by| format!("by {}", line(by))),
        _ => None,
    }
}

fn about_failure(failure: &Failure) -> String {
    let place = failure
        .place
        .as_ref()
        .or_else(|| failure.problems.first().and_then(|problem| problem.place.as_ref()));
    let code = match failure.problems.as_slice() {
        [only] => short(only.code),
        _ => short(failure.code),
    };
    let file = place.map(|place| {
        let (_, name) = place.file.rsplit_once('/').unwrap_or(("", &place.file));
        match place.line {
            Some(number) => format!("{}:{number} ", line(name)),
            None => format!("{} ", line(name)),
        }
    });
    match failure.problems.len() {
        0 | 1 => format!("{}{code}", file.unwrap_or_default()),
        many => format!("{code} ({many} problems)"),
    }
}

/// A code without its family.
fn short(code: Code) -> &'static str {
    code.name().split_once('.').map_or("", |(_, name)| name)
}

pub(crate) fn failed_later(result: &RunResult) -> bool {
    assertions(result) == Some(AssertionState::FailedLater)
}

fn assertions(result: &RunResult) -> Option<AssertionState> {
    result.verified.as_ref().map(|verified| verified.assertions)
}
