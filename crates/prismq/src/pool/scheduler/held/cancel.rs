//! Requests to cancel tasks that the pool holds.
//!
//! Those of this process arrive with their commit. Those of other processes are looked for every [`LOOK_INTERVAL`]
//! while the pool holds tasks, by a read. The handler of a running task is notified; a task that no worker has begun is
//! released, which ends it.

use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::settling::Settle;
use crate::model::{LeaseKey, TaskId};

/// How often the pool looks for requests of other processes.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// When to look next.
#[derive(Debug)]
pub(crate) struct CancelLook {
    next: Instant,
}

impl CancelLook {
    pub(crate) fn new(now: Instant) -> Self {
        Self { next: now + LOOK_INTERVAL }
    }
}

impl Scheduler {
    /// When to look for requests of other processes; `None` while the pool holds nothing.
    pub(crate) fn cancel_look_at(&self) -> Option<Instant> {
        let holds = self.slots.running() > 0 || !self.ready.is_empty();
        holds.then_some(self.cancel_look.next)
    }

    /// Whether to look now; the next time is then later.
    pub(in crate::pool) fn take_cancel_look(&mut self, now: Instant) -> bool {
        let is_due = self.cancel_look_at().is_some_and(|at| at <= now);
        if is_due {
            self.cancel_look.next = now + LOOK_INTERVAL;
        }
        is_due
    }

    /// These tasks are to be cancelled, each as held with this token.
    pub(in crate::pool) fn cancel(&mut self, requests: &[(TaskId, i64)], now: Instant) {
        for (id, token) in requests {
            let is_meant = |key: LeaseKey| key.id == *id && key.token == *token;
            self.slots.cancel(is_meant);
            let key = self.ready.leases().map(|lease| lease.key).find(|key| is_meant(*key));
            if let Some(task) = key.and_then(|key| self.ready.take_key(key)) {
                self.settle_unrun(task, Settle::Release, now);
            }
        }
    }
}
