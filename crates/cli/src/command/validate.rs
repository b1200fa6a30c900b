//! `belay validate`: whether the bundle fits the database; every problem at once.

use belay_bundle::Bundle;
use belay_engine::EngineError;
use belay_model::{BundleDigest, Code, Failure, MigrationKind, Outcome, PlannedAction, Problem};
use serde::Serialize;

use super::Prepared;
use crate::arguments::Format;
use crate::counted::counted;
use crate::error::CliError;
use crate::json::{Answer, Common, ErrorDetails, ValidateOutput, flyway_code};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validate {
    error_details: Option<ErrorDetails>,
    invalid_migrations: Vec<ValidateOutput>,
    validation_successful: bool,
    validate_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    outcome: Outcome,
    exit_code: u8,
    bundle: BundleDigest,
    pending: usize,
    ignored: Vec<String>,
    problems: Vec<Problem>,
}

/// Whether the database is as the bundle says. What refuses a plan is what doesn't fit; and, as in Flyway, what is not
/// applied yet.
pub(crate) async fn run(prepared: &Prepared) -> Result<Outcome, CliError> {
    let Prepared {
        bundle,
        request,
        connect,
        screen,
        ..
    } = prepared;
    screen.progress(&format!("Looking at {} …", prepared.place()));
    let request = request.as_plan_request(PlannedAction::Migrate);
    let (pending, mut problems) = match belay_engine::plan(connect, bundle, &request).await {
        Ok(planned) => (planned.plan.migrations().count(), Vec::new()),
        Err(EngineError::Rejected(problems)) => (0, problems),
        Err(error) => return Err(error.into()),
    };
    problems.extend(belay_engine::info(connect, bundle, &request).await?.not_applied);
    let outcome = if problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Rejected
    };
    match screen.format {
        Format::Table if problems.is_empty() => screen.say(&words(prepared, pending)),
        Format::Table => {
            let failure = prepared.advised(Failure::of_problems(Code::PlanRejected, problems));
            screen.fail(&failure, Some(bundle));
            screen.say(&format!("{outcome}: bundle and database do not agree"));
        }
        Format::Json => screen.say_json(&Answer {
            common: Common::new("validate", &connect.endpoint.database, prepared.notes()),
            flyway: flyway(prepared, &problems),
            belay: Extra {
                outcome,
                exit_code: outcome.exit_code(),
                bundle: bundle.digest(),
                pending,
                ignored: bundle.ignored().to_vec(),
                problems,
            },
        }),
    }
    Ok(outcome)
}

fn words(prepared: &Prepared, pending: usize) -> String {
    let bundle = &prepared.bundle;
    let mut text = format!(
        "Bundle and database agree: {}, {pending} of them pending, {}",
        counted(looked_at(bundle), "migration"),
        counted(bundle.assertions().len(), "assertion")
    );
    text.extend(bundle.ignored().iter().map(|path| format!("\nignored: {path}")));
    text.extend(prepared.notes().iter().map(|note| format!("\nnote: {note}")));
    text
}

fn flyway(prepared: &Prepared, problems: &[Problem]) -> Validate {
    let bundle = &prepared.bundle;
    let details = || ErrorDetails {
        error_code: flyway_code(Code::PlanRejected),
        error_message: Failure::of_problems(Code::PlanRejected, problems.to_vec()).to_string(),
    };
    Validate {
        error_details: (!problems.is_empty()).then(details),
        invalid_migrations: problems
            .iter()
            .map(|problem| ValidateOutput::new(problem, Some(bundle)))
            .collect(),
        validation_successful: problems.is_empty(),
        validate_count: looked_at(bundle),
    }
}

/// How many migrations there are to compare: undo files have no row in the history.
fn looked_at(bundle: &Bundle) -> usize {
    let files = bundle.migrations().iter();
    files.filter(|file| file.kind != MigrationKind::Undo).count()
}
