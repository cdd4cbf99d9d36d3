//! A metric over the runs there were.

use prismq_judge::targets::Outcome;
use prismq_statistics::Bounds;

use super::background::{BASELINE, TARGET, bound, target_key};
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Point, Shape, Swatch};
use crate::render::html::select::scenarios;
use crate::render::html::{HistoryPoint, Input};
use crate::render::humanise::number;
use crate::trend::expected_range;

pub(super) const QUESTION: Question = Question {
    id: "history",
    question: "Is it getting better or worse?",
    aid: "A mark outside the band is more than the usual noise between runs; look at its commit.",
    method: "Each mark is one run of the same work on this machine, in order of time, named by its commit; the last is this run. The band, where eleven runs before it or more are known, is around the median of the latest five, as far as the change from run to run that a comparison calls noise.",
    needs: "a history of two or more runs of a metric",
    command: "cargo bench, more than once: each run adds to results/history.jsonl",
    build,
};

/// How many times beyond the runs a target may lie and still be drawn.
const FAR: f64 = 3.0;
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
    let band = expected_range(&before.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    let found = scenarios(input.run).find(|other| other.id == scenario);
    let unit = found.and_then(|found| found.metric(metric)).map_or("", |metric| &metric.unit);
    let label = if unit.is_empty() { metric.to_owned() } else { format!("{metric}, {unit}") };
    let end = (points.len() - 1) as f64;
    let names = runs.iter().enumerate().map(|(index, run)| (index as f64, commit(run)));
    let ends = band.iter().flat_map(|band| [band.lower, band.upper]);
    let values = points.iter().map(|(_, value)| *value).chain(ends);
    let (lowest, highest) = extremes(values.clone());
    let target = bound(input, scenario, metric);
    // One far away would press all runs into a line.
    let near = |target: &f64| (lowest / FAR..=highest * FAR).contains(target);
    let drawn = target.filter(near);
    let level = |y: f64, (ink, _)| Layer::Level { y, name: String::new(), ink };
    let baseline = input.baseline.into_iter().flat_map(scenarios);
    let mut kept = baseline.filter(|kept| kept.id == scenario);
    let kept = kept.find_map(|kept| kept.metric(metric)?.value);
    let values = values.chain(drawn).chain(kept);
    let shaded = band.map(|Bounds { lower, upper }| Layer::Band {
        spans: vec![(-0.4, lower, upper), (end + 0.4, lower, upper)],
        ink: Ink::Muted,
    });
    let chart = Chart {
        x: Axis::named("commit, oldest run first", (-0.4, end + 0.4), names),
        y: Axis::around(&label, values),
        layers: shaded
            .into_iter()
            .chain([
                Layer::Line { points: points.clone(), ink: Ink::Blue, dash: Dash::Solid },
                Layer::Marks { points: before.to_vec(), ink: Ink::Blue, shape: Shape::Circle },
                Layer::Marks { points: vec![*last], ink: Ink::Vermillion, shape: Shape::Diamond },
            ])
            .chain(drawn.map(|target| level(target, TARGET)))
            .chain(kept.map(|kept| level(kept, BASELINE)))
            .collect(),
    };
    let mut legend = vec![
        Key::new("earlier runs", Swatch::Mark(Ink::Blue, Shape::Circle)),
        Key::new("the latest run", Swatch::Mark(Ink::Vermillion, Shape::Diamond)),
    ];
    legend.extend(band.map(|_| Key::new("usual noise", Swatch::Area(Ink::Muted))));
    legend.extend(target.map(|target| match drawn {
        Some(_) => target_key("target"),
        None => target_key(&format!("target: {}, beyond the chart", number(target))),
    }));
    // A level is always drawn in short dashes.
    let level = Swatch::Line(BASELINE.0, Dash::Short);
    legend.extend(kept.map(|_| Key::new("baseline", level)));
    let table = table(&runs, &label);
    Some(Drawing { subject: format!("{scenario}:{metric}"), panels: vec![chart], legend, table })
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
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
