//! Bencher's metric format: a benchmark a scenario, a measure a metric, with its interval.

use std::collections::BTreeMap;

use prismq_record::RunRecord;
use serde::Serialize;

use super::{ExportError, valid_figures};

#[derive(Serialize)]
struct Measure {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The valid figures of a run as JSON.
///
/// # Errors
/// [`ExportError::Nothing`] if it has none.
pub fn bmf(run: &RunRecord) -> Result<String, ExportError> {
    let mut benchmarks: BTreeMap<&str, BTreeMap<&str, Measure>> = BTreeMap::new();
    for (scenario, metric, value) in valid_figures(run) {
        let interval = metric.interval.as_ref();
        let measure = Measure {
            value,
            lower_value: interval.map(|interval| interval.lower),
            upper_value: interval.map(|interval| interval.upper),
        };
        benchmarks.entry(&scenario.id).or_default().insert(&metric.name, measure);
    }
    if benchmarks.is_empty() {
        return Err(ExportError::Nothing { run: run.run_id.clone(), what: "valid figure" });
    }
    super::json("BMF", &benchmarks)
}
