//! Validates a file as a record, including the distributions, which are otherwise read on demand.
//!
//! What is wrong with the record as a whole is found by [`prismq_record::files`] when it is read.

use std::path::Path;

use prismq_record::files::{AnyRecord, FileError, read_any};
use prismq_record::history;
use prismq_record::{Histogram, Metric, RunRecord, Scenario, SuiteRecord};

/// The result of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Kind and size, for example `prismq/suite 1.1.0, 12 scenarios, 8 distributions`.
    pub what: String,
    /// The problems: the place, such as `scenarios[0].histograms.end_to_end`, and what is wrong there.
    pub problems: Vec<String>,
}

/// Reads a record of any kind, or a history if the name ends in `.jsonl`, with all its distributions.
///
/// # Errors
/// [`FileError`] if it cannot be read.
pub fn validate(path: &Path) -> Result<Validated, FileError> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        let lines = history::read_file(path)?;
        let what = format!(
            "{} {}, {} runs",
            history::HISTORY_SCHEMA,
            history::HISTORY_VERSION,
            lines.len()
        );
        return Ok(Validated { what, problems: Vec::new() });
    }
    let mut examined = Examined::default();
    let what = match read_any(path)? {
        AnyRecord::Suite(suite) => {
            examined.suite(&suite, "");
            format!("{} {}", suite.schema, suite.schema_version)
        }
        AnyRecord::Run(run) => {
            examined.run(&run);
            format!("{} {}, {} suites", run.schema, run.schema_version, run.suites.len())
        }
    };
    let Examined { scenarios, distributions, problems } = examined;
    let what = format!("{what}, {scenarios} scenarios, {distributions} distributions");
    Ok(Validated { what, problems })
}

#[derive(Default)]
struct Examined {
    scenarios: usize,
    distributions: usize,
    problems: Vec<String>,
}

impl Examined {
    fn run(&mut self, run: &RunRecord) {
        for (index, suite) in run.suites.iter().enumerate() {
            self.suite(suite, &format!("suites[{index}]."));
        }
    }

    fn suite(&mut self, suite: &SuiteRecord, place: &str) {
        if suite.ended_at < suite.started_at {
            self.problems.push(format!("{place}ended_at: is before started_at"));
        }
        for (index, scenario) in suite.scenarios.iter().enumerate() {
            self.scenarios += 1;
            self.scenario(scenario, &format!("{place}scenarios[{index}]"));
        }
    }

    fn scenario(&mut self, scenario: &Scenario, place: &str) {
        for (index, metric) in scenario.metrics.iter().enumerate() {
            if let Some(problem) = wrong(metric) {
                self.problems.push(format!("{place}.metrics[{index}]: {}: {problem}", metric.name));
            }
        }
        for (name, histogram) in &scenario.histograms {
            self.histogram(histogram, &format!("{place}.histograms.{name}"));
        }
        for (index, round) in scenario.rounds.iter().enumerate() {
            for (piece, interval) in round.intervals.iter().enumerate() {
                if let Some(histogram) = &interval.end_to_end {
                    let place = format!("{place}.rounds[{index}].intervals[{piece}].end_to_end");
                    self.histogram(histogram, &place);
                }
            }
        }
    }

    fn histogram(&mut self, histogram: &Histogram, place: &str) {
        self.distributions += 1;
        if let Err(error) = histogram.decode() {
            self.problems.push(format!("{place}: {error}"));
        }
    }
}

/// The problem of a metric, if it has one.
fn wrong(metric: &Metric) -> Option<&'static str> {
    if metric.value.is_none() && metric.reason.is_none() {
        return Some("has neither a value nor a reason");
    }
    let interval = metric.interval.as_ref()?;
    if interval.lower > interval.upper {
        return Some("its interval ends before it begins");
    }
    (!(0.0..=1.0).contains(&interval.level))
        .then_some("the level of its interval is not between 0 and 1")
}
