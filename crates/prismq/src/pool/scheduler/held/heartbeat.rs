//! Extending leases, so that no task is taken back while the pool lives.
//!
//! The leases of all tasks held are extended together, after every third of their length, so that one failed
//! transaction costs none. The time is that of the queue's clock, by which leases expire. A lease that turns out
//! to be lost is dropped, or its running handler is notified. A pool whose shutdown no longer waits extends
//! nothing: what it could not settle expires and runs elsewhere.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::Scheduler;
use crate::model::{Lease, LeaseKey};
use crate::pool::event::Outcome;
use crate::time::{Moment, Timestamp};

/// How many heartbeats fall into the length of a lease.
pub(crate) const HEARTBEATS_PER_LEASE: u32 = 3;

/// When the next heartbeat is due.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    next: Timestamp,
}

impl Heartbeat {
    pub(crate) fn new(lease: Duration, clock: Timestamp) -> Self {
        let interval = lease / HEARTBEATS_PER_LEASE;
        Self { interval, next: clock.after(interval) }
    }

    pub(crate) const fn next(&self) -> Timestamp {
        self.next
    }

    /// Whether one is due now; the next is then due an interval later.
    fn take_due(&mut self, clock: Timestamp) -> bool {
        let next = clock.after(self.interval);
        // Further away than an interval only if the clock was set back; leases given since end earlier.
        let is_due = clock >= self.next || self.next > next;
        if is_due {
            self.next = next;
        }
        is_due
    }
}

impl Scheduler {
    /// The leases to extend now: all, or none while no heartbeat is due.
    pub(crate) fn leases_to_extend(&mut self, clock: Timestamp) -> Vec<LeaseKey> {
        if !self.heartbeat.take_due(clock) || self.lifecycle.is_abandoned() {
            return Vec::new();
        }
        self.leases().map(|lease| lease.key).collect()
    }

    /// Leases were extended: their new ends.
    pub(in crate::pool) fn extended(&mut self, ends: &HashMap<LeaseKey, Moment>) {
        let settling = self.settling.leases_mut();
        for lease in self.slots.leases_mut().chain(self.ready.leases_mut()).chain(settling) {
            if let Some(expires_at) = ends.get(&lease.key) {
                lease.expires_at = *expires_at;
            }
        }
    }

    /// A lease was lost. If the task runs, its handler is notified; if no worker has begun it, none will, and
    /// its lease is returned.
    pub(in crate::pool) fn lease_lost(&mut self, key: LeaseKey, now: Instant) -> Option<Lease> {
        self.slots.lease_lost(key);
        let task = self.ready.take_key(key)?;
        self.suspects.not_run(&task.lease);
        self.count(&task.lease.queue, Outcome::LeaseLost);
        self.task_left(task.queue, now);
        Some(task.lease)
    }
}
