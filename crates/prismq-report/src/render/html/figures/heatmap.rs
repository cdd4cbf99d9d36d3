//! Where latencies lay, over time.

use prismq_record::{Round, Scenario};

use super::over_time::{rounds, time};
use super::{Distribution, Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Ink, Key, Layer, Swatch};
use crate::render::html::select::subject;
use crate::render::humanise::number;

pub(super) const QUESTION: Question = Question {
    id: "heatmap",
    question: "When were tasks slow, and how many?",
    aid: "The stronger a cell, the more tasks it holds. Two bands are two kinds of task; a column that reaches up is a stall that few percentiles would show.",
    method: "One round. Each column is a piece of time, each row an equal step of the logarithm of latency; strength grows with the square root of the count, so that single tasks stay visible.",
    needs: "latencies (end_to_end) in pieces of time within a round",
    command: "cargo bench --bench latency",
    build,
};

const ROWS: usize = 22;
/// Columns drawn; more pieces than this are brought together.
const COLUMNS: usize = 60;
/// The number of shades.
const SHADES: f64 = 8.0;

/// A stretch of time and the latencies of its tasks.
struct Column {
    from: f64,
    to: f64,
    latencies: Distribution,
}

fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let found = rounds(input, |_, interval| {
        interval.end_to_end.as_ref().is_some_and(|latencies| latencies.count > 0)
    });
    found.into_iter().map(|(scenario, round)| drawing(scenario, round)).collect()
}

fn drawing(scenario: &Scenario, round: &Round) -> Result<Drawing, RenderError> {
    let columns = columns(scenario, round)?;
    let lowest = columns.iter().map(|column| column.latencies.ms(column.latencies.values.min()));
    let highest = columns.iter().map(|column| column.latencies.ms(column.latencies.values.max()));
    let y = Axis::logarithmic("latency, ms", lowest.chain(highest));
    let edges = y.edges(ROWS);
    let counted: Vec<(&Column, Vec<u64>)> =
        columns.iter().map(|column| (column, count(column, &edges))).collect();
    let most = counted.iter().flat_map(|(_, cells)| cells).copied().max().unwrap_or(1).max(1);
    let mut layers = Vec::new();
    for (column, cells) in &counted {
        for (cell, ends) in cells.iter().zip(edges.windows(2)) {
            if let ([low, high], 1..) = (ends, *cell) {
                let share = (*cell as f64 / most as f64).sqrt();
                layers.push(Layer::Block {
                    from: (column.from, *low),
                    to: (column.to, *high),
                    ink: Ink::Blue,
                    strength: 0.12 + 0.88 * (share * SHADES).ceil() / SHADES,
                    tip: tip(column, (*low, *high), *cell),
                });
            }
        }
    }
    let key = format!("tasks, at most {} in a cell", cell(Some(most as f64)));
    Ok(Drawing {
        subject: format!("{}, round {}", subject(scenario), round.index + 1),
        panels: vec![Chart { x: time(round), y, layers }],
        legend: vec![Key::new(key, Swatch::Area(Ink::Blue))],
        table: table(&columns),
    })
}

/// What a cell says on hover.
fn tip(column: &Column, (low, high): (f64, f64), tasks: u64) -> String {
    format!(
        "{tasks} tasks of {} to {} ms\nfrom {} to {} s",
        number(low),
        number(high),
        number(column.from),
        number(column.to)
    )
}

fn columns(scenario: &Scenario, round: &Round) -> Result<Vec<Column>, RenderError> {
    let together = round.intervals.len().div_ceil(COLUMNS).max(1);
    let mut columns: Vec<Column> = Vec::new();
    for pieces in round.intervals.chunks(together) {
        let mut column: Option<Column> = None;
        for piece in pieces {
            let some = piece.end_to_end.as_ref().filter(|latencies| latencies.count > 0);
            let Some(latencies) = some else { continue };
            let latencies = Distribution::new(scenario, "end_to_end", latencies)?;
            let (from, to) = (piece.from_s, piece.from_s + piece.seconds);
            match &mut column {
                None => column = Some(Column { from, to, latencies }),
                Some(column) => {
                    column.to = to;
                    let _: Result<(), _> = column.latencies.values.add(&latencies.values);
                }
            }
        }
        columns.extend(column);
    }
    Ok(columns)
}

/// How many of a column's tasks lie between each two edges.
fn count(column: &Column, edges: &[f64]) -> Vec<u64> {
    let mut cells = vec![0; edges.len().saturating_sub(1)];
    for value in column.latencies.values.iter_recorded() {
        let latency = column.latencies.ms(value.value_iterated_to());
        let above = edges.iter().skip(1).take_while(|edge| **edge < latency).count();
        if let Some(cell) = cells.get_mut(above) {
            *cell += value.count_at_value();
        }
    }
    cells
}

fn table(columns: &[Column]) -> Table {
    let mut table =
        Table::new(["from, s", "to, s", "tasks", "p50, ms", "p90, ms", "p99, ms", "largest, ms"]);
    for Column { from, to, latencies } in columns {
        table.rows.push(vec![
            cell(Some(*from)),
            cell(Some(*to)),
            cell(Some(latencies.values.len() as f64)),
            cell(Some(latencies.quantile_ms(0.5))),
            cell(Some(latencies.quantile_ms(0.9))),
            cell(Some(latencies.quantile_ms(0.99))),
            cell(Some(latencies.ms(latencies.values.max()))),
        ]);
    }
    table
}
