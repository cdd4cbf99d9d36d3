//! How a pool ends, on request or because the database ended it.
//!
//! A fault of the whole queue stops the pool for good if only opening the file again can help, and
//! suspends it if the fault may end by itself: it then gives back what it holds and claims nothing until
//! the database accepts a batch again.

use std::time::Instant;

use super::{Finished, Scheduler};
use crate::model::{Error, Lease, TaskId};
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Becomes `Draining` by a shutdown, `Stopped` by a fault that lasts.
    Running,
    /// Claims nothing more; settles what is held, then becomes `Stopped`.
    Draining,
    /// Nothing is run or written any more.
    Stopped,
}

/// Why the pool does not work.
#[derive(Debug, Clone)]
pub(in crate::pool) struct Fault {
    pub(in crate::pool) error: Error,
    /// Whether it may end by itself.
    pub(in crate::pool) may_end: bool,
}

impl Scheduler {
    /// No more claims: what is prefetched goes back.
    pub(in crate::pool) fn drain(&mut self, now: Instant) {
        if self.phase == Phase::Running {
            self.phase = Phase::Draining;
            self.drained = None;
            self.give_back_all(now);
            self.permit = None;
            // A fault may have ended since it was last met: what is done is tried once more.
            self.backoff.succeeded();
            self.retried = false;
        }
    }

    /// The database reports a fault of the whole queue. Says what is new about it.
    pub(in crate::pool) fn fail(&mut self, error: Error, now: Instant) -> Option<Fault> {
        let fault = Fault { may_end: error.may_end_by_itself(), error };
        if !fault.may_end {
            self.phase = Phase::Stopped;
            self.permit = None;
        }
        // The next claim shows whether the fault has ended, also where nothing new is to be taken.
        self.drained = None;
        self.give_back_all(now);
        self.retried = true;
        self.backoff.failed(now);
        let known = self.fault.as_ref().is_some_and(|known| known.may_end == fault.may_end);
        self.fault = Some(fault.clone());
        (!known).then_some(fault)
    }

    /// The database is well; says whether it was not.
    pub(in crate::pool) fn recover(&mut self) -> bool {
        self.backoff.succeeded();
        self.phase != Phase::Stopped && self.fault.take().is_some()
    }

    /// Nobody waits for the pool any more: what cannot be settled is left to expire.
    pub(in crate::pool) fn abandon(&mut self) {
        self.abandoned = true;
    }

    /// Whether everything held is settled, but for what `caller` runs, which waits for just that, and for
    /// what a fault of the queue keeps from being settled.
    pub(in crate::pool) fn is_settled(&self, caller: Option<usize>) -> bool {
        let callers = caller.is_some_and(|worker| self.slots.of(worker).is_some());
        let running = self.slots.running() - usize::from(callers);
        let settled = self.is_suspended() && self.retried || self.nothing_to_settle();
        self.phase == Phase::Stopped || (running == 0 && settled)
    }

    /// Whether the leader has nothing more to do for a pool that ends.
    pub(super) fn has_ended(&self, clock: Timestamp) -> bool {
        match self.phase {
            Phase::Running => false,
            Phase::Stopped => true,
            Phase::Draining => {
                let expired = || self.held().all(|lease| lease.expires_at.monotonic <= clock);
                (self.slots.running() == 0 && self.nothing_to_settle())
                    || (self.abandoned && self.reserved == 0 && expired())
            }
        }
    }

    /// The leader ends, and with it the pool.
    pub(in crate::pool) fn stop(&mut self) -> usize {
        self.phase = Phase::Stopped;
        self.drained = None;
        self.permit = None;
        self.wake_all()
    }

    /// Wakes all waiting workers, so that they see that the pool ends.
    pub(in crate::pool) const fn wake_all(&mut self) -> usize {
        self.waiting.wake_all()
    }

    /// A thread of the pool begins.
    pub(in crate::pool) const fn begin_thread(&mut self) {
        self.threads += 1;
    }

    /// A thread of the pool ends.
    pub(in crate::pool) const fn end_thread(&mut self) {
        self.threads = self.threads.saturating_sub(1);
    }

    /// How many threads of the pool have not ended.
    pub(in crate::pool) const fn threads(&self) -> usize {
        self.threads
    }

    /// Tasks whose handlers still run.
    pub(in crate::pool) fn running(&self) -> Vec<TaskId> {
        self.slots.iter().map(|running| running.lease.id()).collect()
    }

    /// Tasks whose handlers ended and whose results are not in the file yet.
    pub(in crate::pool) fn unsettled(&self) -> Vec<TaskId> {
        let waiting = self.settling.iter().filter(|finished| finished.is_result());
        let waiting = waiting.map(|finished: &Finished| finished.lease.id());
        self.leader.settling.iter().copied().chain(waiting).collect()
    }

    /// Tasks that no handler ran and that are not given back in the file yet.
    pub(in crate::pool) fn held_unrun(&self) -> Vec<TaskId> {
        let waiting = self.settling.iter().filter(|finished| !finished.is_result());
        let waiting = waiting.map(|finished: &Finished| finished.lease.id());
        let ready = self.ready.iter().map(Lease::id);
        self.leader.giving_back.iter().copied().chain(waiting).chain(ready).collect()
    }

    pub(in crate::pool) const fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Whether the pool takes tasks.
    pub(in crate::pool) fn is_running(&self) -> bool {
        self.phase == Phase::Running && self.fault.is_none()
    }

    /// Whether the pool waits for a fault to end, perhaps for long.
    pub(in crate::pool) fn is_suspended(&self) -> bool {
        self.phase != Phase::Stopped && self.fault.is_some()
    }

    /// Whether the pool ends or has ended.
    pub(in crate::pool) fn ends(&self) -> bool {
        self.phase != Phase::Running
    }

    pub(in crate::pool) fn has_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    fn nothing_to_settle(&self) -> bool {
        self.ready.is_empty() && self.settling.is_empty() && self.reserved == 0 && !self.leader.away
    }
}
