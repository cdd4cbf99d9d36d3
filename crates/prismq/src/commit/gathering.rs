//! Lets the leader of the next group wait for the callers that were just answered.
//!
//! Callers in a loop submit again a moment after they are answered. If the first of them led at once, the others would miss
//! its group, and from then on there would be two groups, each waiting for the other's commit. So the leader waits until as
//! many callers have submitted as were answered, for at most a fraction of the time that the last group took. If they do
//! not submit again, the next groups start without a wait. Database servers have settings for the same purpose, such as
//! `commit_delay` and `commit_siblings`.

use std::time::{Duration, Instant};

/// The leader waits for at most one part in this many of the time that the last group took.
const FRACTION: u32 = 8;
/// The leader does not wait for less than this, which is how late a sleeping thread wakes up.
const WAIT_MIN: Duration = Duration::from_micros(50);
/// The longest wait: a slow disk or a distant server does not make callers slower to submit again.
const WAIT_MAX: Duration = Duration::from_millis(2);
/// After this many useless waits in a row, the number of groups without a wait no longer doubles.
const USELESS_MAX: u32 = 6;

/// Which callers the next leader waits for, and how long.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// How many submissions waited when the last group was answered.
    waiting: usize,
    /// How many callers it answered.
    answered: usize,
    /// When the leader stops waiting; `None` if it does not wait.
    until: Option<Instant>,
    /// How many waits in a row brought fewer than half of the callers.
    useless: u32,
    /// How many groups are still to start without a wait.
    skips: u32,
}

impl Gathering {
    /// A group is committed and about to be answered: the number of its callers, the number of submissions that wait, and
    /// the time it took.
    pub(super) fn committed(
        &mut self,
        (answered, waiting): (usize, usize),
        took: Duration,
        now: Instant,
    ) {
        (self.answered, self.waiting, self.until) = (answered, waiting, None);
        let wait = (took / FRACTION).min(WAIT_MAX);
        // A single caller has nobody to wait for.
        if answered + waiting < 2 || wait < WAIT_MIN {
            return;
        }
        match self.skips.checked_sub(1) {
            Some(skips) => self.skips = skips,
            None => self.until = Some(now + wait),
        }
    }

    /// Whether the leader waits, or may wait, for callers.
    pub(super) const fn is_open(&self) -> bool {
        self.until.is_some()
    }

    /// How much longer the leader waits, given the number of submissions that wait.
    pub(super) fn left(&self, waiting: usize, now: Instant) -> Option<Duration> {
        let is_complete = waiting >= self.waiting + self.answered;
        let left = self.until?.saturating_duration_since(now);
        (!is_complete && !left.is_zero()).then_some(left)
    }

    /// The next group is taken, from this many submissions: the wait is over, if there was one.
    pub(super) fn group_taken(&mut self, submissions: usize) {
        if self.until.take().is_none() {
            return;
        }
        let came = submissions.saturating_sub(self.waiting);
        if 2 * came >= self.answered {
            self.useless = 0;
        } else {
            self.useless = USELESS_MAX.min(self.useless + 1);
            self.skips = 1 << self.useless;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(8);
    const LEFT: Duration = Duration::from_millis(1);

    #[test]
    fn the_leader_waits_for_an_eighth_of_the_time_of_the_last_group() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        assert_eq!(gathering.left(1, now), None);
        gathering.committed((3, 2), TOOK, now);
        assert_eq!(gathering.left(2, now), Some(LEFT));
        assert_eq!(gathering.left(4, now + LEFT / 2), Some(LEFT / 2));
        assert_eq!(gathering.left(5, now), None, "all have come");
        assert_eq!(gathering.left(4, now + LEFT), None);
        gathering.group_taken(4);
        assert_eq!(gathering.left(0, now), None);
        gathering.committed((3, 2), 1000 * TOOK, now);
        assert_eq!(gathering.left(2, now), Some(WAIT_MAX));
        gathering.committed((3, 2), WAIT_MIN * FRACTION, now);
        assert_eq!(gathering.left(2, now), Some(WAIT_MIN));
        gathering.committed((3, 2), WAIT_MIN, now);
        assert_eq!(gathering.left(2, now), None, "too short for a sleep");
    }

    #[test]
    fn one_caller_alone_waits_for_nobody() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        gathering.committed((1, 0), TOOK, now);
        assert_eq!(gathering.left(0, now), None);
        gathering.committed((1, 1), TOOK, now);
        assert_eq!(gathering.left(1, now), Some(LEFT), "else two callers would take turns");
    }

    /// Answers groups whose callers do not submit again; returns how many start without a wait.
    fn skipped(gathering: &mut Gathering, now: Instant) -> usize {
        let mut skipped = 0;
        loop {
            gathering.committed((4, 1), TOOK, now);
            if gathering.left(1, now).is_some() {
                return skipped;
            }
            gathering.group_taken(1);
            skipped += 1;
        }
    }

    #[test]
    fn groups_whose_callers_do_not_come_back_are_not_waited_for() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        assert_eq!(skipped(&mut gathering, now), 0);
        for expected in [2, 4, 8, 16, 32, 64, 64] {
            gathering.group_taken(2);
            assert_eq!(skipped(&mut gathering, now), expected);
        }
        // Half of them are worth the wait.
        gathering.group_taken(3);
        assert_eq!(skipped(&mut gathering, now), 0);
        gathering.group_taken(1);
        assert_eq!(skipped(&mut gathering, now), 2);
    }
}
