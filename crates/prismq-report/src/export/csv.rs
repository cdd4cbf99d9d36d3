//! Every metric of a run as a line of CSV, the invalid and the missing ones too.

use csv::Writer;
use prismq_record::{Direction, Metric, RunRecord, Scenario, SuiteRecord};
use serde::Serialize;

use super::ExportError;

/// A line. The columns are these fields, in this order.
#[derive(Serialize)]
struct Line<'run> {
    run_id: &'run str,
    started_at: String,
    commit: Option<&'run str>,
    engine: &'run str,
    profile: &'run str,
    suite: &'run str,
    scenario: &'run str,
    metric: &'run str,
    value: Option<f64>,
    unit: &'run str,
    better: Direction,
    lower: Option<f64>,
    upper: Option<f64>,
    level: Option<f64>,
    rounds: usize,
    valid: bool,
    reason: Option<String>,
}

/// All metrics of a run, a header first.
///
/// # Errors
/// [`ExportError::Format`], which only a defect in the writer causes.
pub fn csv(run: &RunRecord) -> Result<String, ExportError> {
    let failed = |reason| ExportError::Format { format: "CSV", reason };
    let mut writer = Writer::from_writer(Vec::new());
    for suite in &run.suites {
        for scenario in &suite.scenarios {
            for metric in &scenario.metrics {
                let line = line(suite, scenario, metric);
                writer.serialize(line).map_err(|error| failed(error.to_string()))?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn line<'run>(
    suite: &'run SuiteRecord,
    scenario: &'run Scenario,
    metric: &'run Metric,
) -> Line<'run> {
    let interval = metric.interval.as_ref();
    let invalid = scenario.validity.reasons().map(|reasons| reasons.join("; "));
    Line {
        run_id: &suite.run_id,
        started_at: suite.started_at.to_string(),
        commit: suite.environment.git.value.as_ref().map(|git| git.commit.as_str()),
        engine: &suite.engine,
        profile: &suite.profile,
        suite: &suite.suite,
        scenario: &scenario.id,
        metric: &metric.name,
        value: metric.value,
        unit: &metric.unit,
        better: metric.direction,
        lower: interval.map(|interval| interval.lower),
        upper: interval.map(|interval| interval.upper),
        level: interval.map(|interval| interval.level),
        rounds: metric.samples.len().max(1),
        valid: invalid.is_none(),
        reason: invalid.or_else(|| metric.reason.clone()),
    }
}
