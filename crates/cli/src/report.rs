//! How a run by hand ended, told to people or in Flyway's JSON.

use belay_engine::{Info, Planned};
use belay_model::{
    AssertionState, Attempt, BundleDigest, Failure, Finding, FindingKind, HistoryChange, Outcome, Plan, PlanDigest,
    PlannedAction, PlannedMigration, RunId, Verdict, Verified,
};
use serde::Serialize;

use crate::answers::Changed;
use crate::arguments::Format;
use crate::command::Prepared;
use crate::json::{Answer, Common};
use crate::words;

/// How a run by hand ended.
pub(crate) struct Ended {
    /// What was asked.
    pub(crate) action: PlannedAction,
    pub(crate) outcome: Outcome,
    pub(crate) run: RunId,
    pub(crate) attempt: Attempt,
    /// The last plan that was made.
    pub(crate) planned: Option<Box<Planned>>,
    pub(crate) verified: Option<Verified>,
    /// What went wrong first.
    pub(crate) failure: Option<Failure>,
    /// Why the database could not be asked.
    pub(crate) unverified: Option<Failure>,
}

impl Ended {
    /// The planned migrations that are in, in order.
    pub(crate) fn applied(&self) -> impl Iterator<Item = &PlannedMigration> {
        let verified = self.verified.as_ref();
        self.migrations()
            .filter(move |migration| verified.is_some_and(|verified| verified.applied.contains(&migration.script)))
    }

    /// Flyway's name of what was asked.
    pub(crate) fn operation(&self) -> &'static str {
        match self.action {
            PlannedAction::Migrate => "migrate",
            PlannedAction::Baseline => "baseline",
            PlannedAction::Repair => "repair",
            PlannedAction::Undo => "undo",
        }
    }

    /// What is worth telling of how the run was made.
    pub(crate) fn notes(&self, prepared: &Prepared) -> Vec<String> {
        match &self.planned {
            Some(planned) => prepared.notes_with(&planned.plan),
            None => prepared.notes(),
        }
    }

    /// The planned changes of the history that no file brings, in order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &HistoryChange> {
        self.planned.iter().flat_map(|planned| planned.plan.changes())
    }

    pub(crate) fn migrations(&self) -> impl Iterator<Item = &PlannedMigration> {
        self.planned.iter().flat_map(|planned| planned.plan.migrations())
    }
}

/// Tells how the run ended.
pub(crate) async fn tell(prepared: &Prepared, ended: &Ended) {
    let screen = prepared.screen;
    match screen.format {
        Format::Table => {
            let failures = ended.failure.iter().filter(|_| !ended.outcome.is_success());
            for failure in failures.chain(&ended.unverified) {
                screen.fail(failure, Some(&prepared.bundle));
            }
            screen.say(&words::of(prepared, ended));
        }
        Format::Json => {
            let now = history_now(prepared, ended).await;
            screen.say_json(&answer(prepared, ended, now.as_ref()));
        }
    }
}

/// The history as it is now; nothing if it can't be read, as nothing hangs on it, or if nothing was changed.
async fn history_now(prepared: &Prepared, ended: &Ended) -> Option<Info> {
    let verdict = ended.verified.as_ref().map(|verified| verified.verdict);
    if matches!(verdict, None | Some(Verdict::Before)) {
        return None;
    }
    let request = prepared.request.as_plan_request(PlannedAction::Migrate);
    belay_engine::info(&prepared.connect, &prepared.bundle, &request)
        .await
        .ok()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra<'a> {
    outcome: Outcome,
    exit_code: u8,
    run: &'a RunId,
    attempt: Attempt,
    bundle: BundleDigest,
    plan: Option<PlanDigest>,
    verdict: Option<Verdict>,
    assertions: Option<AssertionState>,
    applied: &'a [String],
    missing: &'a [String],
    open_units: &'a [String],
    /// Planned changes of the history that no file brings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<&'a HistoryChange>,
    findings: &'a [Finding],
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<&'a Failure>,
}

fn answer<'a>(prepared: &'a Prepared, ended: &'a Ended, now: Option<&Info>) -> Answer<Changed, Extra<'a>> {
    let plan = ended.planned.as_ref().map(|planned| &planned.plan);
    let verified = ended.verified.as_ref();
    let findings = verified.map_or(&[][..], |verified| &verified.findings);
    let unexpected = findings.iter().filter(|finding| finding.kind != FindingKind::Changed);
    let warnings = ended
        .notes(prepared)
        .into_iter()
        .chain(unexpected.map(ToString::to_string));
    Answer {
        common: Common::new(
            ended.operation(),
            &prepared.connect.endpoint.database,
            warnings.collect(),
        ),
        flyway: Changed::new(ended, &prepared.bundle, now),
        belay: Extra {
            outcome: ended.outcome,
            exit_code: ended.outcome.exit_code(),
            run: &ended.run,
            attempt: ended.attempt,
            bundle: prepared.bundle.digest(),
            plan: plan.and_then(|plan| plan.digest().ok()),
            verdict: verified.map(|verified| verified.verdict),
            assertions: verified.map(|verified| verified.assertions),
            applied: verified.map_or(&[], |verified| &verified.applied),
            missing: verified.map_or(&[], |verified| &verified.missing),
            open_units: verified.map_or(&[], |verified| &verified.open_units),
            changes: plan.into_iter().flat_map(Plan::changes).collect(),
            findings,
            failure: ended.failure.as_ref(),
            unverified: ended.unverified.as_ref(),
        },
    }
}
