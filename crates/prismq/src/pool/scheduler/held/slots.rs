//! What each worker runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::claim::handler_time::HandlerTimes;
use crate::model::{Lease, LeaseKey};

/// What a running handler can be notified of.
#[derive(Debug, Default)]
pub(in crate::pool) struct Flags {
    lost: AtomicBool,
    timed_out: AtomicBool,
}

impl Flags {
    pub(in crate::pool) fn lease_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(in crate::pool) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }
}

/// A handler at work.
#[derive(Debug)]
pub(in crate::pool) struct Running {
    /// Without the payload, which the worker has.
    pub(in crate::pool) lease: Lease,
    pub(in crate::pool) task_type: usize,
    pub(in crate::pool) began: Instant,
    /// Whether the attempt was recorded as failed while the handler went on.
    pub(in crate::pool) given_up: bool,
}

/// The workers' places.
#[derive(Debug)]
pub(in crate::pool) struct Slots {
    slots: Vec<(Option<Running>, Arc<Flags>)>,
    running: usize,
}

impl Slots {
    pub(in crate::pool) fn new(workers: usize) -> Self {
        Self { slots: (0..workers).map(|_| (None, Arc::default())).collect(), running: 0 }
    }

    pub(in crate::pool) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many handlers run.
    pub(in crate::pool) const fn running(&self) -> usize {
        self.running
    }

    /// How many workers could begin a task.
    pub(in crate::pool) fn free(&self) -> usize {
        self.slots.len().saturating_sub(self.running)
    }

    /// A worker begins this task.
    pub(in crate::pool) fn begin(
        &mut self,
        worker: usize,
        lease: &Lease,
        task_type: usize,
        now: Instant,
    ) {
        if let Some((slot, flags)) = self.slots.get_mut(worker) {
            flags.lost.store(false, Ordering::Relaxed);
            flags.timed_out.store(false, Ordering::Relaxed);
            let lease = lease.without_payload();
            *slot = Some(Running { lease, task_type, began: now, given_up: false });
            self.running += 1;
        }
    }

    /// A worker's handler is back.
    pub(in crate::pool) fn end(&mut self, worker: usize) -> Option<Running> {
        let ended = self.slots.get_mut(worker).and_then(|(slot, _)| slot.take())?;
        self.running = self.running.saturating_sub(1);
        Some(ended)
    }

    /// The flags of the task that a worker runs.
    pub(in crate::pool) fn flags(&self, worker: usize) -> Arc<Flags> {
        self.slots.get(worker).map(|(_, flags)| flags.clone()).unwrap_or_default()
    }

    pub(in crate::pool) fn iter(&self) -> impl Iterator<Item = &Running> {
        self.slots.iter().filter_map(|(slot, _)| slot.as_ref())
    }

    /// What a worker runs.
    pub(in crate::pool) fn of(&self, worker: usize) -> Option<&Running> {
        self.slots.get(worker).and_then(|(slot, _)| slot.as_ref())
    }

    /// The leases that the running handlers still hold.
    pub(in crate::pool) fn held(&self) -> impl Iterator<Item = &Lease> {
        self.iter().filter(|running| !running.given_up).map(|running| &running.lease)
    }

    pub(in crate::pool) fn leases_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        let running = self.slots.iter_mut().filter_map(|(slot, _)| slot.as_mut());
        running.map(|running| &mut running.lease)
    }

    /// The lease of a task was lost: its handler is notified.
    pub(in crate::pool) fn lost(&self, key: LeaseKey) {
        for (slot, flags) in &self.slots {
            if slot.as_ref().is_some_and(|running| running.lease.key == key) {
                flags.lost.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Notifies handlers that ran into their time limit, and gives the leases of those that went on for
    /// the grace after it. `limits` gives limit and grace of a type.
    pub(in crate::pool) fn time_out(
        &mut self,
        now: Instant,
        limits: impl Fn(usize) -> Option<(Duration, Duration)>,
    ) -> Vec<(usize, Lease, Duration)> {
        let mut given_up = Vec::new();
        for (worker, (slot, flags)) in self.slots.iter_mut().enumerate() {
            let Some(running) = slot.as_mut().filter(|running| !running.given_up) else { continue };
            let Some((limit, grace)) = limits(running.task_type) else { continue };
            let age = now.saturating_duration_since(running.began);
            if age >= limit {
                flags.timed_out.store(true, Ordering::Relaxed);
            }
            if age >= limit + grace {
                running.given_up = true;
                given_up.push((worker, running.lease.clone(), limit));
            }
        }
        given_up
    }

    /// When the next handler runs into its limit or out of its grace.
    pub(in crate::pool) fn next_timeout(
        &self,
        limits: impl Fn(usize) -> Option<(Duration, Duration)>,
    ) -> Option<Instant> {
        let due = |(slot, flags): &(Option<Running>, Arc<Flags>)| {
            let running = slot.as_ref().filter(|running| !running.given_up)?;
            let (limit, grace) = limits(running.task_type)?;
            let at = running.began + limit;
            Some(if flags.timed_out() { at + grace } else { at })
        };
        self.slots.iter().filter_map(due).min()
    }

    /// How much longer each running handler is expected to run; `None` where nothing is known.
    pub(in crate::pool) fn remaining<'a>(
        &'a self,
        now: Instant,
        times: &'a HandlerTimes,
    ) -> impl Iterator<Item = Option<Duration>> + 'a {
        self.iter().map(move |running| {
            times.remaining(running.task_type, now.saturating_duration_since(running.began))
        })
    }
}
