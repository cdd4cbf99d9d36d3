//! Why a running handler should stop, and how it learns of that without the scheduler's lock.

use std::sync::atomic::{AtomicU8, Ordering};

/// Why a handler should stop before its work is done.
///
/// A handler is not stopped from outside: it asks now and then, and returns. What it returns counts as always, unless
/// its lease is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// The lease was lost: the task runs or will run elsewhere, and the result of this attempt will be refused.
    LeaseLost,
    /// The task is to be cancelled ([`Queue::cancel`](crate::Queue::cancel)). If the handler returns an error, the task
    /// ends as cancelled and is not run again; if it returns `Ok`, the task is completed.
    Operator,
    /// The time limit has passed. A handler that does not return within
    /// [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE) is recorded as failed.
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

/// The bit of a task that its handler has completed in a transaction of its own.
const COMPLETED: u8 = 128;

/// The reasons for which one running handler should stop, and whether it has completed its task by itself.
#[derive(Debug, Default)]
pub(in crate::pool) struct StopFlags(AtomicU8);

impl StopFlags {
    pub(in crate::pool) fn set(&self, reason: CancelReason) {
        self.0.fetch_or(bit(reason), Ordering::Relaxed);
    }

    /// The handler has completed its task in a transaction of its own.
    pub(in crate::pool) fn set_completed(&self) {
        self.0.fetch_or(COMPLETED, Ordering::Relaxed);
    }

    pub(in crate::pool) fn completed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & COMPLETED != 0
    }

    pub(in crate::pool) fn has(&self, reason: CancelReason) -> bool {
        self.0.load(Ordering::Relaxed) & bit(reason) != 0
    }

    /// The weightiest reason.
    pub(in crate::pool) fn reason(&self) -> Option<CancelReason> {
        let set = self.0.load(Ordering::Relaxed);
        REASONS.iter().find(|(_, bit)| set & bit != 0).map(|(reason, _)| *reason)
    }
}

fn bit(reason: CancelReason) -> u8 {
    REASONS.iter().find(|(other, _)| *other == reason).map_or(0, |(_, bit)| *bit)
}
