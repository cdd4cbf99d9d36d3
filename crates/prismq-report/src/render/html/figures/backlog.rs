//! A backlog that is built and drained.

use prismq_record::{Model, Round, Scenario};

use super::over_time::{at_ends, heights, per_second, phase_key, rate, rounds, time, tints};
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Swatch};
use crate::render::html::select::subject;

pub(super) const QUESTION: Question = Question {
    id: "backlog",
    question: "How fast does a backlog drain?",
    aid: "A straight way down means that a deep queue drains as fast as a shallow one; a bend means that depth itself costs.",
    method: "Tasks are enqueued while nobody takes them, then workers drain the queue. Depth is read at the end of each piece of time; rates are counts of a piece over its length.",
    needs: "the depth of a backlog in pieces of time within a round",
    command: "cargo bench --bench memory",
    build,
};

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let found = rounds(input, |scenario, interval| {
        scenario.model == Some(Model::Backlog) && interval.depth.is_some()
    });
    Ok(found.into_iter().map(|(scenario, round)| drawing(scenario, round)).collect())
}

fn drawing(scenario: &Scenario, round: &Round) -> Drawing {
    let depth = at_ends(round, |piece| piece.depth.map(|depth| depth as f64));
    let enqueued = rate(round, |piece| piece.enqueued);
    let completed = rate(round, |piece| piece.completed);
    let mut layers = tints(round, true);
    let spans = depth.iter().map(|(at, depth)| (*at, 0.0, *depth)).collect();
    layers.push(Layer::Band { spans, ink: Ink::Green });
    let y = Axis::from_zero("depth, tasks", heights(&depth)).with_room();
    layers.push(Layer::Line { points: depth, ink: Ink::Green, dash: Dash::Solid });
    let mut panels = vec![Chart { x: time(round), y, layers }];
    let mut legend = vec![Key::new("depth", Swatch::Line(Ink::Green, Dash::Solid))];
    let rates: Vec<f64> = heights(&enqueued).chain(heights(&completed)).collect();
    if !rates.is_empty() {
        let mut layers = tints(round, false);
        for (name, points, ink, dash) in [
            ("enqueued", enqueued, Ink::Vermillion, Dash::Long),
            ("completed", completed, Ink::Blue, Dash::Solid),
        ] {
            if !points.is_empty() {
                legend.push(Key::new(name, Swatch::Line(ink, dash)));
                layers.push(Layer::Line { points, ink, dash });
            }
        }
        panels.push(Chart { x: time(round), y: Axis::from_zero("tasks/s", rates), layers });
    }
    legend.extend(phase_key(round));
    let subject = format!("{}, round {}", subject(scenario), round.index + 1);
    Drawing { subject, panels, legend, table: table(round) }
}

fn table(round: &Round) -> Table {
    let mut table = Table::new(["from, s", "to, s", "depth", "enqueued/s", "completed/s"]);
    for piece in &round.intervals {
        table.rows.push(vec![
            cell(Some(piece.from_s)),
            cell(Some(piece.from_s + piece.seconds)),
            cell(piece.depth.map(|depth| depth as f64)),
            cell(per_second(piece, piece.enqueued)),
            cell(per_second(piece, piece.completed)),
        ]);
    }
    table
}
