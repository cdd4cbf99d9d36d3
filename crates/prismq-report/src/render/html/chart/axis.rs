//! Axes: from figures to places, and which places are named.

use crate::render::humanise::number;

/// The share of a chart's height that stays free above its data.
const HEADROOM: f64 = 0.06;
/// The share that names of phases take.
const ROOM: f64 = 0.2;
/// From this ratio of largest to smallest on, a logarithmic axis shows more.
const DECADES_WORTH: f64 = 30.0;
/// Steps of a linear axis aimed at.
const STEPS: f64 = 5.0;

/// One axis. Places are what the drawing library is given: figures, or their logarithms.
#[derive(Debug, Clone)]
pub(in super::super) struct Axis {
    pub(super) label: String,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<Tick>,
    logarithmic: bool,
    /// Whether its ticks are names rather than figures.
    is_named: bool,
    /// How its figures are read, where they are not what is meant.
    reading: Option<fn(f64) -> String>,
}

/// A named place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) text: String,
}

impl Axis {
    /// From zero (or the smallest figure, if that is negative) to beyond the largest.
    pub(in super::super) fn from_zero(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let high = if high > 0.0 { high } else { 1.0 };
        Self::linear(label, low.min(0.0), high + (high - low.min(0.0)) * HEADROOM)
    }

    /// Around the figures, whether or not zero is near.
    pub(in super::super) fn around(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let room =
            if high > low { (high - low) * 2.0 * HEADROOM } else { high.abs().max(1.0) * 0.1 };
        let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
        Self::linear(label, (low - room).max(floor), high + room)
    }

    /// Exactly the span of the figures: for time.
    pub(in super::super) fn over(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        Self::linear(label, low, if high > low { high } else { low + 1.0 })
    }

    fn new(label: &str, (low, high): (f64, f64), ticks: Vec<Tick>) -> Self {
        let label = label.to_owned();
        Self { label, low, high, ticks, logarithmic: false, is_named: false, reading: None }
    }

    fn linear(label: &str, low: f64, high: f64) -> Self {
        let step = nice((high - low) / STEPS);
        let first = (low / step - 1e-9).ceil();
        let last = (high / step + 1e-9).floor();
        let count = (last - first).clamp(0.0, 20.0);
        let mut ticks = Vec::new();
        let mut index = 0.0;
        while index <= count {
            let at = (first + index) * step;
            ticks.push(Tick { at, text: short(at) });
            index += 1.0;
        }
        Self::new(label, (low, high), ticks)
    }

    /// Logarithmic, named at powers of ten, and between them where there are few.
    pub(in super::super) fn logarithmic(
        label: &str,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let (low, high) = extent(values.into_iter().filter(|value| *value > 0.0));
        let (low, high) = if low > 0.0 { (low, high) } else { (0.1, 1.0) };
        let (low, high) = (low.log10(), high.log10());
        let room = ((high - low) * HEADROOM).max(0.05);
        let (low, high) = (low - room, high + room);
        let multiples: &[f64] = match high - low {
            ..1.6 => &[1.0, 2.0, 3.0, 5.0],
            ..3.2 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut ticks = Vec::new();
        let mut decade = low.floor();
        while decade <= high {
            for multiple in multiples {
                let at = decade + multiple.log10();
                if (low..=high).contains(&at) {
                    ticks.push(Tick { at, text: short(multiple * 10f64.powf(decade)) });
                }
            }
            decade += 1.0;
        }
        Self { logarithmic: true, ..Self::new(label, (low, high), ticks) }
    }

    /// Logarithmic where the figures span decades, from zero otherwise.
    pub(in super::super) fn fitting(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let (low, high) = extent(values.iter().copied());
        if low > 0.0 && high / low >= DECADES_WORTH {
            Self::logarithmic(label, values)
        } else {
            Self::from_zero(label, values)
        }
    }

    /// Logarithmic, named at exactly these figures: levels that were chosen.
    pub(in super::super) fn levels(label: &str, levels: &[f64]) -> Self {
        let axis = Self::logarithmic(label, levels.iter().copied());
        let mut levels: Vec<f64> = levels.iter().copied().filter(|level| *level > 0.0).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let ticks = levels.iter().map(|level| Tick { at: level.log10(), text: short(*level) });
        Self { ticks: ticks.collect(), ..axis }
    }

    /// Linear between bounds, with these names at these places.
    pub(in super::super) fn named(
        label: &str,
        (low, high): (f64, f64),
        names: impl IntoIterator<Item = (f64, String)>,
    ) -> Self {
        let ticks = names.into_iter().map(|(at, text)| Tick { at, text });
        Self { is_named: true, ..Self::new(label, (low, high), ticks.collect()) }
    }

    /// The same with room above the figures for names.
    pub(in super::super) fn with_room(self) -> Self {
        Self { high: self.high + (self.high - self.low) * ROOM, ..self }
    }

    /// The figures that cut the axis into this many equal rows, ends included.
    pub(in super::super) fn edges(&self, rows: usize) -> Vec<f64> {
        let at = |row: usize| self.low + (self.high - self.low) * row as f64 / rows as f64;
        let figure = |place: f64| if self.logarithmic { 10f64.powf(place) } else { place };
        (0..=rows).map(at).map(figure).collect()
    }

    /// A figure in words: the name it is drawn at, where names were given.
    pub(super) fn read(&self, value: f64) -> String {
        let at = self.place(value);
        let named = self.ticks.iter().find(|tick| (tick.at - at).abs() < 1e-9);
        match (self.reading, named) {
            (Some(reading), _) => reading(value),
            (None, Some(tick)) if self.is_named => tick.text.clone(),
            _ => number(value),
        }
    }

    /// The same axis whose figures are read so.
    pub(in super::super) fn reading(self, reading: fn(f64) -> String) -> Self {
        Self { reading: Some(reading), ..self }
    }

    /// The place of a figure; what lies outside is drawn at the edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self.logarithmic {
            true if value > 0.0 => value.log10(),
            true => self.low,
            false => value,
        };
        if place.is_nan() { self.low } else { place.clamp(self.low, self.high) }
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// Near enough of 1, 2, 5 and their tenfolds.
fn nice(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let multiple = [1.0, 2.0, 5.0].into_iter().find(|multiple| *multiple * power >= step * 0.75);
    multiple.unwrap_or(10.0) * power
}

/// A figure on an axis: short, exact for round figures.
fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        1e9.. => (value / 1e9, " G"),
        1e6.. => (value / 1e6, " M"),
        1e4.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let decimals = match scaled.abs() {
        10.0.. | 0.0 => 0,
        size if size < 1e-6 => return format!("{scaled:.0e}{suffix}"),
        size => (2.0 - size.log10().floor()).clamp(0.0, 8.0) as usize,
    };
    let text = format!("{scaled:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    // A thousands' space, as everywhere.
    match text.strip_prefix('-').map_or((text, ""), |rest| (rest, "-")) {
        (digits, sign) if digits.len() == 4 && !digits.contains('.') => {
            let (thousands, rest) = digits.split_at(1);
            format!("{sign}{thousands}\u{a0}{rest}{suffix}")
        }
        _ => format!("{text}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn linear_axes_are_named_at_round_figures() {
        assert_eq!(texts(&Axis::from_zero("", [3.0, 97.0])), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(texts(&Axis::from_zero("", [0.4])), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(texts(&Axis::over("", [0.0, 10.0])), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(
            texts(&Axis::from_zero("", [24_000.0])),
            ["0", "5\u{a0}000", "10 k", "15 k", "20 k", "25 k"]
        );
    }

    #[test]
    fn figures_over_decades_get_a_logarithmic_axis() {
        assert_eq!(texts(&Axis::fitting("", [1.0, 1000.0])), ["1", "10", "100", "1\u{a0}000"]);
        assert_eq!(texts(&Axis::fitting("", [0.3, 3000.0])), ["1", "10", "100", "1\u{a0}000"]);
        assert_eq!(texts(&Axis::logarithmic("", [2.0, 9.0])), ["2", "3", "5", "10"]);
    }

    #[test]
    fn nothing_and_nonsense_still_make_an_axis() {
        for axis in [
            Axis::from_zero("", []),
            Axis::fitting("", [f64::NAN, f64::INFINITY]),
            Axis::logarithmic("", [0.0, -1.0]),
            Axis::around("", [5.0]),
            Axis::over("", [2.0]),
        ] {
            assert!(axis.low < axis.high && !axis.ticks.is_empty(), "{axis:?}");
            assert!((axis.low..=axis.high).contains(&axis.place(f64::NAN)));
        }
    }
}
