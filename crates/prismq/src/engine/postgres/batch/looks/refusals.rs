//! When a claim is not tried as one statement, as something would be in its way. Trying in vain costs a round trip.
//!
//! What a claim has seen to be due, or to wait in the inbox, is in the way of the next. What was not foreseen, and is perhaps
//! still there, such as a due slot of a schedule that others have locked, has claims look first for a while.

use std::time::{Duration, Instant};

use crate::time::Timestamp;

/// For how long claims look first after one that something unforeseen was in the way of; twice as long after the next, up to
/// a bound.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_FIRST_MAX: Duration = Duration::from_secs(5);
/// And for at least so many times as long as the claim took.
const LOOK_FIRST_CLAIMS: u32 = 4;
/// What is due so soon at most is in the way of a claim that is sent now, as the last one took so long. One that took longer
/// may have waited for a lock, and says nothing of the next.
const SOON_MAX: Duration = Duration::from_millis(25);

/// What was in the way of claims.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// Until when claims look first.
    until: Option<Instant>,
    /// Claims in a row that something unforeseen was in the way of.
    in_a_row: u32,
    /// How long the last claim by one statement took: so much later one reaches the server at most.
    took: Duration,
    /// When something is due, by what the last claim has seen.
    due: Option<Timestamp>,
    /// Whether that has seen rows of the inbox that wait.
    has_inbox: bool,
}

impl Refusals {
    /// Whether a claim at this time looks first.
    pub(crate) fn looks_first(&self, now: Timestamp, at: Instant) -> bool {
        let soon = now.after(self.took.min(SOON_MAX));
        self.has_inbox
            || self.until.is_some_and(|until| at < until)
            || self.due.is_some_and(|due| due <= soon)
    }

    /// Something was in the way of a claim, which took so long.
    pub(crate) fn refused(&mut self, took: Duration, at: Instant) {
        let doubled = LOOK_FIRST.saturating_mul(1 << self.in_a_row.min(16));
        self.until = Some(at + doubled.max(LOOK_FIRST_CLAIMS * took).min(LOOK_FIRST_MAX));
        self.in_a_row += 1;
        self.took = took;
    }

    /// Nothing was.
    pub(crate) const fn passed(&mut self, took: Duration) {
        (self.until, self.in_a_row, self.took) = (None, 0, took);
    }

    /// A claim has seen that something is due then, and whether rows of the inbox wait.
    pub(crate) const fn saw(&mut self, due: Option<Timestamp>, has_inbox: bool) {
        (self.due, self.has_inbox) = (due, has_inbox);
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
        refusals.passed(Duration::ZERO);
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
    fn what_a_claim_has_seen_is_looked_at_first() {
        let (mut refusals, at) = (Refusals::default(), Instant::now());
        let later = NOW.after(Duration::from_micros(10));
        refusals.saw(Some(NOW), false);
        assert!(refusals.looks_first(NOW, at));
        refusals.saw(Some(later), false);
        assert!(!refusals.looks_first(NOW, at));
        refusals.passed(Duration::from_micros(10));
        assert!(refusals.looks_first(NOW, at), "it is due when the claim reaches the server");
        refusals.passed(LOOK_FIRST_MAX);
        refusals.saw(Some(NOW.after(LOOK_FIRST)), false);
        assert!(!refusals.looks_first(NOW, at), "a slow claim says nothing of the next");
        refusals.saw(None, true);
        assert!(refusals.looks_first(NOW, at));
        refusals.saw(None, false);
        assert!(!refusals.looks_first(NOW, at));
    }
}
