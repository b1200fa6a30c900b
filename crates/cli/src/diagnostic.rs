//! A failure with the lines that it points to.

use std::fmt;

use belay_bundle::Bundle;
use belay_model::{Code, Failure, Place, Problem};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan};

use crate::printable::printable;

/// How wide help is wrapped, on whatever it is shown.
const WIDTH: usize = 110;

/// A longer line, in bytes, is not shown: no caret could be found in it.
const LONGEST_LINE: usize = 400;

/// The failure as text, with a caret where there is a position.
pub(crate) fn render(failure: &Failure, bundle: Option<&Bundle>, colours: bool) -> String {
    let theme = if colours {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false)
        .with_wrap_lines(false)
        .with_context_lines(1);
    let mut text = String::new();
    match handler.render_report(&mut text, &Told::of_failure(failure, bundle)) {
        Ok(()) => text,
        Err(_) => printable(&format!("{failure}\n")),
    }
}

/// A failure, or one problem of several.
#[derive(Debug)]
struct Told {
    code: Code,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    span: Option<(SourceSpan, Option<String>)>,
    related: Vec<Told>,
}

impl Told {
    fn of_failure(failure: &Failure, bundle: Option<&Bundle>) -> Self {
        // A refusal for one reason is that reason.
        if let [only] = failure.problems.as_slice() {
            let told = Self::of_problem(only, bundle);
            return Self {
                help: help(failure),
                ..told
            };
        }
        let said = match &failure.server {
            Some(server) => format!("{}: {}", failure.message, server.message),
            None => failure.message.clone(),
        };
        let label = failure
            .server
            .as_ref()
            .map(|server| format!("SQLSTATE {}", server.sql_state));
        let mut told = Self::new(failure.code, &said, failure.place.as_ref(), bundle);
        match &mut told.span {
            Some((_, slot)) => *slot = label,
            None => told.message.extend(label.map(|label| format!(" ({label})"))),
        }
        Self {
            help: help(failure),
            related: failure
                .problems
                .iter()
                .map(|problem| Self::of_problem(problem, bundle))
                .collect(),
            ..told
        }
    }

    fn of_problem(problem: &Problem, bundle: Option<&Bundle>) -> Self {
        Self::new(problem.code, &problem.message, problem.place.as_ref(), bundle)
    }

    fn new(code: Code, message: &str, place: Option<&Place>, bundle: Option<&Bundle>) -> Self {
        let text = place
            .filter(|place| place.line.is_some())
            .and_then(|place| bundle?.text(&place.file).ok());
        let span = place.zip(text.as_deref()).and_then(|(place, text)| span(place, text));
        let message = match place {
            // The snippet's head names the place.
            Some(place) if span.is_none() => {
                let statement = place
                    .statement
                    .as_ref()
                    .map_or_else(String::new, |sql| format!("\nstatement: {sql}"));
                format!("{place}: {message}{statement}")
            }
            _ => message.to_owned(),
        };
        let named = |(place, text): (&Place, String)| NamedSource::new(printable(&place.file), printable_source(&text));
        Self {
            code,
            message: printable(&message),
            help: None,
            source: span.and(place.zip(text)).map(named),
            span: span.map(|span| (span, None)),
            related: Vec::new(),
        }
    }
}

/// What else the server said, and what to do next.
fn help(failure: &Failure) -> Option<String> {
    let server = failure.server.as_ref();
    let said = [
        ("detail: ", server.and_then(|server| server.detail.as_ref())),
        ("hint: ", server.and_then(|server| server.hint.as_ref())),
        ("where: ", server.and_then(|server| server.context.as_ref())),
    ];
    let besides = failure.notes.iter().map(|note| ("besides: ", Some(note)));
    let lines: Vec<String> = said
        .into_iter()
        .chain(besides)
        .chain([("", failure.next.as_ref())])
        .filter_map(|(label, text)| Some(format!("{label}{}", printable(text?))))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The place in bytes of the text with replaced characters: one character, or a line's first statement.
fn span(place: &Place, text: &str) -> Option<SourceSpan> {
    let line = usize::try_from(place.line?).ok()?.checked_sub(1)?;
    let around = text.split_inclusive('\n').skip(line.saturating_sub(1)).take(3);
    if around.into_iter().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let start: usize = text.split_inclusive('\n').take(line).map(printable_length).sum();
    let line = text.split_inclusive('\n').nth(line)?.trim_end();
    match place.column {
        Some(column) => {
            let column = usize::try_from(column).ok()?.checked_sub(1)?;
            let before: String = line.chars().take(column).collect();
            let word = word(line.get(before.len()..).unwrap_or_default());
            Some((start + printable_length(&before), printable_length(word).max(1)).into())
        }
        None => {
            let words = line.trim_start();
            let indent = line.len() - words.len();
            Some((start + indent, printable_length(words).max(1)).into())
        }
    }
}

/// What begins the text: a placeholder, or a name with its dots.
fn word(text: &str) -> &str {
    let end = match text.starts_with("${") {
        true => text.find('}').map(|brace| brace + 1),
        false => text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')),
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn printable_length(text: &str) -> usize {
    printable_source(text).len()
}

/// A carriage return at the end of a line shows nothing.
fn printable_source(text: &str) -> String {
    printable(&text.replace("\r\n", "\n"))
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Told {}

impl Diagnostic for Told {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (span, label) = self.span.as_ref()?;
        let label = LabeledSpan::new_primary_with_span(label.clone(), *span);
        Some(Box::new(std::iter::once(label)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let problems = self.related.iter().map(|problem| problem as &dyn Diagnostic);
        (!self.related.is_empty()).then(|| Box::new(problems) as Box<dyn Iterator<Item = &'a dyn Diagnostic>>)
    }
}
