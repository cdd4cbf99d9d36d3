//! How long a random test goes on, from which seed, and how a failure is replayed.

use std::env;
use std::time::{Duration, Instant};

/// A test that tries one seed after another.
#[derive(Debug)]
pub struct Campaign {
    name: &'static str,
    seed: u64,
    fixed: bool,
    until: Option<Instant>,
    rounds: u64,
}

impl Campaign {
    /// Begins. `PRISMQ_SEED=n` runs that seed alone; `PRISMQ_SOAK=minutes` goes on with new seeds for so
    /// long; otherwise it is one round from a seed that never changes.
    #[must_use]
    pub fn begin(name: &'static str) -> Self {
        let number = |variable| env::var(variable).ok()?.parse::<u64>().ok();
        let fixed = number("PRISMQ_SEED");
        let soak = number("PRISMQ_SOAK").map(|minutes| Duration::from_secs(60 * minutes));
        // A soak explores; anything else must fail or pass for what was changed.
        let seed = fixed.unwrap_or_else(|| if soak.is_some() { fastrand::u64(..) } else { 1 });
        let until = soak.map(|soak| Instant::now() + soak);
        Self { name, seed, fixed: fixed.is_some(), until, rounds: 0 }
    }

    /// The seed of the next round, if there is to be one.
    #[expect(clippy::should_implement_trait, reason = "its drop tells which seed was the last")]
    pub fn next(&mut self) -> Option<u64> {
        let goes_on = match (self.rounds, self.fixed, self.until) {
            (0, _, _) => true,
            (_, true, _) | (_, _, None) => false,
            (_, _, Some(until)) => Instant::now() < until,
        };
        if !goes_on {
            return None;
        }
        if self.rounds > 0 {
            self.seed = self.seed.wrapping_add(1);
        }
        self.rounds += 1;
        Some(self.seed)
    }

    /// Rounds begun.
    #[must_use]
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "replay it with: PRISMQ_SEED={} cargo test -p prismq-faults {}",
                self.seed, self.name
            );
        }
    }
}
