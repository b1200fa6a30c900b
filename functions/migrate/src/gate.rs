//! K3: the lock item is read consistently before each step that changes something.

use belay_aws::lock::Locks;
use belay_engine::Gate;
use belay_model::{Failure, LockRef};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Open while the lock is this execution's, under its fence.
#[derive(Debug)]
pub(crate) struct LockGate<'a> {
    pub(crate) locks: &'a Locks,
    pub(crate) lock: &'a LockRef,
    pub(crate) execution: &'a str,
}

impl Gate for LockGate<'_> {
    fn check(&self) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let mine = self.locks.assert_mine(self.lock, self.execution).await;
            mine.map_err(|error| error.failure())
        }
        .boxed()
    }
}
