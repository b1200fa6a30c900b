//! The door: what is told before everything else while roles are kept out.

use belay_model::{Action, Code, Outcome};

use crate::execution::{Input, start};
use crate::plain::line;
use crate::story::{LockFate, Story, Trouble};

/// The first lines of a mail (Q3): who can't log in, and how to open the door.
pub(crate) fn first_lines(story: &Story<'_>) -> Vec<String> {
    let kept_out = &story.result.kept_out;
    if kept_out.is_empty() {
        return Vec::new();
    }
    let roles: Vec<_> = kept_out.iter().map(|role| line(role)).collect();
    let target = &story.result.target;
    let place = story
        .instance
        .map_or_else(|| line(target), |instance| instance.name().to_string());
    let who = format!("CAN'T LOG IN to {place}: {}.", roles.join(", "));
    let failure = story.result.failure.as_ref().map(|failure| failure.code);
    if failure == Some(Code::Busy) {
        return vec![format!("{who} The run that is at work opens the door at its end.")];
    }
    let input = Input {
        action: Some(Action::Reopen),
        ..Input::of(target)
    };
    let how = start(story, &input).map_or_else(String::new, |command| format!(" To open the door: {command}"));
    let interrupted = story.result.status.parse() == Ok(Outcome::Interrupted);
    let then = match (story.fate, story.trouble()) {
        // The janitor looks for doors that nobody holds.
        (LockFate::Free, _) if interrupted => Some("If nobody does, Belay opens it by itself within some minutes."),
        // Nobody will restore what has gone well.
        (_, Some(Trouble::Door(_))) => None,
        _ => Some("Opening it ends \"lossless\": what those roles write then, a restore loses."),
    };
    std::iter::once(format!("{who}{how}"))
        .chain(then.map(str::to_owned))
        .collect()
}
