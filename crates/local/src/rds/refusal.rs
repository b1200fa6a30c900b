//! An error of RDS's.

/// Why a request is refused: what the client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// RDS's code.
    pub(super) code: String,
    /// A sentence.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// A value that can't be.
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    /// Values that can't be together.
    pub(super) fn combination(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterCombination", message)
    }

    /// A mistake of the double's own.
    pub(super) fn bug(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", message)
    }
}
