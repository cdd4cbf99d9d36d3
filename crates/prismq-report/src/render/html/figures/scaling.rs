//! Throughput over workers, and over processes.

use prismq_record::Metric;
use prismq_statistics::{Level, Peak, Scaling, Seed, fit};

use super::background::{TARGET, baseline_key, baseline_line, before, bounds, target_key};
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{
    Axis, Chart, Dash, Ink, Key, Layer, Point, Swatch, TerminalOptions, look, series,
};
use crate::render::html::select::{Sweep, sweeps};

pub(super) const QUESTION: Question = Question {
    id: "scaling",
    question: "How does throughput grow with workers and processes?",
    aid: "Where the marks leave the ideal line, another worker or process adds less than its share; a curve that bends down costs more than it brings.",
    method: "Each mark is the median of the rounds, each in a fresh database; bars are confidence intervals. Ideal is the throughput at the lowest level in proportion to the number. The curve is the law X(N) = λN / (1 + σ(N−1) + κN(N−1)) fitted to four levels or more. Targets are drawn as steps from the level they name to the next.",
    needs: "throughput (tasks_per_s) at two or more numbers of workers or processes",
    command: "cargo bench --bench throughput --bench concurrency",
    build,
};

const METRIC: &str = "tasks_per_s";
const WORKERS: &str = "workers";
const PROCESSES: &str = "processes";
/// The same record always has the same chart.
const SEED: Seed = Seed(0);

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut drawings = of_parameter(input, WORKERS);
    // In the second place, as the last pictures of workers may not be drawn.
    let place = drawings.len().min(1);
    drawings.splice(place..place, of_parameter(input, PROCESSES));
    Ok(drawings)
}

fn of_parameter(input: &Input<'_>, parameter: &str) -> Vec<Drawing> {
    let mut sweeps = sweeps(input.run, parameter);
    sweeps.retain(|sweep| sweep.values(METRIC).len() > 1);
    // What has targets says most, then what has many levels.
    sweeps.sort_by_key(|sweep| {
        std::cmp::Reverse((bounds(input, sweep, METRIC).len(), sweep.values(METRIC).len()))
    });
    sweeps.iter().map(|sweep| drawing(input, sweep, parameter)).collect()
}

fn drawing(input: &Input<'_>, sweep: &Sweep<'_>, parameter: &str) -> Drawing {
    let points = sweep.values(METRIC);
    let ideal = ideal(&points);
    let targets = bounds(input, sweep, METRIC);
    let before = before(input, sweep, parameter, METRIC);
    let scaling = fitted(sweep);
    let law = scaling.as_ref().map(|scaling| curve(scaling, &points)).unwrap_or_default();
    let intervals: Vec<(f64, f64, f64)> =
        sweep.metrics(METRIC).into_iter().filter_map(interval).collect();

    let levels: Vec<f64> = points.iter().map(|(level, _)| *level).collect();
    let highest = intervals.iter().map(|(_, _, high)| *high);
    let drawn = points
        .iter()
        .chain(&targets)
        .chain(&law)
        .chain(&before)
        .map(|(_, rate)| *rate)
        .chain(highest);
    // The ideal line may leave the chart, or it would flatten everything else.
    let y = Axis::from_zero("tasks/s", drawn.clone()).with_room();
    let top = drawn.fold(0.0, f64::max);
    let ideal_drawn = below(&ideal, top * 1.05);

    let look = look(0);
    let mut legend = vec![Key::new(sweep.name.clone(), Swatch::Series(look))];
    let mut layers = vec![Layer::Line { points: ideal_drawn, ink: Ink::Muted, dash: Dash::Short }];
    legend.push(Key::new("ideal", Swatch::Line(Ink::Muted, Dash::Short)));
    if !targets.is_empty() {
        let points = steps(&targets, levels.last().copied());
        layers.push(Layer::Line { points, ink: TARGET.0, dash: TARGET.1 });
        legend.push(target_key("target"));
    }
    if !law.is_empty() {
        layers.push(Layer::Line { points: law, ink: Ink::Green, dash: Dash::Solid });
        legend.push(Key::new("Universal Scalability Law", Swatch::Line(Ink::Green, Dash::Solid)));
    }
    if !before.is_empty() {
        layers.push(baseline_line(before));
        legend.push(baseline_key("baseline"));
    }
    layers.push(Layer::Whiskers { spans: intervals, ink: look.ink });
    layers.extend(series(&points, TerminalOptions { dash: Dash::Solid, ..look }));
    if let Some(Peak::Measured(peak)) = scaling.map(|scaling| scaling.peak) {
        let name = "peak of the fit".to_owned();
        layers.push(Layer::Rule { x: peak.value, name, ink: Ink::Green });
    }
    let chart = Chart { x: Axis::levels(parameter, &levels), y, layers };
    Drawing {
        subject: sweep.name.clone(),
        panels: vec![chart],
        legend,
        table: table(sweep, parameter, &ideal),
    }
}

fn interval((at, metric): (f64, &Metric)) -> Option<(f64, f64, f64)> {
    metric.interval.as_ref().map(|interval| (at, interval.lower, interval.upper))
}

/// The law of the sweep's levels, where there are enough of them.
fn fitted(sweep: &Sweep<'_>) -> Option<Scaling> {
    let level = |(workers, metric): (f64, &Metric)| {
        let rounds = if metric.samples.is_empty() {
            metric.value.into_iter().collect()
        } else {
            metric.samples.clone()
        };
        (!rounds.is_empty()).then_some(Level { workers, throughputs: rounds })
    };
    let levels: Vec<Level> = sweep.metrics(METRIC).into_iter().filter_map(level).collect();
    fit(&levels, SEED).ok()
}

/// The law between the levels measured, finely enough for a logarithmic axis.
fn curve(scaling: &Scaling, points: &[Point]) -> Vec<Point> {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let at = |step: u8| first * (last / first).powf(f64::from(step) / 48.0);
    (0..=48).map(|step| (at(step), scaling.throughput(at(step)))).collect()
}

/// The first level's throughput in proportion, finely enough for a logarithmic axis.
fn ideal(points: &[Point]) -> Vec<Point> {
    let (Some((first, rate)), Some((last, _))) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let at = |step: u8| first * (last / first).powf(f64::from(step) / 48.0);
    (0..=48).map(|step| (at(step), rate / first * at(step))).collect()
}

fn below(points: &[Point], top: f64) -> Vec<Point> {
    points.iter().copied().filter(|(_, rate)| *rate <= top).collect()
}

fn steps(targets: &[Point], last: Option<f64>) -> Vec<Point> {
    let mut points = Vec::new();
    let ends = targets.iter().skip(1).map(|(at, _)| Some(*at)).chain([last]);
    for ((at, bound), end) in targets.iter().zip(ends) {
        points.push((*at, *bound));
        points.push((end.unwrap_or(*at), *bound));
    }
    points
}

fn table(sweep: &Sweep<'_>, parameter: &str, ideal: &[Point]) -> Table {
    let mut table = Table::new([parameter, "tasks/s", "from", "to", "of ideal"]);
    let each = ideal.first().map(|(workers, rate)| rate / workers);
    for (at, metric) in sweep.metrics(METRIC) {
        let share = metric.value.zip(each).map(|(value, each)| 100.0 * value / (each * at));
        table.rows.push(vec![
            cell(Some(at)),
            cell(metric.value),
            cell(metric.interval.as_ref().map(|interval| interval.lower)),
            cell(metric.interval.as_ref().map(|interval| interval.upper)),
            share.map_or_else(|| "–".to_owned(), |share| format!("{share:.0} %")),
        ]);
    }
    table
}
