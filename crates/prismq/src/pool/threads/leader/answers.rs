//! The answers to the operations of one transaction, taken in the order of the operations.

use std::vec::IntoIter;

use crate::engine::Answer;
use crate::model::{Error, Result};

/// Answers not taken yet, and the last failure among those taken that is not one lease's own.
#[derive(Debug)]
pub(super) struct Answers {
    answers: IntoIter<Result<Answer>>,
    failure: Option<Error>,
}

impl Answers {
    pub(super) fn new(answers: Vec<Result<Answer>>) -> Self {
        Self { answers: answers.into_iter(), failure: None }
    }

    /// The answer to the next operation.
    pub(super) fn take(&mut self) -> Result<Answer> {
        self.answers.next().unwrap_or_else(|| Err(Error::unanswered()))
    }

    /// An operation failed for a reason that is not its lease's.
    pub(super) fn failed(&mut self, error: Error) {
        self.failure = Some(error);
    }

    /// The last failure, if there was one.
    pub(super) fn into_failure(self) -> Option<Error> {
        self.failure
    }
}

/// Whether a lease is lost; also if another content was restored into its file.
pub(super) const fn is_lease_lost(error: &Error) -> bool {
    matches!(error, Error::LeaseLost { .. } | Error::ForeignLease { .. })
}
