//! What state the database is in.

use belay_model::{AssertionState, Code, Finding, FindingKind, Outcome, Verdict, Verified};

use crate::plain::line;
use crate::report::Block;
use crate::sections::{planned, undoing};
use crate::story::Story;

pub(super) fn of_database(story: &Story<'_>) -> Vec<Block> {
    let Ok(outcome) = story.result.status.parse::<Outcome>() else {
        return Vec::new();
    };
    let verified = story.result.verified.as_ref();
    match outcome {
        Outcome::Migrated => migrated(story, verified),
        Outcome::NeedsOperator => undecided(story, verified),
        Outcome::Unchanged => {
            let mut blocks = cleaned(story);
            blocks.push(Block::Words(unchanged(verified).to_owned()));
            blocks
        }
        Outcome::Done if story.action.planned().is_some() => done(story, verified),
        Outcome::UpToDate
        | Outcome::Done
        | Outcome::Undone
        | Outcome::Restored
        | Outcome::Interrupted
        | Outcome::Rejected
        | Outcome::Superseded => Vec::new(),
    }
}

/// Everything else that Verify found.
pub(super) fn findings(story: &Story<'_>) -> Vec<Block> {
    let Some(verified) = &story.result.verified else {
        return Vec::new();
    };
    let heading = |kind: FindingKind| match kind {
        FindingKind::Changed => "What this run changed in the schema",
        FindingKind::ChangedByOthers => "What changed in the schema besides",
        FindingKind::HistoryMoved => "Rows of others in the history",
        FindingKind::UnitOpen => "Marks that survived",
        FindingKind::Assertion => "Assertions",
        FindingKind::Ignored => "Files that were ignored",
        FindingKind::Note => "Notes",
    };
    // What matters most comes first.
    [
        FindingKind::UnitOpen,
        FindingKind::HistoryMoved,
        FindingKind::ChangedByOthers,
        FindingKind::Assertion,
        FindingKind::Note,
        FindingKind::Changed,
        FindingKind::Ignored,
    ]
    .into_iter()
    .filter_map(|kind| {
        let of_kind = |finding: &&Finding| finding.kind == kind;
        let found: Vec<_> = verified
            .findings
            .iter()
            .filter(of_kind)
            .map(|f| line(&f.message))
            .collect();
        (!found.is_empty()).then(|| Block::List(heading(kind).to_owned(), found))
    })
    .collect()
}

fn migrated(story: &Story<'_>, verified: Option<&Verified>) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(assertions) = verified.and_then(|verified| assertions(verified.assertions)) {
        blocks.push(Block::Words(assertions.to_owned()));
    }
    let scripts: Vec<_> = match (verified, story.plan) {
        (Some(verified), _) => verified.applied.iter().map(|script| line(script)).collect(),
        (None, Some(plan)) => plan.migrations().map(|migration| line(&migration.script)).collect(),
        (None, None) => Vec::new(),
    };
    if !scripts.is_empty() {
        blocks.push(Block::List("Applied, in this order".to_owned(), scripts));
    }
    blocks
}

fn done(story: &Story<'_>, verified: Option<&Verified>) -> Vec<Block> {
    let asserted = verified.and_then(|verified| assertions(verified.assertions));
    let asserted = asserted.map(|text| Block::Words(text.to_owned()));
    asserted.into_iter().chain(planned::done(story)).collect()
}

fn cleaned(story: &Story<'_>) -> Vec<Block> {
    if story.cleaned.is_empty() {
        return Vec::new();
    }
    let cleaned = story.cleaned.iter().map(|what| line(what)).collect();
    vec![Block::List("Cleaned up".to_owned(), cleaned)]
}

fn unchanged(verified: Option<&Verified>) -> &'static str {
    match verified.map(|verified| verified.verdict) {
        Some(Verdict::Before) => {
            "This run committed nothing: Verify looked, with every session of the run gone. Numbers that sequences \
             gave out, and effects outside of the database, do not roll back."
        }
        _ => "This run did not come so far as to begin a migration.",
    }
}

fn undecided(story: &Story<'_>, verified: Option<&Verified>) -> Vec<Block> {
    let code = story.result.failure.as_ref().map(|failure| failure.code);
    let Some(verified) = verified else {
        if code == Some(Code::Quarantined) {
            return vec![Block::Words("It is as the earlier run left it.".to_owned())];
        }
        return undoing::databases(story);
    };
    let mut blocks = vec![Block::Words(
        match verified.verdict {
            Verdict::After => "Everything that was planned is in.",
            Verdict::Between => "Some of what was planned is in, and some is not.",
            Verdict::Before => "Nothing of this run is in.",
            Verdict::Unknown => {
                "What this run noted is gone from the database, and the database is not as it was: was it restored, or \
                 the schema belay dropped?"
            }
        }
        .to_owned(),
    )];
    blocks.extend(assertions(verified.assertions).map(|text| Block::Words(text.to_owned())));
    for (heading, entries) in [
        ("In", &verified.applied),
        ("Not in", &verified.missing),
        ("Half done", &verified.open_units),
    ] {
        if !entries.is_empty() {
            let entries = entries.iter().map(|entry| line(entry)).collect();
            blocks.push(Block::List(heading.to_owned(), entries));
        }
    }
    blocks.extend(cleaned(story));
    if !verified.writes.is_empty() && story.result.restored.is_none() {
        let heading = "Others wrote since the snapshot, at least".to_owned();
        blocks.push(Block::List(heading, undoing::writes(&verified.writes)));
    }
    blocks.extend(undoing::databases(story));
    blocks
}

fn assertions(state: AssertionState) -> Option<&'static str> {
    match state {
        AssertionState::None => None,
        AssertionState::Passed => Some("The assertions of verify/ hold."),
        AssertionState::Failed => Some("An assertion of verify/ does not hold, and never did."),
        AssertionState::FailedLater => {
            Some("An assertion of verify/ held before the last COMMIT, and does not any more.")
        }
        AssertionState::NotRun => Some("The assertions of verify/ were not asked."),
    }
}
