//! Compares a run with a baseline, metric by metric.
//!
//! A change is *improved* or *regressed* only if all of this holds; one that misses any of it is
//! *inconclusive*:
//!
//! - it is at least the minimum effect ([`MIN_EFFECT`] unless [`Rules`] say otherwise), below which a
//!   metric is *unchanged*;
//! - it is at least the noise floor of this metric (see `floor`): how much two runs of one program may
//!   differ, from their own rounds, from A/A runs and from history, where available;
//! - its bootstrap interval (see `evidence`) lies wholly outside the negligible range;
//! - it is significant among all metrics of the run (see `decision`), so that a run of a hundred metrics
//!   in which nothing changed reports no change.
//!
//! The rounds of one run share the state of the machine and agree with each other more than with those of the
//! next run. So two runs are compared by what is known about how much runs differ on this machine. As long as
//! that is unknown, no change below a factor of two counts. Pairs of starts, made in turn, contain that
//! knowledge.
//!
//! A dozen headline metrics are tested among themselves, and so are all others. `overall` finds a slowdown of all
//! metrics together that no single one shows, and `sensitivity` reports what a comparison could not have
//! detected.
//!
//! Metrics that say so are compared exactly. Only the same work on the same machine is compared, and only if
//! both sides are valid. What a change means for a run is decided by [`crate::verdict`].

mod decision;
mod evidence;
mod floor;
mod headline;
mod noise;
mod overall;
mod pairs;
mod pool;
mod rows;
mod sensitivity;
mod summary;

pub use floor::{FloorSource, NoiseFloor};
pub use noise::KnownNoise;
pub use overall::{Overall, shift};
pub use pairs::{compare_pairs, noise_of_pairs};
pub use pool::pool;
pub use summary::{Group, Summary};

use std::fmt;

use prismq_record::fingerprint::identity;
use prismq_record::quantiles::with_figures_of_all;
use prismq_record::{Direction, RunRecord};
use prismq_statistics::Bounds;

/// The smallest relative change that counts by default.
pub const MIN_EFFECT: f64 = 0.05;

/// The rules of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The smallest relative change that counts, for example 0.05.
    pub min_effect: f64,
    /// Whether figures of different machines, engines or profiles are compared.
    pub allow_env_mismatch: bool,
    /// The noise of the metrics, known from other runs.
    pub noise: KnownNoise,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_effect: MIN_EFFECT, allow_env_mismatch: false, noise: KnownNoise::default() }
    }
}

/// A comparison of a run with a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The name of the baseline.
    pub baseline: String,
    /// Why the runs are not comparable, if they are not.
    pub not_comparable: Option<String>,
    /// One row for each metric that has a figure on either side.
    pub rows: Vec<Row>,
    /// The change of all metrics together, if enough scenarios of two runs were compared.
    pub overall: Option<Overall>,
    /// The smallest relative change that counts.
    pub min_effect: f64,
}

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the metric.
    pub metric: String,
    /// Unit of the figures.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// The baseline's figure.
    pub before: Option<f64>,
    /// This run's figure.
    pub after: Option<f64>,
    /// Relative change, where the baseline is not zero.
    pub delta: Option<f64>,
    /// The 95 % interval of the true relative change, if both sides were measured several times.
    pub interval: Option<Bounds>,
    /// The smallest relative change that is more than noise; absent if the metric is not compared, or is
    /// compared exactly.
    pub floor: Option<NoiseFloor>,
    /// By which share the figures may differ and count as equal, if they are compared exactly.
    pub exact_within: Option<f64>,
    /// The result.
    pub change: Change,
}

/// The change of a metric since the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Better, beyond noise.
    Improved,
    /// Worse, beyond noise.
    Regressed,
    /// It changed by less than the minimum effect.
    Unchanged,
    /// It changed, but chance is not ruled out.
    Inconclusive,
    /// The figures are not of the same work, or invalid.
    NotComparable {
        /// In what they differ, or why they are invalid.
        reason: String,
    },
    /// The baseline has a figure, this run has none.
    Missing,
    /// This run has a figure, the baseline has none.
    New,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Improved => "improved",
            Self::Regressed => "regressed",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
            Self::NotComparable { reason } => return write!(f, "not comparable: {reason}"),
            Self::Missing => "missing",
            Self::New => "new",
        })
    }
}

impl Comparison {
    /// How many rows have this result.
    #[must_use]
    pub fn count(&self, change: &Change) -> usize {
        self.rows.iter().filter(|row| row.change == *change).count()
    }

    /// Whether a metric, or all together, became worse beyond noise.
    #[must_use]
    pub fn has_regression(&self) -> bool {
        self.count(&Change::Regressed) > 0 || self.is_slower()
    }

    /// Whether all metrics together became worse beyond noise.
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.overall.is_some_and(|overall| overall.is_slower(self.min_effect))
    }

    /// Why not a single metric was compared, if none was: such a comparison must not pass.
    #[must_use]
    pub fn compares_nothing(&self) -> Option<String> {
        let compared = |row: &Row| {
            !matches!(row.change, Change::NotComparable { .. } | Change::Missing | Change::New)
        };
        match &self.not_comparable {
            Some(reason) => Some(reason.clone()),
            None if self.rows.iter().any(compared) => None,
            None => Some("no metric of one is comparable with the other's".to_owned()),
        }
    }

    /// Improvements and regressions in a few figures.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.rows)
    }
}

/// Compares a run with the baseline of this name by the default rules, without known noise.
#[must_use]
pub fn compare(name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    compare_by(&Rules::default(), name, before, after)
}

/// Compares a run with the baseline of this name by these rules.
#[must_use]
pub fn compare_by(rules: &Rules, name: &str, before: &RunRecord, after: &RunRecord) -> Comparison {
    let not_comparable = difference(rules, before, after);
    let rows = match not_comparable {
        Some(_) => Vec::new(),
        None => {
            let (before, after) = (with_figures_of_all(before), with_figures_of_all(after));
            let drafts = rows::drafts(&before, &after, |scenario, old, new, seed| {
                let known = rules.noise.of(&scenario.id, &old.name);
                evidence::of_rounds(old, new, known, seed)
            });
            decision::decide(drafts, rules, floor::Sides::Runs)
        }
    };
    let overall = Overall::of(&rows, rules.noise.shifts());
    let (baseline, min_effect) = (name.to_owned(), rules.min_effect);
    Comparison { baseline, not_comparable, rows, overall, min_effect }
}

/// Why two runs cannot be compared at all, if they cannot.
fn difference(rules: &Rules, before: &RunRecord, after: &RunRecord) -> Option<String> {
    match (identity(before), identity(after)) {
        _ if rules.allow_env_mismatch => None,
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => {
            Some(format!("machine, engine or profile differ: {before} then, {after} now"))
        }
        _ => Some("the suites of one run come from different machines, engines or profiles".into()),
    }
}
