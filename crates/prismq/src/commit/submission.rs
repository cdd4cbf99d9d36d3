//! The future of a submission: it queues its operations when it is first polled, once there is room, and is woken
//! with their answers. It never leads, and blocks on nothing but short locks.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::pending::Size;
use super::room::Ticket;
use super::waiter::Waiter;
use super::{Answers, Committer};
use crate::engine::Operation;
use crate::time::{Promise, wake};

/// The future of the answers to operations, which are applied in one transaction with others that wait.
///
/// Dropped before there was room for it, nothing of it is applied. Dropped later, it is applied as a whole all the
/// same, unless the transaction fails; what it claims is then released.
pub(crate) struct Submission {
    committer: Arc<Committer>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Not polled yet, or waiting for room, then with its place.
    Unsubmitted { operations: Vec<Operation>, place: Option<Ticket> },
    /// Queued or being applied.
    Submitted(Arc<Promise<Answers>>),
    /// Answered.
    Ended,
}

impl Submission {
    pub(crate) const fn new(committer: Arc<Committer>, operations: Vec<Operation>) -> Self {
        Self { committer, stage: Stage::Unsubmitted { operations, place: None } }
    }

    /// Queues the operations if there is room; otherwise has the future woken once there is.
    fn submit(&mut self, context: &Context<'_>) -> Result<(), Answers> {
        let Stage::Unsubmitted { operations, place } = &mut self.stage else { return Ok(()) };
        let size = Size::of(operations);
        let pending = self.committer.pending_for(operations);
        // Cloned before and dropped after the lock is held, as both may run the executor's code.
        let waker = context.waker().clone();
        let mut state = pending.lock();
        let has_room = state.has_room(size);
        let left = match (&has_room, &mut *place) {
            (Ok(false), place) => {
                let ticket = *place.get_or_insert_with(|| state.room.ticket());
                state.room.wait(ticket, size, waker)
            }
            (Ok(true) | Err(_), place) => place.take().and_then(|ticket| state.room.leave(ticket)),
        };
        let queued = has_room.map(|has_room| {
            has_room.then(|| {
                let promise = Arc::<Promise<Answers>>::default();
                let waiter = Waiter::Future(promise.clone());
                pending.push(&mut state, mem::take(operations), size, waiter);
                pending.lead_by_thread(&mut state);
                promise
            })
        });
        drop(state);
        drop(left);
        let refused = match queued {
            Ok(None) => return Ok(()),
            Ok(Some(promise)) => {
                self.stage = Stage::Submitted(promise);
                return Ok(());
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        };
        self.stage = Stage::Ended;
        Err(refused)
    }
}

impl Future for Submission {
    type Output = Answers;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answers> {
        if let Err(refused) = self.submit(context) {
            return Poll::Ready(refused);
        }
        let Stage::Submitted(promise) = &self.stage else { return Poll::Pending };
        let answers = promise.poll(context);
        if answers.is_ready() {
            self.stage = Stage::Ended;
        }
        answers
    }
}

impl Drop for Submission {
    fn drop(&mut self) {
        match mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Unsubmitted { operations, place: Some(ticket) } => {
                let mut state = self.committer.pending_for(&operations).lock();
                let waker = state.room.leave(ticket);
                // It may have been woken for room that it does not take.
                let wakers = state.wakers_for_room();
                drop(state);
                drop(waker);
                wake(wakers);
            }
            Stage::Submitted(promise) => {
                if let Some(answers) = promise.abandon() {
                    self.committer.release_unclaimed(answers);
                }
            }
            Stage::Unsubmitted { place: None, .. } | Stage::Ended => {}
        }
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").field("stage", &self.stage).finish_non_exhaustive()
    }
}
