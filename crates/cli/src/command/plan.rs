//! `belay plan`: what `migrate` would do.

use belay_model::{Outcome, Plan, PlanDigest, UnitKind};
use serde::Serialize;

use super::Prepared;
use crate::arguments::Format;
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
}

/// Makes the plan and shows it.
pub(crate) async fn run(prepared: &Prepared) -> Result<Outcome, CliError> {
    let Prepared {
        bundle,
        request,
        connect,
        screen,
    } = prepared;
    screen.progress(&format!("Looking at {} …", prepared.place()));
    let plan = belay_engine::plan(connect, bundle, &request.as_plan_request())
        .await?
        .plan;
    let digest = plan.digest().map_err(belay_engine::EngineError::from)?;
    match screen.format {
        Format::Table => screen.say(&words(&plan, &digest)),
        Format::Json => screen.say_json(&Answer {
            common: Common::new("plan", &connect.endpoint.database, Vec::new()),
            flyway: Planned {
                initial_schema_version: plan.from_version.as_ref().map(|version| version.as_str().to_owned()),
                schema_name: plan.history.schema.clone(),
                migrations: plan
                    .migrations()
                    .map(|migration| MigrateOutput::new(migration, 0))
                    .collect(),
            },
            belay: Extra { digest, plan: &plan },
        }),
    }
    Ok(Outcome::Done)
}

fn words(plan: &Plan, digest: &PlanDigest) -> String {
    if plan.units.is_empty() {
        return format!("Nothing is pending{}.", at_version(plan));
    }
    let mut text = format!("{}{}\n\n{}", headline(plan), at_version(plan), table::of_plan(plan));
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
    for assertion in &plan.assertions {
        text.push_str(&format!("\nmust hold: {}", assertion.path));
    }
    text.push_str(&format!("\nplan {digest}"));
    text
}

/// What is pending and how it commits.
pub(crate) fn headline(plan: &Plan) -> String {
    let lone = plan.units.iter().filter(|unit| unit.kind == UnitKind::Lone).count();
    let groups = plan.units.len() - lone;
    let how: Vec<String> = [(groups, "transaction"), (lone, "lone file")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    let migrations = counted(plan.migrations().count(), "migration");
    format!("{migrations} pending, in {} ({})", how.join(" and "), plan.reason)
}

fn at_version(plan: &Plan) -> String {
    plan.from_version
        .as_ref()
        .map_or_else(String::new, |version| format!("; the schema is at version {version}"))
}
