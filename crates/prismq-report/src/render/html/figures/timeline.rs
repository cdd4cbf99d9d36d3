//! What happened in a round, second by second.

use prismq_record::{Model, Round, Scenario};
use prismq_statistics::drift;

use super::over_time::{at_ends, heights, per_second, phase_key, rate, rounds, time, tints};
use super::{Distribution, Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Point, Swatch};
use crate::render::html::select::subject;
use crate::render::humanise::percent;

pub(super) const QUESTION: Question = Question {
    id: "timeline",
    question: "What happened during a run?",
    aid: "A steady run is flat in every panel. A dip in the rate with a rise in p99 and depth is a stall; the phases say what was going on.",
    method: "One round, cut into equal pieces of time. Rates are counts of a piece over its length, p99 is of the tasks completed in it, depth is read at its end. The rate of completions is steady unless its last third differs from its first by more than chance and by 5 %. Warm-up, where drawn, is not part of any other figure.",
    needs: "pieces of time (intervals) within a round",
    command: "cargo bench --bench latency",
    build,
};

const COMPLETED: &str = "completed";

/// What one line over time shows.
struct Line {
    name: &'static str,
    ink: Ink,
    dash: Dash,
    points: Vec<Point>,
}

fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let found = rounds(input, |scenario, interval| {
        scenario.model != Some(Model::Backlog) && interval.completed.is_some()
    });
    found.into_iter().map(|(scenario, round)| drawing(scenario, round)).collect()
}

fn drawing(scenario: &Scenario, round: &Round) -> Result<Drawing, RenderError> {
    let p99 = p99(scenario, round)?;
    let middles = round.intervals.iter().map(|piece| piece.from_s + piece.seconds / 2.0);
    let p99_points = middles.zip(&p99).filter_map(|(at, p99)| Some((at, (*p99)?))).collect();
    let line = |name, ink, dash, points| Line { name, ink, dash, points };
    let (solid, long) = (Dash::Solid, Dash::Long);
    let enqueued = rate(round, |piece| piece.enqueued);
    let completed = rate(round, |piece| piece.completed);
    let depth = at_ends(round, |piece| piece.depth.map(|depth| depth as f64));
    let busy = rate(round, |piece| piece.busy_waits);
    let groups = [
        (
            "tasks/s",
            vec![
                line("enqueued", Ink::Vermillion, long, enqueued),
                line(COMPLETED, Ink::Blue, solid, completed),
            ],
        ),
        ("p99, ms", vec![line("p99", Ink::Purple, solid, p99_points)]),
        ("depth, tasks", vec![line("depth", Ink::Green, solid, depth)]),
        ("busy waits/s", vec![line("busy waits", Ink::Orange, solid, busy)]),
    ];
    let (mut panels, mut legend) = (Vec::new(), Vec::new());
    for (label, lines) in groups {
        let values: Vec<f64> = lines.iter().flat_map(|line| heights(&line.points)).collect();
        if values.is_empty() {
            continue;
        }
        let y = if label == "p99, ms" { Axis::fitting } else { Axis::from_zero };
        let first = panels.is_empty();
        let y: Axis = y(label, values);
        let y = if first { y.with_room() } else { y };
        let mut layers = tints(round, first);
        for Line { name, ink, dash, points } in lines {
            if !points.is_empty() {
                legend.push(Key::new(described(name, &points), Swatch::Line(ink, dash)));
                layers.push(Layer::Line { points, ink, dash });
            }
        }
        panels.push(Chart { x: time(round), y, layers });
    }
    legend.extend(phase_key(round));
    let subject = format!("{}, round {}", subject(scenario), round.index + 1);
    Ok(Drawing { subject, panels, legend, table: table(round, &p99) })
}

/// A line's name; of the rate of completions, whether it was steady.
fn described(name: &str, points: &[Point]) -> String {
    let measured = points.iter().filter(|(at, _)| *at >= 0.0).map(|(_, rate)| *rate);
    match drift(&measured.collect::<Vec<_>>()).filter(|_| name == COMPLETED) {
        Some(drift) if drift.is_unsteady() => {
            format!(
                "{name}: not steady, {} from its first third to its last",
                percent(drift.change)
            )
        }
        Some(_) => format!("{name}: steady"),
        None => name.to_owned(),
    }
}

/// The 99th percentile of each piece that has latencies.
fn p99(scenario: &Scenario, round: &Round) -> Result<Vec<Option<f64>>, RenderError> {
    let of = |histogram: &Option<prismq_record::Histogram>| {
        let some = histogram.as_ref().filter(|histogram| histogram.count > 0);
        let read = some.map(|histogram| Distribution::new(scenario, "end_to_end", histogram));
        Ok(read.transpose()?.map(|distribution| distribution.quantile_ms(0.99)))
    };
    round.intervals.iter().map(|piece| of(&piece.end_to_end)).collect()
}

fn table(round: &Round, p99: &[Option<f64>]) -> Table {
    let mut table = Table::new([
        "from, s",
        "to, s",
        "enqueued/s",
        "completed/s",
        "p99, ms",
        "depth",
        "busy waits/s",
    ]);
    for (piece, p99) in round.intervals.iter().zip(p99) {
        table.rows.push(vec![
            cell(Some(piece.from_s)),
            cell(Some(piece.from_s + piece.seconds)),
            cell(per_second(piece, piece.enqueued)),
            cell(per_second(piece, piece.completed)),
            cell(*p99),
            cell(piece.depth.map(|depth| depth as f64)),
            cell(per_second(piece, piece.busy_waits)),
        ]);
    }
    table
}
