//! A metric from run to run.

use std::collections::BTreeMap;

use super::line::{HistoryLine, HistoryMetric};

/// One metric over the runs of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric as the latest run that has it tells it.
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
    use super::sparkline;

    #[test]
    fn the_lowest_is_the_shortest_and_the_highest_the_tallest() {
        let all: Vec<Option<f64>> = (0..8).map(|step| Some(f64::from(step))).collect();
        assert_eq!(sparkline(&all), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[Some(5.0), None, Some(5.0)]), "▄·▄");
        assert_eq!(sparkline(&[Some(f64::MIN), Some(f64::MAX)]), "▁█");
        assert_eq!(sparkline(&[]), "");
    }
}
