//! Where claims begin to look for ready tasks: at the first, or after what this process has taken.
//!
//! Rows that were deleted stay in the index as long as any transaction of the server may still see them, and a look from
//! the first row passes over all of them. Only where that takes long, claims begin after the last task that they took,
//! for twenty times as long as a look from the first row took: so much later at most, a task with a lower key of another
//! process is found. What this process adds lowers the marks. A claim that finds fewer tasks than it wants looks from the
//! first row anyway.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A look that takes longer than this is avoided.
pub(super) const SLOW: Duration = Duration::from_millis(2);
/// For how many times as long.
pub(super) const SPARED: u32 = 20;

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

    /// A look from the first took this long.
    pub(crate) fn looked(&mut self, took: Duration, now: Instant) {
        self.by_lanes.clear();
        self.spared_until = (took > SLOW).then(|| now + took * SPARED);
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
