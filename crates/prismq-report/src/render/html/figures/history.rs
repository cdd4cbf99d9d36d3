//! A metric over the runs there were.

use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Point, Shape, Swatch};
use crate::render::html::select::scenarios;
use crate::render::html::{HistoryPoint, Input};
use crate::statistics::median;
use crate::targets::Outcome;

pub(super) const QUESTION: Question = Question {
    id: "history",
    question: "Is it getting better or worse?",
    aid: "A mark outside the band is more than the usual noise between runs; look at its commit.",
    method: "Each mark is one run of the same work on this machine, in order of time, named by its commit; the last is this run. The band is the median of the runs before it, three scaled median absolute deviations to each side.",
    needs: "a history of two or more runs of a metric",
    command: "cargo bench, more than once: each run adds to results/history.jsonl",
    build,
};

/// The median absolute deviation of a normal distribution times this is its standard deviation.
const NORMAL: f64 = 1.4826;
const DEVIATIONS: f64 = 3.0;
/// Runs drawn; older ones stand in `history.jsonl`.
const RUNS: usize = 60;
/// What is left of a commit's hash.
const HASH: usize = 7;

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut metrics: Vec<(&str, &str)> = Vec::new();
    for point in input.history {
        let metric = (point.scenario.as_str(), point.metric.as_str());
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    // What has a target with a margin is what people watch.
    let watched = |(scenario, metric): &(&str, &str)| {
        input.verdict.checks.iter().position(|check| {
            let margin = match check.outcome {
                Outcome::Met { margin, .. }
                | Outcome::Missed { margin, .. }
                | Outcome::Undecided { margin, .. } => margin,
                Outcome::NoData { .. } | Outcome::NotMeasured { .. } => None,
            };
            margin.is_some() && check.target.scenario == *scenario && check.target.metric == *metric
        })
    };
    metrics.sort_by_key(|metric| watched(metric).unwrap_or(usize::MAX));
    Ok(metrics.into_iter().filter_map(|metric| drawing(input, metric)).collect())
}

fn drawing(input: &Input<'_>, (scenario, metric): (&str, &str)) -> Option<Drawing> {
    let mut runs: Vec<&HistoryPoint> = input
        .history
        .iter()
        .filter(|point| point.scenario == scenario && point.metric == metric)
        .filter(|point| point.value.is_finite())
        .collect();
    runs.sort_by_key(|point| point.at);
    let runs = runs.split_off(runs.len().saturating_sub(RUNS));
    if runs.len() < 2 {
        return None;
    }
    let points: Vec<Point> =
        runs.iter().enumerate().map(|(index, run)| (index as f64, run.value)).collect();
    let (last, before) = points.split_last()?;
    let (low, high) = band(&before.iter().map(|(_, value)| *value).collect::<Vec<_>>())?;
    let found = scenarios(input.run).find(|other| other.id == scenario);
    let unit = found.and_then(|found| found.metric(metric)).map_or("", |metric| &metric.unit);
    let label = if unit.is_empty() { metric.to_owned() } else { format!("{metric}, {unit}") };
    let end = (points.len() - 1) as f64;
    let names = runs.iter().enumerate().map(|(index, run)| (index as f64, commit(run)));
    let values = points.iter().map(|(_, value)| *value).chain([low, high]);
    let chart = Chart {
        x: Axis::named("commit, oldest run first", (-0.4, end + 0.4), names),
        y: Axis::around(&label, values),
        layers: vec![
            Layer::Band { spans: vec![(-0.4, low, high), (end + 0.4, low, high)], ink: Ink::Muted },
            Layer::Line { points: points.clone(), ink: Ink::Blue, dash: Dash::Solid },
            Layer::Marks { points: before.to_vec(), ink: Ink::Blue, shape: Shape::Circle },
            Layer::Marks { points: vec![*last], ink: Ink::Vermillion, shape: Shape::Diamond },
        ],
    };
    let legend = vec![
        Key::new("earlier runs", Swatch::Mark(Ink::Blue, Shape::Circle)),
        Key::new("the latest run", Swatch::Mark(Ink::Vermillion, Shape::Diamond)),
        Key::new("usual noise", Swatch::Area(Ink::Muted)),
    ];
    let table = table(&runs, &label);
    Some(Drawing { subject: format!("{scenario}:{metric}"), panels: vec![chart], legend, table })
}

/// Where the figures of earlier runs usually lie.
fn band(values: &[f64]) -> Option<(f64, f64)> {
    let middle = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let deviation = median(&deviations)?;
    let reach = DEVIATIONS * NORMAL * deviation;
    Some((middle - reach, middle + reach))
}

fn commit(run: &HistoryPoint) -> String {
    run.commit.as_deref().unwrap_or("?").chars().take(HASH).collect()
}

fn table(runs: &[&HistoryPoint], label: &str) -> Table {
    let mut table = Table::new(["time", "commit", label]);
    for run in runs {
        let time = run.at.strftime("%Y-%m-%d %H:%M").to_string();
        table.rows.push(vec![time, commit(run), cell(Some(run.value))]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::band;

    #[test]
    fn one_odd_run_does_not_widen_the_band() {
        let (low, high) = band(&[10.0, 11.0, 9.0, 10.0, 500.0]).unwrap();
        assert!((low - 5.55).abs() < 0.01 && (high - 14.45).abs() < 0.01, "{low} {high}");
        assert_eq!(band(&[]), None);
    }
}
