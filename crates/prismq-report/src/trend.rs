//! Figures from run to run, from the lines of the history.

use std::collections::BTreeMap;

use prismq_record::history::{HistoryLine, HistoryMetric};
use prismq_statistics::{Bounds, changes, fence, logarithms, median};

/// One metric over the runs of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric in the latest run that has it.
    pub metric: HistoryMetric,
    /// Its figure in each run, oldest first; a run without one, or one of other work, is a gap.
    pub values: Vec<Option<f64>>,
}

/// The metrics of these runs by id.
#[must_use]
pub fn series(lines: &[&HistoryLine]) -> Vec<Series> {
    let mut found: BTreeMap<&str, Series> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate().rev() {
        for metric in &line.metrics {
            let series = found.entry(&metric.id).or_insert_with(|| Series {
                metric: metric.clone(),
                values: vec![None; lines.len()],
            });
            let alike = series.metric.config_hash == metric.config_hash;
            if let Some(value) = series.values.get_mut(index).filter(|_| alike) {
                *value = Some(metric.value);
            }
        }
    }
    found.into_values().collect()
}

/// How many of the latest runs a new one is compared with.
pub const LATEST: usize = 5;

/// The range in which the next figure is expected without a change, from those of the past runs, the oldest
/// first: around the median of the [`LATEST`], as far as the fence of the changes from run to run, by which
/// [`prismq_judge::comparison`] decides. `None` for too few runs, or if a figure may be 0.
#[must_use]
pub fn expected_range(figures: &[f64]) -> Option<Bounds> {
    let reach = fence(&logarithms(&changes(figures)))?;
    let latest = figures.get(figures.len().saturating_sub(LATEST)..).unwrap_or_default();
    let middle = median(latest).filter(|middle| *middle > 0.0)?;
    Some(Bounds { lower: middle * (-reach).exp(), upper: middle * reach.exp() })
}

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line of bars, the lowest value the shortest and the highest the tallest; a gap is a dot.
#[must_use]
pub fn sparkline(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied();
    let lowest = known().fold(f64::INFINITY, f64::min);
    let highest = known().fold(f64::NEG_INFINITY, f64::max);
    values.iter().map(|value| value.map_or('·', |value| bar(value, lowest, highest))).collect()
}

fn bar(value: f64, lowest: f64, highest: f64) -> char {
    // Halved first, since the whole range of two finite figures may not be finite.
    let share = (value / 2.0 - lowest / 2.0) / (highest / 2.0 - lowest / 2.0);
    if !share.is_finite() {
        return BARS[3];
    }
    let step = BARS.iter().enumerate().rev().find(|(step, _)| share * 8.0 >= *step as f64);
    step.map_or(BARS[0], |(_, bar)| *bar)
}

#[cfg(test)]
mod tests {
    use super::{expected_range, sparkline};

    #[test]
    fn the_expected_range_is_around_the_latest_as_wide_as_runs_differ() {
        let mut figures: Vec<f64> =
            (0..12).map(|run| if run % 2 == 0 { 100.0 } else { 102.0 }).collect();
        let band = expected_range(&figures).unwrap();
        assert!(
            (band.lower - 100.0).abs() < 0.01 && (band.upper - 104.04).abs() < 0.01,
            "{band:?}"
        );
        // A lasting step is expected after three runs.
        figures.extend([200.0; 3]);
        assert!(expected_range(&figures).unwrap().contains(200.0));
        assert_eq!(expected_range(&figures[..10]), None, "of ten runs there are nine changes");
        assert_eq!(expected_range(&[0.0; 20]), None);
    }

    #[test]
    fn the_lowest_is_the_shortest_and_the_highest_the_tallest() {
        let all: Vec<Option<f64>> = (0..8).map(|step| Some(f64::from(step))).collect();
        assert_eq!(sparkline(&all), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[Some(5.0), None, Some(5.0)]), "▄·▄");
        assert_eq!(sparkline(&[Some(f64::MIN), Some(f64::MAX)]), "▁█");
        assert_eq!(sparkline(&[]), "");
    }
}
