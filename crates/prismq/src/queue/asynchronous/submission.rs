//! Operations as futures, for callers that must not block their thread.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::core;
use crate::engine::Answer;
use crate::model::{Error, Result};
use crate::queue::Queue;

/// An operation on a queue, as the future of its answer. It needs no runtime: any executor can poll it.
///
/// Nothing happens until it is polled. Then it waits for room in the submission queue, for as long as that takes,
/// and is committed together with the operations of other callers, by a thread of the queue's own or by one of those
/// callers. It resolves once the operation is durable.
///
/// # Cancellation
/// It may be dropped at any time, say by a timeout. The operation is then done as a whole or not at all: not if it
/// had not been polled or still waited for room, otherwise most likely. What a dropped claim has leased is released.
///
/// ```
/// use prismq::{NewTask, Queue, TaskId};
///
/// async fn sign_up(queue: &Queue, mail: &str) -> Result<TaskId, prismq::Error> {
///     let task = NewTask::new("welcome", mail.as_bytes());
///     let handle = queue.enqueue_async(task).await?; // durable when it resolves
///     Ok(handle.id())
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Submission<T> {
    stage: Stage<T>,
    answer: fn(&Queue, Answer) -> Result<T>,
}

enum Stage<T> {
    /// There is nothing to submit, or an argument is at fault.
    Answered(Option<Result<T>>),
    Submitted(core::Submission, Queue),
}

impl<T> Submission<T> {
    /// Submits an operation; `answer` is what its answer means to the caller.
    pub(crate) fn new(
        queue: Queue,
        submission: core::Submission,
        answer: fn(&Queue, Answer) -> Result<T>,
    ) -> Self {
        Self { stage: Stage::Submitted(submission, queue), answer }
    }

    /// Submits nothing.
    pub(crate) fn answered(answer: Result<T>) -> Self {
        Self { stage: Stage::Answered(Some(answer)), answer: |_, _| Err(Error::unanswered()) }
    }
}

// Nothing in it is pinned.
impl<T> Unpin for Submission<T> {}

impl<T> Future for Submission<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let answer = self.answer;
        match &mut self.stage {
            Stage::Answered(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Stage::Submitted(submission, queue) => {
                let answered = ready!(Pin::new(submission).poll(context))?;
                Poll::Ready(answer(queue, answered))
            }
        }
    }
}

impl<T> fmt::Debug for Submission<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_submitted = matches!(self.stage, Stage::Submitted(..));
        f.debug_struct("Submission").field("is_submitted", &is_submitted).finish_non_exhaustive()
    }
}
