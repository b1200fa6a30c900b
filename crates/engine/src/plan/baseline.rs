//! What `baseline` does: a row that says where a database stands that was made by other means.

use belay_model::{Code, Event, HistoryChange, PlannedBaseline, Problem};

use super::{Draft, change_unit, open_units};
use crate::callbacks::Callbacks;
use crate::compare::Scope;
use crate::error::EngineError;
use crate::history::{Applied, shorten_description};
use crate::survey::Survey;

/// The draft of it. What is wrong is told.
pub(super) fn draft(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Draft, EngineError> {
    let flyway = survey.flyway();
    let baseline = PlannedBaseline {
        version: flyway.baseline_version.clone(),
        description: flyway.baseline_description.clone(),
    };
    let entries = survey.entries(&Scope::whole())?;
    wrong.extend(open_units(survey));
    if let Some(rows) = &survey.rows {
        wrong.extend(refusal(rows, &baseline).map(|why| Problem {
            code: Code::BaselineRefused,
            place: None,
            message: format!("{} {why}", survey.history),
        }));
        return Ok(Draft {
            reason: "the baseline is there".to_owned(),
            ..Draft::new(&entries)
        });
    }
    let makes_schemas = !survey.missing_schemas().is_empty();
    let is_of_baseline = |event: Event| match event {
        Event::CreateSchema | Event::BeforeCreateSchema => makes_schemas,
        event => event.as_str().contains("Baseline"),
    };
    let callbacks = Callbacks::new(survey, is_of_baseline, wrong)?;
    let around = callbacks.of(&[
        Event::CreateSchema,
        Event::BeforeCreateSchema,
        Event::BeforeBaseline,
        Event::AfterBaseline,
        Event::AfterBaselineOperationFinish,
    ]);
    Ok(Draft {
        units: vec![change_unit(survey, around, vec![HistoryChange::Baseline(baseline)])],
        reason: "a baseline is one row".to_owned(),
        create_schemas: survey.missing_schemas().to_vec(),
        on_error: callbacks.planned(&[Event::AfterBaselineError]),
        ..Draft::new(&entries)
    })
}

/// Why a history that is there can't get this baseline; nothing if it has it.
fn refusal(rows: &[Applied], baseline: &PlannedBaseline) -> Option<String> {
    // Only the row of schemas can come before it.
    if let Some(there) = rows.iter().take(2).find(|row| row.kind.is_baseline_command()) {
        let description = shorten_description(&baseline.description);
        let is_same = there.version.as_ref() == Some(&baseline.version) && there.description == description;
        let found = there.version.as_ref().map_or("", |version| version.as_str());
        return (!is_same).then(|| {
            format!(
                "has a baseline already: version {found} ({}), not {} ({description})",
                there.description, baseline.version
            )
        });
    }
    Some(if rows.is_empty() {
        "is there and empty; drop it and baseline again, or migrate".to_owned()
    } else {
        "tells of migrations already, so no baseline is needed; migrate applies what is pending".to_owned()
    })
}
