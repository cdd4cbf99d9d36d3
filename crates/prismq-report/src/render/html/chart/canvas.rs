//! What all parts of a chart are drawn with: units, sizes, the plane of a panel, styles of lines and texts.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::prelude::{Cartesian2d, SVGBackend};
use plotters::style::{Color, IntoFont, ShapeStyle, TextStyle};

use super::axis::{Axis, Tick};
use super::palette::{Dash, Ink};
use crate::render::RenderError;

/// The library places whole units; two of them make a pixel, so that curves stay smooth.
pub(super) const UNITS: i32 = 2;
/// The library divides the size of its fonts by this.
const FONT_FACTOR: f64 = 1.24;
/// Mean width of a character, as a share of the font size.
const CHARACTER: f64 = 0.56;

/// The size of a chart, in pixels.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Size {
    pub(super) width: i32,
    /// Height of the only panel.
    pub(super) single: i32,
    /// Height of each of several.
    pub(super) several: i32,
    pub(super) font: i32,
    /// Whether the chart has tooltips.
    pub(super) hovers: bool,
}

impl Size {
    /// For a screen or paper.
    pub(in super::super) const WIDE: Self =
        Self { width: 620, single: 340, several: 158, font: 13, hovers: true };
    /// For a telephone.
    pub(in super::super) const NARROW: Self =
        Self { width: 340, single: 260, several: 140, font: 12, hovers: false };

    pub(super) fn characters(self, text: &str) -> i32 {
        (text.chars().count() as f64 * f64::from(self.font) * CHARACTER).ceil() as i32
    }
}

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Places, Places>>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// An axis, in the form the library needs.
pub(super) struct Places {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Places {
    pub(super) fn new(axis: &Axis, ticks: &[Tick]) -> Self {
        let ticks = ticks.iter().map(|tick| tick.at).collect();
        Self { low: axis.low, high: axis.high, ticks }
    }
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (place - self.low) / (self.high - self.low);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

pub(super) fn refused(error: &DrawingAreaErrorKind<std::io::Error>) -> RenderError {
    RenderError::Chart { reason: error.to_string() }
}

pub(super) fn units(pixels: i32) -> u32 {
    u32::try_from(pixels * UNITS).unwrap_or(0)
}

pub(super) fn line(ink: Ink, dash: Dash, width: i32) -> ShapeStyle {
    ink.rgb(dash).stroke_width(units(width))
}

pub(super) fn words(pixels: i32, ink: Ink) -> TextStyle<'static> {
    let size = f64::from(pixels * UNITS) * FONT_FACTOR;
    ("sans-serif", size).into_font().color(&ink.rgb(Dash::Solid))
}

/// The text without control characters, which XML does not allow.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}
