//! What to do next, with the exact commands.

use belay_model::{Action, BundleRef, Code, Outcome};
use serde::Serialize;

use crate::arn::state_machine;
use crate::plain::{line, lines, shell_word};
use crate::report::Block;
use crate::story::{LockFate, Story};

pub(super) fn steps(story: &Story<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let failure = story.result.failure.as_ref();
    if let Some(next) = failure.and_then(|failure| failure.next.as_deref()) {
        blocks.extend(lines(next).into_iter().map(|text| Block::Words(sentence(text))));
    }
    let Ok(outcome) = story.result.status.parse::<Outcome>() else {
        return blocks;
    };
    match (outcome, story.fate) {
        (Outcome::NeedsOperator, LockFate::Quarantined { run }) => blocks.extend(ways_out(story, run)),
        (Outcome::NeedsOperator, _) if failure.is_some_and(|failure| failure.code == Code::Quarantined) => {
            blocks.extend(again(story, "When the target is free, run this bundle again"));
        }
        (Outcome::Interrupted, fate) => {
            blocks.push(Block::Command(
                "Let this very run go on, once its cause is mended (it asks the database what it has already done)"
                    .to_owned(),
                format!(
                    "aws stepfunctions redrive-execution --execution-arn {}",
                    shell_word(&story.result.execution)
                ),
            ));
            match fate {
                LockFate::Quarantined { run } => {
                    blocks.push(Block::Words(
                        "Or decide by hand, after looking at what is in:".to_owned(),
                    ));
                    blocks.extend(ways_out(story, run));
                }
                LockFate::Free => blocks.extend(again(story, "Or begin anew")),
            }
        }
        (Outcome::Unchanged | Outcome::Rejected, _) if failure.is_some_and(|failure| failure.next.is_none()) => {
            blocks.push(Block::Words(
                "Correct what is told above and upload the bundle again. Redriving this run is of no use.".to_owned(),
            ));
        }
        _ => {}
    }
    blocks
}

/// The ways out of a quarantine.
fn ways_out(story: &Story<'_>, run: &str) -> Vec<Block> {
    let half_done = story
        .result
        .verified
        .as_ref()
        .is_some_and(|verified| !verified.open_units.is_empty());
    let unlock = story.lock.map(|lock| {
        Block::Command(
            if half_done {
                "To go on with the half-done file where it stopped: free the target, then upload a bundle that holds \
                 that very file"
            } else {
                "To go on with a corrected bundle: free the target, then upload it; it begins with what is not in"
            }
            .to_owned(),
            format!(
                "belay unlock --table {} --lock {} --run {}",
                shell_word(story.lock_table),
                shell_word(lock),
                shell_word(run)
            ),
        )
    });
    let keep = start(
        story,
        "To accept the database as it is (finish or take back by hand first what is half done)",
        &Input {
            target: &story.result.target,
            action: Some(Action::Keep),
            run: Some(run),
            bundle: None,
        },
    );
    unlock.into_iter().chain(keep).collect()
}

/// The same request once more.
fn again(story: &Story<'_>, purpose: &str) -> Option<Block> {
    let bundle = story.result.bundle.as_ref()?;
    bundle.version_id.as_deref()?;
    let input = Input {
        target: &story.result.target,
        action: Some(story.action).filter(|action| *action != Action::Migrate),
        run: None,
        bundle: Some(BundleRef {
            sequencer: None,
            ..bundle.clone()
        }),
    };
    start(story, purpose, &input)
}

/// An execution's input.
#[derive(Serialize)]
struct Input<'a> {
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<BundleRef>,
}

fn start(story: &Story<'_>, purpose: &str, input: &Input<'_>) -> Option<Block> {
    let input = serde_json::to_string(input).ok()?;
    let machine = state_machine(&story.result.execution)?;
    Some(Block::Command(
        purpose.to_owned(),
        format!(
            "aws stepfunctions start-execution --state-machine-arn {} --input {}",
            shell_word(&machine),
            shell_word(&input)
        ),
    ))
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
