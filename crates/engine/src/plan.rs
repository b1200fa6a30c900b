//! Plan: bundle and database together, read in one snapshot, with everything frozen that could change meanwhile.

mod baseline;
mod migrate;
mod repair;
mod undo;

use std::collections::BTreeMap;

use belay_bundle::Bundle;
use belay_model::{
    HistoryChange, Instance, Plan, PlannedAction, PlannedAssertion, PlannedBaseline, PlannedCallback, Problem,
    ResumedUnit, SecretRef, TransactionMode, Unit, UnitKind, Version,
};

use crate::compare::Entry;
use crate::environment;
use crate::error::EngineError;
use crate::fingerprint::{self, Schema};
use crate::info::current_version;
use crate::init_sql;
use crate::lossless;
use crate::overridden;
use crate::resume;
use crate::script::Script;
use crate::session::{Connect, Session, quote_identifier};
use crate::survey::Survey;
use crate::unit::Beside;

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

/// Makes the plan. Only reads (P1). Two round trips after logging in, and one more if something is to be done.
///
/// # Errors
/// [`EngineError::Rejected`] with every problem at once; else what the database or the network said.
pub async fn plan(connect: &Connect, bundle: &Bundle, request: &PlanRequest<'_>) -> Result<Planned, EngineError> {
    let session = Session::open(connect, None).await?;
    let planned = match Survey::new(&session, bundle, request).await {
        Ok(survey) => make(&survey, connect).await,
        Err(error) => Err(error),
    };
    session.close().await;
    planned
}

/// What an action wants done. The rest of a plan is the same for all.
#[derive(Debug, Default)]
struct Draft {
    units: Vec<Unit>,
    reason: String,
    baseline: Option<PlannedBaseline>,
    create_schemas: Vec<String>,
    resume: Option<ResumedUnit>,
    defers_constraints: bool,
    on_error: Vec<PlannedCallback>,
    on_statement: Vec<PlannedCallback>,
    assertions: Vec<PlannedAssertion>,
    skip_executing: bool,
    from_version: Option<Version>,
    notes: Vec<String>,
}

impl Draft {
    /// Nothing to do yet, from where the database is.
    fn new(entries: &[Entry<'_>]) -> Self {
        Self {
            from_version: current_version(entries),
            ..Self::default()
        }
    }
}

async fn make(survey: &Survey<'_>, connect: &Connect) -> Result<Planned, EngineError> {
    let mut wrong = environment::problems(survey);
    wrong.extend(survey.problems.iter().cloned());
    let init_sql = init_sql::read(survey, &mut wrong)?;
    let draft = match survey.request.action {
        PlannedAction::Migrate => migrate::draft(survey, &mut wrong)?,
        PlannedAction::Baseline => baseline::draft(survey, &mut wrong)?,
        PlannedAction::Repair => repair::draft(survey, &mut wrong)?,
        PlannedAction::Undo => undo::draft(survey, &mut wrong)?,
    };
    // With nothing to change there is nothing to take back.
    if let Some(instance) = survey.request.instance.filter(|_| !draft.units.is_empty()) {
        wrong.extend(lossless::problems(survey.client, connect, instance).await?);
    }
    if !wrong.is_empty() {
        return Err(EngineError::Rejected(wrong));
    }
    let before = match draft.units.is_empty() {
        true => None,
        false => fingerprint::read(survey.client).await?,
    };
    Ok(Planned {
        plan: freeze(survey, draft, init_sql),
        before,
    })
}

fn freeze(survey: &Survey<'_>, draft: Draft, init_sql: Option<String>) -> Plan {
    let flyway = survey.flyway();
    let notes = survey.bundle.notes().iter().cloned();
    Plan {
        action: survey.request.action,
        bundle: survey.bundle.digest(),
        history: survey.history.clone(),
        tablespace: flyway.tablespace.clone(),
        history_exists: survey.rows.is_some(),
        base_rank: base_rank(survey),
        journal: survey.journal.last_attempt,
        resume: draft.resume,
        create_schemas: draft.create_schemas,
        baseline: draft.baseline,
        search_path: search_path(survey),
        defers_constraints: survey.facts.has_deferred_constraint || draft.defers_constraints,
        transaction: migrate::mode(survey),
        reason: draft.reason,
        units: draft.units,
        on_error: draft.on_error,
        on_statement: draft.on_statement,
        skip_executing: draft.skip_executing,
        init_sql,
        error_overrides: flyway.error_overrides.clone(),
        notes: notes
            .chain(draft.notes)
            .chain(overridden::note(&flyway.error_overrides))
            .collect(),
        placeholders: survey.frozen.clone(),
        placeholder_replacement: flyway.placeholder_replacement,
        placeholder_syntax: survey.placeholders.syntax().clone(),
        assertions: draft.assertions,
        installed_by: flyway.installed_by.clone(),
        from_version: draft.from_version,
    }
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

/// Changes of the history as a unit, with the callbacks before and after them.
fn change_unit(survey: &Survey<'_>, callbacks: Vec<Beside>, changes: Vec<HistoryChange>) -> Unit {
    Unit {
        kind: UnitKind::Group,
        reason: None,
        base_rank: base_rank(survey),
        files: callbacks.into_iter().map(|beside| beside.file).collect(),
        changes,
    }
}

fn base_rank(survey: &Survey<'_>) -> Option<i32> {
    survey.rows.iter().flatten().map(|row| row.rank).max()
}

/// L3: while a unit of an earlier run is open, nothing else is begun.
fn open_units(survey: &Survey<'_>) -> Vec<Problem> {
    resume::resumable(&survey.journal.open, None).err().unwrap_or_default()
}
