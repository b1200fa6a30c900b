//! What a report says, by outcome.

mod door;
mod headline;
mod next;
mod planned;
mod state;
mod undoing;
mod ways;
mod what;

use crate::arn::console_link;
use crate::plain::line;
use crate::report::{Block, Section};
use crate::story::Story;

pub(crate) use door::first_lines;
pub(crate) use headline::{headline, how_many};
pub(crate) use planned::in_few_words as done_by_plan;

/// The title of the section on what happened.
pub(crate) const WHAT: &str = "What happened";

/// Every section that has something to say.
pub(crate) fn all(story: &Story<'_>) -> Vec<Section> {
    [
        (WHAT, what::happened(story)),
        ("The database", state::of_database(story)),
        ("The restore", undoing::restored(story)),
        ("What to do next", next::steps(story)),
        ("Also found", [planned::notes(story), state::findings(story)].concat()),
        ("If it turns out bad later", ways::back_by_hand(story)),
        ("This run", vec![facts(story)]),
    ]
    .into_iter()
    .filter(|(_, blocks)| !blocks.is_empty())
    .map(|(title, blocks)| Section { title, blocks })
    .collect()
}

fn facts(story: &Story<'_>) -> Block {
    let result = story.result;
    let mut facts = vec![("run", result.run.to_string()), ("execution", line(&result.execution))];
    facts.extend(console_link(&result.execution).map(|link| ("console", line(&link))));
    if let Some(bundle) = &result.bundle {
        facts.push(("bundle", line(&format!("s3://{}/{}", story.bucket, bundle.key))));
        facts.extend(bundle.version_id.as_deref().map(|version| ("version", line(version))));
    }
    facts.extend(result.digest.map(|digest| ("SHA-256", digest.to_string())));
    facts.extend(story.of.map(|of| ("of run", of.to_string())));
    facts.extend(
        result
            .snapshot
            .as_ref()
            .map(|snapshot| ("snapshot", snapshot.to_string())),
    );
    facts.push(("started", result.started_at.to_string()));
    facts.extend(result.ended_at.map(|ended| ("ended", ended.to_string())));
    facts.push(("result", line(&format!("s3://{}/{}", story.bucket, story.result_key))));
    facts.extend(result.report.as_deref().map(|report| ("report", line(report))));
    Block::Facts(facts)
}
