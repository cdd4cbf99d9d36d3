//! The eleven figures of a report, one per file: each has a question, what to look for, the method, and a builder
//! that turns a run into drawings, or into none if the run has no data for it.

mod background;
mod backlog;
mod contention;
mod fairness;
mod heatmap;
mod history;
mod load;
mod over_time;
mod percentiles;
mod resources;
mod scaling;
mod stages;
mod timeline;

use prismq_record::{Histogram, Scenario};
use serde::Serialize;

use super::Input;
use super::chart::{Chart, Key, Size, key, svg};
use crate::render::RenderError;
use crate::render::humanise::number;

/// The most drawings of one figure; those after the first are folded.
const MOST_DRAWINGS: usize = 6;

/// One drawing of a figure.
#[derive(Debug, Clone)]
pub(super) struct Drawing {
    /// Its scenario or scenarios.
    pub(super) subject: String,
    pub(super) panels: Vec<Chart>,
    pub(super) legend: Vec<Key>,
    pub(super) table: Table,
}

/// The figures of a drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { header: header.map(str::to_owned).to_vec(), rows: Vec::new() }
    }
}

struct Question {
    id: &'static str,
    question: &'static str,
    aid: &'static str,
    method: &'static str,
    needs: &'static str,
    command: &'static str,
    build: fn(&Input<'_>) -> Result<Vec<Drawing>, RenderError>,
}

/// In an order in which figures of the same height are side by side.
const QUESTIONS: [Question; 11] = [
    scaling::QUESTION,
    load::QUESTION,
    percentiles::QUESTION,
    heatmap::QUESTION,
    timeline::QUESTION,
    resources::QUESTION,
    stages::QUESTION,
    backlog::QUESTION,
    fairness::QUESTION,
    history::QUESTION,
    contention::QUESTION,
];

/// A figure for the page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    id: &'static str,
    question: &'static str,
    aid: &'static str,
    method: &'static str,
    drawings: Vec<Drawn>,
    left_out: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Drawn {
    subject: String,
    wide: String,
    narrow: String,
    legend: Vec<(String, String)>,
    table: Table,
}

/// A figure without data, and the command that measures it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Absent {
    question: &'static str,
    needs: &'static str,
    command: &'static str,
}

/// All figures that the run has data for, and those it does not.
///
/// # Errors
/// [`RenderError`] if a histogram of the record is damaged.
pub(super) fn all(input: &Input<'_>) -> Result<(Vec<Figure>, Vec<Absent>), RenderError> {
    let (mut figures, mut absent) = (Vec::new(), Vec::new());
    for question in QUESTIONS {
        let Question { id, question, aid, method, needs, command, build } = question;
        let drawings = build(input)?;
        if drawings.is_empty() {
            absent.push(Absent { question, needs, command });
            continue;
        }
        let left_out = drawings.len().saturating_sub(MOST_DRAWINGS);
        let drawings = drawings.into_iter().take(MOST_DRAWINGS);
        let drawings =
            drawings.map(|drawing| drawn(question, drawing)).collect::<Result<_, _>>()?;
        figures.push(Figure { id, question, aid, method, drawings, left_out });
    }
    Ok((figures, absent))
}

fn drawn(question: &str, drawing: Drawing) -> Result<Drawn, RenderError> {
    let Drawing { subject, panels, legend, table } = drawing;
    let label = format!("{question} {subject}");
    let entry = |entry: Key| Ok::<_, RenderError>((key(entry.swatch)?, entry.name));
    Ok(Drawn {
        wide: svg(&panels, Size::WIDE, &label, &legend)?,
        narrow: svg(&panels, Size::NARROW, &label, &legend)?,
        legend: legend.into_iter().map(entry).collect::<Result<_, _>>()?,
        subject,
        table,
    })
}

/// A histogram of a scenario, and how many of its units make a millisecond.
struct Distribution {
    values: hdrhistogram::Histogram<u64>,
    per_ms: f64,
}

impl Distribution {
    fn new(scenario: &Scenario, name: &str, histogram: &Histogram) -> Result<Self, RenderError> {
        let values = histogram.decode().map_err(|source| RenderError::Histogram {
            scenario: scenario.id.clone(),
            name: name.to_owned(),
            source,
        })?;
        let per_ms = match histogram.unit.as_str() {
            "s" => 1e-3,
            "ms" => 1.0,
            "us" => 1e3,
            _ => 1e6,
        };
        Ok(Self { values, per_ms })
    }

    fn of(scenario: &Scenario, name: &str) -> Result<Option<Self>, RenderError> {
        let histogram = scenario.histograms.get(name).filter(|histogram| histogram.count > 0);
        histogram.map(|histogram| Self::new(scenario, name, histogram)).transpose()
    }

    fn ms(&self, value: u64) -> f64 {
        value as f64 / self.per_ms
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        self.ms(self.values.value_at_quantile(quantile))
    }
}

/// A value in a table; a dash if it is missing.
fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}
