//! The future of an operation on an open queue, which it keeps open.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Core;
use crate::commit;
use crate::engine::Answer;
use crate::model::{Error, Result};

/// The future of the answer to one operation: see [`commit::Submission`].
#[derive(Debug)]
pub(crate) struct Submission {
    /// Before the queue, which it uses while it is dropped; there until then.
    submission: Option<commit::Submission>,
    core: Core,
}

impl Submission {
    pub(super) const fn new(core: Core, submission: commit::Submission) -> Self {
        Self { submission: Some(submission), core }
    }
}

impl Future for Submission {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Answer>> {
        self.core.check_owner()?;
        self.core.shared.commit_threads.start()?;
        let Some(submission) = &mut self.submission else { return Poll::Pending };
        let mut answers = ready!(Pin::new(submission).poll(context));
        Poll::Ready(answers.pop().unwrap_or_else(|| Err(Error::unanswered())))
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        // In a fork, a lock that a thread of the parent held stays locked.
        if self.core.check_owner().is_err() {
            mem::forget(self.submission.take());
        }
    }
}
