//! When keys that nobody holds any more are looked for. As long as an old snapshot keeps deleted keys in the index, a look
//! passes over them. Where that takes long, the next enqueues leave it to later ones.

use std::time::{Duration, Instant};

use super::marks::{SLOW, SPARED, SPARED_MAX};

/// The looks for such keys.
#[derive(Debug, Default)]
pub(crate) struct Sweeps {
    spared_until: Option<Instant>,
}

impl Sweeps {
    /// Whether one is left out.
    pub(crate) fn are_spared(&self, now: Instant) -> bool {
        self.spared_until.is_some_and(|until| now < until)
    }

    /// One took so long.
    pub(crate) fn took(&mut self, took: Duration, now: Instant) {
        self.spared_until = (took > SLOW).then(|| now + (took * SPARED).min(SPARED_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_slow_one_the_next_are_left_out_for_twenty_times_as_long() {
        let (mut sweeps, now) = (Sweeps::default(), Instant::now());
        assert!(!sweeps.are_spared(now));
        sweeps.took(SLOW, now);
        assert!(!sweeps.are_spared(now));
        let took = 2 * SLOW;
        sweeps.took(took, now);
        assert!(sweeps.are_spared(now + took * 19));
        assert!(!sweeps.are_spared(now + took * 20));
        sweeps.took(2 * SPARED_MAX, now);
        assert!(!sweeps.are_spared(now + SPARED_MAX));
    }
}
