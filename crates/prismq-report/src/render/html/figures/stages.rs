//! What a task's time is spent on.

use prismq_record::{RunRecord, Scenario};

use super::{Distribution, Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Ink, Key, Layer, Shape, Swatch};
use crate::render::humanise::number;

pub(super) const QUESTION: Question = Question {
    id: "stages",
    question: "Where does a task's time go?",
    aid: "The longest part of a bar is the one worth work: lag is callers that come too late, publishing is the disk, waiting is too few workers or too much load, settling is the commit of the completion.",
    method: "Mean time of each stage over all rounds: only means add up to the whole. Lag runs from the intended time to the call, publish until the enqueue is known to be committed or its handler begins, wait to the handler, settle from its end to the committed completion. The total is measured on its own, from the intended time to the committed completion.",
    needs: "histograms named schedule_lag, stage_publish, wait, service, settle and end_to_end",
    command: "cargo bench --bench latency",
    build,
};

/// Name, histogram, ink and its strength.
const STAGES: [(&str, &str, Ink, f64); 5] = [
    ("lag", "schedule_lag", Ink::Sky, 0.85),
    ("publish", "stage_publish", Ink::Blue, 0.95),
    ("wait", "wait", Ink::Orange, 0.85),
    ("handler", "service", Ink::Green, 0.85),
    ("settle", "settle", Ink::Purple, 0.85),
];
/// What the stages sum to.
const TOTAL: (&str, &str) = ("total", "end_to_end");
/// Half the thickness of a bar, of one between rows.
const HALF: f64 = 0.32;
/// Characters of a name next to its bar.
const NAME: usize = 20;

struct Bar<'a> {
    scenario: &'a Scenario,
    stages: Vec<(&'static str, Distribution)>,
    total: Distribution,
}

/// Scenarios of one name are comparable and share a drawing.
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut groups: Vec<(String, Vec<Bar<'_>>)> = Vec::new();
    for bar in bars_of(input.run)? {
        let id = &bar.scenario.id;
        let name = id.rsplit_once('/').map_or(id.as_str(), |(path, _)| path).to_owned();
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, bars)) => bars.push(bar),
            None => groups.push((name, vec![bar])),
        }
    }
    groups.sort_by_key(|(_, bars)| std::cmp::Reverse(bars.len()));
    groups.iter().map(|(name, bars)| drawing(input, name, bars)).collect()
}

fn bars_of(run: &RunRecord) -> Result<Vec<Bar<'_>>, RenderError> {
    let mut bars = Vec::new();
    for scenario in crate::render::html::select::scenarios(run) {
        let mut stages = Vec::new();
        for (stage, histogram, ..) in STAGES {
            stages.extend(Distribution::of(scenario, histogram)?.map(|values| (stage, values)));
        }
        if let Some(total) = Distribution::of(scenario, TOTAL.1)?
            && stages.len() == STAGES.len()
        {
            bars.push(Bar { scenario, stages, total });
        }
    }
    Ok(bars)
}

fn mean_ms(distribution: &Distribution) -> f64 {
    distribution.values.mean() / distribution.per_ms
}

fn drawing(input: &Input<'_>, name: &str, bars: &[Bar<'_>]) -> Result<Drawing, RenderError> {
    let mut layers = Vec::new();
    let mut longest: f64 = 0.0;
    let rows = bars.len() as f64;
    // The first bar stands at the top.
    let height = |index: usize| rows - index as f64;
    let before = input.baseline.map(bars_of).transpose()?.unwrap_or_default();
    let mut totals = Vec::new();
    for (index, bar) in bars.iter().enumerate() {
        let mut from = 0.0;
        for ((stage, values), (_, _, ink, strength)) in bar.stages.iter().zip(STAGES) {
            let to = from + mean_ms(values);
            let (low, high) = (height(index) - HALF, height(index) + HALF);
            let tip = format!("{}\n{stage}: {} ms of the mean", bar.scenario.id, number(to - from));
            layers.push(Layer::Block { from: (from, low), to: (to, high), ink, strength, tip });
            from = to;
        }
        longest = longest.max(from);
        let alike = before.iter().find(|before| before.scenario.id == bar.scenario.id);
        totals.extend(alike.map(|before| (mean_ms(&before.total), height(index))));
    }
    longest = totals.iter().map(|(total, _)| *total).fold(longest, f64::max);
    let mut legend: Vec<Key> =
        STAGES.map(|(stage, _, ink, _)| Key::new(stage, Swatch::Area(ink))).to_vec();
    if !totals.is_empty() {
        legend
            .push(Key::new("whole mean of the baseline", Swatch::Mark(Ink::Text, Shape::Diamond)));
        layers.push(Layer::Marks { points: totals, ink: Ink::Text, shape: Shape::Diamond });
    }
    let names = bars.iter().enumerate().map(|(index, bar)| (height(index), short(bar)));
    let chart = Chart {
        x: Axis::from_zero("mean time, ms", [longest]),
        y: Axis::named("scenario", (0.4, rows + 0.6), names),
        layers,
    };
    Ok(Drawing { subject: name.to_owned(), panels: vec![chart], legend, table: table(bars) })
}

fn short(bar: &Bar<'_>) -> String {
    let id = &bar.scenario.id;
    let name = id.rsplit_once('/').map_or(id.as_str(), |(_, parameters)| parameters);
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

fn table(bars: &[Bar<'_>]) -> Table {
    let mut table = Table::new(["scenario", "stage", "mean, ms", "p50, ms", "p99, ms", "tasks"]);
    for bar in bars {
        let total = [(TOTAL.0, &bar.total)];
        let stages = bar.stages.iter().map(|(stage, values)| (*stage, values));
        for (stage, values) in stages.chain(total) {
            table.rows.push(vec![
                bar.scenario.id.clone(),
                stage.to_owned(),
                cell(Some(mean_ms(values))),
                cell(Some(values.quantile_ms(0.5))),
                cell(Some(values.quantile_ms(0.99))),
                cell(Some(values.values.len() as f64)),
            ]);
        }
    }
    table
}
