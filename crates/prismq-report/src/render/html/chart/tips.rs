//! Figures on hover: places above what is drawn that say their figures when they are pointed at. They are
//! titles of SVG, which need no script.

use std::fmt::Write as _;

use super::{Chart, Key, Layer, Point, Swatch};
use crate::render::humanise::number;

/// Points of a line that say their figures; of more, every this many.
const MOST: usize = 60;
/// How near the pointer must be, in units of the drawing library.
const REACH: i32 = 14;

/// What a place says, and where it is in the units of the axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tip {
    pub(super) at: Point,
    /// The other corner of an area; `None` of a point.
    pub(super) to: Option<Point>,
    pub(super) text: String,
}

/// The tips of a panel's points and areas, in the order of its layers.
pub(super) fn tips(panel: &Chart, legend: &[Key]) -> Vec<Tip> {
    let mut found = Vec::new();
    for layer in &panel.layers {
        match layer {
            Layer::Marks { points, .. } => {
                found.extend(points.iter().map(|at| point(panel, layer, *at, legend)));
            }
            Layer::Line { points, .. } if !is_marked(panel, points) => {
                let step = points.len().div_ceil(MOST).max(1);
                let some = points.iter().step_by(step);
                found.extend(some.map(|at| point(panel, layer, *at, legend)));
            }
            Layer::Block { from, to, tip, .. } => {
                found.push(Tip { at: *from, to: Some(*to), text: tip.clone() });
            }
            _ => {}
        }
    }
    found
}

/// Whether the points of a line have marks, which say the same.
fn is_marked(panel: &Chart, line: &[Point]) -> bool {
    panel.layers.iter().any(|layer| matches!(layer, Layer::Marks { points, .. } if points == line))
}

fn point(panel: &Chart, layer: &Layer, (x, y): Point, legend: &[Key]) -> Tip {
    let mut text = String::new();
    if let Some(name) = name(layer, legend) {
        let _ = writeln!(text, "{name}");
    }
    let _ =
        write!(text, "{}: {}\n{}: {}", panel.y.label, number(y), panel.x.label, panel.x.read(x));
    for (_, low, high) in intervals(panel, layer).filter(|(at, ..)| (at - x).abs() < 1e-9) {
        let _ = write!(text, "\ninterval: {} to {}", number(low), number(high));
    }
    Tip { at: (x, y), to: None, text }
}

/// The whiskers of a layer: those of its ink.
fn intervals<'a>(panel: &'a Chart, layer: &Layer) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    let own = match layer {
        Layer::Marks { ink, .. } => Some(*ink),
        _ => None,
    };
    panel
        .layers
        .iter()
        .filter_map(move |layer| match layer {
            Layer::Whiskers { spans, ink } if Some(*ink) == own => Some(spans.iter().copied()),
            _ => None,
        })
        .flatten()
}

/// What the legend calls what looks like this layer, without what it says of it.
fn name<'a>(layer: &Layer, legend: &'a [Key]) -> Option<&'a str> {
    let is_named = |key: &&Key| match (layer, key.swatch) {
        (Layer::Marks { ink, shape, .. }, Swatch::Series(look)) => {
            (*ink, *shape) == (look.ink, look.shape)
        }
        (Layer::Marks { ink, shape, .. }, Swatch::Mark(other, of)) => (*ink, *shape) == (other, of),
        (Layer::Line { ink, dash, .. }, Swatch::Line(other, of)) => (*ink, *dash) == (other, of),
        _ => false,
    };
    let key = legend.iter().find(is_named)?;
    key.name.split(':').next()
}

/// The element of a tip between two corners, in units.
pub(super) fn element(tip: &Tip, (x, y): (i32, i32), to: Option<(i32, i32)>) -> String {
    let title = escaped(&tip.text);
    let rest = "class=\"tip\" fill=\"none\" pointer-events=\"all\"";
    match to {
        None => {
            format!(
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{REACH}\" {rest}><title>{title}</title></circle>\n"
            )
        }
        Some((right, bottom)) => {
            let (left, top) = (x.min(right), y.min(bottom));
            let (width, height) = (x.abs_diff(right), y.abs_diff(bottom));
            format!(
                "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" {rest}>\
                 <title>{title}</title></rect>\n"
            )
        }
    }
}

/// A text that becomes no markup.
pub(super) fn escaped(text: &str) -> String {
    let shown = |character: &char| *character == '\n' || !character.is_control();
    let text: String = text.chars().filter(shown).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
