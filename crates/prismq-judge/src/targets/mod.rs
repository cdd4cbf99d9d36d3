//! Targets: bounds that figures must meet, from a TOML file.
//!
//! ```toml
//! [targets]
//! "latency/end_to_end/workers=1:p99_ms" = "< 1000 ms"
//!
//! [goals]
//! "throughput/drain/workers=10:ratio_to_floor" = ">= 0.8 x"
//! ```
//!
//! Bounds that depend on the machine are ratios to references of the same run; bounds for a single machine
//! stand in a file of its own, and so do those of an engine that is measured by others (see [`read_for`]).
//!
//! `[goals]` apply to runs whose suites say so (a smoke run's loads are too small). `[invariants]` must hold at
//! any speed, for example that no task is lost: they are checked like targets, and reports sum up those that
//! hold in one line.
//! The unit is mandatory and must be the metric's own. A target without a figure is never met, and a file
//! without targets is an error. `decision` compares a figure with its bound; what follows for the run is
//! decided by [`crate::verdict`].

mod check;
mod decision;
mod parse;

pub(crate) use check::check_one;
pub use check::{Check, Outcome, check, check_scenario, check_suites};
pub use decision::{Answer, FALSE_ALARMS, Level, decide};
pub use parse::{parse, read, read_for, read_of, threshold};

use std::fmt;
use std::path::PathBuf;

use prismq_record::{Metric, RunRecord, Scenario};
use thiserror::Error;

/// Where the targets of a workspace lie.
pub const FILE: &str = "benches/targets.toml";

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Id of the scenario, for example `throughput/drain/workers=5`.
    pub scenario: String,
    /// Name of its metric, for example `tasks_per_s`.
    pub metric: String,
    /// How the figure must compare with the bound.
    pub operator: Operator,
    /// The bound, in `unit`.
    pub bound: f64,
    /// Unit of bound and figure.
    pub unit: String,
    /// Its kind, by the heading in its file.
    pub kind: Kind,
    /// Its place, for messages: `file:line:column`.
    pub place: String,
}

impl Target {
    /// Its metric, if the run has it.
    #[must_use]
    pub fn metric_of<'run>(&self, run: &'run RunRecord) -> Option<&'run Metric> {
        self.scenario_of(run)?.metric(&self.metric)
    }

    fn scenario_of<'run>(&self, run: &'run RunRecord) -> Option<&'run Scenario> {
        let mut scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
        scenarios.find(|scenario| scenario.id == self.scenario)
    }

    /// The suite that its scenario is of.
    #[must_use]
    pub fn suite(&self) -> &str {
        self.scenario.split('/').next().unwrap_or_default()
    }

    /// Whether a figure, in its unit, meets it.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.operator.holds(value, self.bound)
    }
}

/// The kind of a target, by the heading in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[targets]`: applies to every run.
    Target,
    /// `[goals]`: applies to runs whose loads are large enough, as their suites say.
    Goal,
    /// `[invariants]`: applies to every run and must hold at any speed.
    Invariant,
}

/// How a figure must compare with its bound.
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

/// Why targets cannot be read or checked.
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
    /// It is not TOML, or has an unknown table or a duplicate key.
    #[error("{place}: {reason}")]
    Syntax {
        /// `file:line:column`.
        place: String,
        /// The parser's message.
        reason: String,
    },
    /// The file has no targets.
    #[error(
        "{name} holds no target: write them below [targets], [goals] or [invariants], as in \
         \"latency/end_to_end/workers=1:p99_ms\" = \"< 1000 ms\""
    )]
    Empty {
        /// The file.
        name: String,
    },
    /// A key or value is not a target that can be checked.
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
