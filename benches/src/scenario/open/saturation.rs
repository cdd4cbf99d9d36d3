//! The highest rate that can be sustained: not what callers reach who wait for each answer, but what may
//! arrive on a schedule without the backlog growing.
//!
//! Rates are tried in turn. One is sustained if it was offered nearly in full, if hardly anything was left
//! when the last task had arrived, and if the latency stayed within a bound. The first try is a guess;
//! from there the search goes up until a rate is not sustained, or down until one is, and then halves the
//! gap between the two until it is small.
//!
//! A rate that a short try sustains may fail in a long one: files grow, checkpoints come due. So a rate a step below what
//! the search finds is held for longer, and lowered until it holds.

use std::time::Duration;

use crate::base::error::Result;
use crate::scenario::open::{OpenLoop, OpenRound, open_loop};
use crate::scenario::stage::Stage;

/// The gap between a sustained rate and one that is not, at which the search ends; and by which a rate that does
/// not hold is lowered.
pub const PRECISION: f64 = 0.05;
/// How far the search goes up or down as long as it knows one side only.
const STRIDE: f64 = 1.25;
/// Tries, after which the best so far counts.
const TRIES: usize = 10;

/// What loads are shares of where no rate is sustained, of the rate that was guessed: about the lowest that is tried.
const UNSUSTAINED: f64 = 0.1;

/// How long the unmeasured beginning of a load is, of what is measured.
pub const WARM_UP_PERCENT: usize = 25;

/// How much longer it may be where latencies still move.
pub const SETTLE_PERCENT: usize = 25;

/// Share of the rate that must be offered.
const OFFERED: f64 = 0.97;
/// What may be left when the last task has arrived: as much as arrives in that time.
const BACKLOG: Duration = Duration::from_millis(50);
/// Bound on the 99th percentile of the latency.
pub const P99_BOUND: Duration = Duration::from_millis(100);

/// The rate that loads are shares of: a step below the highest that `sustained` finds by short tries, lowered until it
/// `holds` for longer. Where no rate does, as while others use the whole machine, a tenth of the guess: the figures of such loads
/// then show what happened, and the suite goes on.
///
/// # Errors
/// The first of either.
pub fn settle_on(
    guess: f64,
    sustained: impl FnMut(f64) -> Result<bool>,
    holds: impl FnMut(f64) -> Result<bool>,
) -> Result<f64> {
    let held = match search(guess, sustained)? {
        Some(found) => back_off(found * (1.0 - PRECISION), holds)?,
        None => None,
    };
    Ok(held.unwrap_or(UNSUSTAINED * guess))
}

/// Finds the highest rate for which `sustained` holds, tasks a second, from a guess. `None` if not even
/// a small part of the guess is.
///
/// # Errors
/// The first of `sustained`.
pub fn search(guess: f64, mut sustained: impl FnMut(f64) -> Result<bool>) -> Result<Option<f64>> {
    let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
    let mut rate = guess;
    for _ in 0..TRIES {
        if sustained(rate)? {
            low = Some(rate);
        } else {
            high = Some(rate);
        }
        rate = match (low, high) {
            (Some(low), Some(high)) if high - low <= PRECISION * high => break,
            (Some(low), Some(high)) => f64::midpoint(low, high),
            (Some(low), None) => low * STRIDE,
            (None, Some(high)) => high / STRIDE,
            (None, None) => rate,
        };
    }
    Ok(low)
}

/// Lowers a rate until it holds, by steps that grow, and gives the one that did. `None` if none of ten did, the last
/// of which is a thirtieth of the first.
///
/// # Errors
/// The first of `holds`.
pub fn back_off(found: f64, mut holds: impl FnMut(f64) -> Result<bool>) -> Result<Option<f64>> {
    let (mut rate, mut step) = (found, PRECISION);
    for _ in 0..TRIES {
        if holds(rate)? {
            return Ok(Some(rate));
        }
        rate *= 1.0 - step;
        step += PRECISION;
    }
    Ok(None)
}

/// Whether a load is sustained at a rate, tried for so long in a new database.
///
/// # Errors
/// If the subject fails.
pub fn try_rate(stage: &Stage, load: &OpenLoop, rate: f64, tried_for: Duration) -> Result<bool> {
    let tried = OpenLoop { settle: 0, ..at_rate(load, rate, tried_for) };
    Ok(is_sustained(&open_loop(stage, &tried)?, rate))
}

/// The same load at this many tasks a second, measured for so long after a warm-up of [`WARM_UP_PERCENT`] of that
/// and up to [`SETTLE_PERCENT`] more until it is steady.
#[must_use]
pub fn at_rate(load: &OpenLoop, rate: f64, measured: Duration) -> OpenLoop {
    let interval = Duration::from_secs_f64(1.0 / rate.max(1.0));
    let tasks = tasks_in(measured, interval);
    let share = |percent: usize| (tasks * percent).div_ceil(100);
    let (warm_up, settle) = (share(WARM_UP_PERCENT), share(SETTLE_PERCENT));
    OpenLoop { tasks, warm_up, settle, interval, ..load.clone() }
}

/// How many tasks arrive in so long, and at least one.
#[must_use]
pub fn tasks_in(time: Duration, interval: Duration) -> usize {
    let tasks = time.as_nanos() / interval.as_nanos().max(1);
    usize::try_from(tasks).unwrap_or(usize::MAX).max(1)
}

/// Whether a rate was sustained.
#[must_use]
pub fn is_sustained(offered: &OpenRound, rate: f64) -> bool {
    let p99 = Duration::from_nanos(offered.latencies.end_to_end.value_at_quantile(0.99));
    // The audit's faults apart: a load that was not offered is not sustained.
    offered.achieved >= OFFERED
        && offered.left_at_last_arrival <= rate * BACKLOG.as_secs_f64()
        && p99 <= P99_BOUND
}
