//! Why a running handler should stop, and how it learns of that without the scheduler's lock.

use std::mem;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Why a handler should stop before its work is done.
///
/// A handler is not stopped from outside: it asks now and then, and returns. What it returns counts as always, unless
/// its lease is lost. Only a future that goes on after its time limit is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// The lease was lost: the task runs or will run elsewhere, and the result of this attempt will be refused.
    LeaseLost,
    /// The task is to be cancelled ([`Queue::cancel`](crate::Queue::cancel)). If the handler returns an error, the task
    /// ends as cancelled and is not run again; if it returns `Ok`, the task is completed.
    Operator,
    /// The time limit has passed. A handler that does not return within
    /// [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE) is recorded as failed; if it is a future, it is dropped.
    Timeout,
    /// The pool shuts down, and waits for the handler no longer than its caller allows. To leave the task to another
    /// process without counting the attempt, return
    /// [`TaskError::snooze`](crate::TaskError::snooze)`(Duration::ZERO)`.
    Shutdown,
}

/// All reasons, the weightiest first, each with its bit in [`StopFlags`].
const REASONS: [(CancelReason, u8); 4] = [
    (CancelReason::LeaseLost, 1),
    (CancelReason::Operator, 2),
    (CancelReason::Timeout, 4),
    (CancelReason::Shutdown, 8),
];

/// Set once the handler has completed its task in a transaction of its own.
const COMPLETED: u8 = 128;
/// Set once the attempt is recorded as failed though its handler goes on.
const GIVEN_UP: u8 = 64;

/// The reasons for which one running handler should stop and who is woken for them, and whether it has completed its
/// task by itself.
#[derive(Debug, Default)]
pub(in crate::pool) struct StopFlags {
    set: AtomicU8,
    waiting: Mutex<Waiting>,
}

/// Futures of one attempt that wait for a reason: that of its handler, and those that the handler awaits.
#[derive(Debug, Default)]
struct Waiting {
    wakers: Vec<(Place, Waker)>,
    #[cfg(feature = "tokio")]
    next: Place,
}

/// The place of a future among those that wait.
pub(super) type Place = u64;

impl StopFlags {
    /// Sets a reason. The wakers are to be woken where no lock is held.
    #[must_use]
    pub(in crate::pool) fn set(&self, reason: CancelReason) -> Vec<Waker> {
        self.raise(bit(reason))
    }

    /// The attempt is recorded as failed: its handler has run into its time limit, and is waited for no longer.
    #[must_use]
    pub(in crate::pool) fn give_up(&self) -> Vec<Waker> {
        self.raise(bit(CancelReason::Timeout) | GIVEN_UP)
    }

    fn raise(&self, bits: u8) -> Vec<Waker> {
        // Before the lock: a future that registers later sees it.
        self.set.fetch_or(bits, Ordering::Relaxed);
        let wakers = mem::take(&mut self.waiting().wakers);
        wakers.into_iter().map(|(_, waker)| waker).collect()
    }

    /// The handler has completed its task in a transaction of its own.
    pub(in crate::pool) fn set_completed(&self) {
        self.set.fetch_or(COMPLETED, Ordering::Relaxed);
    }

    pub(in crate::pool) fn completed(&self) -> bool {
        self.set.load(Ordering::Relaxed) & COMPLETED != 0
    }

    pub(in crate::pool) fn has(&self, reason: CancelReason) -> bool {
        self.set.load(Ordering::Relaxed) & bit(reason) != 0
    }

    /// Whether the attempt is recorded as failed though its handler goes on.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn is_given_up(&self) -> bool {
        self.set.load(Ordering::Relaxed) & GIVEN_UP != 0
    }

    /// Has a future woken when a flag is set; it must look at the flags after this, so that it misses none. Returns its
    /// place and its previous waker, to be dropped by the caller.
    #[cfg(feature = "tokio")]
    pub(super) fn register(&self, place: Option<Place>, waker: Waker) -> (Place, Option<Waker>) {
        let mut waiting = self.waiting();
        let place = place.unwrap_or_else(|| {
            waiting.next += 1;
            waiting.next
        });
        match waiting.wakers.iter_mut().find(|(other, _)| *other == place) {
            Some((_, registered)) => (place, Some(mem::replace(registered, waker))),
            None => {
                waiting.wakers.push((place, waker));
                (place, None)
            }
        }
    }

    /// A future waits no more. Returns its waker, to be dropped by the caller.
    #[cfg(feature = "tokio")]
    pub(super) fn unregister(&self, place: Place) -> Option<Waker> {
        let mut waiting = self.waiting();
        let index = waiting.wakers.iter().position(|(other, _)| *other == place)?;
        Some(waiting.wakers.swap_remove(index).1)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The weightiest reason.
    pub(in crate::pool) fn reason(&self) -> Option<CancelReason> {
        let set = self.set.load(Ordering::Relaxed);
        REASONS.iter().find(|(_, bit)| set & bit != 0).map(|(reason, _)| *reason)
    }
}

fn bit(reason: CancelReason) -> u8 {
    REASONS.iter().find(|(other, _)| *other == reason).map_or(0, |(_, bit)| *bit)
}
