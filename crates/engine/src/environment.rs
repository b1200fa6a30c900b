//! What outside the bundle keeps a plan from being made: privileges, and a database that is not as it must be.

use belay_model::{Code, PlannedAction, Problem};

use crate::journal;
use crate::survey::Survey;

/// Everything outside the bundle that keeps a plan from being made.
pub(crate) fn problems(survey: &Survey<'_>) -> Vec<Problem> {
    let mut wrong = privileges(survey);
    match survey.request.action {
        PlannedAction::Migrate => {
            wrong.extend(unknown_objects(survey));
            wrong.extend(absent_schemas(survey));
        }
        PlannedAction::Baseline => wrong.extend(absent_schemas(survey)),
        PlannedAction::Repair | PlannedAction::Undo => {}
    }
    wrong
}

fn problem(code: Code, message: String) -> Problem {
    Problem {
        code,
        place: None,
        message,
    }
}

fn privileges(survey: &Survey<'_>) -> Vec<Problem> {
    let (facts, history, user) = (&survey.facts, &survey.history, &survey.facts.user);
    let mut wrong = Vec::new();
    if !facts.may_journal() {
        wrong.push(problem(
            Code::JournalDenied,
            format!(
                "{user} may not make the journal; let an administrator run: {}",
                journal::admin_statements(user)
            ),
        ));
    }
    let there = &facts.history;
    let changes_rows = matches!(survey.request.action, PlannedAction::Repair | PlannedAction::Undo);
    let denied = match (there.exists, changes_rows) {
        (true, _) if !there.may_add => Some("read and write"),
        (true, true) if !there.may_change => Some("change rows of"),
        (true, _) | (false, true) => None,
        (false, false) => {
            let may = there.may_make || (there.schema_is_missing && facts.may_create_schema);
            (!may).then_some("create")
        }
    };
    if let Some(what) = denied {
        wrong.push(problem(
            Code::PrivilegeMissing,
            format!("{user} may not {what} {history}"),
        ));
    }
    wrong
}

/// Flyway does not look for them either where nothing is run.
fn unknown_objects(survey: &Survey<'_>) -> Option<Problem> {
    let flyway = survey.flyway();
    let object = survey
        .object_in_the_way()
        .filter(|_| !flyway.baseline_on_migrate && !flyway.skip_executing_migrations)?;
    Some(problem(
        Code::NonEmptySchema,
        format!(
            "there is no history, but {object} is there; set baselineOnMigrate in the target, run the action baseline, or name an empty schema"
        ),
    ))
}

fn absent_schemas(survey: &Survey<'_>) -> Vec<Problem> {
    if survey.flyway().create_schemas {
        return Vec::new();
    }
    let schemas = survey.missing_schemas().iter();
    schemas
        .map(|schema| {
            problem(
                Code::TargetInvalid,
                format!("schema {schema} does not exist, and createSchemas is false"),
            )
        })
        .collect()
}
