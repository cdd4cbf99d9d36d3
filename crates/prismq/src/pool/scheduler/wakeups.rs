//! Which waiting workers to wake.
//!
//! Waking a thread takes about [`WAKE_TIME`]. Tasks that awake workers will begin within that time are left to
//! them, so that quick handlers run on few threads without a switch between them. Where a handler turns out not
//! to be quick, the leader wakes others for what it keeps waiting after [`WAKE_DELAY_MAX`]. This makes drains of
//! no-op tasks about a third faster, and costs nothing where handlers take longer.

use std::time::{Duration, Instant};

use super::Scheduler;

/// About how long it takes to wake a thread.
pub(super) const WAKE_TIME: Duration = Duration::from_micros(50);
/// How long a task may wait for an awake worker that was expected to begin it sooner than a woken one.
pub(super) const WAKE_DELAY_MAX: Duration = Duration::from_millis(1);

/// The waiting workers.
#[derive(Debug, Default)]
pub(super) struct Wakeups {
    /// Workers that wait and were not woken.
    waiting: usize,
    /// Workers that were woken and are not back yet.
    woken: usize,
    /// When a worker last began a task, or workers were woken for what none had begun.
    begun_at: Option<Instant>,
}

impl Wakeups {
    /// A worker begins a task.
    pub(super) const fn task_begun(&mut self, now: Instant) {
        self.begun_at = Some(now);
    }

    /// Wakes up to this many.
    const fn wake(&mut self, most: usize) -> usize {
        let woken = if most < self.waiting { most } else { self.waiting };
        self.waiting -= woken;
        self.woken += woken;
        woken
    }
}

impl Scheduler {
    /// A worker begins to wait.
    pub(in crate::pool) const fn worker_waits(&mut self) {
        self.wakeups.waiting += 1;
    }

    /// Takes a wake-up, if there is one: a waiting worker then goes on.
    pub(in crate::pool) const fn take_wakeup(&mut self) -> bool {
        if self.wakeups.woken > 0 {
            self.wakeups.woken -= 1;
            return true;
        }
        false
    }

    /// How many waiting workers to wake: one, if there is more to do than awake workers will begin meanwhile. A
    /// woken worker asks the same.
    pub(in crate::pool) fn workers_to_wake(&mut self) -> usize {
        let ahead = self.begun_while_waking();
        if self.wakeups.waiting > 0 && self.ready.has_work_after(ahead, &self.queues) {
            self.wakeups.wake(1)
        } else {
            0
        }
    }

    /// How many workers to wake for tasks that awake ones did not begin in time.
    pub(in crate::pool) fn workers_to_wake_overdue(&mut self, now: Instant) -> usize {
        if self.overdue_at().is_none_or(|at| at > now) {
            return 0;
        }
        self.wakeups.begun_at = Some(now);
        self.wakeups.wake(self.ready.startable(&self.queues))
    }

    /// All waiting workers are woken, to see that the pool ends.
    pub(in crate::pool) const fn wake_all(&mut self) -> usize {
        self.wakeups.wake(usize::MAX)
    }

    /// When waiting workers must be woken for tasks that awake ones did not begin.
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        let keeps_waiting = self.wakeups.waiting > 0 && self.ready.has_work_after(0, &self.queues);
        keeps_waiting.then_some(self.wakeups.begun_at? + WAKE_DELAY_MAX)
    }

    /// How many tasks awake workers begin while another is woken.
    fn begun_while_waking(&self) -> usize {
        let awake = self.slots.len().saturating_sub(self.wakeups.waiting);
        let mean = self.handler_times.mean().map_or(f64::INFINITY, |mean| mean.as_secs_f64());
        (awake as f64 * WAKE_TIME.as_secs_f64() / mean) as usize
    }

    /// Whether an awake worker has ended a task before another is woken for the next.
    pub(super) fn handlers_are_quick(&self) -> bool {
        self.handler_times.mean().is_some_and(|mean| mean < WAKE_TIME)
    }
}
