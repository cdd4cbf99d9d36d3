//! Latency over offered load.

use prismq_statistics::knee;

use super::background::{baseline_key, baseline_line, before, bounds, target_key, target_lines};
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Ink, Key, Layer, Swatch, look, series};
use crate::render::html::select::{Sweep, sweeps};
use crate::render::humanise::number;

pub(super) const QUESTION: Question = Question {
    id: "load",
    question: "How does latency rise with load?",
    aid: "Left of the knee more load costs little time; right of it tasks queue up and every percentile runs away.",
    method: "Open loop: tasks arrive on a schedule of their own at the given share of the greatest rate the machine sustained in this run; latency counts from the intended start, so a stall is charged to every task that had to wait for it. The knee is the measured load with the most load for its p95.",
    needs: "latency percentiles (p50_ms, p95_ms, p99_ms) at two or more loads",
    command: "cargo bench --bench latency",
    build,
};

const PERCENTILES: [(&str, &str); 3] = [("p50_ms", "p50"), ("p95_ms", "p95"), ("p99_ms", "p99")];
/// The percentile whose knee is marked.
const KNEE: &str = "p95_ms";
const PARAMETER: &str = "load";
/// The percentile whose baseline is drawn: three more lines would hide the run's own.
const COMPARED: (&str, &str) = ("p99_ms", "p99 of the baseline");
const OFFERED: &str = "offered_tasks_per_s";

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut sweeps = sweeps(input.run, PARAMETER);
    let size = |sweep: &Sweep<'_>| {
        PERCENTILES.iter().map(|(metric, _)| sweep.values(metric).len()).max().unwrap_or(0)
    };
    sweeps.retain(|sweep| size(sweep) > 1);
    sweeps.sort_by_key(|sweep| std::cmp::Reverse(size(sweep)));
    Ok(sweeps.iter().map(|sweep| drawing(input, sweep)).collect())
}

fn drawing(input: &Input<'_>, sweep: &Sweep<'_>) -> Drawing {
    let (mut layers, mut legend, mut all) = (Vec::new(), Vec::new(), Vec::new());
    // One at an end of what was measured may lie beyond it.
    if let Some(knee) = knee(&sweep.values(KNEE)).filter(|knee| !knee.at_the_end) {
        layers.push(Layer::Rule { x: knee.load, name: "knee".to_owned(), ink: Ink::Muted });
    }
    let before = before(input, sweep, PARAMETER, COMPARED.0);
    all.extend(&before);
    let has_baseline = !before.is_empty();
    layers.extend(has_baseline.then(|| baseline_line(before)));
    let highest = sweep.levels.iter().map(|(load, _)| *load).fold(0.0, f64::max);
    let (mut targets, mut of) = (Vec::new(), Vec::new());
    for (index, (metric, name)) in PERCENTILES.iter().enumerate() {
        let own = bounds(input, sweep, metric);
        of.extend(own.iter().map(|(load, _)| format!("{name} at {}", number(*load))));
        targets.extend(own);
        let points = sweep.values(metric);
        let look = look(index);
        let intervals = sweep.metrics(metric).into_iter().filter_map(|(at, metric)| {
            metric.interval.as_ref().map(|interval| (at, interval.lower, interval.upper))
        });
        layers.push(Layer::Whiskers { spans: intervals.collect(), ink: look.ink });
        layers.extend(series(&points, look));
        legend.push(Key::new(*name, Swatch::Series(look)));
        all.extend(points);
    }
    all.extend(&targets);
    legend.extend(has_baseline.then(|| baseline_key(COMPARED.1)));
    if !targets.is_empty() {
        layers.extend(target_lines(&targets, highest));
        legend.push(target_key(&format!("target of {}", of.join(", "))));
    }
    let chart = Chart {
        x: Axis::from_zero(
            "offered load, % of the sustained maximum",
            sweep.levels.iter().map(|(load, _)| *load),
        ),
        // With room for the name of the knee.
        y: Axis::fitting("latency, ms", all.iter().map(|(_, latency)| *latency)).with_room(),
        layers,
    };
    Drawing { subject: sweep.name.clone(), panels: vec![chart], legend, table: table(sweep) }
}

fn table(sweep: &Sweep<'_>) -> Table {
    let mut table = Table::new(["load, %", "offered, tasks/s", "p50, ms", "p95, ms", "p99, ms"]);
    for (load, scenario) in &sweep.levels {
        let figure = |name: &str| cell(scenario.metric(name).and_then(|metric| metric.value));
        let mut row = vec![cell(Some(*load)), figure(OFFERED)];
        row.extend(PERCENTILES.iter().map(|(metric, _)| figure(metric)));
        table.rows.push(row);
    }
    table
}
