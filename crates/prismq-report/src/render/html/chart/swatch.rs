//! The swatches of a legend.

use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, EmptyElement, PathElement, Polygon, Rectangle};
use plotters::prelude::SVGBackend;
use plotters::style::Color;

use super::Swatch;
use super::canvas::{Drawn, UNITS, line, refused, units};
use super::layer::outline;
use super::palette::{Dash, Ink};
use crate::render::RenderError;

/// Draws the swatch of an entry of the legend.
///
/// # Errors
/// [`RenderError::Picture`] if the library refuses, which no swatch is known to cause.
pub(in super::super) fn key(swatch: Swatch) -> Result<String, RenderError> {
    let mut text = String::new();
    draw_key(&mut text, swatch).map_err(|error| refused(&error))?;
    Ok(text.replacen("<svg ", "<svg aria-hidden=\"true\" class=\"swatch\" ", 1))
}

fn draw_key(text: &mut String, swatch: Swatch) -> Drawn {
    let (width, height) = (30 * UNITS, 12 * UNITS);
    let root = SVGBackend::with_string(text, (units(30), units(12))).into_drawing_area();
    let middle = (width / 2, height / 2);
    let rule = |ink, dash| {
        PathElement::new(vec![(0, height / 2), (width, height / 2)], line(ink, dash, 2))
    };
    let shape_at = |ink: Ink, shape| {
        let style = ink.rgb(Dash::Solid).filled();
        match outline(shape) {
            None => root.draw(&Circle::new(middle, 7, style)),
            Some(points) => root.draw(&(EmptyElement::at(middle) + Polygon::new(points, style))),
        }
    };
    match swatch {
        Swatch::Series(look) => {
            root.draw(&rule(look.ink, look.dash))?;
            shape_at(look.ink, look.shape)?;
        }
        Swatch::Line(ink, dash) => root.draw(&rule(ink, dash))?,
        Swatch::Mark(ink, shape) => shape_at(ink, shape)?,
        Swatch::Area(ink) => {
            let corners = [(width / 4, 0), (3 * width / 4, height)];
            root.draw(&Rectangle::new(corners, ink.rgb(Dash::Solid).mix(0.7).filled()))?;
        }
    }
    root.present()
}
