//! What a handler is given.

use super::scheduler::Flags;
use crate::model::{Lease, TaskId};
use crate::time::Timestamp;

/// One attempt at one task, as its handler sees it.
#[derive(Debug)]
pub struct TaskContext<'a> {
    pub(super) lease: &'a Lease,
    pub(super) worker: usize,
    pub(super) flags: &'a Flags,
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
        self.flags.lease_lost()
    }

    /// Whether the handler has run into its time limit
    /// ([`timeout`](crate::WorkerPoolBuilder::timeout)) and should stop. If it does not return within
    /// [`TIMEOUT_GRACE`](crate::limits::TIMEOUT_GRACE), the attempt is recorded as failed.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.flags.timed_out()
    }

    /// Whether the handler should stop early: its lease is lost, or its time limit has passed. Long handlers
    /// check this now and then.
    #[must_use]
    pub fn should_stop(&self) -> bool {
        self.lease_lost() || self.timed_out()
    }
}
