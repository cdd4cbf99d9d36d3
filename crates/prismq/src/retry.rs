//! When a failed task runs again.

use std::time::Duration;

use crate::limits::DELAY_MAX;

/// Exponential backoff with jitter: attempt `n` is followed by a wait of
/// `min(initial * multiplier^(n-1), max)`, spread evenly by `± jitter`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Wait after the first failed attempt.
    pub initial: Duration,
    /// Longest wait before jitter.
    pub max: Duration,
    /// Growth from one attempt to the next; values below 1 count as 1.
    pub multiplier: f64,
    /// Share of the wait that varies at random, 0 to 1, so that tasks that failed together do not
    /// come back together.
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
    /// The same wait after every failure, without jitter.
    #[must_use]
    pub const fn fixed(wait: Duration) -> Self {
        Self { initial: wait, max: wait, multiplier: 1.0, jitter: 0.0 }
    }

    /// The wait after failed attempt number `attempt` (from 1); `chance` in 0..1 places it within
    /// the jitter.
    #[must_use]
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.max(1.0).powi(exponent);
        let capped = grown.min(self.max.as_secs_f64());
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
        // A NaN from a hostile multiplier falls back to the cap.
        Duration::try_from_secs_f64(capped * spread).unwrap_or(self.max).min(DELAY_MAX)
    }
}
