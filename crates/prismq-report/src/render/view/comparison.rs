//! The comparison of a run with its baseline: a summary, what changed, and what did not.

use prismq_judge::comparison::{Change, Comparison, FloorSource, Row};
use serde::Serialize;

use super::bracketed;
use crate::render::humanise::{number, percent, quantity};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct ComparisonView {
    pub(in super::super) baseline: String,
    /// The number of each result, or why nothing is comparable.
    pub(in super::super) summary: String,
    /// Regressions and improvements, with their range.
    pub(in super::super) directions: Vec<DirectionView>,
    /// What is shown unfolded: all that is neither unchanged, inconclusive nor new.
    pub(in super::super) rows: Vec<ChangeView>,
    /// The rest.
    pub(in super::super) negligible: Vec<ChangeView>,
}

/// All changes one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct DirectionView {
    name: &'static str,
    range: String,
    mean: String,
    count: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in super::super) struct ChangeView {
    pub(in super::super) name: String,
    pub(in super::super) before: String,
    pub(in super::super) after: String,
    pub(in super::super) delta: String,
    /// The interval of the change, where both sides were measured several times.
    pub(in super::super) interval: String,
    /// How many times the noise floor the change is.
    pub(in super::super) noise: String,
    pub(in super::super) change: String,
    /// To sort by.
    delta_value: Option<f64>,
    noise_value: Option<f64>,
    /// One word: `improved`, `regressed`, ...
    pub(in super::super) kind: &'static str,
}

impl ChangeView {
    /// How large the change is next to noise; what has none, such as lost tasks, counts most.
    pub(in super::super) fn size(&self) -> f64 {
        self.noise_value.unwrap_or(f64::INFINITY)
    }
}

pub(super) fn view(comparison: &Comparison) -> ComparisonView {
    let negligible =
        |row: &&Row| matches!(row.change, Change::Unchanged | Change::Inconclusive | Change::New);
    let (rest, rows): (Vec<&Row>, Vec<&Row>) = comparison.rows.iter().partition(negligible);
    let shown = |rows: Vec<&Row>| rows.into_iter().map(change).collect();
    let directions = [("regressions", Change::Regressed), ("improvements", Change::Improved)];
    ComparisonView {
        baseline: comparison.baseline.clone(),
        summary: summary(comparison),
        directions: directions
            .into_iter()
            .map(|(name, change)| direction(name, &change, &comparison.rows))
            .collect(),
        rows: shown(rows),
        negligible: shown(rest),
    }
}

fn summary(comparison: &Comparison) -> String {
    let count = |change| comparison.count(&change);
    let not_comparable = |row: &&Row| matches!(row.change, Change::NotComparable { .. });
    match &comparison.not_comparable {
        Some(reason) => format!("not comparable: {reason}"),
        None => format!(
            "{} improved, {} regressed, {} unchanged, {} inconclusive, {} new, {} missing, \
             {} not comparable{}{}",
            count(Change::Improved),
            count(Change::Regressed),
            count(Change::Unchanged),
            count(Change::Inconclusive),
            count(Change::New),
            count(Change::Missing),
            comparison.rows.iter().filter(not_comparable).count(),
            overall(comparison),
            unknown_noise(comparison),
        ),
    }
}

/// How much slower all metrics together are, if that is beyond noise.
fn overall(comparison: &Comparison) -> String {
    match comparison.overall.filter(|_| comparison.is_slower()) {
        Some(overall) => format!(
            "; overall slower by {} {} %",
            percent(overall.slowdown),
            bracketed(100.0 * overall.interval.lower, 100.0 * overall.interval.upper)
        ),
        None => String::new(),
    }
}

/// What to do if only changes by a factor of two counted, although each run was measured several times.
fn unknown_noise(comparison: &Comparison) -> &'static str {
    let unknown = |row: &Row| {
        row.change == Change::Inconclusive
            && row.interval.is_some()
            && row.floor.is_some_and(|floor| floor.source == FloorSource::Unknown)
    };
    if comparison.rows.iter().any(unknown) {
        "; the noise between runs of this machine is not known yet, so no change below a factor of two \
         counts: that takes a history of eleven runs, while `prismq-report ab` needs none"
    } else {
        ""
    }
}

fn direction(name: &'static str, change: &Change, rows: &[Row]) -> DirectionView {
    let found: Vec<&Row> = rows.iter().filter(|row| row.change == *change).collect();
    let deltas: Vec<f64> = found.iter().filter_map(|row| row.delta).collect();
    let low = deltas.iter().copied().reduce(f64::min);
    let high = deltas.iter().copied().reduce(f64::max);
    let dash = || "–".to_owned();
    let mean = deltas.iter().sum::<f64>() / deltas.len() as f64;
    DirectionView {
        name,
        range: low.zip(high).map_or_else(dash, |(low, high)| {
            let (low, high) = (percent(low), percent(high));
            if low == high { low } else { format!("{low} … {high}") }
        }),
        mean: if deltas.is_empty() { dash() } else { percent(mean) },
        count: found.len(),
    }
}

fn change(row: &Row) -> ChangeView {
    let floor = row.floor.map(|floor| floor.change).filter(|floor| *floor > 0.0);
    let noise = row.delta.zip(floor).map(|(delta, floor)| delta.abs() / floor);
    let figure = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| quantity(value, &row.unit))
    };
    let kind = match &row.change {
        Change::Improved => "improved",
        Change::Regressed => "regressed",
        Change::Unchanged => "unchanged",
        Change::Inconclusive => "inconclusive",
        Change::NotComparable { .. } => "not-comparable",
        Change::Missing => "missing",
        Change::New => "new",
    };
    ChangeView {
        name: format!("{}:{}", row.scenario, row.metric),
        before: figure(row.before),
        after: figure(row.after),
        delta: row.delta.map_or_else(String::new, percent),
        interval: row.interval.map_or_else(String::new, |interval| {
            format!("{} %", bracketed(interval.lower * 100.0, interval.upper * 100.0))
        }),
        noise: noise.map_or_else(String::new, |noise| format!("{}×", number(noise))),
        change: row.change.to_string(),
        delta_value: row.delta,
        noise_value: noise,
        kind,
    }
}
