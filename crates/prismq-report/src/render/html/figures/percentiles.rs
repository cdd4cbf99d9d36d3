//! Latency by percentile, stretched so that each further nine takes the same room.

use prismq_record::{Model, Scenario};

use super::background::{bound, target_key, target_lines};
use super::{Distribution, Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Point, Swatch};
use crate::render::html::select::{scenarios, subject};

pub(super) const QUESTION: Question = Question {
    id: "percentiles",
    question: "How long do the slowest tasks take?",
    aid: "Each step to the right is one more nine. Where the corrected line rises above the uncorrected one, a stall was hidden from whoever measures only after sending.",
    method: "All rounds together, from whole HdrHistograms. Corrected latency counts from the moment a task was meant to be enqueued, uncorrected from the moment it was.",
    needs: "a histogram named end_to_end",
    command: "cargo bench --bench latency",
    build,
};

const CORRECTED: &str = "end_to_end";
const UNCORRECTED: &str = "end_to_end_uncorrected";
/// Places along the axis that are read from the histogram.
const STEPS: u32 = 120;
/// Metrics that are percentiles of the distribution.
const PERCENTILES: [(&str, f64); 3] = [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)];
const QUANTILES: [f64; 6] = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

struct Curve {
    name: &'static str,
    ink: Ink,
    dash: Dash,
    values: Distribution,
}

fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let mut found: Vec<&Scenario> = scenarios(input.run)
        .filter(|scenario| scenario.histograms.get(CORRECTED).is_some_and(|all| all.count > 0))
        .collect();
    found.sort_by_key(|scenario| {
        let both = scenario.histograms.contains_key(UNCORRECTED);
        let count = scenario.histograms.get(CORRECTED).map_or(0, |all| all.count);
        std::cmp::Reverse((both, scenario.model == Some(Model::Open), count))
    });
    found.into_iter().map(|scenario| drawing(input, scenario)).collect()
}

fn drawing(input: &Input<'_>, scenario: &Scenario) -> Result<Drawing, RenderError> {
    let mut curves = Vec::new();
    let mut add = |name, ink, dash, values: Option<Distribution>| {
        curves.extend(values.map(|values| Curve { name, ink, dash, values }));
    };
    let baseline = input.baseline.map(scenarios).into_iter().flatten();
    let before = baseline.into_iter().find(|before| before.id == scenario.id);
    if let Some(before) = before {
        let values = Distribution::of(before, CORRECTED)?;
        add("baseline, corrected", Ink::Muted, Dash::Short, values);
    }
    let values = Distribution::of(scenario, UNCORRECTED)?;
    add("uncorrected", Ink::Vermillion, Dash::Long, values);
    add("corrected", Ink::Blue, Dash::Solid, Distribution::of(scenario, CORRECTED)?);

    let targets = targets(input, scenario);
    let drawn: Vec<Vec<Point>> = curves.iter().map(|curve| points(&curve.values)).collect();
    let all = || drawn.iter().flatten().chain(&targets);
    let nines = all().map(|(nines, _)| *nines).fold(1.0, f64::max);
    let chart = Chart {
        x: Axis::named("percentile of tasks", (0.0, nines), names(nines)).reading(percentile),
        y: Axis::fitting("latency, ms", all().map(|(_, latency)| *latency)),
        layers: curves
            .iter()
            .zip(&drawn)
            .map(|(curve, points)| Layer::Line {
                points: points.clone(),
                ink: curve.ink,
                dash: curve.dash,
            })
            .chain(target_lines(&targets, nines))
            .collect(),
    };
    curves.reverse();
    let key = |curve: &Curve| Key::new(curve.name, Swatch::Line(curve.ink, curve.dash));
    let target = (!targets.is_empty()).then(|| target_key("target"));
    Ok(Drawing {
        subject: subject(scenario),
        panels: vec![chart],
        legend: curves.iter().map(key).chain(target).collect(),
        table: table(&curves),
    })
}

/// Latencies over log10(1 / (1 - q)), as far as there are enough tasks.
fn points(distribution: &Distribution) -> Vec<Point> {
    let most = (distribution.values.len().max(2) as f64).log10();
    let at = |step: u32| most * f64::from(step) / f64::from(STEPS);
    let latency = |nines: f64| distribution.quantile_ms(1.0 - 10f64.powf(-nines));
    (0..=STEPS).map(at).map(|nines| (nines, latency(nines))).collect()
}

/// The targets of the scenario's percentiles.
fn targets(input: &Input<'_>, scenario: &Scenario) -> Vec<Point> {
    let found = PERCENTILES.iter().filter_map(|(metric, quantile)| {
        Some((-(1.0 - quantile).log10(), bound(input, &scenario.id, metric)?))
    });
    found.collect()
}

/// A place of the axis as a percentile.
fn percentile(nines: f64) -> String {
    let decimals = nines.ceil().clamp(1.0, 9.0) as usize;
    format!("{:.decimals$} %", 100.0 * (1.0 - 10f64.powf(-nines)))
}

fn names(nines: f64) -> Vec<(f64, String)> {
    let mut names = vec![(0.0, "0 %".to_owned()), (2f64.log10(), "50 %".to_owned())];
    let most = nines.floor().clamp(1.0, 9.0) as usize;
    for count in 1..=most {
        let decimals = count.saturating_sub(2);
        let percent = 100.0 * (1.0 - 10f64.powf(-(count as f64)));
        names.push((count as f64, format!("{percent:.decimals$} %")));
    }
    names
}

fn table(curves: &[Curve]) -> Table {
    let header = curves.iter().map(|curve| format!("{}, ms", curve.name));
    let header = std::iter::once("percentile".to_owned()).chain(header).collect();
    let row = |name: String, of: &dyn Fn(&Distribution) -> f64| {
        let figures = curves.iter().map(|curve| cell(Some(of(&curve.values))));
        std::iter::once(name).chain(figures).collect()
    };
    let mut rows: Vec<Vec<String>> = QUANTILES
        .iter()
        .map(|quantile| {
            let percent = format!("{:.2}", quantile * 100.0);
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            row(format!("{percent} %"), &|values| values.quantile_ms(*quantile))
        })
        .collect();
    rows.push(row("largest".to_owned(), &|values| values.ms(values.values.max())));
    rows.push(row("tasks".to_owned(), &|values| values.values.len() as f64));
    Table { header, rows }
}
