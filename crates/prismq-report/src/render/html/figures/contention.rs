//! What workers lose to each other.

use prismq_record::{RunRecord, Scenario};

use super::background::{TARGET, baseline_key, baseline_line, before, bounds};
use super::over_time::heights;
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Key, Layer, Shape, Swatch, look, series};
use crate::render::html::select::{Sweep, sweeps};

pub(super) const QUESTION: Question = Question {
    id: "contention",
    question: "What do workers lose to each other?",
    aid: "All three should stay low as workers are added. Conflicts are races for a task that was there; an empty poll found nothing to take and is no conflict.",
    method: "Each mark is the metric's figure over all rounds: the worst round for conflicts, the median for polls and waits. A busy wait is one time a connection waited for the write lock.",
    needs: "conflicts, empty polls or busy waits at two or more numbers of workers",
    command: "cargo bench --bench concurrency",
    build,
};

const PARAMETER: &str = "workers";
/// The metric of each panel and its label.
const LOSSES: [(&str, &str); 3] = [
    ("claim_conflict_percent", "claim conflicts, %"),
    ("empty_polls", "empty polls"),
    ("busy_waits", "busy waits"),
];

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let found = contended(input.run);
    Ok(found.iter().map(|sweep| drawing(input, sweep)).collect())
}

fn contended(run: &RunRecord) -> Vec<Sweep<'_>> {
    let mut found = sweeps(run, PARAMETER);
    let panels =
        |sweep: &Sweep<'_>| LOSSES.iter().filter(|loss| sweep.values(loss.0).len() > 1).count();
    found.retain(|sweep| panels(sweep) > 0);
    found.sort_by_key(|sweep| std::cmp::Reverse((panels(sweep), sweep.levels.len())));
    found
}

fn drawing(input: &Input<'_>, sweep: &Sweep<'_>) -> Drawing {
    let levels: Vec<f64> = sweep.levels.iter().map(|(workers, _)| *workers).collect();
    let (mut panels, mut legend) = (Vec::new(), Vec::new());
    let (mut any_before, mut any_target) = (false, false);
    for (index, (metric, label)) in LOSSES.iter().enumerate() {
        let points = sweep.values(metric);
        if points.len() < 2 {
            continue;
        }
        let look = look(index);
        legend.push(Key::new(*label, Swatch::Series(look)));
        let before = before(input, sweep, PARAMETER, metric);
        let targets = bounds(input, sweep, metric);
        any_before |= !before.is_empty();
        any_target |= !targets.is_empty();
        let drawn = heights(&points).chain(heights(&before)).chain(heights(&targets));
        let y = Axis::fitting(label, drawn);
        let mut layers: Vec<Layer> = Vec::new();
        layers.extend((!before.is_empty()).then(|| baseline_line(before)));
        layers.extend(series(&points, look));
        let shapes = targets.iter().map(|target| Layer::Marks {
            points: vec![*target],
            ink: TARGET.0,
            shape: Shape::Cross,
        });
        layers.extend(shapes);
        panels.push(Chart { x: Axis::levels("workers", &levels), y, layers });
    }
    legend.extend(any_target.then(|| Key::new("target", Swatch::Mark(TARGET.0, Shape::Cross))));
    legend.extend(any_before.then(|| baseline_key("baseline")));
    Drawing { subject: sweep.name.clone(), panels, legend, table: table(sweep) }
}

fn table(sweep: &Sweep<'_>) -> Table {
    let mut table =
        Table::new(["workers", "conflicts, %", "empty polls", "busy waits", "busy errors"]);
    for (workers, scenario) in &sweep.levels {
        let figure = |name: &str| cell(value(scenario, name));
        let losses = LOSSES.iter().map(|(metric, _)| figure(metric));
        let row =
            std::iter::once(cell(Some(*workers))).chain(losses).chain([figure("busy_errors")]);
        table.rows.push(row.collect());
    }
    table
}

fn value(scenario: &Scenario, name: &str) -> Option<f64> {
    scenario.metric(name).and_then(|metric| metric.value)
}
