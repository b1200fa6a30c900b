//! Time as a budget: an invocation's deadline less a reserve, enforced by a CancelRequest.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::EngineError;
use crate::session::Session;

/// How long an invocation may work.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    cancel_at: Option<Instant>,
}

/// How long the server may take to answer a CancelRequest.
const GRACE: Duration = Duration::from_secs(10);

impl Budget {
    /// No end: for `belay` by hand.
    pub const UNLIMITED: Self = Self { cancel_at: None };

    /// Until `remaining` from now, less `reserve` to roll back, tell and end.
    #[must_use]
    pub fn of(remaining: Duration, reserve: Duration) -> Self {
        Self {
            cancel_at: Some(Instant::now() + remaining.saturating_sub(reserve)),
        }
    }

    /// Whether it is used up.
    pub(crate) fn is_over(&self) -> bool {
        self.cancel_at.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits for the server's answer. When the budget ends first, the server is asked to cancel and its answer to that
    /// is waited for: then the second value is true.
    pub(crate) async fn answer<T>(
        &self,
        session: &Session,
        answer: impl Future<Output = T>,
    ) -> Result<(T, bool), EngineError> {
        let mut answer = std::pin::pin!(answer);
        let Some(end) = self.cancel_at else {
            return Ok((answer.await, false));
        };
        if let Ok(answered) = tokio::time::timeout_at(end, &mut answer).await {
            return Ok((answered, false));
        }
        session.cancel().await;
        match tokio::time::timeout(GRACE, answer).await {
            Ok(answered) => Ok((answered, true)),
            Err(_) => Err(EngineError::NoAnswer {
                seconds: GRACE.as_secs(),
            }),
        }
    }
}
