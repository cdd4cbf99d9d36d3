//! When the pool claims nothing because the queue is empty, and when it claims again.
//!
//! A claim that returns fewer tasks than it asked for shows that there are no more. That holds until work for the pool is
//! enqueued in this process, a task is due or a lease expires, the clock is set back, suspects that the claim did not take
//! may run, or a task of a queue ends of which no more may run. Commits of other processes end it when a change is
//! detected or at the next poll, which also detects that the file was moved or replaced. Meanwhile the pool writes nothing.

use std::time::{Duration, Instant};

use super::super::Scheduler;
use super::suspects::Suspects;
use crate::time::Timestamp;

/// What a claim had seen that returned fewer tasks than it asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShortClaim {
    /// The count of the signal of new work.
    pub(crate) work_signal: u64,
    /// The monotonic time.
    pub(crate) clock: Timestamp,
    /// The engine's version.
    pub(crate) version: i64,
    /// When the next task is due or the next lease expires.
    pub(crate) next_due: Option<Timestamp>,
    /// Whether it took no suspects.
    pub(crate) without_suspects: bool,
    /// Whether it may have left tasks that a limit counts, as they are claimed only for a free worker.
    pub(crate) limited_left: bool,
    /// Whether it may have left tasks of a queue of which the pool runs as many as it may.
    pub(crate) bounded_left: bool,
    /// Whether it may have left ready tasks for which it did not look; `next_due` is when to do so.
    pub(crate) ready_left: bool,
}

/// Whether the queue is known to be empty.
#[derive(Debug)]
pub(crate) struct Idle {
    /// The last claim, if the queue has been empty since.
    short_claim: Option<ShortClaim>,
    poll_interval: Duration,
    /// That once commits are not reported any more.
    poll_interval_alone: Duration,
    polled_at: Instant,
    /// Whether more of a queue with a bound may run since the last claim was sent.
    has_room_since_claim: bool,
}

impl Idle {
    /// Polls at the first interval, and at the second once commits are not reported any more.
    pub(crate) const fn new(intervals: (Duration, Duration), now: Instant) -> Self {
        let (poll_interval, poll_interval_alone) = intervals;
        Self {
            short_claim: None,
            poll_interval,
            poll_interval_alone,
            polled_at: now,
            has_room_since_claim: false,
        }
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.short_claim.is_some()
    }

    /// Whether the last claim found the queue empty, suspects included, and no work has come since.
    pub(crate) fn found_nothing(&self, work_signal: u64) -> bool {
        self.short_claim.is_some_and(|claim| {
            let left = claim.without_suspects
                || claim.limited_left
                || claim.bounded_left
                || claim.ready_left;
            claim.work_signal == work_signal && !left
        })
    }

    /// Whether there may be tasks that are claimed only for a free worker.
    pub(crate) fn leaves_limited(&self) -> bool {
        self.short_claim.is_some_and(|claim| claim.limited_left)
    }

    /// The leader sends a claim.
    pub(crate) const fn claim_sent(&mut self) {
        self.has_room_since_claim = false;
    }

    /// More tasks of a queue with a bound may run. A claim that is on its way has perhaps left them.
    pub(crate) fn bounded_has_room(&mut self) {
        self.has_room_since_claim = true;
        self.short_claim = self.short_claim.filter(|claim| !claim.bounded_left);
    }

    /// A claim is answered.
    pub(crate) fn set(&mut self, short_claim: Option<ShortClaim>) {
        let has_room = self.has_room_since_claim;
        self.short_claim = short_claim.filter(|claim| !(claim.bounded_left && has_room));
    }

    /// There may be something to claim again.
    pub(crate) const fn end(&mut self) {
        self.short_claim = None;
    }

    /// Ends it if what the claim had seen has changed.
    pub(crate) fn expire(&mut self, clock: Timestamp, work_signal: u64, suspects: &Suspects) {
        let holds = |claim: ShortClaim| {
            claim.work_signal == work_signal
                && claim.clock <= clock
                && claim.next_due.is_none_or(|due| due > clock)
                && (!claim.without_suspects || suspects.one_runs_in_process())
        };
        self.short_claim = self.short_claim.filter(|claim| holds(*claim));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.short_claim.and_then(|claim| claim.next_due)
    }

    /// The leader is at the database now, so that it need not poll.
    pub(crate) const fn polled(&mut self, now: Instant) {
        self.polled_at = now;
    }

    pub(crate) fn poll_at(&self) -> Instant {
        self.polled_at + self.poll_interval
    }
}

impl Scheduler {
    /// Whether the pool waits for work to be enqueued.
    pub(in crate::pool) const fn is_idle(&self) -> bool {
        self.idle.is_idle()
    }

    /// The engine's version when the queue was found empty.
    pub(in crate::pool) fn idle_version(&self) -> Option<i64> {
        self.idle.short_claim.map(|claim| claim.version)
    }

    /// Commits of other processes are not reported any more: only polling shows them.
    pub(in crate::pool) const fn poll_alone(&mut self) {
        self.idle.poll_interval = self.idle.poll_interval_alone;
    }

    /// Another process wrote to the file, or work came in that the signal does not count.
    pub(in crate::pool) const fn end_idle(&mut self) {
        self.idle.end();
    }
}
