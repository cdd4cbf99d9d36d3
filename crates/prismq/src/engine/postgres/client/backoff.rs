//! How long to wait before the server is tried again.

use std::thread;
use std::time::{Duration, Instant};

/// The pause after the first failure, which doubles with each.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);
/// How often a transaction is repeated that others were in the way of.
pub(super) const RETRIES_MAX: u32 = 5;
/// The pause before the first of these.
const CONFLICT: Duration = Duration::from_millis(2);

/// The pause after this many failed attempts to connect: between half of the full length and all of it, so that the
/// clients of a server that restarts do not come back at once. `random` is from 0 to 1.
pub(super) fn reconnect(failures: u32, random: f64) -> Duration {
    let full = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(7)).min(LONGEST);
    full.mul_f64(random.mul_add(0.5, 0.5))
}

/// Sleeps before a transaction is repeated, no longer than `until`.
pub(super) fn pause(repeats: u32, until: Instant) {
    let longest = CONFLICT.saturating_mul(1 << repeats.min(6));
    let left = until.saturating_duration_since(Instant::now());
    thread::sleep(longest.mul_f64(fastrand::f64()).min(left));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_are_at_least_half_as_long() {
        let longest: Vec<_> = (1..=9).map(|n| reconnect(n, 1.0).as_millis()).collect();
        assert_eq!(longest, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(reconnect(1, 0.0).as_millis(), 25);
        assert_eq!(reconnect(u32::MAX, 0.0).as_millis(), 2500);
    }
}
