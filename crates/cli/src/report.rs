//! How a run by hand ended, told to people or in Flyway's JSON.

use std::collections::HashMap;

use belay_engine::{InfoRow, Planned, State};
use belay_model::{
    AssertionState, Attempt, BundleDigest, Failure, Finding, FindingKind, Outcome, PlanDigest, PlannedMigration, RunId,
    Verdict, Verified,
};
use serde::Serialize;

use crate::arguments::Format;
use crate::command::Prepared;
use crate::json::{Answer, Common, ErrorOutput, MigrateOutput};
use crate::words;

/// How a run by hand ended.
pub(crate) struct Ended {
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
            let rows = applied_rows(prepared, ended).await;
            screen.say_json(&answer(prepared, ended, &rows));
        }
    }
}

/// The history's rows of what this run applied, by script; none if they can't be read now, as nothing hangs on them.
async fn applied_rows(prepared: &Prepared, ended: &Ended) -> HashMap<String, InfoRow> {
    if ended.applied().next().is_none() {
        return HashMap::new();
    }
    let request = prepared.request.as_plan_request();
    let info = belay_engine::info(&prepared.connect, &prepared.bundle, &request).await;
    let rows = info.map(|info| info.rows).unwrap_or_default();
    // Of a repeatable the newest row is the last.
    rows.into_iter()
        .filter(|row| row.state != State::Pending)
        .map(|row| (row.script.clone(), row))
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Migrate {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorOutput>,
    initial_schema_version: Option<String>,
    target_schema_version: Option<String>,
    schema_name: Option<String>,
    migrations: Vec<MigrateOutput>,
    migrations_executed: usize,
    success: bool,
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
    findings: &'a [Finding],
    failure: Option<&'a Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified: Option<&'a Failure>,
}

fn answer<'a>(prepared: &'a Prepared, ended: &'a Ended, rows: &HashMap<String, InfoRow>) -> Answer<Migrate, Extra<'a>> {
    let plan = ended.planned.as_ref().map(|planned| &planned.plan);
    let verified = ended.verified.as_ref();
    let migrations: Vec<_> = ended
        .applied()
        .map(|migration| {
            let took = rows.get(&migration.script).and_then(|row| row.execution_time);
            MigrateOutput::new(migration, took.unwrap_or_default())
        })
        .collect();
    let version = |version: &belay_model::Version| version.as_str().to_owned();
    let from = plan.and_then(|plan| plan.from_version.as_ref()).map(version);
    let last = ended
        .applied()
        .filter_map(|migration| migration.version.as_ref())
        .max()
        .map(version);
    let findings = verified.map_or(&[][..], |verified| &verified.findings);
    let warnings = findings
        .iter()
        .filter(|finding| finding.kind != FindingKind::Changed)
        .map(ToString::to_string);
    let shown_failure = ended.failure.as_ref().or(ended.unverified.as_ref());
    Answer {
        common: Common::new("migrate", &prepared.connect.endpoint.database, warnings.collect()),
        flyway: Migrate {
            error: shown_failure
                .filter(|_| !ended.outcome.is_success())
                .map(ErrorOutput::new),
            initial_schema_version: from.clone(),
            target_schema_version: last.or(from),
            schema_name: plan.map(|plan| plan.history.schema.clone()),
            migrations_executed: migrations.len(),
            migrations,
            success: ended.outcome.is_success(),
        },
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
            findings,
            failure: ended.failure.as_ref(),
            unverified: ended.unverified.as_ref(),
        },
    }
}
