//! Plan: bundle and database together, read in one snapshot, with everything frozen that could change meanwhile.

use std::collections::BTreeMap;

use belay_bundle::Bundle;
use belay_model::{
    Instance, Plan, PlannedAction, PlannedAssertion, PlannedBaseline, PlannedMigration, Problem, SecretRef,
    TargetVersion, TransactionMode,
};

use crate::compare::{Entry, State};
use crate::error::EngineError;
use crate::fingerprint::{self, Schema};
use crate::history::{self, Applied};
use crate::info::current_version;
use crate::lossless;
use crate::resume::resumable;
use crate::script::Script;
use crate::session::{Connect, Session, quote_identifier};
use crate::survey::Survey;
use crate::unit::{Traits, Units, units};
use crate::validation::{obstacles, problems};

/// A placeholder's value as the target gives it.
#[derive(Clone)]
pub enum Given {
    /// A value that may be shown.
    Value(String),
    /// A secret's value, and where it is: only the place goes into the plan.
    Secret {
        /// Where it is.
        at: SecretRef,
        /// The value.
        value: String,
    },
}

/// What Plan is asked.
#[derive(Clone)]
pub struct PlanRequest<'a> {
    /// What the plan is to do.
    pub action: PlannedAction,
    /// What commits together.
    pub transaction: TransactionMode,
    /// The target's placeholders.
    pub placeholders: &'a BTreeMap<String, Given>,
    /// The instance whose policy the plan must keep to; nothing where no snapshot is taken.
    pub instance: Option<&'a Instance>,
}

/// A plan, and what was there before it.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The schema as it was, to tell later what changed; nothing if it could not be read.
    pub before: Option<Schema>,
}

/// What the bundle's text alone shows to be wrong, beyond what its bytes did (U1): for Check.
///
/// # Errors
/// If a file can't be read.
pub fn check(bundle: &Bundle) -> Result<Vec<Problem>, EngineError> {
    let mut problems = Vec::new();
    for assertion in bundle.assertions() {
        match Script::new(&assertion.path, bundle.text(&assertion.path)?, None) {
            Ok(script) => problems.extend(crate::assertion::problems(&script)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(problems)
}

/// Makes the plan. Only reads (P1).
///
/// # Errors
/// [`EngineError::Rejected`] with every problem at once; else what the database or the network said.
pub async fn plan(connect: &Connect, bundle: &Bundle, request: &PlanRequest<'_>) -> Result<Planned, EngineError> {
    let session = Session::open(connect, None).await?;
    session
        .run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let planned = match Survey::new(session.client(), bundle, request).await {
        Ok(survey) => make(&survey, connect).await,
        Err(error) => Err(error),
    };
    session.close().await;
    planned
}

async fn make(survey: &Survey<'_>, connect: &Connect) -> Result<Planned, EngineError> {
    let Survey {
        bundle,
        request,
        facts,
        history: table,
        ..
    } = survey;
    let baseline = survey.baseline().await?;
    let planned_rows: Vec<Applied> = baseline.iter().map(history::baseline_row).collect();
    let entries = survey.entries_over(&planned_rows);
    let mut wrong = survey.environment_problems().await?;
    wrong.extend(survey.problems.iter().cloned());
    wrong.extend(match survey.flyway().validate_on_migrate {
        true => problems(&entries, survey.flyway()),
        false => obstacles(&entries, survey.flyway()),
    });
    let base_rank = survey.rows.iter().flatten().map(|row| row.rank).max();
    let last_rank = base_rank.or(baseline.as_ref().map(|_| PlannedBaseline::RANK));
    let pending = pending(survey, &entries, last_rank, &mut wrong)?;
    check_assertions(survey, &mut wrong)?;
    // With nothing to change there is nothing to take back.
    if let Some(instance) = request.instance.filter(|_| !pending.is_empty()) {
        wrong.extend(lossless::problems(survey.client, connect, instance).await?);
    }
    let resume = resumable(&survey.journal.open, &pending).unwrap_or_else(|open| {
        wrong.extend(open);
        None
    });
    let defers_constraints =
        facts.has_deferred_constraint || pending.iter().any(|(_, traits)| traits.defers_constraints);
    let Units { units, reason } = match units(pending, request.transaction, facts.relation_cap, base_rank) {
        Ok(made) if wrong.is_empty() => made,
        Ok(_) => return Err(EngineError::Rejected(wrong)),
        Err(obstacles) => return Err(EngineError::Rejected(wrong.into_iter().chain(obstacles).collect())),
    };
    let create_schemas = if units.is_empty() {
        Vec::new()
    } else {
        survey.missing_schemas().await?
    };
    let assertions = bundle.assertions().iter();
    let plan = Plan {
        action: request.action,
        bundle: bundle.digest(),
        history: table.clone(),
        tablespace: None,
        on_error: Vec::new(),
        skip_executing: false,
        init_sql: None,
        notes: bundle.notes().to_vec(),
        history_exists: survey.rows.is_some(),
        base_rank,
        journal: survey.journal.last_attempt,
        resume,
        create_schemas,
        baseline: baseline.filter(|_| !units.is_empty()),
        search_path: search_path(survey),
        defers_constraints,
        transaction: request.transaction,
        reason,
        units,
        placeholders: survey.frozen.clone(),
        placeholder_replacement: survey.flyway().placeholder_replacement,
        assertions: assertions
            .map(|a| PlannedAssertion {
                path: a.path.clone(),
                sha256: a.sha256,
            })
            .collect(),
        installed_by: survey.flyway().installed_by.clone(),
        from_version: current_version(&entries),
    };
    let before = fingerprint::read(survey.client).await?;
    Ok(Planned { plan, before })
}

/// The search path of every session: the default schema first, where the target names one.
fn search_path(survey: &Survey<'_>) -> Option<String> {
    let flyway = survey.flyway();
    let named = flyway.default_schema.is_some() || !flyway.schemas.is_empty();
    let path = [
        quote_identifier(&survey.history.schema),
        survey.facts.search_path.clone(),
    ];
    named.then(|| {
        path.into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    })
}

fn pending(
    survey: &Survey<'_>,
    entries: &[Entry<'_>],
    last_rank: Option<i32>,
    wrong: &mut Vec<Problem>,
) -> Result<Vec<(PlannedMigration, Traits)>, EngineError> {
    let mut pending = Vec::new();
    let mut rank = last_rank.unwrap_or(0);
    let at_most = match survey.flyway().target {
        TargetVersion::Next => 1,
        _ => usize::MAX,
    };
    for (migration, checksum) in entries
        .iter()
        .filter(|entry| entry.state == State::Pending)
        .filter_map(|entry| entry.file)
        .take(at_most)
    {
        let script = match survey.script(migration)? {
            Ok(script) => script,
            Err(problem) => {
                if !wrong.contains(&problem) {
                    wrong.push(problem);
                }
                continue;
            }
        };
        wrong.extend(script.problems());
        rank += 1;
        let planned = PlannedMigration {
            kind: migration.kind,
            version: migration.version.clone(),
            description: migration.description.clone(),
            script: migration.script.clone(),
            path: migration.path.clone(),
            checksum,
            sha256: migration.sha256,
            rank,
        };
        pending.push((planned, Traits::of(&script, migration.config.execute_in_transaction)));
    }
    Ok(pending)
}

fn check_assertions(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<(), EngineError> {
    for assertion in survey.bundle.assertions() {
        let replace = survey.flyway().placeholder_replacement;
        match Script::new(
            &assertion.path,
            survey.bundle.text(&assertion.path)?,
            replace.then_some(&survey.placeholders),
        ) {
            Ok(script) => wrong.extend(crate::assertion::problems(&script)),
            Err(problem) => wrong.push(problem),
        }
    }
    Ok(())
}
