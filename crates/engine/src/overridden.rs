//! Flyway's `errorOverrides` while a plan runs: a notice that is an error, and an error of a file that is only told.
//!
//! With rules, files go to the server statement by statement, so that each answer is known before the next is sent, and
//! in a transaction each statement has a savepoint to go back to. Without rules nothing of this happens.

use belay_model::{ErrorOverride, Failure, MessageSeverity, MessageShown, Place, ServerError};
use tokio_postgres::error::{DbError, Severity};

use crate::apply::Applying;
use crate::change::What;
use crate::error::{EngineError, is_lock_wait};
use crate::notice::tell;
use crate::report;
use crate::stop::{At, Refused, Stop, is_history_taken};

/// The savepoint of a statement. The name is none that a file has.
pub(crate) const SAVEPOINT: &str = "SAVEPOINT \"belay:statement\"";
pub(crate) const RELEASE: &str = "RELEASE SAVEPOINT \"belay:statement\"";
pub(crate) const BACK: &str = "ROLLBACK TO SAVEPOINT \"belay:statement\"";

/// Whether there are rules.
pub(crate) fn is_watched(applying: &Applying<'_>) -> bool {
    !applying.input.plan.error_overrides.is_empty()
}

/// What a plan says of rules that let errors of files pass.
pub(crate) fn note(rules: &[ErrorOverride]) -> Option<String> {
    let passing = rules.iter().filter(|rule| rule.severity != MessageSeverity::Error);
    let passing: Vec<String> = passing.map(ToString::to_string).collect();
    (!passing.is_empty()).then(|| format!("errorOverrides lets errors of files pass: {}", passing.join(", ")))
}

/// Whether an error of a file's statement is to be passed over.
pub(crate) fn is_passed_over(applying: &Applying<'_>, refused: &Refused) -> bool {
    let plan = applying.input.plan;
    let (Some(db), At::File(_)) = (refused.error.as_db_error(), &refused.at) else {
        return false;
    };
    let rule = ErrorOverride::find(&plan.error_overrides, db.code().code());
    let is_a_files_own = is_a_files_own(db) && !is_history_taken(db, &plan.history);
    is_a_files_own && rule.is_some_and(|rule| rule.severity != MessageSeverity::Error)
}

/// What is no fault of a file's stays an error whatever the rules say: a guard of ours, a lock that could not be had (that
/// is tried again), a cancelled statement, a server that goes away or is out of something.
fn is_a_files_own(db: &DbError) -> bool {
    let is_servers = matches!(db.code().code().get(..2), Some("08" | "53" | "57" | "58" | "XX"));
    let is_end = matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    !is_servers && !is_end && !is_lock_wait(db) && report::guard(db).is_none()
}

/// Tells of an error that is passed over. The row of the journal that is to be written for it; nothing if there are too many.
pub(crate) fn tell_of(applying: &Applying<'_>, unit: usize, refused: &Refused) -> Option<String> {
    let (Some(db), At::File(place)) = (refused.error.as_db_error(), &refused.at) else {
        return None;
    };
    let Applying { session, input, .. } = applying;
    let rule = ErrorOverride::find(&input.plan.error_overrides, db.code().code());
    let severity = match rule.map(|rule| rule.severity) {
        Some(MessageSeverity::Debug) => "DEBUG",
        Some(MessageSeverity::Info) => "INFO",
        _ => "WARNING",
    };
    // Masked while it is whole: a part of a secret is not found.
    let text = input.placeholders.mask(db.message());
    let shown = rule.map_or(MessageShown::All, |rule| rule.shown);
    let told = tell(severity, &text, db.code().code(), shown);
    let told = format!("{place}: {told}; errorOverrides lets it pass, and the statement did nothing");
    let key = applying.key(unit);
    let is_kept = session.notices().pass_over(&told);
    is_kept.then(|| key.insert_told(&input.plan.history, What::PassedOver, &place.file, &told))
}

/// Fails if the server has said something that is an error since this was last asked.
///
/// # Errors
/// The failure, at this place.
pub(crate) fn raised(applying: &Applying<'_>, place: Place) -> Result<(), Stop> {
    let Applying { session, input, .. } = applying;
    let Some(notice) = session.notices().take_raised() else {
        return Ok(());
    };
    let rules = &input.plan.error_overrides;
    let shown = ErrorOverride::find(rules, notice.code().code()).map_or(MessageShown::All, |rule| rule.shown);
    let failure = report::sql_failure(place, &notice, input.placeholders);
    let said = failure.server.as_ref().map(|server| server.message.clone());
    let failure = Failure {
        message: "PostgreSQL said something that errorOverrides makes an error".to_owned(),
        next: Some("mend the statement, or take the rule out of errorOverrides, and run again".to_owned()),
        ..failure
    };
    let failure = match shown {
        MessageShown::All => failure,
        MessageShown::Text => Failure {
            message: format!("{}: {}", failure.message, said.unwrap_or_default()),
            server: None,
            ..failure
        },
        MessageShown::State => Failure {
            server: Some(ServerError {
                sql_state: notice.code().code().to_owned(),
                message: "(not shown)".to_owned(),
                detail: None,
                hint: None,
                context: None,
            }),
            ..failure
        },
    };
    Err(Stop::Failed(EngineError::Failed(Box::new(failure))))
}
