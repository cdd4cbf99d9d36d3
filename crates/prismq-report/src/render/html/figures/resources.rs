//! Memory and files over time.

use prismq_record::{Interval, Round, Scenario};

use super::background::{TARGET, bound};
use super::over_time::{at_ends, heights, phase_key, rounds, time, tints};
use super::{Drawing, Question, Table, cell};
use crate::render::RenderError;
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Chart, Dash, Ink, Key, Layer, Point, Swatch};
use crate::render::html::select::subject;
use crate::render::humanise::number;

pub(super) const QUESTION: Question = Question {
    id: "resources",
    question: "Do memory and files keep growing?",
    aid: "Resident memory and the write-ahead log should level off; a slope that lasts is a leak, or a reader that holds the log back.",
    method: "One round, read at the end of each piece of time. The slope is the straight line of least squares through the second half of the round, when everything is warm; a second half shorter than 10 s has none.",
    needs: "memory or file sizes in pieces of time within a round",
    command: "cargo bench --bench memory",
    build,
};

const MIB: f64 = 1_048_576.0;
/// The shortest stretch a slope is read from, in seconds: it is a rate by the minute, and what a shorter
/// stretch shows is what happens within it, a checkpoint or a page of the allocator.
const SPAN_MIN: f64 = 10.0;

/// One size over time: its name, label and look, and where a piece has it.
struct Size {
    name: &'static str,
    label: &'static str,
    ink: Ink,
    of: fn(&Interval) -> Option<u64>,
    /// The metric that is its highest figure, whose target is drawn.
    peak: Option<&'static str>,
}

const SIZES: [Size; 3] = [
    Size {
        name: "resident memory",
        label: "resident memory, MiB",
        ink: Ink::Blue,
        of: |piece| piece.rss_bytes,
        peak: None,
    },
    Size {
        name: "write-ahead log",
        label: "write-ahead log, MiB",
        ink: Ink::Purple,
        of: |piece| piece.wal_bytes,
        peak: Some("peak_mib"),
    },
    Size {
        name: "database",
        label: "database, MiB",
        ink: Ink::Green,
        of: |piece| piece.database_bytes,
        peak: None,
    },
];

#[expect(clippy::unnecessary_wraps, reason = "every builder has one type")]
fn build(input: &Input<'_>) -> Result<Vec<Drawing>, RenderError> {
    let any = |interval: &Interval| SIZES.iter().any(|size| (size.of)(interval).is_some());
    let mut found = rounds(input, |_, interval| any(interval));
    let kinds = |round: &Round| {
        let has = |size: &&Size| round.intervals.iter().any(|piece| (size.of)(piece).is_some());
        SIZES.iter().filter(has).count()
    };
    found.sort_by_key(|(_, round)| std::cmp::Reverse(kinds(round)));
    Ok(found.into_iter().map(|(scenario, round)| drawing(input, scenario, round)).collect())
}

fn drawing(input: &Input<'_>, scenario: &Scenario, round: &Round) -> Drawing {
    let (mut panels, mut legend, mut sloped) = (Vec::new(), Vec::new(), false);
    for Size { name, label, ink, of, peak } in &SIZES {
        let points = at_ends(round, |piece| of(piece).map(|bytes| bytes as f64 / MIB));
        if points.is_empty() {
            continue;
        }
        let first = panels.is_empty();
        let mut layers = tints(round, first);
        let later = points.get(points.len() / 2..).unwrap_or_default();
        let trend = trend(later);
        let ends = later.first().into_iter().chain(later.last());
        let slope: Vec<Point> =
            trend.map_or_else(Vec::new, |trend| ends.map(|(at, _)| (*at, trend.at(*at))).collect());
        sloped |= trend.is_some();
        let name = match trend {
            Some(Trend { per_second, .. }) => {
                format!("{name}: {} MiB/min", signed(per_second * 60.0))
            }
            None => (*name).to_owned(),
        };
        legend.push(Key::new(name, Swatch::Line(*ink, Dash::Solid)));
        let target = peak.and_then(|peak| bound(input, &scenario.id, peak));
        let y = Axis::from_zero(label, heights(&points).chain(target));
        if let Some(y) = target {
            layers.push(Layer::Level { y, name: "target".to_owned(), ink: TARGET.0 });
        }
        let y = if first { y.with_room() } else { y };
        layers.push(Layer::Line { points, ink: *ink, dash: Dash::Solid });
        // Above the curve, which would hide it.
        let slope = Layer::Line { points: slope, ink: Ink::Vermillion, dash: Dash::Long };
        layers.extend(trend.map(|_| slope));
        panels.push(Chart { x: time(round), y, layers });
    }
    if sloped {
        let slope = Swatch::Line(Ink::Vermillion, Dash::Long);
        legend.push(Key::new("slope of the second half", slope));
    }
    legend.extend(phase_key(round));
    let subject = format!("{}, round {}", subject(scenario), round.index + 1);
    Drawing { subject, panels, legend, table: table(round) }
}

fn signed(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    let sign = if rounded > 0.0 { "+" } else { "" };
    format!("{sign}{}", number(rounded))
}

/// A straight line.
#[derive(Debug, Clone, Copy)]
struct Trend {
    per_second: f64,
    middle: Point,
}

impl Trend {
    fn at(self, time: f64) -> f64 {
        self.middle.1 + self.per_second * (time - self.middle.0)
    }
}

/// The line of least squares through three points or more that lie far enough apart.
fn trend(points: &[Point]) -> Option<Trend> {
    let (first, last) = points.first().zip(points.last())?;
    if points.len() < 3 || last.0 - first.0 < SPAN_MIN {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / count;
    let middle = (mean(|(at, _)| *at), mean(|(_, value)| *value));
    let (mut with, mut own) = (0.0, 0.0);
    for (at, value) in points {
        with += (at - middle.0) * (value - middle.1);
        own += (at - middle.0).powi(2);
    }
    Some(Trend { per_second: with / own, middle })
}

fn table(round: &Round) -> Table {
    let mut table =
        Table::new(["at, s", "resident memory, MiB", "write-ahead log, MiB", "database, MiB"]);
    for piece in &round.intervals {
        let sizes = SIZES.iter().map(|size| cell((size.of)(piece).map(|bytes| bytes as f64 / MIB)));
        table
            .rows
            .push(std::iter::once(cell(Some(piece.from_s + piece.seconds))).chain(sizes).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_its_own_trend() {
        let points: Vec<Point> =
            (0..12).map(|at| (f64::from(at), 3.0 + 2.0 * f64::from(at))).collect();
        let trend = trend(&points).unwrap();
        assert!((trend.per_second - 2.0).abs() < 1e-9 && (trend.at(100.0) - 203.0).abs() < 1e-9);
        assert!(super::trend(&points[..2]).is_none());
        assert!(super::trend(&points[..10]).is_none(), "nine seconds are too few");
        assert!(super::trend(&[(1.0, 1.0); 3]).is_none());
    }
}
