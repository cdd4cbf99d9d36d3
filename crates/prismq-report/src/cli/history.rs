//! `history`: figures of past runs.

use std::path::Path;

use clap::Args;
use prismq_record::Direction;
use prismq_record::history::{self, HistoryLine};

use super::show::show;
use crate::conclude::Error;
use crate::render::{Table, number};
use crate::trend::{Series, series, sparkline};

/// Show figures of past runs
///
/// Draws each metric over the runs that are comparable with the latest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  prismq-report history
  prismq-report history --metric latency/end_to_end/workers=1:p99_ms --limit 50

Exit statuses: 0 shown; 2 no run has the metric; 5 the history is empty; 1 the file could not be read.")]
pub(super) struct History {
    /// Show this metric run by run instead of all metrics
    #[arg(long, value_name = "SCENARIO:METRIC")]
    metric: Option<String>,
    /// Number of the latest runs to show
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

impl History {
    pub(super) fn run(self, results: &Path) -> Result<u8, Error> {
        let lines = history::read(results)?;
        let Some(latest) = lines.last() else {
            return Err(Error::NoHistory { results: results.to_owned() });
        };
        let alike: Vec<&HistoryLine> =
            lines.iter().filter(|line| line.identity() == latest.identity()).collect();
        let shown = alike.get(alike.len().saturating_sub(self.limit.into())..).unwrap_or_default();
        let series = series(shown);
        let text = match &self.metric {
            None => all(&series).to_string(),
            Some(id) => match series.iter().find(|series| series.metric.id == *id) {
                Some(series) => one(series, shown),
                None => return Err(Error::NoSuchMetric { id: id.clone(), runs: shown.len() }),
            },
        };
        let others = lines.len() - alike.len();
        show(&format!("{}\n{text}\n", heading(latest, shown.len(), others)))?;
        Ok(0)
    }
}

fn heading(latest: &HistoryLine, shown: usize, others: usize) -> String {
    let of = match latest.identity() {
        Some((machine, engine, profile)) => {
            format!("machine {machine}, engine {engine}, profile {profile}")
        }
        None => "several machines, engines or profiles in one".to_owned(),
    };
    let others = match others {
        0 => String::new(),
        _ => format!("; {others} of other machines, engines or profiles are not shown"),
    };
    format!("{shown} runs of {of}{others}")
}

fn table<const N: usize>(header: [&str; N], right: &[usize]) -> Table {
    let mut table = Table::aligned_right(right.iter().copied());
    table.add_row(header);
    table
}

fn all(series: &[Series]) -> Table {
    let mut table = table(["metric", "", "first", "latest", "unit", "better"], &[2, 3]);
    for series in series {
        let known = || series.values.iter().flatten();
        table.add_row([
            series.metric.id.clone(),
            sparkline(&series.values),
            figure(known().next()),
            figure(known().next_back()),
            series.metric.unit.clone(),
            better(series).to_owned(),
        ]);
    }
    table
}

fn one(series: &Series, lines: &[&HistoryLine]) -> String {
    let mut table = table(["run", "ended", "commit", "status", series.metric.unit.as_str()], &[4]);
    for (line, value) in lines.iter().zip(&series.values) {
        let dirty = if line.dirty == Some(true) { "+" } else { "" };
        let commit: String =
            line.commit.iter().flat_map(|commit| commit.chars()).take(10).collect();
        table.add_row([
            line.run_id.clone(),
            line.ended_at.strftime("%Y-%m-%d %H:%M").to_string(),
            format!("{commit}{dirty}"),
            line.status.clone(),
            figure(value.as_ref()),
        ]);
    }
    let spark = sparkline(&series.values);
    format!("{} ({} is better)\n{spark}\n\n{table}", series.metric.id, better(series))
}

fn figure(value: Option<&f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| number(*value))
}

fn better(series: &Series) -> &'static str {
    match series.metric.direction {
        Direction::Lower => "lower",
        Direction::Higher => "higher",
    }
}
