//! A payload that is refused.

use belay_model::{Code, Failure};

/// A payload that is refused, with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub(crate) struct Refused {
    code: Code,
    message: String,
    next: String,
}

/// A request that can't be.
pub(crate) fn refused(message: impl Into<String>, next: impl Into<String>) -> Refused {
    Refused::under(Code::RequestInvalid, message, next)
}

impl Refused {
    /// … under another code.
    pub(crate) fn under(code: Code, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            next: next.into(),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code, refused.message).next(refused.next)
    }
}
