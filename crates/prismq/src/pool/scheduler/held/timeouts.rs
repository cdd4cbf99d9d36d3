//! Time limits of handlers.
//!
//! A handler cannot be stopped from outside, unless it is a future. One that runs into its limit is notified, and has a grace
//! ([`TIMEOUT_GRACE`], or its limit where that is shorter) to return by itself. Then its attempt is recorded as
//! failed, so that the task goes on elsewhere; its worker is lost to the pool until it returns, and what it
//! returns is dropped; a future is dropped, and its worker is free at once. The leader wakes for the next limit, so that a limit costs nothing while none is reached.

use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::super::log::LogEntry;
use super::settling::{Run, Settle, Settlement};
use crate::model::limits::TIMEOUT_GRACE;
use crate::pool::handler::CancelReason;

/// The limits of all types, and the next that is reached.
#[derive(Debug)]
pub(crate) struct Timeouts {
    /// By the index of the type.
    limits: Vec<Option<Duration>>,
    /// When the next handler runs into its limit or out of its grace.
    next: Option<Instant>,
}

impl Timeouts {
    pub(crate) const fn new(limits: Vec<Option<Duration>>) -> Self {
        Self { limits, next: None }
    }

    /// A worker begins a task of this type.
    pub(crate) fn begun(&mut self, type_index: usize, now: Instant) {
        if let Some(limit) = self.limit(type_index) {
            let at = now + limit;
            self.next = Some(self.next.map_or(at, |next| next.min(at)));
        }
    }

    pub(crate) const fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(crate) fn limit(&self, type_index: usize) -> Option<Duration> {
        self.limits.get(type_index).copied().flatten()
    }
}

impl Scheduler {
    /// Notifies handlers that ran into their limits, and records the attempts of those that went on for the
    /// grace after it as failed.
    pub(crate) fn check_timeouts(&mut self, now: Instant) {
        if self.timeouts.next.is_none_or(|at| at > now) {
            return;
        }
        let mut next: Option<Instant> = None;
        let mut wakers = Vec::new();
        for (worker, task, flags) in self.slots.unrecorded() {
            let Some(limit) = self.timeouts.limit(task.type_index) else { continue };
            let notify_at = task.begun_at + limit;
            let give_up_at = notify_at + TIMEOUT_GRACE.min(limit);
            let at = if now >= give_up_at {
                task.given_up = true;
                wakers.extend(flags.give_up());
                let action = if flags.completed() {
                    Settle::Completed
                } else {
                    let (queue, task) = (task.lease.queue.clone(), task.lease.id());
                    self.log.push(LogEntry::TimedOut { queue, task, worker, limit });
                    self.stats.timed_out += 1;
                    Settle::timed_out(limit, None)
                };
                let lease = task.lease.clone();
                let took = now.saturating_duration_since(task.begun_at);
                let run = Some(Run { worker, began_at: task.begun_at, took });
                let settlement = Settlement { lease, run, action };
                self.settling.push(settlement, now);
                continue;
            } else if now >= notify_at {
                wakers.extend(flags.set(CancelReason::Timeout));
                give_up_at
            } else {
                notify_at
            };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        self.timeouts.next = next;
        self.slots.add_wakers(wakers);
    }
}
