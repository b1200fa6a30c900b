//! How a run by hand ended, in words: the outcome first, then what is in and what is not, then what to do.

use belay_model::{
    AssertionState, FindingKind, MigrationKind, Outcome, PlannedAction, PlannedMigration, Verdict, Verified,
};

use crate::command::Prepared;
use crate::counted::counted;
use crate::report::Ended;
use crate::table;

/// The report.
pub(crate) fn of(prepared: &Prepared, ended: &Ended) -> String {
    let mut text = format!("{}: {}", ended.outcome, headline(prepared, ended));
    if let Some(verified) = &ended.verified {
        if verified.verdict != Verdict::Before {
            text.push_str(&what_is_in(verified, ended));
        }
        text.extend(verified.open_units.iter().map(|unit| format!("\nhalf done: {unit}")));
        text.extend(assertions(verified.assertions).map(|said| format!("\n{said}")));
        text.extend(findings(verified, ended.outcome));
    }
    text.extend(ended.notes(prepared).iter().map(|note| format!("\nnote: {note}")));
    text.extend(next(prepared, ended).map(|next| format!("\n\n{next}")));
    text
}

/// Each file with its state, and each change of the history.
fn what_is_in(verified: &Verified, ended: &Ended) -> String {
    let is_in = |script: &String| verified.applied.contains(script);
    let mut text = String::new();
    if ended.migrations().next().is_some() {
        let state = |migration: &PlannedMigration| match (migration.kind, is_in(&migration.script)) {
            (MigrationKind::Undo, true) => "Undone",
            (MigrationKind::Undo, false) => "Success",
            (_, true) => "Success",
            (_, false) => "Pending",
        };
        let states = ended.migrations().map(|migration| (migration, state(migration)));
        text.push_str(&format!("\n\n{}\n", table::of_states(states)));
    }
    // They are in one transaction.
    let changes = ended.changes().filter(|_| verified.verdict == Verdict::After);
    text.extend(changes.map(|change| format!("\nhistory: {change}")));
    text
}

fn headline(prepared: &Prepared, ended: &Ended) -> String {
    let database = &prepared.connect.endpoint.database;
    let run = &ended.run;
    match ended.outcome {
        Outcome::Migrated => {
            let count = ended.applied().count();
            let all = if count == 1 {
                "1 migration is in".to_owned()
            } else {
                format!("{count} migrations are in")
            };
            format!("{all}; {database} is as the bundle describes (run {run})")
        }
        Outcome::UpToDate => format!("nothing is pending in {database}"),
        Outcome::Done => done(prepared, ended),
        Outcome::Unchanged => format!("run {run} committed nothing; {database} is as it was"),
        Outcome::Rejected => format!("{database} was not opened for change"),
        Outcome::Interrupted if ended.planned.is_none() => format!("{database} can't be asked; nothing was begun"),
        Outcome::Interrupted => format!("what run {run} committed to {database} is not known"),
        Outcome::NeedsOperator => undecided(ended.verified.as_ref(), run.as_str()),
        Outcome::Undone | Outcome::Restored | Outcome::Superseded => format!("run {run}"),
    }
}

/// What `baseline`, `repair` and `undo` did.
fn done(prepared: &Prepared, ended: &Ended) -> String {
    let database = &prepared.connect.endpoint.database;
    let run = &ended.run;
    let nothing = ended.verified.is_none();
    match ended.action {
        PlannedAction::Baseline if nothing => format!("{database} has this baseline already"),
        PlannedAction::Baseline => format!("{database} has its baseline (run {run})"),
        PlannedAction::Repair if nothing => format!("the history of {database} needs no repair"),
        PlannedAction::Repair => format!(
            "the history of {database} is repaired: {} (run {run})",
            counted(ended.changes().count(), "change")
        ),
        PlannedAction::Undo if nothing => format!("nothing is to be undone in {database}"),
        PlannedAction::Undo => format!(
            "{} undone in {database}; for Flyway what was undone is pending again (run {run})",
            counted(ended.applied().count(), "migration")
        ),
        PlannedAction::Migrate => format!("run {run}"),
    }
}

fn undecided(verified: Option<&Verified>, run: &str) -> String {
    match verified.map(|verified| verified.verdict) {
        Some(Verdict::After) => {
            format!("everything that was planned is in, and an assertion does not hold (run {run})")
        }
        Some(Verdict::Between) => format!("some of what was planned is in, and some is not (run {run})"),
        Some(Verdict::Before) => format!("run {run} applied what was planned, and nothing of it is there any more"),
        Some(Verdict::Unknown) | None => {
            format!("what run {run} noted is gone, and the database is not as it was: was it restored?")
        }
    }
}

fn assertions(state: AssertionState) -> Option<&'static str> {
    match state {
        AssertionState::None | AssertionState::NotRun => None,
        AssertionState::Passed => Some("The assertions of verify/ hold."),
        AssertionState::Failed => Some("An assertion of verify/ does not hold, and never did."),
        AssertionState::FailedLater => {
            Some("An assertion of verify/ held before the last COMMIT, and does not any more.")
        }
    }
}

/// What was not to be expected. Of a run that did what was asked, what it changed is just that.
fn findings(verified: &Verified, outcome: Outcome) -> impl Iterator<Item = String> {
    let told = move |kind: FindingKind| match kind {
        // Told as half done.
        FindingKind::UnitOpen => false,
        FindingKind::Changed => !outcome.is_success(),
        _ => true,
    };
    let findings = verified.findings.iter().filter(move |finding| told(finding.kind));
    findings.map(|finding| format!("\n{finding}"))
}

/// What to do, where the failure itself does not say it.
fn next(prepared: &Prepared, ended: &Ended) -> Option<String> {
    let verified = ended.verified.as_ref();
    match (ended.outcome, verified.map(|verified| verified.verdict)) {
        (Outcome::NeedsOperator, Some(Verdict::Between)) if verified.is_some_and(|v| !v.open_units.is_empty()) => {
            Some(format!(
                "Run it again with that very file, and it goes on where it stopped. Or finish or take back by hand what is half \
                 done, then accept it so:\n  belay keep --url {} --run {}",
                prepared.masked_url(),
                ended.run
            ))
        }
        (Outcome::NeedsOperator, Some(Verdict::Between)) => Some(
            "Correct the bundle and run it again: it begins with what is not in. Or take back by hand what is in, also \
             its rows in the history."
                .to_owned(),
        ),
        (Outcome::NeedsOperator, Some(Verdict::After)) => Some(
            "What is in stays in. Look at what the assertion found, and mend the data, or the assertion in the next bundle."
                .to_owned(),
        ),
        (Outcome::NeedsOperator, _) => Some(format!("Look at the database first:\n{}", info(prepared))),
        (Outcome::Interrupted, _) if ended.planned.is_some() => Some(format!(
            "To see what is in, once the database answers:\n{}\nRunning the same bundle again is safe: it goes on where \
             this run stopped.",
            info(prepared)
        )),
        _ => None,
    }
}

fn info(prepared: &Prepared) -> String {
    format!("  belay info --url {} --bundle …", prepared.masked_url())
}
