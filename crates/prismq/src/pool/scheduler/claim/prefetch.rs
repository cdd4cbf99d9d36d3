//! How much to hold beyond what runs.
//!
//! A pool claims ahead, since a worker that waited for its next claim would idle for as long as a claim
//! takes. It holds one task for each free worker, and what its workers are expected to begin within
//! [`PREFETCH_TIME`] (20 ms): less would not outlast a commit on a slow disk, more would keep tasks from
//! other pools and urgent ones waiting. What turns out to be more, as a handler takes longer than those
//! before it, goes back once it was held for that time. A pool that gave some back holds few for each worker for a
//! while: rare slow tasks among quick ones would else have it claim and give back the same tasks over and over,
//! several for each that it runs.

use std::time::{Duration, Instant};

use super::super::held::slots::Slots;
use super::handler_time::HandlerTimes;
use crate::model::limits::PREFETCH_TIME;

/// How many tasks a pool claims ahead for each worker after it gave some back: enough for quick ones to run while
/// the next are claimed.
const CAUTIOUS_AHEAD: usize = 16;
/// For how long it does.
const CAUTION: Duration = Duration::from_secs(1);

/// The most to hold ahead of those `prefetch` allows, if some were last given back at `excess_at`.
pub(in crate::pool) fn most(
    prefetch: usize,
    workers: usize,
    excess_at: Option<Instant>,
    now: Instant,
) -> usize {
    match excess_at {
        Some(at) if now < at + CAUTION => prefetch.min(CAUTIOUS_AHEAD.saturating_mul(workers)),
        _ => prefetch,
    }
}

/// The handlers' time that fits between now and [`PREFETCH_TIME`] from now.
pub(in crate::pool) fn capacity(slots: &Slots, times: &HandlerTimes, now: Instant) -> Duration {
    let Some(mean) = times.mean() else { return Duration::ZERO };
    // A free worker begins a task at once, which is not held.
    let free = PREFETCH_TIME.saturating_sub(mean) * u32::try_from(slots.free()).unwrap_or(u32::MAX);
    let left = |remaining: Option<Duration>| {
        PREFETCH_TIME.saturating_sub(remaining.unwrap_or(PREFETCH_TIME))
    };
    slots.remaining(now, times).map(left).fold(free, Duration::saturating_add)
}

/// How many tasks that is: one that is begun in time may end later.
pub(in crate::pool) fn ahead(capacity: Duration, times: &HandlerTimes, most: usize) -> usize {
    let Some(mean) = times.mean() else { return 0 };
    (capacity.as_secs_f64() / mean.as_secs_f64()).ceil().min(most as f64) as usize
}

/// When the first running handler comes so close to its expected end that its successor may be held.
pub(in crate::pool) fn next_ahead(
    slots: &Slots,
    times: &HandlerTimes,
    now: Instant,
) -> Option<Instant> {
    let close = |remaining: Option<Duration>| remaining?.checked_sub(PREFETCH_TIME);
    slots.remaining(now, times).filter_map(close).min().map(|wait| now + wait)
}
