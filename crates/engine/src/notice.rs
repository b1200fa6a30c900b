//! What the server says besides its answers: notices and warnings, as Flyway logs them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::DbError;

/// How many are kept, and how much of each.
const MOST: usize = 50;
const LONGEST: usize = 500;

/// What one session has heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    first: Vec<String>,
    more: usize,
}

impl Notices {
    /// Keeps one, if there is room.
    pub(crate) fn hear(&self, notice: &DbError) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.first.len() < MOST {
            let text = notice.message().chars().take(LONGEST);
            let text = format!("{}: {}", notice.severity(), text.collect::<String>());
            heard.first.push(text);
        } else {
            heard.more += 1;
        }
    }

    /// The first of them, and how many more there were.
    pub(crate) fn told(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = (heard.more > 0).then(|| format!("and {} more", heard.more));
        heard.first.iter().cloned().chain(more).collect()
    }
}
