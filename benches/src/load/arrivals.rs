//! When tasks of an open load are meant to arrive.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, Exp1};

/// How arrivals are distributed around their mean interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalProcess {
    /// Each one interval after the one before.
    Constant,
    /// At random, independent of each other: intervals are exponentially distributed.
    Poisson {
        /// The seed of the random choices.
        seed: u64,
    },
}

impl ArrivalProcess {
    /// Its name in the parameters of a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant rate",
            Self::Poisson { .. } => "poisson",
        }
    }

    /// The same kind for a later round, whose random choices are others.
    #[must_use]
    pub const fn of_round(self, round: u64) -> Self {
        match self {
            Self::Constant => Self::Constant,
            Self::Poisson { seed } => Self::Poisson { seed: seed.wrapping_add(round) },
        }
    }

    /// When each of this many tasks arrives, counted from the beginning of the load.
    #[must_use]
    pub fn offsets(self, tasks: usize, interval: Duration) -> Vec<Duration> {
        let mean = interval.as_secs_f64();
        let mut gap: Box<dyn FnMut() -> f64> = match self {
            Self::Constant => Box::new(|| mean),
            Self::Poisson { seed } => {
                let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
                Box::new(move || {
                    let gap: f64 = Exp1.sample(&mut random);
                    mean * gap
                })
            }
        };
        let mut at = 0.0;
        (0..tasks)
            .map(|_| {
                at += gap();
                Duration::from_secs_f64(at)
            })
            .collect()
    }
}
