//! Where claims begin to look for ready tasks: at the first, or after what this process has taken.
//!
//! Rows that were deleted stay in the index as long as any transaction of the server may still see them, and a look from
//! the first row passes over all of them. Only where that takes long, claims begin after the last task that they took,
//! for twenty times as long as a look from the first row took, five seconds at most: so much later at most, a task with a
//! lower key of another process is found. What this process adds lowers the marks. A claim that finds nothing looks from
//! the first row anyway, and one that finds fewer tasks than it wants says when looks begin there again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A look that takes longer than this is avoided.
pub(super) const SLOW: Duration = Duration::from_millis(2);
/// For how many times as long.
pub(super) const SPARED: u32 = 20;
/// And no longer than this: a look may have taken long for another reason.
pub(super) const SPARED_MAX: Duration = Duration::from_secs(5);

/// The key of a task in its queue's order, and its id.
pub(crate) type Place = (i64, i64);

/// The last tasks that were taken, while looks from the first are avoided.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// By the lanes that are claimed from together.
    by_lanes: HashMap<Vec<i32>, Place>,
    /// When to look from the first again; `None` if that is quick.
    spared_until: Option<Instant>,
}

impl Marks {
    /// After which task to look, if not from the first.
    pub(crate) fn after(&mut self, lanes: &[i32], now: Instant) -> Option<Place> {
        if self.spared_until.is_some_and(|until| until <= now) {
            self.forget();
        }
        self.by_lanes.get(lanes).copied()
    }

    /// A look from the first took this long. Where that is long, marks stay: a look that found nothing leaves nothing before
    /// them, and one that found something moves its own.
    pub(crate) fn looked(&mut self, took: Duration, now: Instant) {
        self.spared_until = (took > SLOW).then(|| now + (took * SPARED).min(SPARED_MAX));
        if self.spared_until.is_none() {
            self.by_lanes.clear();
        }
    }

    /// How long it takes until looks begin at the first again.
    pub(crate) fn ends_in(&self, now: Instant) -> Option<Duration> {
        Some(self.spared_until?.saturating_duration_since(now))
    }

    /// The last task that a claim from these lanes took.
    pub(crate) fn took(&mut self, lanes: &[i32], last: Place) {
        if self.spared_until.is_some() {
            self.by_lanes.insert(lanes.to_vec(), last);
        }
    }

    /// A task was added.
    pub(crate) fn added(&mut self, lane: i32, (key, id): Place) {
        for (lanes, mark) in &mut self.by_lanes {
            if *mark >= (key, id) && lanes.contains(&lane) {
                *mark = (key, id - 1);
            }
        }
    }

    /// Tasks were added anywhere, or what was taken may not have been.
    pub(crate) fn forget(&mut self) {
        self.by_lanes.clear();
        self.spared_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_look_from_the_first_is_made_each_time() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.looked(SLOW, now);
        marks.took(&[1], (100, 7));
        assert_eq!(marks.after(&[1], now), None);
    }

    #[test]
    fn a_slow_look_is_spared_for_twenty_times_as_long() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        let took = 2 * SLOW;
        marks.looked(took, now);
        assert_eq!(marks.after(&[1], now), None, "nothing was taken from these lanes");
        marks.took(&[1], (100, 7));
        assert_eq!(marks.after(&[1], now + took * 19), Some((100, 7)));
        assert_eq!(marks.after(&[1, 2], now), None);
        assert_eq!(marks.after(&[1], now + took * SPARED), None);
    }

    /// Else each claim of a queue that is empty now and then would pass over all of them.
    #[test]
    fn a_slow_look_that_finds_nothing_leaves_the_marks() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.looked(2 * SLOW, now);
        marks.took(&[1], (100, 7));
        marks.looked(2 * SLOW, now);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks.looked(SLOW, now);
        assert_eq!(marks.after(&[1], now), None);
    }

    #[test]
    fn looks_are_spared_for_five_seconds_at_most() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        assert_eq!(marks.ends_in(now), None);
        marks.looked(Duration::from_secs(1), now);
        assert_eq!(marks.ends_in(now), Some(SPARED_MAX));
        assert_eq!(marks.ends_in(now + SPARED_MAX), Some(Duration::ZERO));
    }

    #[test]
    fn a_task_that_is_added_before_a_mark_lowers_it() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.looked(2 * SLOW, now);
        marks.took(&[1, 2], (100, 7));
        marks.added(1, (100, 8));
        marks.added(3, (50, 8));
        assert_eq!(marks.after(&[1, 2], now), Some((100, 7)));
        marks.added(2, (50, 9));
        assert_eq!(marks.after(&[1, 2], now), Some((50, 8)));
        marks.forget();
        assert_eq!(marks.after(&[1, 2], now), None);
    }
}
