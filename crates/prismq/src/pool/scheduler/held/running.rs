//! What each worker runs, and how its handler learns that it should stop.

use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::handler_time::HandlerTimes;
use super::ready::ReadyTask;
use crate::model::{Lease, LeaseKey};
use crate::pool::handler::{CancelReason, StopFlags};

/// A task whose handler runs.
#[derive(Debug)]
pub(crate) struct RunningTask {
    /// Without the payload, which the worker has.
    pub(crate) lease: Lease,
    /// The place of its queue.
    pub(crate) queue: usize,
    pub(crate) type_index: usize,
    pub(crate) begun_at: Instant,
    /// Whether the attempt was recorded as failed while the handler went on.
    pub(crate) given_up: bool,
}

impl RunningTask {
    /// How much longer its handler is expected to run; `None` if nothing is known of its type.
    pub(crate) fn remaining(&self, now: Instant, times: &HandlerTimes) -> Option<Duration> {
        times.remaining(self.type_index, now.saturating_duration_since(self.begun_at))
    }
}

/// What a handler is given by the scheduler.
#[derive(Debug)]
pub(in crate::pool) struct Running {
    pub(in crate::pool) flags: Arc<StopFlags>,
    /// When its time limit ends, if it has one.
    pub(in crate::pool) deadline: Option<Instant>,
}

/// A slot for each worker, by its number.
#[derive(Debug)]
pub(crate) struct WorkerSlots {
    slots: Vec<(Option<RunningTask>, Arc<StopFlags>)>,
    running: usize,
    /// Of futures that handlers are notified by, to be woken by the leader.
    wakers: Vec<Waker>,
}

impl WorkerSlots {
    pub(crate) fn new(workers: usize) -> Self {
        let slots = (0..workers).map(|_| (None, Arc::default())).collect();
        Self { slots, running: 0, wakers: Vec::new() }
    }

    /// How many workers there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many handlers run.
    pub(crate) const fn running(&self) -> usize {
        self.running
    }

    /// How many workers run nothing.
    pub(crate) fn free(&self) -> usize {
        self.slots.len().saturating_sub(self.running)
    }

    /// A worker begins this task.
    pub(crate) fn begin(&mut self, worker: usize, task: &ReadyTask, now: Instant) {
        if let Some((slot, flags)) = self.slots.get_mut(worker) {
            // A handler may have kept its flags.
            *flags = Arc::default();
            let ReadyTask { queue, type_index, .. } = *task;
            let lease = task.lease.without_payload();
            *slot = Some(RunningTask { lease, queue, type_index, begun_at: now, given_up: false });
            self.running += 1;
        }
    }

    /// A worker's handler has returned.
    pub(crate) fn end(&mut self, worker: usize) -> Option<RunningTask> {
        let ended = self.slots.get_mut(worker).and_then(|(slot, _)| slot.take())?;
        self.running = self.running.saturating_sub(1);
        Some(ended)
    }

    /// The flags of the task that a worker runs.
    pub(crate) fn flags(&self, worker: usize) -> Arc<StopFlags> {
        self.slots.get(worker).map(|(_, flags)| flags.clone()).unwrap_or_default()
    }

    /// The task that a worker runs.
    pub(crate) fn task(&self, worker: usize) -> Option<&RunningTask> {
        self.slots.get(worker).and_then(|(slot, _)| slot.as_ref())
    }

    /// Whether this worker runs a task.
    pub(crate) fn is_running(&self, worker: usize) -> bool {
        self.task(worker).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RunningTask> {
        self.slots.iter().filter_map(|(slot, _)| slot.as_ref())
    }

    /// The tasks whose attempts are not recorded yet, each with its worker and its flags.
    pub(super) fn unrecorded(
        &mut self,
    ) -> impl Iterator<Item = (usize, &mut RunningTask, &StopFlags)> {
        let slots = self.slots.iter_mut().enumerate();
        slots.filter_map(|(worker, (slot, flags))| {
            let task = slot.as_mut().filter(|task| !task.given_up)?;
            Some((worker, task, &**flags))
        })
    }

    /// The leases of tasks whose attempts are not recorded yet, neither by the pool nor by the handler.
    pub(crate) fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.slots.iter().filter_map(|(slot, flags)| {
            let task = slot.as_ref().filter(|task| !task.given_up && !flags.completed())?;
            Some(&task.lease)
        })
    }

    pub(crate) fn leases_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        let running = self.slots.iter_mut().filter_map(|(slot, _)| slot.as_mut());
        running.map(|task| &mut task.lease)
    }

    /// The lease of a task was lost: its handler is notified.
    pub(crate) fn lease_lost(&mut self, key: LeaseKey) {
        self.notify(CancelReason::LeaseLost, |task| task.lease.key == key);
    }

    /// The tasks held by these leases are to be cancelled: their handlers are notified.
    pub(crate) fn cancel(&mut self, is_meant: impl Fn(LeaseKey) -> bool) {
        self.notify(CancelReason::Operator, |task| is_meant(task.lease.key));
    }

    /// The pool shuts down: all running handlers are notified.
    pub(crate) fn shut_down(&mut self) {
        self.notify(CancelReason::Shutdown, |_| true);
    }

    /// Notifies the handlers of some of the running tasks.
    fn notify(&mut self, reason: CancelReason, is_meant: impl Fn(&RunningTask) -> bool) {
        for (slot, flags) in &self.slots {
            if slot.as_ref().is_some_and(&is_meant) {
                self.wakers.extend(flags.set(reason));
            }
        }
    }

    /// These futures are to be woken.
    pub(super) fn add_wakers(&mut self, wakers: Vec<Waker>) {
        self.wakers.extend(wakers);
    }

    /// The futures to wake, as their handlers were notified.
    pub(crate) fn take_wakers(&mut self) -> Vec<Waker> {
        mem::take(&mut self.wakers)
    }

    /// How much longer each running handler is expected to run; `None` where nothing is known of its type.
    pub(crate) fn remaining(
        &self,
        now: Instant,
        times: &HandlerTimes,
    ) -> impl Iterator<Item = Option<Duration>> {
        self.iter().map(move |task| task.remaining(now, times))
    }
}
