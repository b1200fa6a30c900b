//! What a report says, by outcome.

mod next;
mod state;
mod what;

use belay_model::{Action, Code, MigrationKind, Outcome, Plan};

use crate::arn::console_link;
use crate::plain::line;
use crate::report::{Block, Section, failed_later};
use crate::story::{LockFate, Story};

/// The title of the section on what happened.
pub(crate) const WHAT: &str = "What happened";

/// Every section that has something to say.
pub(crate) fn all(story: &Story<'_>) -> Vec<Section> {
    [
        (WHAT, what::happened(story)),
        ("The database", state::of_database(story)),
        ("What to do next", next::steps(story)),
        ("Also found", state::findings(story)),
        ("This run", vec![facts(story)]),
    ]
    .into_iter()
    .filter(|(_, blocks)| !blocks.is_empty())
    .map(|(title, blocks)| Section { title, blocks })
    .collect()
}

/// The first words of a mail, and the summary of a result.
pub(crate) fn headline(story: &Story<'_>) -> String {
    let result = story.result;
    let target = line(&result.target);
    let Ok(outcome) = result.status.parse::<Outcome>() else {
        return format!("{target}: {}.", line(&result.status));
    };
    let code = result.failure.as_ref().map(|failure| failure.code);
    match outcome {
        Outcome::Migrated => migrated(story, &target),
        Outcome::UpToDate => format!("{target} is up to date: nothing was pending."),
        Outcome::Done => match story.action {
            Action::Keep => format!("{target} is accepted as it is, and free again."),
            Action::Info | Action::Validate | Action::Migrate => {
                format!("{target} was looked at; nothing was changed.")
            }
        },
        Outcome::Unchanged => format!("{target} is unchanged: the run failed, and committed nothing."),
        Outcome::Undone => format!("{target} is as it was: the run failed, and undo files took it back."),
        Outcome::Restored => format!("{target} is as it was: the run failed, and the snapshot took it back."),
        Outcome::NeedsOperator if code == Some(Code::Quarantined) => {
            format!("{target} is in quarantine since an earlier run. This run changed nothing.")
        }
        Outcome::NeedsOperator => match story.fate {
            LockFate::Quarantined { .. } => {
                format!("{target} needs a person to decide. Until then it is quarantined: no run changes it.")
            }
            LockFate::Free => format!("{target} needs a person to decide."),
        },
        Outcome::Interrupted => match story.fate {
            LockFate::Quarantined { .. } => format!(
                "The run was interrupted while it was changing {target}, which is quarantined now: it is not known \
                 what is in."
            ),
            LockFate::Free => format!("The run for {target} was interrupted before it changed anything."),
        },
        Outcome::Rejected => match story.action {
            Action::Keep => format!("The request to keep {target} was refused; nothing was changed."),
            _ => "The bundle or the request was refused; the database was not opened for change.".to_owned(),
        },
        Outcome::Superseded => {
            format!("A later version of the same bundle runs instead; this run changed nothing of {target}.")
        }
    }
}

fn migrated(story: &Story<'_>, target: &str) -> String {
    let how = story.plan.map_or_else(|| "migrated".to_owned(), how_many);
    let later = if failed_later(story.result) {
        " An assertion that held before the COMMIT does not hold any more."
    } else {
        ""
    };
    format!("{target} is migrated: {how}.{later}")
}

/// `12 migrations, now at version 12`.
pub(crate) fn how_many(plan: &Plan) -> String {
    let count = plan.migrations().count();
    let noun = if count == 1 { "migration" } else { "migrations" };
    let version = plan
        .migrations()
        .filter(|migration| migration.kind == MigrationKind::Versioned)
        .filter_map(|migration| migration.version.as_ref())
        .chain(&plan.from_version)
        .max();
    match version {
        Some(version) => format!("{count} {noun}, now at version {version}"),
        None => format!("{count} {noun}"),
    }
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
    facts.push(("started", result.started_at.to_string()));
    facts.extend(result.ended_at.map(|ended| ("ended", ended.to_string())));
    facts.push(("result", line(&format!("s3://{}/{}", story.bucket, story.result_key))));
    facts.extend(result.report.as_deref().map(|report| ("report", line(report))));
    Block::Facts(facts)
}
