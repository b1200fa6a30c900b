//! Whether a run may still change anything.

use belay_model::Failure;
use futures_util::future::BoxFuture;

/// Asked before each step that changes something, whether this run may still change anything (K3).
pub trait Gate: Send + Sync {
    /// Refuses if the lock item is not this run's under its fence.
    fn check(&self) -> BoxFuture<'_, Result<(), Failure>>;
}

/// Always open: for `belay` by hand, where the database lock is the only one.
#[derive(Debug, Clone, Copy)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn check(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
