//! How long to wait before the database is tried again after a failure: exponentially from 10 ms to a second,
//! so that a short lock costs little and a long outage no busy core.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// Whose transactions: those of the leader, or of the thread that claims in parallel. Each side waits by itself, as one may
/// succeed while the other is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) enum Side {
    Leader,
    Claims,
}

/// The wait in progress, if there is one.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    wait: Option<Duration>,
    until: Option<Instant>,
}

impl Backoff {
    /// The database refused a transaction.
    pub(super) fn failed(&mut self, now: Instant) {
        let wait = self.wait.map_or(FIRST, |wait| (wait * 2).min(LONGEST));
        *self = Self { wait: Some(wait), until: Some(now + wait) };
    }

    /// The database accepted a transaction.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Whether the database has refused a transaction and accepted none since.
    pub(super) const fn has_failed(&self) -> bool {
        self.wait.is_some()
    }

    /// When to try again; `None` if now.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_second_and_begin_anew_after_a_success() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        let mut wait = || {
            backoff.failed(now);
            backoff.until(now).map(|until| until - now)
        };
        let waits: Vec<_> = (0..9).filter_map(|_| wait()).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        backoff.succeeded();
        assert_eq!(backoff.until(now), None);
        backoff.failed(now);
        assert_eq!(backoff.until(now), Some(now + FIRST));
        assert_eq!(backoff.until(now + FIRST), None, "it is over");
    }
}
