//! How a pool ends: on request, or by a fault of the whole queue.
//!
//! A shutdown claims nothing more, releases what no worker has begun, and waits for what runs and for its
//! commits. A fault releases the same. One from which only opening the file again recovers stops the pool for
//! good; any other suspends it: it claims nothing until the database accepts a transaction. A shutdown waits
//! for neither longer than its caller allows; then leases are extended no more, and what cannot be settled
//! expires.

use std::time::Instant;

use super::Scheduler;
use super::backoff::{Backoff, Side};
use crate::model::{Error, Lease, TaskId};
use crate::time::Timestamp;

/// Whether the pool works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Until a shutdown (`Draining`) or a permanent fault (`Stopped`).
    #[default]
    Active,
    /// Claims nothing more and settles what it holds, until that is done (`Stopped`).
    Draining,
    /// Runs and writes nothing more.
    Stopped,
}

/// A fault of the whole queue.
#[derive(Debug, Clone)]
pub(in crate::pool) struct Fault {
    pub(in crate::pool) error: Error,
    /// Whether the pool goes on if it ends.
    pub(in crate::pool) recoverable: bool,
}

impl Fault {
    /// Writes it to the log. To be called where no lock is held: a log subscriber may use the queue.
    pub(in crate::pool) fn log(&self) {
        let error = &self.error;
        if self.recoverable {
            tracing::error!(
                %error,
                "worker pool suspended: it claims nothing, retries every second, and resumes once the cause is removed"
            );
        } else {
            tracing::error!(
                %error,
                "worker pool stopped for good: open the queue again and start another pool"
            );
        }
    }
}

/// The phase and the fault.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    phase: Phase,
    fault: Option<Fault>,
    /// Whether a fault was met since the pool began to drain.
    failed_draining: bool,
    /// How often a fault was met.
    faults: u64,
    /// Whether the shutdown waits no longer.
    abandoned: bool,
    /// Threads of the pool that have not ended.
    threads: usize,
}

impl Lifecycle {
    /// Whether the pool neither ends nor has ended; a fault may suspend it.
    pub(super) fn is_active(&self) -> bool {
        self.phase == Phase::Active
    }

    /// Whether the pool is active and no fault suspends it.
    pub(super) fn takes_tasks(&self) -> bool {
        self.is_active() && self.fault.is_none()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    pub(super) const fn has_fault(&self) -> bool {
        self.fault.is_some()
    }

    pub(super) const fn is_abandoned(&self) -> bool {
        self.abandoned
    }
}

impl Scheduler {
    /// Begins a shutdown.
    pub(in crate::pool) fn drain(&mut self, now: Instant) {
        if self.lifecycle.is_active() {
            self.lifecycle.phase = Phase::Draining;
            self.idle.end();
            self.release_ready(now);
            self.slots.shut_down();
            self.suspects.drop_permit();
            // A fault may have ended since it was last met: what is held is tried once more.
            self.end_backoffs();
            self.lifecycle.failed_draining = false;
        }
    }

    /// The database reports a fault of the whole queue, which is returned if it is news.
    pub(in crate::pool) fn fail(&mut self, error: Error, now: Instant) -> Option<Fault> {
        let fault = Fault { recoverable: error.is_recoverable(), error };
        if !fault.recoverable {
            self.lifecycle.phase = Phase::Stopped;
            self.suspects.drop_permit();
        }
        // The next claim shows whether the fault has ended, also where no work is known of.
        self.idle.end();
        self.release_ready(now);
        self.lifecycle.failed_draining = true;
        self.lifecycle.faults += 1;
        self.back_off(Side::Leader, now);
        self.back_off(Side::Claims, now);
        let known = self.lifecycle.fault.as_ref();
        let is_known = known.is_some_and(|known| known.recoverable == fault.recoverable);
        self.lifecycle.fault = Some(fault.clone());
        (!is_known).then_some(fault)
    }

    /// How often a fault was met.
    pub(in crate::pool) const fn faults(&self) -> u64 {
        self.lifecycle.faults
    }

    /// The database accepted a transaction that was sent after so many faults; whether that ended one. It says nothing of a
    /// fault that was met since, by the other side.
    pub(in crate::pool) fn recover(&mut self, side: Side, faults: u64) -> bool {
        self.backoff_of(side).succeeded();
        if faults != self.lifecycle.faults || self.lifecycle.is_stopped() {
            return false;
        }
        let ended = self.lifecycle.fault.take().is_some();
        if ended {
            self.end_backoffs();
        }
        ended
    }

    /// The database refused a transaction for now: the next is tried later.
    pub(in crate::pool) fn back_off(&mut self, side: Side, now: Instant) {
        self.backoff_of(side).failed(now);
    }

    fn end_backoffs(&mut self) {
        self.backoff.succeeded();
        self.parallel_claims.backoff.succeeded();
    }

    const fn backoff_of(&mut self, side: Side) -> &mut Backoff {
        match side {
            Side::Leader => &mut self.backoff,
            Side::Claims => &mut self.parallel_claims.backoff,
        }
    }

    /// The shutdown waits no longer.
    pub(in crate::pool) const fn abandon(&mut self) {
        self.lifecycle.abandoned = true;
    }

    /// Whether everything is settled, but for what the worker `caller` runs, which waits for just that, and
    /// for what a fault keeps from being settled.
    pub(in crate::pool) fn is_settled(&self, caller: Option<usize>) -> bool {
        let own = caller.is_some_and(|worker| self.slots.is_running(worker));
        let running = self.slots.running() - usize::from(own);
        let settled =
            self.is_suspended() && self.lifecycle.failed_draining || self.nothing_to_settle();
        self.lifecycle.is_stopped() || (running == 0 && settled)
    }

    /// Whether a pool that drains has nothing more to wait for.
    pub(super) fn has_drained(&self) -> bool {
        self.lifecycle.phase == Phase::Draining && self.is_settled(None)
    }

    /// Whether the leader has nothing more to do for a pool that ends.
    pub(super) fn leader_can_exit(&self, clock: Timestamp) -> bool {
        match self.lifecycle.phase {
            Phase::Active => false,
            Phase::Stopped => true,
            Phase::Draining => {
                let expired = || self.leases().all(|lease| lease.expires_at.monotonic <= clock);
                let on_its_way = self.reservations.is_any_on_its_way();
                (self.slots.running() == 0 && self.nothing_to_settle())
                    || (self.lifecycle.abandoned && !on_its_way && expired())
            }
        }
    }

    /// The leader ends, and with it the pool: how many workers to wake.
    pub(in crate::pool) fn stop(&mut self) -> usize {
        self.lifecycle.phase = Phase::Stopped;
        self.idle.end();
        self.suspects.drop_permit();
        self.wake_all()
    }

    /// A thread of the pool begins.
    pub(in crate::pool) const fn thread_started(&mut self) {
        self.lifecycle.threads += 1;
    }

    /// A thread of the pool ends.
    pub(in crate::pool) const fn thread_ended(&mut self) {
        self.lifecycle.threads = self.lifecycle.threads.saturating_sub(1);
    }

    /// How many threads of the pool have not ended.
    pub(in crate::pool) const fn threads(&self) -> usize {
        self.lifecycle.threads
    }

    /// Tasks whose handlers still run.
    pub(in crate::pool) fn running(&self) -> Vec<TaskId> {
        self.slots.iter().map(|task| task.lease.id()).collect()
    }

    /// Tasks whose handlers returned and whose results are not committed.
    pub(in crate::pool) fn unsettled(&self) -> Vec<TaskId> {
        self.settling.uncommitted_results().collect()
    }

    /// Tasks that no handler ran and that are not released yet.
    pub(in crate::pool) fn unreleased(&self) -> Vec<TaskId> {
        self.settling.unsettled_unrun().chain(self.ready.leases().map(Lease::id)).collect()
    }

    pub(in crate::pool) const fn fault(&self) -> Option<&Fault> {
        self.lifecycle.fault.as_ref()
    }

    /// Whether the pool takes tasks.
    pub(in crate::pool) fn is_running(&self) -> bool {
        self.lifecycle.takes_tasks()
    }

    /// Whether the pool waits for a fault to end, perhaps for long.
    pub(in crate::pool) fn is_suspended(&self) -> bool {
        !self.lifecycle.is_stopped() && self.lifecycle.has_fault()
    }

    /// Whether the pool ends or has ended.
    pub(in crate::pool) fn is_ending(&self) -> bool {
        !self.lifecycle.is_active()
    }

    /// Whether the pool has ended.
    pub(in crate::pool) fn is_stopped(&self) -> bool {
        self.lifecycle.is_stopped()
    }

    /// Whether no task was ready, nothing has come since, and everything is settled. `work_signal` is the count of the
    /// signal of new work.
    pub(in crate::pool) fn is_empty(&self, work_signal: u64) -> bool {
        self.idle.found_nothing(work_signal)
            && self.slots.running() == 0
            && self.nothing_to_settle()
    }

    fn nothing_to_settle(&self) -> bool {
        self.ready.is_empty()
            && self.settling.is_empty()
            && !self.reservations.is_any_on_its_way()
            && !self.leader.is_at_database()
    }
}
