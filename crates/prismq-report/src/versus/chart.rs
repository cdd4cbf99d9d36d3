//! Charts of one figure for the queues of a class: how far each is from the best, with its interval.

use std::fmt::Write as _;

use prismq_statistics::Bounds;

use super::html::escaped;

const WIDTH: f64 = 720.0;
const ROW: f64 = 26.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 8.0;
const AXIS: f64 = 30.0;
/// Ticks of a logarithmic axis, within a power of ten.
const TICKS: [f64; 2] = [1.0, 3.0];
/// An axis of more powers of ten has room for the first of them only.
const DETAILED_DECADES: f64 = 4.0;

/// One queue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// Its median, as text.
    pub(super) figure: String,
    /// The median divided by that of the best.
    pub(super) ratio: f64,
    /// The interval of the ratio.
    pub(super) interval: Option<Bounds>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// What is shown.
    pub(super) title: String,
    /// The queues, the best first.
    pub(super) rows: Vec<Row>,
}

impl Chart {
    /// As an image in a page. The axis is logarithmic, so that half and twice are equally far from the best.
    pub(super) fn svg(&self) -> String {
        let ends = self.rows.iter().flat_map(|row| {
            let interval =
                row.interval.map_or([row.ratio; 2], |interval| [interval.lower, interval.upper]);
            [row.ratio].into_iter().chain(interval)
        });
        let positive = ends.filter(|end| *end > 0.0 && end.is_finite());
        let (low, high) =
            positive.fold((0.5_f64, 2.0_f64), |(low, high), end| (low.min(end), high.max(end)));
        let x = |ratio: f64| {
            let share = (ratio.max(low) / low).ln() / (high / low).ln();
            LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
        };
        let rows = self.rows.len() as f64;
        let (bottom, height) = (TOP + rows * ROW, TOP + rows * ROW + AXIS);
        let title = escaped(&self.title);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
        );
        for tick in ticks(low, high) {
            let at = x(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" x=\"{at:.1}\" y=\"{:.1}\">{tick}×</text>",
                bottom + 18.0
            );
        }
        for (number, row) in self.rows.iter().enumerate() {
            let y = TOP + (number as f64 + 0.5) * ROW;
            let _ = write!(
                svg,
                "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 10.0,
                y + 4.0,
                escaped(&row.name)
            );
            if let Some(Bounds { lower, upper }) = row.interval {
                let (from, to) = (x(lower), x(upper));
                let _ = write!(
                    svg,
                    "<line class=\"interval\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
                );
            }
            let at = x(row.ratio);
            let class = if row.ratio == 1.0 { "best" } else { "dot" };
            let _ = write!(svg, "<circle class=\"{class}\" cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"5\"/>");
            let _ = write!(
                svg,
                "<text class=\"figure\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT + 14.0,
                y + 4.0,
                escaped(&row.figure)
            );
        }
        svg + "</svg>"
    }
}

/// Round numbers between these, some of each power of ten.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor(), high.log10().ceil());
    let per_power = if last - first > DETAILED_DECADES { 1 } else { TICKS.len() };
    let mut ticks = Vec::new();
    let mut power = first;
    while power <= last {
        // Of a small number, ten to a power has digits that nobody wants to see.
        let of_power = TICKS.map(|tick| (tick * 10f64.powf(power) * 1e9).round() / 1e9);
        ticks.extend(
            of_power.into_iter().take(per_power).filter(|tick| (low..=high).contains(tick)),
        );
        power += 1.0;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        assert_eq!(ticks(0.02, 2.0), [0.03, 0.1, 0.3, 1.0]);
        assert_eq!(ticks(0.5, 40.0), [1.0, 3.0, 10.0, 30.0]);
        assert_eq!(ticks(0.02, 4_000.0), [0.1, 1.0, 10.0, 100.0, 1_000.0]);
    }

    #[test]
    fn a_chart_is_well_formed_and_names_every_queue() {
        let row = |name: &str, ratio| Row {
            name: name.to_owned(),
            figure: "12 <ms>".to_owned(),
            ratio,
            interval: Some(Bounds { lower: ratio / 2.0, upper: ratio * 2.0 }),
        };
        let chart =
            Chart { title: "drain & more".to_owned(), rows: vec![row("a", 1.0), row("b", 0.0)] };
        let svg = chart.svg();
        assert!(svg.contains("drain &amp; more") && svg.contains("12 &lt;ms&gt;"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!((svg.matches("<circle").count(), svg.matches("class=\"name\"").count()), (2, 2));
    }
}
