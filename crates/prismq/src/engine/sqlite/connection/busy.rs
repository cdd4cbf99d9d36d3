//! Waiting for other connections to the file: bounded, jittered, counted.
//!
//! SQLite's own busy handler waits by fixed steps of up to 100 ms, which starves late comers, and is not called
//! where a wait could deadlock, as in the change to WAL. Here every wait is short and random. The reading
//! connection leaves waiting to SQLite.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::ContentionCounters;
use crate::model::{Error, Result};

const FIRST_WAIT: Duration = Duration::from_micros(50);
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// Repeats `attempt` for up to `budget` while another connection holds a lock that it needs.
/// The connection's own busy timeout must be short or zero.
pub(crate) fn retry<T>(
    budget: Duration,
    contention: &ContentionCounters,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    let mut longest = FIRST_WAIT;
    loop {
        let attempted = attempt();
        if !matches!(attempted, Err(Error::Busy { .. })) {
            return attempted;
        }
        let waited = started.elapsed();
        if waited >= budget {
            contention.busy_errors.fetch_add(1, Ordering::Relaxed);
            return Err(Error::Busy { waited });
        }
        let wait = longest.mul_f64(0.5 + 0.5 * fastrand::f64()).min(budget - waited);
        thread::sleep(wait);
        contention.busy_waits.fetch_add(1, Ordering::Relaxed);
        longest = (longest * 2).min(LONGEST_WAIT);
    }
}
