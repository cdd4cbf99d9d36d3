//! Errors that are made in many places.

use super::Error;

impl Error {
    pub(crate) fn invalid(what: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidInput { what, reason: reason.into() }
    }

    /// An engine answered nothing, or another operation: a defect, after which its state is unknown.
    pub(crate) fn unanswered() -> Self {
        Self::Poisoned {
            cause: "the engine returned no answer, or one to another operation".to_owned(),
        }
    }
}
