//! The custom JSON of `github-action-benchmark`, which needs separate files for figures whose larger
//! values are better and for those whose smaller values are.

use prismq_record::{Direction, RunRecord};
use serde::Serialize;

use super::{ExportError, valid_figures};

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: String,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// The valid figures of a run that are better in this direction, as JSON.
///
/// # Errors
/// [`ExportError::Nothing`] if it has none.
pub fn gha(run: &RunRecord, better: Direction) -> Result<String, ExportError> {
    let figures = valid_figures(run).filter(|(_, metric, _)| metric.direction == better);
    let entries: Vec<Entry> = figures
        .map(|(scenario, metric, value)| Entry {
            name: format!("{}:{}", scenario.id, metric.name),
            unit: metric.unit.clone(),
            value,
            range: metric.interval.as_ref().map(|interval| {
                format!("{} to {} at {} %", interval.lower, interval.upper, interval.level * 100.0)
            }),
            extra: format!("run {}, {} rounds", run.run_id, metric.samples.len().max(1)),
        })
        .collect();
    if entries.is_empty() {
        let what = match better {
            Direction::Higher => "valid figure whose larger values are better",
            Direction::Lower => "valid figure whose smaller values are better",
        };
        return Err(ExportError::Nothing { run: run.run_id.clone(), what });
    }
    super::json("github-action-benchmark JSON", &entries)
}
