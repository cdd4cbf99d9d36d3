//! Draws the layers of a panel.

use plotters::element::{Circle, EmptyElement, PathElement, Polygon, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Drawn, Plane, Size, UNITS, clean, line, words};
use super::palette::{Dash, Ink};
use super::{Chart, Layer, Shape};

const STRENGTH_OF_BANDS: f64 = 0.16;

/// Draws a layer of a panel, whose plot is `plot` pixels wide.
pub(super) fn draw_layer(
    plane: &mut Plane<'_, '_>,
    panel: &Chart,
    layer: &Layer,
    size: Size,
    plot: i32,
) -> Drawn {
    let place = |(x, y): (f64, f64)| (panel.x.place(x), panel.y.place(y));
    let (bottom, top) = (panel.y.low, panel.y.high);
    match layer {
        Layer::Line { points, ink, dash } => {
            let points: Vec<_> = points.iter().copied().map(place).collect();
            plane.draw_series([PathElement::new(points, line(*ink, *dash, 2))])?;
        }
        Layer::Marks { points, ink, shape } => {
            for point in points.iter().copied().map(place) {
                mark(plane, point, *ink, *shape)?;
            }
        }
        Layer::Whiskers { spans, ink } => {
            let style = line(*ink, Dash::Solid, 1);
            for (x, low, high) in spans {
                let (low, high) = (place((*x, *low)), place((*x, *high)));
                plane.draw_series([PathElement::new(vec![low, high], style)])?;
                for end in [low, high] {
                    let foot = PathElement::new(vec![(-4 * UNITS, 0), (4 * UNITS, 0)], style);
                    plane.draw_series([EmptyElement::at(end) + foot])?;
                }
            }
        }
        Layer::Band { spans, ink } => {
            let upper = spans.iter().map(|(x, _, high)| place((*x, *high)));
            let lower = spans.iter().rev().map(|(x, low, _)| place((*x, *low)));
            let outline: Vec<_> = upper.chain(lower).collect();
            let style = ink.rgb(Dash::Solid).mix(STRENGTH_OF_BANDS).filled();
            plane.draw_series([Polygon::new(outline, style)])?;
        }
        Layer::Block { from, to, ink, strength, .. } => {
            let style = ink.rgb(Dash::Solid).mix(strength.clamp(0.0, 1.0)).filled();
            plane.draw_series([Rectangle::new([place(*from), place(*to)], style)])?;
        }
        Layer::Tint { from, to, name, odd } => {
            let (from, to) = (panel.x.place(*from), panel.x.place(*to));
            let strength = if *odd { 0.11 } else { 0.04 };
            let style = Ink::Muted.rgb(Dash::Solid).mix(strength).filled();
            plane.draw_series([Rectangle::new([(from, bottom), (to, top)], style)])?;
            let room = (to - from) / (panel.x.high - panel.x.low) * f64::from(plot);
            if room >= f64::from(size.characters(name)) {
                let anchor = words(size.font - 1, Ink::Muted);
                let text = Text::new(clean(name), (4 * UNITS, 3 * UNITS), anchor);
                plane.draw_series([EmptyElement::at((from, top)) + text])?;
            }
        }
        Layer::Rule { x, name, ink } => {
            let x = panel.x.place(*x);
            let ends = vec![(x, bottom), (x, top)];
            plane.draw_series([PathElement::new(ends, line(*ink, Dash::Short, 2))])?;
            let past_middle = x > f64::midpoint(panel.x.low, panel.x.high);
            let (side, gap) = if past_middle { (HPos::Right, -5) } else { (HPos::Left, 5) };
            let style = words(size.font, *ink).pos(Pos::new(side, VPos::Top));
            let text = Text::new(clean(name), (gap * UNITS, 3 * UNITS), style);
            plane.draw_series([EmptyElement::at((x, top)) + text])?;
        }
        Layer::Level { y, name, ink } => {
            let y = panel.y.place(*y);
            let ends = vec![(panel.x.low, y), (panel.x.high, y)];
            plane.draw_series([PathElement::new(ends, line(*ink, Dash::Short, 1))])?;
            let style = words(size.font, *ink).pos(Pos::new(HPos::Right, VPos::Bottom));
            let text = Text::new(clean(name), (-4 * UNITS, -3 * UNITS), style);
            plane.draw_series([EmptyElement::at((panel.x.high, y)) + text])?;
        }
    }
    Ok(())
}

/// The outline of a mark around its middle, in units; `None` for what is round.
pub(super) fn outline(shape: Shape) -> Option<Vec<(i32, i32)>> {
    let points: &[(i32, i32)] = match shape {
        Shape::Circle => return None,
        Shape::Square => &[(-7, -7), (7, -7), (7, 7), (-7, 7)],
        Shape::Triangle => &[(0, -9), (9, 7), (-9, 7)],
        Shape::Diamond => &[(0, -10), (10, 0), (0, 10), (-10, 0)],
        Shape::Cross => &[
            (-8, -4),
            (-4, -8),
            (0, -4),
            (4, -8),
            (8, -4),
            (4, 0),
            (8, 4),
            (4, 8),
            (0, 4),
            (-4, 8),
            (-8, 4),
            (-4, 0),
        ],
    };
    Some(points.to_vec())
}

fn mark(plane: &mut Plane<'_, '_>, at: (f64, f64), ink: Ink, shape: Shape) -> Drawn {
    let style = ink.rgb(Dash::Solid).filled();
    match outline(shape) {
        None => plane.draw_series([EmptyElement::at(at) + Circle::new((0, 0), 7, style)])?,
        Some(points) => plane.draw_series([EmptyElement::at(at) + Polygon::new(points, style)])?,
    };
    Ok(())
}
