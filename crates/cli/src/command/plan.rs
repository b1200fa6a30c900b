//! `belay plan`: what `migrate` would do.

use belay_model::{Outcome, Plan, PlanDigest, PlannedAction, UnitKind};
use serde::Serialize;

use super::Prepared;
use crate::arguments::{Format, PlanOptions};
use crate::counted::counted;
use crate::error::CliError;
use crate::json::{Answer, Common, MigrateOutput};
use crate::table;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    initial_schema_version: Option<String>,
    schema_name: String,
    migrations: Vec<MigrateOutput>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra<'a> {
    digest: PlanDigest,
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
}

/// The SQL that the plan comes to, with secrets masked.
fn dry_run(prepared: &Prepared, plan: &Plan) -> Result<String, CliError> {
    let placeholders = prepared.placeholders(plan)?;
    Ok(belay_engine::dry_run(&prepared.bundle, plan, &placeholders)?)
}

/// Makes the plan and shows it.
pub(crate) async fn run(prepared: &Prepared, options: &PlanOptions) -> Result<Outcome, CliError> {
    let Prepared {
        bundle,
        request,
        connect,
        screen,
        ..
    } = prepared;
    screen.progress(&format!("Looking at {} …", prepared.place()));
    let plan = belay_engine::plan(connect, bundle, &request.as_plan_request(options.action.into()))
        .await?
        .plan;
    let sql = match options.sql {
        true => Some(dry_run(prepared, &plan)?),
        false => None,
    };
    let digest = plan.digest().map_err(belay_engine::EngineError::from)?;
    let notes = prepared.notes_with(&plan);
    match screen.format {
        Format::Table if let Some(sql) = &sql => screen.say(sql),
        Format::Table => screen.say(&words(&plan, &digest, &notes)),
        Format::Json => screen.say_json(&Answer {
            common: Common::new("plan", &connect.endpoint.database, notes),
            flyway: Planned {
                initial_schema_version: plan.from_version.as_ref().map(|version| version.as_str().to_owned()),
                schema_name: plan.history.schema.clone(),
                migrations: plan
                    .migrations()
                    .map(|migration| MigrateOutput::new(migration, 0))
                    .collect(),
            },
            belay: Extra {
                digest,
                plan: &plan,
                sql,
            },
        }),
    }
    Ok(Outcome::Done)
}

fn words(plan: &Plan, digest: &PlanDigest, notes: &[String]) -> String {
    let mut text = if plan.pending() == 0 {
        format!("{}{}.", nothing(plan.action), at_version(plan))
    } else {
        what(plan, digest)
    };
    text.extend(notes.iter().map(|note| format!("\nnote: {note}")));
    text
}

fn what(plan: &Plan, digest: &PlanDigest) -> String {
    let mut text = format!("{}{}\n", headline(plan), at_version(plan));
    if plan.units.iter().any(|unit| !unit.files.is_empty()) {
        text.push_str(&format!("\n{}", table::of_plan(plan)));
    }
    for (number, unit) in plan.units.iter().enumerate() {
        if let Some(reason) = &unit.reason {
            text.push_str(&format!("\nUnit {} is lone: {reason}", number + 1));
        }
    }
    if let Some(baseline) = &plan.baseline {
        text.push_str(&format!(
            "\nbaseline: the database is taken to be at version {} ({})",
            baseline.version, baseline.description
        ));
    }
    text.extend(plan.changes().map(|change| format!("\nhistory: {change}")));
    let on_error = plan.on_error.iter();
    text.extend(on_error.map(|callback| format!("\nif it fails: {} ({})", callback.path, callback.event)));
    for assertion in &plan.assertions {
        text.push_str(&format!("\nmust hold: {}", assertion.path));
    }
    text.push_str(&format!("\nplan {digest}"));
    text
}

fn nothing(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Migrate => "Nothing is pending",
        PlannedAction::Baseline => "The baseline is there already",
        PlannedAction::Repair => "Nothing is to be repaired",
        PlannedAction::Undo => "Nothing is to be undone",
    }
}

/// What is to be done and how it commits.
pub(crate) fn headline(plan: &Plan) -> String {
    let lone = plan.units.iter().filter(|unit| unit.kind == UnitKind::Lone).count();
    let groups = plan.units.len() - lone;
    let how: Vec<String> = [(groups, "transaction"), (lone, "lone file")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    let migrations = plan.migrations().count();
    let what = match plan.action {
        _ if migrations == 0 => counted(plan.pending(), "change") + " of the history",
        PlannedAction::Undo => counted(migrations, "migration") + " to undo",
        _ => counted(migrations, "migration") + " pending",
    };
    format!("{what}, in {} ({})", how.join(" and "), plan.reason)
}

fn at_version(plan: &Plan) -> String {
    plan.from_version
        .as_ref()
        .map_or_else(String::new, |version| format!("; the schema is at version {version}"))
}
