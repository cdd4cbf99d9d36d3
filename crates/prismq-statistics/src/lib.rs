//! Statistics of benchmark figures: pure functions of numbers, one method a file, each with its source and
//! tested against published or hand-computed values.
//!
//! Nothing here knows of records, scenarios or metrics: which figures are compared, and what follows from the
//! answer, is left to the callers.

mod bootstrap;
mod distribution;
mod drift;
mod fairness;
mod geometric;
mod knee;
mod noise;
mod order;
mod sample_size;
mod sequence;
mod significance;
mod usl;

pub use bootstrap::{Seed, median_of_ratios_interval, relative_change_interval};
pub use drift::{Drift, drift};
pub use fairness::{gini, jain};
pub use geometric::geometric_mean;
pub use knee::{Knee, knee};
pub use noise::{
    changes, fence, logarithms, p_value_among, spread_of_halves, spread_of_neighbours,
};
pub use order::{CONFIDENCE, SPREAD_OF_ROUNDS, median, median_interval, quantile};
pub use sample_size::samples_needed;
pub use sequence::{BETWEEN_RUNS, Estimate, tail_at_look};
pub use significance::{RankTest, discoveries, paired_p, rank_test};
pub use usl::{Level, Peak, Scaling, Uncertain, UslError, fit};

/// The interval between two figures, the lower first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Its lower end.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl Bounds {
    /// Whether all of it lies above `floor` or all of it below `-floor`.
    #[must_use]
    pub fn lies_outside(&self, floor: f64) -> bool {
        self.lower > floor || self.upper < -floor
    }

    /// Whether a figure lies in it.
    #[must_use]
    pub fn contains(&self, figure: f64) -> bool {
        self.lower <= figure && figure <= self.upper
    }
}
