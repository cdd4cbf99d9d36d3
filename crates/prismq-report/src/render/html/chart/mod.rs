//! Charts as data: what is drawn, in the units of its axes. `draw` and `layer` turn a chart into SVG, `palette`
//! has the colours for light and dark. Nothing here knows of records.

mod axis;
mod canvas;
mod draw;
mod layer;
mod palette;
mod swatch;
mod tips;

pub(super) use axis::Axis;
pub(super) use canvas::Size;
pub(super) use draw::svg;
pub(super) use palette::{Dash, Ink, css};
pub(super) use swatch::key;

/// One panel: two axes and what lies between them.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// From back to front.
    pub(super) layers: Vec<Layer>,
}

/// A point in the units of the axes.
pub(super) type Point = (f64, f64);

/// One thing that is drawn.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// A line through points.
    Line { points: Vec<Point>, ink: Ink, dash: Dash },
    /// A mark at each point.
    Marks { points: Vec<Point>, ink: Ink, shape: Shape },
    /// A vertical bar with feet from the second to the third number, at the first.
    Whiskers { spans: Vec<(f64, f64, f64)>, ink: Ink },
    /// The area between the second and the third number, along the first.
    Band { spans: Vec<(f64, f64, f64)>, ink: Ink },
    /// A filled rectangle between two corners; `strength` from 0 to 1, `tip` its tooltip.
    Block { from: Point, to: Point, ink: Ink, strength: f64, tip: String },
    /// A stretch of the x axis over the whole height, with its name.
    Tint { from: f64, to: f64, name: String, odd: bool },
    /// A vertical line with a name.
    Rule { x: f64, name: String, ink: Ink },
    /// A horizontal line with a name.
    Level { y: f64, name: String, ink: Ink },
}

/// The shape of a mark, which distinguishes series without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// What a series looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TerminalOptions {
    pub(super) ink: Ink,
    pub(super) dash: Dash,
    pub(super) shape: Shape,
}

const LOOKS: [TerminalOptions; 6] = [
    TerminalOptions { ink: Ink::Blue, dash: Dash::Solid, shape: Shape::Circle },
    TerminalOptions { ink: Ink::Vermillion, dash: Dash::Long, shape: Shape::Square },
    TerminalOptions { ink: Ink::Green, dash: Dash::Solid, shape: Shape::Triangle },
    TerminalOptions { ink: Ink::Purple, dash: Dash::Short, shape: Shape::Diamond },
    TerminalOptions { ink: Ink::Orange, dash: Dash::Solid, shape: Shape::Cross },
    TerminalOptions { ink: Ink::Sky, dash: Dash::Long, shape: Shape::Circle },
];

/// The look of the series at this place; colour, dash and shape all differ between neighbours.
pub(super) fn look(index: usize) -> TerminalOptions {
    let fallback = TerminalOptions { ink: Ink::Blue, dash: Dash::Solid, shape: Shape::Circle };
    LOOKS.get(index % LOOKS.len()).copied().unwrap_or(fallback)
}

/// How an entry of the legend is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swatch {
    /// A line with its mark.
    Series(TerminalOptions),
    /// A line alone.
    Line(Ink, Dash),
    /// A mark alone.
    Mark(Ink, Shape),
    /// A filled area.
    Area(Ink),
}

/// One entry of the legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) swatch: Swatch,
}

impl Key {
    pub(super) fn new(name: impl Into<String>, swatch: Swatch) -> Self {
        Self { name: name.into(), swatch }
    }
}

/// A series as a line with its marks.
pub(super) fn series(points: &[Point], look: TerminalOptions) -> [Layer; 2] {
    let points = points.to_vec();
    [
        Layer::Line { points: points.clone(), ink: look.ink, dash: look.dash },
        Layer::Marks { points, ink: look.ink, shape: look.shape },
    ]
}
