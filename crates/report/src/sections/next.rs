//! What to do next, with the exact commands.

use belay_model::{Action, Code, Failure, Outcome};

use crate::plain::{line, lines, shell_word};
use crate::report::Block;
use crate::sections::ways;
use crate::story::{LockFate, Story};

pub(super) fn steps(story: &Story<'_>) -> Vec<Block> {
    let failure = story.result.failure.as_ref();
    let mut blocks = Vec::new();
    for told in [failure, story.result.compensation.as_ref()].into_iter().flatten() {
        for step in of_failure(told) {
            if !blocks.contains(&step) {
                blocks.push(step);
            }
        }
    }
    let Ok(outcome) = story.result.status.parse::<Outcome>() else {
        return blocks;
    };
    match (outcome, story.fate) {
        (Outcome::NeedsOperator, LockFate::Quarantined { run }) => blocks.extend(ways::out(story, run)),
        (Outcome::NeedsOperator, _) if failure.is_some_and(|failure| failure.code == Code::Quarantined) => {
            blocks.extend(ways::again(story, "When the target is free, run this bundle again"));
        }
        (Outcome::Done, LockFate::Quarantined { run }) if story.action == Action::Reopen => {
            blocks.push(Block::Words(format!(
                "The mail of run {} has the ways out of the quarantine. A restore would lose what is written from now \
                 on.",
                line(run)
            )));
        }
        (Outcome::Interrupted, fate) => blocks.extend(interrupted(story, fate)),
        (Outcome::Unchanged | Outcome::Rejected, _) if failure.is_some_and(|failure| failure.next.is_none()) => {
            blocks.extend(once_more(story));
        }
        _ => {}
    }
    blocks.extend(ways::after_restore(story));
    blocks
}

/// An upload would migrate, which is not what an action was asked for.
fn once_more(story: &Story<'_>) -> Vec<Block> {
    if story.action == Action::Migrate {
        let words = "Correct what is told above and upload the bundle again. Redriving this run is of no use.";
        return vec![Block::Words(words.to_owned())];
    }
    let words = "Correct what is told above. Redriving this run is of no use.";
    let purpose = "Then ask for it again (if the bundle was wrong, with the key and the version of one that is mended)";
    std::iter::once(Block::Words(words.to_owned()))
        .chain(ways::again(story, purpose))
        .collect()
}

fn of_failure(failure: &Failure) -> Vec<Block> {
    let next = failure.next.as_deref().unwrap_or_default();
    lines(next)
        .into_iter()
        .map(|text| Block::Words(sentence(text)))
        .collect()
}

fn interrupted(story: &Story<'_>, fate: LockFate<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Command(
        "Let this very run go on, once its cause is mended (it asks the database what it has already done)".to_owned(),
        format!(
            "aws stepfunctions redrive-execution --execution-arn {}",
            shell_word(&story.result.execution)
        ),
    )];
    match fate {
        LockFate::Quarantined { run } => {
            blocks.push(Block::Words(
                "Or decide by hand, after looking at what is in:".to_owned(),
            ));
            blocks.extend(ways::out(story, run));
        }
        LockFate::Free => blocks.extend(ways::again(story, "Or begin anew")),
    }
    blocks
}

/// A step as a sentence.
fn sentence(text: String) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return text };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', ':', '}', '`']) {
        sentence.push('.');
    }
    line(&sentence)
}
