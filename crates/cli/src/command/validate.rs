//! `belay validate`: whether the bundle fits the database; every problem at once.

use belay_engine::EngineError;
use belay_model::{BundleDigest, Code, Failure, Outcome, Problem};
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

/// Makes the plan and throws it away: what refuses the plan is what doesn't fit.
pub(crate) async fn run(prepared: &Prepared) -> Result<Outcome, CliError> {
    let Prepared {
        bundle,
        request,
        connect,
        screen,
    } = prepared;
    screen.progress(&format!("Looking at {} …", prepared.place()));
    let (pending, problems) = match belay_engine::plan(connect, bundle, &request.as_plan_request()).await {
        Ok(planned) => (planned.plan.migrations().count(), Vec::new()),
        Err(EngineError::Rejected(problems)) => (0, problems),
        Err(error) => return Err(error.into()),
    };
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
            common: Common::new("validate", &connect.endpoint.database, Vec::new()),
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
        counted(bundle.migrations().len(), "migration"),
        counted(bundle.assertions().len(), "assertion")
    );
    text.extend(bundle.ignored().iter().map(|path| format!("\nignored: {path}")));
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
        validate_count: bundle.migrations().len(),
    }
}
