//! When the plans of prepared statements are made anew.
//!
//! A plan is made once, by the size that tables had then. A queue that was drained and vacuumed has empty tables, for which
//! the cheapest plan is to read them as a whole, and the tasks that come next would be read as a whole by each statement
//! until the server analyzes the tables. So after a statement that took long, plans are discarded: those that follow are
//! made by the size that the tables have now.

use std::time::{Duration, Instant};

/// A statement that takes longer than this may have a plan for other tables. One by a good plan takes as long only for
/// hundreds of tasks.
const SLOW: Duration = Duration::from_millis(4);
/// How often plans are discarded at most: making those of all statements takes some 20 ms.
const EVERY: Duration = Duration::from_secs(10);

/// The plans of a session.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    is_slow: bool,
    discarded: Option<Instant>,
}

impl Plans {
    /// Statements took so long.
    pub(crate) fn ran(&mut self, took: &[Duration]) {
        self.is_slow |= took.iter().any(|took| *took > SLOW);
    }

    /// Whether the plans are to be discarded now.
    pub(crate) fn are_outdated(&mut self, now: Instant) -> bool {
        let may = self.discarded.is_none_or(|before| now >= before + EVERY);
        let outdated = self.is_slow && may;
        if outdated {
            *self = Self { is_slow: false, discarded: Some(now) };
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
        plans.ran(&[SLOW]);
        assert!(!plans.are_outdated(now));
        plans.ran(&[Duration::ZERO, 2 * SLOW]);
        plans.ran(&[Duration::ZERO]);
        assert!(plans.are_outdated(now));
        assert!(!plans.are_outdated(now + EVERY), "nothing was slow since");
        plans.ran(&[2 * SLOW]);
        assert!(!plans.are_outdated(now + EVERY / 2));
        assert!(plans.are_outdated(now + EVERY));
    }
}
