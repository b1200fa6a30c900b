//! How long a unit is tried again because of locks.

use std::time::Duration;

use belay_model::LockSettings;
use tokio::time::Instant;

use crate::error::EngineError;

/// How long a unit is tried again because of locks.
pub(crate) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new(locks: LockSettings) -> Self {
        Self {
            end: Instant::now() + Duration::from_secs(locks.budget_s.into()),
            pause: Duration::from_millis(250),
        }
    }

    /// Waits a while, for longer each time, with jitter; or gives up with the error.
    pub(crate) async fn wait(&mut self, error: EngineError) -> Result<(), EngineError> {
        if Instant::now() + self.pause >= self.end {
            return Err(error);
        }
        tokio::time::sleep(self.pause.mul_f64(jitter())).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(10));
        Ok(())
    }
}

/// A number from 0.5 to 1.5; 1 where the system has no randomness to give.
fn jitter() -> f64 {
    getrandom::u32().map_or(1.0, |random| 0.5 + f64::from(random) / f64::from(u32::MAX))
}
