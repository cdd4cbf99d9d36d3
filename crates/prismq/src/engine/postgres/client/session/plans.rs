//! When the plans of prepared statements are made anew.
//!
//! A plan is made once, by the size that tables had then. A queue that was drained and vacuumed has empty tables, for which
//! the cheapest plan is to read them as a whole, and the tasks that come next would be read as a whole by each statement
//! until the server analyzes the tables. So after a statement that took long, plans are discarded: those that follow are
//! made by the size that the tables have now. The first run of a statement makes its plan, and says nothing of how long the
//! next will take.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// A statement that takes longer than this may have a plan for other tables. One for hundreds of tasks takes as long by a
/// good plan too, and one that waits for a lock.
const SLOW: Duration = Duration::from_millis(4);
/// How often plans are discarded at most: making those of all statements takes some 20 ms.
const EVERY: Duration = Duration::from_secs(10);

/// The plans of a session.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// The statements that have a plan.
    made: HashSet<Box<str>>,
    is_slow: bool,
    discarded: Option<Instant>,
}

impl Plans {
    /// Whether a statement that took so long had a plan already.
    pub(crate) fn ran(&mut self, sql: &str, took: Duration) -> bool {
        if !self.made.contains(sql) {
            self.made.insert(sql.into());
            return false;
        }
        self.is_slow |= took > SLOW;
        true
    }

    /// Whether the plans are to be discarded now.
    pub(crate) fn are_outdated(&self, now: Instant) -> bool {
        self.is_slow && self.discarded.is_none_or(|before| now >= before + EVERY)
    }

    /// Forgets the plans if they are outdated; the caller then sends `DISCARD PLANS`.
    pub(crate) fn discard_outdated(&mut self, now: Instant) -> bool {
        let outdated = self.are_outdated(now);
        if outdated {
            *self = Self { discarded: Some(now), ..Self::default() };
        }
        outdated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_anew_after_a_slow_statement_once_in_a_while() {
        let (mut plans, now) = (Plans::default(), Instant::now());
        assert!(!plans.ran("a", 2 * SLOW), "its plan is made");
        assert!(plans.ran("a", SLOW));
        assert!(!plans.discard_outdated(now));
        assert!(plans.ran("a", 2 * SLOW));
        plans.ran("a", Duration::ZERO);
        assert!(plans.discard_outdated(now));
        assert!(!plans.ran("a", 2 * SLOW), "its plan is made anew");
        assert!(!plans.discard_outdated(now + EVERY), "nothing was slow since");
        plans.ran("a", 2 * SLOW);
        assert!(!plans.discard_outdated(now + EVERY / 2));
        assert!(plans.discard_outdated(now + EVERY));
    }
}
