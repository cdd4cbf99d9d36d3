//! When a failed task is retried.

use std::time::Duration;

use crate::model::limits::DELAY_MAX;
use crate::model::{Error, Result};

/// Largest multiplier of a policy that is kept in a file.
const MULTIPLIER_MAX: f64 = 1e6;

/// Exponential backoff with jitter: attempt `n` is followed by a delay of
/// `min(initial * multiplier^(n-1), max)`, spread evenly by `± jitter`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Queue, RetryPolicy};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("queue.db");
/// let retry = RetryPolicy { max: Duration::from_secs(60), ..RetryPolicy::default() };
/// assert_eq!(retry.delay(3, 0.5), Duration::from_secs(4)); // 1 s, 2 s, 4 s, ...
/// let queue = Queue::builder(path).retry(retry).open()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Delay after the first failed attempt.
    pub initial: Duration,
    /// Longest delay before jitter.
    pub max: Duration,
    /// Growth from one attempt to the next; values below 1 count as 1.
    pub multiplier: f64,
    /// Share of the delay that varies at random, 0 to 1, so that tasks that failed together are not retried
    /// together.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    /// One second, doubling up to five minutes, ± 10 %.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(300),
            multiplier: 2.0,
            jitter: 0.1,
        }
    }
}

impl RetryPolicy {
    /// The same delay after every failure, without jitter.
    #[must_use]
    pub const fn fixed(wait: Duration) -> Self {
        Self { initial: wait, max: wait, multiplier: 1.0, jitter: 0.0 }
    }

    /// Whether it can be kept in a file: times of at most [`DELAY_MAX`], a multiplier of at least 1, a jitter of 0 to 1.
    pub(crate) fn validate(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("retry policy", reason));
        let Self { initial, max, multiplier, jitter } = *self;
        if initial > DELAY_MAX || max > DELAY_MAX {
            let longest = initial.max(max);
            return invalid(format!("a delay of {longest:?}, at most {DELAY_MAX:?} is allowed"));
        }
        if !(1.0..=MULTIPLIER_MAX).contains(&multiplier) {
            return invalid(format!("a multiplier of {multiplier}, must be 1 to {MULTIPLIER_MAX}"));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return invalid(format!("a jitter of {jitter}, must be 0 to 1"));
        }
        Ok(())
    }

    /// The delay after failed attempt number `attempt` (from 1); `chance` in 0..1 places it within the jitter. A
    /// multiplier or jitter that is NaN counts as none.
    #[must_use]
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        // Else infinite growth makes it NaN.
        if self.initial.is_zero() {
            return Duration::ZERO;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.max(1.0).powi(exponent);
        let capped = grown.min(self.max.as_secs_f64());
        let spread = 1.0 + share(self.jitter) * (2.0 * share(chance) - 1.0);
        Duration::try_from_secs_f64(capped * spread).unwrap_or(DELAY_MAX).min(DELAY_MAX)
    }
}

/// A number clamped to 0..=1; NaN counts as 0.
const fn share(number: f64) -> f64 {
    number.max(0.0).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_zero_delay_stays_zero_at_any_attempt() {
        for multiplier in [2.0, f64::INFINITY] {
            let policy =
                RetryPolicy { initial: Duration::ZERO, multiplier, ..RetryPolicy::default() };
            for attempt in [0, 1, 1024, 1025, 1026, u32::MAX] {
                assert_eq!(policy.delay(attempt, 0.9), Duration::ZERO, "{multiplier} {attempt}");
            }
        }
    }

    #[test]
    fn a_delay_grows_to_its_maximum_and_stays_there() {
        let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        let waits = [1, 2, 9, 10, 1025, u32::MAX].map(|attempt| policy.delay(attempt, 0.5));
        assert_eq!(waits, [1, 2, 256, 300, 300, 300].map(Duration::from_secs));
    }

    #[test]
    fn nan_and_out_of_range_settings_are_clamped() {
        let usual = RetryPolicy { max: 5 * SECOND, jitter: 0.0, ..RetryPolicy::default() };
        let waits = |policy: RetryPolicy| [1, 2000].map(|attempt| policy.delay(attempt, 1.0));
        for multiplier in [f64::NAN, -3.0, f64::NEG_INFINITY, 0.0] {
            assert_eq!(waits(RetryPolicy { multiplier, ..usual }), [SECOND, SECOND]);
        }
        let multiplier = f64::INFINITY;
        assert_eq!(waits(RetryPolicy { multiplier, ..usual }), [SECOND, 5 * SECOND]);
        for jitter in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            assert_eq!(waits(RetryPolicy { jitter, ..usual }), [SECOND, 5 * SECOND]);
        }
        let jitter = f64::INFINITY;
        assert_eq!(waits(RetryPolicy { jitter, ..usual }), [2 * SECOND, 10 * SECOND]);
        assert_eq!(RetryPolicy { jitter, ..usual }.delay(1, f64::NAN), Duration::ZERO);
        let longest = RetryPolicy { max: Duration::MAX, jitter, ..usual };
        assert_eq!(longest.delay(2000, 1.0), DELAY_MAX);
    }
}
