//! Targets: what a figure must reach, from a TOML file.
//!
//! ```toml
//! [targets]
//! "latency/end_to_end/workers=1:p99_ms" = "< 1000 ms"
//! ```
//!
//! The unit is mandatory and must be the metric's own. A target that finds no figure is never met.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::record::{RunRecord, SUITES};

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
    /// Where it stands, for messages: `file:line:column`.
    pub place: String,
}

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
    /// It is not TOML, has an unknown table, or a key twice.
    #[error("{place}: {reason}")]
    Syntax {
        /// `file:line:column`.
        place: String,
        /// The parser's words.
        reason: String,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    targets: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// Reads a file of targets, in the order they stand in.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn read(path: &Path) -> Result<Vec<Target>, TargetError> {
    let text = fs::read_to_string(path)
        .map_err(|source| TargetError::Read { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

/// Reads targets from a text that messages call `name`.
///
/// # Errors
/// [`TargetError`] says what is wrong, and where.
pub fn parse(text: &str, name: &str) -> Result<Vec<Target>, TargetError> {
    let file: File = toml::from_str(text).map_err(|error| TargetError::Syntax {
        place: place(name, text, error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    let mut entries: Vec<_> = file.targets.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
        .into_iter()
        .map(|(key, value)| {
            let place = place(name, text, key.span().start);
            target(key.get_ref(), value.get_ref(), &place).map_err(|reason| TargetError::Target {
                place: place.clone(),
                key: key.get_ref().clone(),
                reason,
            })
        })
        .collect()
}

fn target(key: &str, value: &str, place: &str) -> Result<Target, String> {
    let Some((scenario, metric)) = key.split_once(':') else {
        return Err("write \"suite/scenario/param=value:metric\"".to_owned());
    };
    let suite = scenario.split('/').next().unwrap_or_default();
    if !SUITES.contains(&suite) {
        return Err(format!("there is no suite {suite:?}; the suites are {}", SUITES.join(", ")));
    }
    if metric.is_empty() {
        return Err("names no metric after the colon".to_owned());
    }
    let value = value.trim();
    let found = OPERATORS
        .iter()
        .find_map(|(text, operator)| Some((*operator, value.strip_prefix(text)?.trim_start())));
    let Some((operator, rest)) = found else {
        return Err(format!("{value:?} must begin with one of < <= = >= >"));
    };
    let Some((number, unit)) = rest.split_once(char::is_whitespace) else {
        return Err(format!("{value:?} must end with a unit, as in \"< 100 ms\""));
    };
    let bound: f64 = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
    if !bound.is_finite() {
        return Err(format!("{number:?} is not a finite number"));
    }
    Ok(Target {
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        operator,
        bound,
        unit: unit.trim().to_owned(),
        place: place.to_owned(),
    })
}

/// Holds every target against a run.
///
/// # Errors
/// [`TargetError::Target`] if a target's unit is not its metric's.
pub fn check(targets: &[Target], run: &RunRecord) -> Result<Vec<Check>, TargetError> {
    targets
        .iter()
        .map(|target| Ok(Check { outcome: outcome(target, run)?, target: target.clone() }))
        .collect()
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
            reason: format!("is in {:?}, but the metric is in {:?}", target.unit, metric.unit),
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

fn place(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{name}:{line}:{column}")
}
