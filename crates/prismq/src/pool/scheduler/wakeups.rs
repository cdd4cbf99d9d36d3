//! Which waiting workers to wake.
//!
//! Waking a thread takes about as long as [`QUICK`]. Tasks that awake workers will begin within that time
//! are left to them, so that quick handlers run on few threads without a switch between them; a handler that turns
//! out not to be quick frees what it keeps waiting after [`STUCK`], when the leader looks after it. This
//! makes drains of no-op tasks about a third faster, and costs nothing where handlers take longer.

use std::time::{Duration, Instant};

use super::Scheduler;

/// What it takes to wake a thread.
pub(super) const QUICK: Duration = Duration::from_micros(50);
/// How long tasks may stay with workers that were expected to begin them sooner than others would.
pub(super) const STUCK: Duration = Duration::from_millis(1);

/// Workers that wait, and those of them that are on their way back.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    idle: usize,
    woken: usize,
}

impl Waiting {
    /// A worker begins to wait.
    pub(super) const fn begin(&mut self) {
        self.idle += 1;
    }

    /// Whether a waiting worker was woken, which it then no longer is.
    pub(super) const fn end(&mut self) -> bool {
        if self.woken > 0 {
            self.woken -= 1;
            return true;
        }
        false
    }

    /// Wakes up to so many.
    const fn wake(&mut self, most: usize) -> usize {
        let woken = if most < self.idle { most } else { self.idle };
        self.idle -= woken;
        self.woken += woken;
        woken
    }

    /// Wakes all.
    pub(super) const fn wake_all(&mut self) -> usize {
        self.wake(usize::MAX)
    }
}

impl Scheduler {
    /// How many waiting workers to wake: one, if there is more to do than those awake come to; a woken
    /// worker asks the same.
    pub(in crate::pool) fn wake(&mut self) -> usize {
        let ahead = self.begun_meanwhile();
        if self.waiting.idle > 0 && self.ready.has_work_after(ahead) {
            self.waiting.wake(1)
        } else {
            0
        }
    }

    /// How many workers to wake for tasks that those awake did not come to.
    pub(in crate::pool) fn free_stuck(&mut self, now: Instant) -> usize {
        if self.stuck_at().is_none_or(|at| at > now) {
            return 0;
        }
        self.begun_at = Some(now);
        self.waiting.wake(self.ready.len())
    }

    /// When waiting workers must be woken for what those awake did not come to.
    pub(super) fn stuck_at(&self) -> Option<Instant> {
        (self.waiting.idle > 0 && self.ready.has_work_after(0)).then_some(self.begun_at? + STUCK)
    }

    /// How many tasks the workers awake begin while another is woken.
    fn begun_meanwhile(&self) -> usize {
        let awake = self.slots.len().saturating_sub(self.waiting.idle);
        let mean = self.times.mean().map_or(f64::INFINITY, |mean| mean.as_secs_f64());
        (awake as f64 * QUICK.as_secs_f64() / mean) as usize
    }

    /// Whether one awake worker has done all of several tasks before another is woken for them.
    pub(super) fn is_quick(&self) -> bool {
        self.times.mean().is_some_and(|mean| mean < QUICK)
    }
}
