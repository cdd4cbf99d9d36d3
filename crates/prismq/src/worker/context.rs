//! What a handler is given.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Timestamp;
use crate::lease::Lease;
use crate::task::TaskId;

/// One attempt at one task, as its handler sees it.
#[derive(Debug)]
pub struct TaskContext<'a> {
    pub(super) lease: &'a Lease,
    pub(super) worker: usize,
    pub(super) lost: &'a AtomicBool,
}

impl TaskContext<'_> {
    /// The task's id.
    #[must_use]
    pub const fn id(&self) -> TaskId {
        self.lease.id()
    }

    /// The task's type.
    #[must_use]
    pub fn task_type(&self) -> &str {
        self.lease.task_type()
    }

    /// The bytes it was enqueued with.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.lease.payload()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.lease.attempt()
    }

    /// How many attempts the task is given.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.lease.max_attempts()
    }

    /// When the task was enqueued.
    #[must_use]
    pub const fn enqueued_at(&self) -> Timestamp {
        self.lease.enqueued_at()
    }

    /// The fencing token of this attempt's lease, to be handed to systems that check it.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.lease.token()
    }

    /// Which worker of the pool runs it, from 0.
    #[must_use]
    pub const fn worker(&self) -> usize {
        self.worker
    }

    /// Whether the pool found that the lease no longer holds: the task is or will be another's, the
    /// result of this attempt will be refused, and a long handler should stop.
    #[must_use]
    pub fn lease_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}
