//! `initSql`, and callbacks of `afterConnect`: what is said to the database before each file.

use belay_model::{Code, Event, Problem};

use crate::classify::StatementKind;
use crate::error::EngineError;
use crate::script::Script;
use crate::survey::Survey;

/// What is said, `initSql` first. What of it can't be is told: it runs in the transaction of each file.
pub(crate) fn read(survey: &Survey<'_>, wrong: &mut Vec<Problem>) -> Result<Option<String>, EngineError> {
    let flyway = survey.flyway();
    let replace = flyway.placeholder_replacement.then_some(&survey.placeholders);
    let mut texts = Vec::new();
    if let Some(text) = &flyway.init_sql {
        wrong.extend(problems(Script::new("initSql", text.clone(), replace)));
        texts.push(text.clone());
    }
    let callbacks = survey.bundle.callbacks().iter();
    for callback in callbacks.filter(|callback| callback.event == Event::AfterConnect) {
        if !survey.should_execute(&callback.path, &callback.config, wrong) {
            continue;
        }
        let text = survey.bundle.text(&callback.path)?;
        let script = Script::new(&callback.path, text.clone(), replace);
        let own = callback.config.placeholder_replacement;
        if let (Ok(script), Some(_)) = (&script, own.filter(|own| *own != flyway.placeholder_replacement)) {
            wrong.push(Problem {
                code: Code::ConfigInvalid,
                place: Some(script.place()),
                message: "it is said together with initSql, so its .conf can't say another placeholderReplacement"
                    .to_owned(),
            });
        }
        wrong.extend(problems(script));
        texts.push(text);
    }
    // A comment at the end of one must not hide the next.
    Ok((!texts.is_empty()).then(|| texts.join("\n;\n")))
}

fn problems(script: Result<Script, Problem>) -> Vec<Problem> {
    let script = match script {
        Ok(script) => script,
        Err(problem) => return vec![problem],
    };
    let is_unfit = |kind: StatementKind| {
        !matches!(
            kind,
            StatementKind::Plain | StatementKind::Session | StatementKind::Procedure
        )
    };
    let unfit = script.kinds().enumerate().filter(|(_, kind)| is_unfit(*kind));
    let unfit = unfit.map(|(index, _)| Problem {
        code: Code::ConfigInvalid,
        place: Some(script.statement_place(index)),
        message:
            "initSql and afterConnect run in the transaction of each file, so they may hold no transaction control, \
                  no COPY from standard input, and nothing that can't be in a transaction"
                .to_owned(),
    });
    script.problems().into_iter().chain(unfit).collect()
}
