//! Whether the next group waits for the callers that were just answered.
//!
//! Callers that do the same again come back a moment after their answers. If one of them led at once, the others would wait
//! for its transaction, and from then on the callers would take turns as two groups, each of which waits for the other. So
//! the next leader waits until as many have come as were answered, no longer than a fraction of what the last group took.
//! Where they do not come back, the following groups do not wait. Servers of databases have settings with this purpose, such
//! as `commit_delay` and `commit_siblings`.

use std::time::{Duration, Instant};

/// How much shorter than the last group the next leader's wait is at most.
const FRACTION: u32 = 8;
/// Shorter waits are left out: a thread that sleeps wakes so much later.
const WAIT_MIN: Duration = Duration::from_micros(50);
/// The longest wait: coming back takes no longer because a server is far away or a disk is slow.
const WAIT_MAX: Duration = Duration::from_millis(2);
/// Waits are left out for two groups after one in vain, twice as many after each further one, up to two to this power.
const VAIN_MAX: u32 = 6;

/// For whom the next group waits.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// How many submissions waited when the last group was answered.
    waiting: usize,
    /// How many callers were answered.
    answered: usize,
    /// How long the next leader waits for them.
    until: Option<Instant>,
    /// How many waits in a row were in vain.
    vain: u32,
    /// For how many groups there is no wait.
    spared: u32,
}

impl Gathering {
    /// So many callers are answered, while so many submissions wait, by a group that took so long.
    pub(super) fn answered(
        &mut self,
        (answered, waiting): (usize, usize),
        took: Duration,
        now: Instant,
    ) {
        (self.answered, self.waiting, self.until) = (answered, waiting, None);
        let wait = (took / FRACTION).min(WAIT_MAX);
        // One caller alone waits for nobody.
        if answered + waiting < 2 || wait < WAIT_MIN {
            return;
        }
        match self.spared.checked_sub(1) {
            Some(spared) => self.spared = spared,
            None => self.until = Some(now + wait),
        }
    }

    /// Whether the next leader waits, or is about to.
    pub(super) const fn is_open(&self) -> bool {
        self.until.is_some()
    }

    /// How long the next leader waits while so many submissions do.
    pub(super) fn left(&self, waiting: usize, now: Instant) -> Option<Duration> {
        let is_complete = waiting >= self.waiting + self.answered;
        let left = self.until?.saturating_duration_since(now);
        (!is_complete && !left.is_zero()).then_some(left)
    }

    /// The next group is taken, of so many submissions.
    pub(super) fn ended(&mut self, submissions: usize) {
        if self.until.take().is_none() {
            return;
        }
        let came = submissions.saturating_sub(self.waiting);
        if 2 * came >= self.answered {
            self.vain = 0;
        } else {
            self.vain = VAIN_MAX.min(self.vain + 1);
            self.spared = 1 << self.vain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(8);
    const LEFT: Duration = Duration::from_millis(1);

    #[test]
    fn a_leader_waits_for_those_who_were_answered_a_fraction_of_the_last_group() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        assert_eq!(gathering.left(1, now), None);
        gathering.answered((3, 2), TOOK, now);
        assert_eq!(gathering.left(2, now), Some(LEFT));
        assert_eq!(gathering.left(4, now + LEFT / 2), Some(LEFT / 2));
        assert_eq!(gathering.left(5, now), None, "all have come");
        assert_eq!(gathering.left(4, now + LEFT), None);
        gathering.ended(4);
        assert_eq!(gathering.left(0, now), None);
        gathering.answered((3, 2), 1000 * TOOK, now);
        assert_eq!(gathering.left(2, now), Some(WAIT_MAX));
        gathering.answered((3, 2), WAIT_MIN * FRACTION, now);
        assert_eq!(gathering.left(2, now), Some(WAIT_MIN));
        gathering.answered((3, 2), WAIT_MIN, now);
        assert_eq!(gathering.left(2, now), None, "too short to sleep");
    }

    #[test]
    fn one_caller_alone_waits_for_nobody() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        gathering.answered((1, 0), TOOK, now);
        assert_eq!(gathering.left(0, now), None);
        gathering.answered((1, 1), TOOK, now);
        assert_eq!(gathering.left(1, now), Some(LEFT), "else two callers would take turns");
    }

    /// For how many groups of which nobody comes back there is no wait.
    fn spared(gathering: &mut Gathering, now: Instant) -> usize {
        let mut spared = 0;
        loop {
            gathering.answered((4, 1), TOOK, now);
            if gathering.left(1, now).is_some() {
                return spared;
            }
            gathering.ended(1);
            spared += 1;
        }
    }

    #[test]
    fn groups_whose_callers_do_not_come_back_are_not_waited_for() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        assert_eq!(spared(&mut gathering, now), 0);
        for expected in [2, 4, 8, 16, 32, 64, 64] {
            gathering.ended(2);
            assert_eq!(spared(&mut gathering, now), expected);
        }
        // Half of them are worth the wait.
        gathering.ended(3);
        assert_eq!(spared(&mut gathering, now), 0);
        gathering.ended(1);
        assert_eq!(spared(&mut gathering, now), 2);
    }
}
