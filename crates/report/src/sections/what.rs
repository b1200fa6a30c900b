//! What happened: the failure with its place, the statement, and everything that the server said.

use belay_model::{Failure, Outcome, Place, ServerError};

use crate::plain::{line, lines};
use crate::report::Block;
use crate::sections::undoing;
use crate::story::Story;

pub(super) fn happened(story: &Story<'_>) -> Vec<Block> {
    let mut blocks: Vec<_> = story.why.into_iter().map(|why| Block::Words(line(why))).collect();
    if let Some(failure) = &story.result.failure {
        blocks.extend(quote(failure));
    }
    blocks.extend(undoing::trouble(story));
    if let (Ok(Outcome::Superseded), Some(by)) = (story.result.status.parse(), &story.result.superseded_by) {
        blocks.push(Block::Words(format!("Version {} runs instead.", line(by))));
    }
    if let Some(info) = story.info {
        blocks.push(Block::Quote(info.lines()));
        if !info.problems.is_empty() {
            let problems = info.problems.iter().map(|problem| line(&problem.to_string()));
            blocks.push(Block::List(
                "What keeps a plan from being made".to_owned(),
                problems.collect(),
            ));
        }
    }
    blocks
}

/// A failure, with every problem if there are several.
pub(super) fn quote(failure: &Failure) -> Vec<Block> {
    let mut blocks = vec![Block::Quote(told(failure))];
    if failure.problems.len() > 1 {
        let problems = failure.problems.iter().map(|problem| line(&problem.to_string()));
        blocks.push(Block::List("Every problem".to_owned(), problems.collect()));
    }
    if !failure.notes.is_empty() {
        let notes = failure.notes.iter().map(|note| line(note));
        blocks.push(Block::List("Besides".to_owned(), notes.collect()));
    }
    blocks
}

fn told(failure: &Failure) -> Vec<String> {
    let at = |place: &Option<Place>| place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
    let mut told = match failure.problems.as_slice() {
        [only] => vec![line(&only.to_string())],
        _ => {
            let text = format!("{}{} ({})", at(&failure.place), failure.message, failure.code);
            lines(&text)
        }
    };
    if let Some(statement) = failure.place.as_ref().and_then(|place| place.statement.as_ref()) {
        told.push(format!("  statement: {}", line(statement)));
    }
    if let Some(ServerError {
        sql_state,
        message,
        detail,
        hint,
        context,
    }) = &failure.server
    {
        told.push(format!("  SQLSTATE {}: {}", line(sql_state), line(message)));
        for (label, text) in [("detail", detail), ("hint", hint), ("where", context)] {
            let mut said = text.iter().flat_map(|text| lines(text));
            told.extend(said.next().map(|first| format!("  {label}: {first}")));
            told.extend(said.map(|more| format!("    {more}")));
        }
    }
    told
}
