//! When a claim is not tried as one statement, as something would be in its way: what is due by what the last claim has
//! seen, or something that was in the way of the claims before and has perhaps remained, such as a row of the inbox that
//! waits for room. Trying in vain costs a round trip.

use std::time::{Duration, Instant};

use crate::time::Timestamp;

/// For how long claims look first after one that something was in the way of; twice as long after the next, up to a bound.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_FIRST_MAX: Duration = Duration::from_secs(5);

/// What was in the way of claims.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    until: Option<Instant>,
    /// Claims in a row that something was in the way of.
    in_a_row: u32,
    due: Option<Timestamp>,
}

impl Refusals {
    /// Whether a claim at this time looks first.
    pub(crate) fn looks_first(&self, now: Timestamp, at: Instant) -> bool {
        self.until.is_some_and(|until| at < until) || self.due.is_some_and(|due| due <= now)
    }

    /// Something was in the way of a claim, which took so long.
    pub(crate) fn refused(&mut self, took: Duration, at: Instant) {
        let doubled = LOOK_FIRST.saturating_mul(1 << self.in_a_row.min(16));
        self.until = Some(at + doubled.max(4 * took).min(LOOK_FIRST_MAX));
        self.in_a_row += 1;
    }

    /// Nothing was.
    pub(crate) const fn passed(&mut self) {
        (self.until, self.in_a_row) = (None, 0);
    }

    /// A claim has seen that something is due then.
    pub(crate) const fn saw(&mut self, due: Option<Timestamp>) {
        self.due = due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(5);

    #[test]
    fn what_stays_in_the_way_is_tried_ever_more_seldom() {
        let (mut refusals, at) = (Refusals::default(), Instant::now());
        assert!(!refusals.looks_first(NOW, at));
        refusals.refused(Duration::ZERO, at);
        assert!(refusals.looks_first(NOW, at + LOOK_FIRST / 2));
        assert!(!refusals.looks_first(NOW, at + LOOK_FIRST));
        refusals.refused(Duration::ZERO, at);
        assert!(refusals.looks_first(NOW, at + LOOK_FIRST));
        assert!(!refusals.looks_first(NOW, at + 2 * LOOK_FIRST));
        (0..100).for_each(|_| refusals.refused(Duration::ZERO, at));
        assert!(!refusals.looks_first(NOW, at + LOOK_FIRST_MAX));
        refusals.passed();
        refusals.refused(Duration::ZERO, at);
        assert!(!refusals.looks_first(NOW, at + LOOK_FIRST));
    }

    #[test]
    fn a_slow_network_lengthens_the_pause() {
        let (mut refusals, at) = (Refusals::default(), Instant::now());
        refusals.refused(LOOK_FIRST, at);
        assert!(refusals.looks_first(NOW, at + 3 * LOOK_FIRST));
    }

    #[test]
    fn what_is_due_is_looked_at_first() {
        let (mut refusals, at) = (Refusals::default(), Instant::now());
        refusals.saw(Some(NOW));
        assert!(refusals.looks_first(NOW, at));
        refusals.saw(Some(NOW.after(Duration::from_micros(1))));
        assert!(!refusals.looks_first(NOW, at));
    }
}
