//! Targets: what a figure must reach, from a TOML file.
//!
//! ```toml
//! [targets]
//! "latency/end_to_end/workers=1:p99_ms" = "< 1000 ms"
//!
//! [goals]
//! "throughput/drain/workers=10:ratio_to_floor" = ">= 0.8 x"
//! ```
//!
//! What stands below `[goals]` is not asked of a `smoke` run, whose loads are too small to tell it. What
//! stands below `[invariants]` must hold at any speed, as that no task is lost: it is checked like a
//! target, but those that hold are reports' one line.
//! The unit is mandatory and must be the metric's own. A target that finds no figure is never met, and
//! a file without targets is an error. What missed targets mean for a run is [`crate::verdict`]'s.

mod parse;

pub use parse::{parse, read, threshold};

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::record::{Metric, RunRecord};
use crate::statistics::{Bounds, median_interval};

/// Where the targets of a workspace lie.
pub const FILE: &str = "benches/targets.toml";

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Id of the scenario, for example `throughput/drain/workers=5`.
    pub scenario: String,
    /// Name of its metric, for example `tasks_per_s`.
    pub metric: String,
    /// How the figure must stand to the bound.
    pub operator: Operator,
    /// The bound, in `unit`.
    pub bound: f64,
    /// Unit of bound and figure.
    pub unit: String,
    /// Which runs must reach it.
    pub asked_of: AskedOf,
    /// Whether it must hold at any speed: it stands below `[invariants]`.
    pub invariant: bool,
    /// Where it stands, for messages: `file:line:column`.
    pub place: String,
}

impl Target {
    /// The metric it is about, if the run has it.
    #[must_use]
    pub fn metric_of<'run>(&self, run: &'run RunRecord) -> Option<&'run Metric> {
        let mut scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
        scenarios.find(|scenario| scenario.id == self.scenario)?.metric(&self.metric)
    }

    /// Whether a figure in its unit meets it.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.operator.holds(value, self.bound)
    }
}

/// Which runs a target is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedOf {
    /// Every run: it stands below `[targets]` or `[invariants]`.
    EveryRun,
    /// Runs of a larger profile than `smoke`: it stands below `[goals]`.
    RunsBeyondSmoke,
}

impl AskedOf {
    fn holds_for(self, run: &RunRecord) -> bool {
        match self {
            Self::EveryRun => true,
            Self::RunsBeyondSmoke => run.suites.iter().any(|suite| suite.profile != SMOKE),
        }
    }
}

/// The profile that is too small for goals.
const SMOKE: &str = "smoke";

/// How a figure must stand to its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

impl Operator {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Equal => (value - bound).abs() < f64::EPSILON,
            Self::GreaterOrEqual => value >= bound,
            Self::Greater => value > bound,
        }
    }

    /// How far the figure is on the good side of the bound, as a share of the bound.
    fn margin(self, value: f64, bound: f64) -> Option<f64> {
        let distance = match self {
            Self::Less | Self::LessOrEqual => bound - value,
            Self::Greater | Self::GreaterOrEqual => value - bound,
            Self::Equal => return None,
        };
        (bound != 0.0).then(|| distance / bound.abs())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, _) =
            OPERATORS.iter().find(|(_, operator)| operator == self).unwrap_or(&OPERATORS[0]);
        f.write_str(text)
    }
}

/// What became of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The target.
    pub target: Target,
    /// What became of it.
    pub outcome: Outcome,
    /// Where the figure truly lies, with 95 %: as recorded, else from the metric's rounds.
    pub interval: Option<Bounds>,
}

impl Check {
    /// Whether the interval crosses the bound: the figure is on one side of it, but another run might
    /// be on the other. The outcome stands.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        let holds = |figure| self.target.holds(figure);
        match (&self.outcome, self.interval) {
            (Outcome::NoData { .. }, _) | (_, None) => false,
            (_, Some(interval)) => holds(interval.lower) != holds(interval.upper),
        }
    }
}

/// What became of a target.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The figure meets it.
    Met {
        /// The figure.
        value: f64,
        /// Its distance from the bound as a share of the bound, where that means something.
        margin: Option<f64>,
    },
    /// The figure misses it.
    Missed {
        /// The figure.
        value: f64,
        /// Its distance from the bound, negative, as a share of the bound.
        margin: Option<f64>,
    },
    /// There is no figure.
    NoData {
        /// Why not.
        reason: String,
    },
}

/// What is wrong with the targets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The file cannot be read.
    #[error("cannot read the targets in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It is not TOML, or has an unknown table or a key twice.
    #[error("{place}: {reason}")]
    Syntax {
        /// `file:line:column`.
        place: String,
        /// The parser's words.
        reason: String,
    },
    /// There is nothing to reach.
    #[error(
        "{name} holds no target: write them below [targets], [goals] or [invariants], as in \
         \"latency/end_to_end/workers=1:p99_ms\" = \"< 1000 ms\""
    )]
    Empty {
        /// The file.
        name: String,
    },
    /// A key or value says nothing that can be checked.
    #[error("{place}: target {key:?}: {reason}")]
    Target {
        /// `file:line:column`.
        place: String,
        /// The key.
        key: String,
        /// What is wrong, and what to write.
        reason: String,
    },
}

/// Holds every target that is asked of a run against it.
///
/// # Errors
/// [`TargetError::Target`] if a target's unit is not its metric's.
pub fn check(targets: &[Target], run: &RunRecord) -> Result<Vec<Check>, TargetError> {
    targets
        .iter()
        .filter(|target| target.asked_of.holds_for(run))
        .map(|target| {
            let (outcome, interval) = (outcome(target, run)?, interval(target, run));
            Ok(Check { target: target.clone(), outcome, interval })
        })
        .collect()
}

/// The interval of a target's figure.
fn interval(target: &Target, run: &RunRecord) -> Option<Bounds> {
    let metric = target.metric_of(run)?;
    match &metric.interval {
        Some(interval) => Some(Bounds { lower: interval.lower, upper: interval.upper }),
        None => median_interval(&metric.samples),
    }
}

fn outcome(target: &Target, run: &RunRecord) -> Result<Outcome, TargetError> {
    let no_data = |reason: String| Ok(Outcome::NoData { reason });
    let suite = target.scenario.split('/').next().unwrap_or_default();
    let Some(record) = run.suites.iter().find(|record| record.suite == suite) else {
        return no_data(format!("suite {suite} was not run"));
    };
    let Some(scenario) = record.scenarios.iter().find(|found| found.id == target.scenario) else {
        return no_data("the scenario was not run".to_owned());
    };
    let Some(metric) = scenario.metric(&target.metric) else {
        return no_data("the scenario has no such metric".to_owned());
    };
    if metric.unit != target.unit {
        return Err(TargetError::Target {
            place: target.place.clone(),
            key: format!("{}:{}", target.scenario, target.metric),
            reason: format!(
                "is in {:?}, but the metric is in {:?}: write the bound in that",
                target.unit, metric.unit
            ),
        });
    }
    let Some(value) = metric.value else {
        let reason = metric.reason.as_deref().unwrap_or("the metric has no value");
        return no_data(reason.to_owned());
    };
    let margin = target.operator.margin(value, target.bound);
    Ok(if target.operator.holds(value, target.bound) {
        Outcome::Met { value, margin }
    } else {
        Outcome::Missed { value, margin }
    })
}
