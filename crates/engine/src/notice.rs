//! What the server says besides its answers: notices and warnings, as Flyway logs them.
//!
//! The connection hands a notice over before it reads what the server sent after it. So whoever has seen the end of an
//! answer has every notice of it here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belay_model::{ErrorOverride, MessageSeverity, MessageShown};
use tokio_postgres::error::DbError;

use crate::placeholder::Placeholders;

/// How many are kept, and how much of each.
const MOST: usize = 50;
const LONGEST: usize = 500;

/// What one session has heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// What they are taken for.
    rules: Vec<ErrorOverride>,
    /// What is masked in them.
    secrets: Placeholders,
    first: Vec<String>,
    more: usize,
    /// Errors that were only told.
    passed_over: Vec<String>,
    /// The first that is an error, since it was last asked.
    raised: Option<DbError>,
}

impl Notices {
    /// From now on they are taken for what these rules say, and told without these secrets.
    pub(crate) fn take_for(&self, rules: &[ErrorOverride], secrets: &Placeholders) {
        let mut heard = self.heard();
        heard.rules = rules.to_vec();
        heard.secrets = secrets.clone();
    }

    /// Keeps one, if there is room.
    pub(crate) fn hear(&self, notice: &DbError) {
        let mut heard = self.heard();
        let rule = ErrorOverride::find(&heard.rules, notice.code().code()).cloned();
        let shown = rule.as_ref().map_or(MessageShown::Text, |rule| rule.shown);
        // Masked while it is whole: a part of a secret is not found.
        let text = heard.secrets.mask(notice.message());
        let tell = |severity: &str| tell(severity, &text, notice.code().code(), shown);
        let told = match rule.map(|rule| rule.severity) {
            None => tell(notice.severity()),
            Some(MessageSeverity::Debug) => return,
            Some(MessageSeverity::Info) => tell("INFO"),
            Some(MessageSeverity::Warning) => tell("WARNING"),
            Some(MessageSeverity::Error) => {
                heard.raised.get_or_insert_with(|| notice.clone());
                tell(notice.severity())
            }
        };
        if heard.first.len() < MOST {
            heard.first.push(told);
        } else {
            heard.more += 1;
        }
    }

    /// Keeps an error that is only told, once, if there is room. Whether it is kept.
    pub(crate) fn pass_over(&self, told: &str) -> bool {
        let mut heard = self.heard();
        if heard.passed_over.iter().any(|known| known == told) {
            return true;
        }
        let is_room = heard.passed_over.len() < MOST;
        if is_room {
            heard.passed_over.push(told.to_owned());
        } else {
            heard.more += 1;
        }
        is_room
    }

    /// The first that was an error since this was last asked.
    pub(crate) fn take_raised(&self) -> Option<DbError> {
        self.heard().raised.take()
    }

    /// The errors that were only told.
    pub(crate) fn passed_over(&self) -> Vec<String> {
        self.heard().passed_over.clone()
    }

    /// The first of them, and how many more there were; errors that were only told before all others.
    pub(crate) fn told(&self) -> Vec<String> {
        let heard = self.heard();
        let more = (heard.more > 0).then(|| format!("and {} more", heard.more));
        let all = heard.passed_over.iter().chain(&heard.first);
        all.cloned().chain(more).collect()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message of the server in a line, whose text is masked already.
pub(crate) fn tell(severity: &str, text: &str, state: &str, shown: MessageShown) -> String {
    let text: String = text.chars().take(LONGEST).collect();
    match shown {
        MessageShown::All => format!("{severity}: {text} (SQLSTATE {state})"),
        MessageShown::Text => format!("{severity}: {text}"),
        MessageShown::State => format!("{severity}: SQLSTATE {state}"),
    }
}
