//! Draws charts as SVG, with the library plotters. A chart has one or more panels below each other that share
//! their x axis.

use plotters::chart::{ChartBuilder, LabelAreaPosition};
use plotters::drawing::{DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::Text;
use plotters::prelude::SVGBackend;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Tick};
use super::canvas::{Area, Drawn, Places, Size, UNITS, clean, line, refused, units, words};
use super::layer::draw_layer;
use super::palette::{Dash, Ink};
use super::tips::{element, escaped, tips};
use super::{Chart, Key};
use crate::render::RenderError;

/// What all panels of a chart share.
#[derive(Clone, Copy)]
struct Page<'a> {
    size: Size,
    /// Heights of a panel and of the chart.
    each: i32,
    height: i32,
    /// The names in tooltips, if the chart has tooltips.
    legend: Option<&'a [Key]>,
}

/// Draws panels below each other; `label` is the text for screen readers. A wide chart has tooltips with its
/// figures and the names of its legend; a telephone has no pointer.
///
/// # Errors
/// [`RenderError::Chart`] if the library refuses, which no chart is known to cause.
pub(in super::super) fn svg(
    panels: &[Chart],
    size: Size,
    label: &str,
    legend: &[Key],
) -> Result<String, RenderError> {
    let each = if panels.len() > 1 { size.several } else { size.single };
    let count = i32::try_from(panels.len()).unwrap_or(1);
    let foot = 2 * size.font + 10;
    let height = each * count + if count > 1 { foot } else { 0 };
    let mut text = String::new();
    let mut hovers = String::new();
    let page = Page { size, each, height, legend: size.hovers.then_some(legend) };
    draw(&mut text, &mut hovers, panels, page).map_err(|error| refused(&error))?;
    Ok(dressed(&text, label).replacen("</svg>", &format!("{hovers}</svg>"), 1))
}

fn draw(text: &mut String, hovers: &mut String, panels: &[Chart], page: Page<'_>) -> Drawn {
    let Page { size, each, height, .. } = page;
    let root = SVGBackend::with_string(text, (units(size.width), units(height)));
    let mut rest = root.into_drawing_area();
    let names = panels.iter().flat_map(|panel| &panel.y.ticks);
    let left = names.map(|tick| size.characters(&tick.text)).max().unwrap_or(0) + 12;
    for (index, panel) in panels.iter().enumerate() {
        let last = index + 1 == panels.len();
        let (area, below) =
            if last { (rest.clone(), rest.clone()) } else { rest.split_vertically(each * UNITS) };
        let bottom = if last { 2 * size.font + 18 } else { 8 };
        *hovers += &panel_on(&area, panel, page, (left, bottom), last)?;
        rest = below;
    }
    rest.present()
}

/// Draws a panel and returns its tooltips, which lie above everything.
fn panel_on(
    area: &Area<'_>,
    panel: &Chart,
    Page { size, legend, .. }: Page<'_>,
    (left, bottom): (i32, i32),
    last: bool,
) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
    let (width, height) = area.dim_in_pixel();
    let last_name = panel.x.ticks.last().map_or(0, |tick| size.characters(&tick.text));
    let right = (last_name / 2 + 4).max(16);
    let top = size.font + 14;
    let plot = size.width - left - right;
    let x_ticks = apart(&panel.x, plot, size);
    let y_ticks = panel.y.ticks.clone();
    let mut plane = ChartBuilder::on(area)
        .margin_top(units(top))
        .margin_right(units(right))
        .set_label_area_size(LabelAreaPosition::Left, units(left))
        .set_label_area_size(LabelAreaPosition::Bottom, units(bottom))
        .build_cartesian_2d(Places::new(&panel.x, &x_ticks), Places::new(&panel.y, &y_ticks))?;
    let muted = words(size.font, Ink::Muted);
    plane
        .configure_mesh()
        .disable_x_mesh()
        .axis_style(line(Ink::Muted, Dash::Solid, 1))
        .bold_line_style(line(Ink::Grid, Dash::Solid, 1))
        .light_line_style(Ink::Grid.rgb(Dash::Solid).mix(0.0))
        .label_style(muted.clone())
        .x_label_formatter(&|at| if last { name_at(&x_ticks, *at) } else { String::new() })
        .y_label_formatter(&|at| name_at(&y_ticks, *at))
        .set_all_tick_mark_size(units(4))
        .draw()?;
    for layer in &panel.layers {
        draw_layer(&mut plane, panel, layer, size, plot)?;
    }
    // The unit stands above its axis, so that it is horizontal.
    area.draw(&Text::new(
        clean(&panel.y.label),
        (2 * UNITS, 2 * UNITS),
        words(size.font, Ink::Text),
    ))?;
    if last {
        let middle = (left + plot / 2) * UNITS;
        let style = words(size.font, Ink::Text).pos(Pos::new(HPos::Center, VPos::Bottom));
        let height = i32::try_from(height).unwrap_or(0);
        let half = i32::try_from(width).unwrap_or(0) / 2;
        let needed = size.characters(&panel.x.label) * UNITS / 2;
        // A long label of a narrow chart is centred on the chart, not on the plot.
        let middle = if middle + needed > 2 * half { half } else { middle };
        area.draw(&Text::new(clean(&panel.x.label), (middle, height - 2 * UNITS), style))?;
    }
    let place = |(x, y)| plane.backend_coord(&(panel.x.place(x), panel.y.place(y)));
    let tips = legend.map(|legend| tips(panel, legend)).unwrap_or_default();
    Ok(tips.iter().map(|tip| element(tip, place(tip.at), tip.to.map(place))).collect())
}

fn name_at(ticks: &[Tick], at: f64) -> String {
    let found = ticks.iter().find(|tick| (tick.at - at).abs() < 1e-9);
    found.map_or_else(String::new, |tick| clean(&tick.text))
}

/// The ticks of an x axis whose names do not overlap.
fn apart(axis: &Axis, plot: i32, size: Size) -> Vec<Tick> {
    let mut begin = f64::INFINITY;
    let mut kept = Vec::new();
    // From the end, as the last of several runs is the most interesting.
    for tick in axis.ticks.iter().rev() {
        let middle = (tick.at - axis.low) / (axis.high - axis.low) * f64::from(plot);
        let half = f64::from(size.characters(&tick.text)) / 2.0;
        if middle + half <= begin {
            begin = middle - half - f64::from(size.font) * 0.7;
            kept.push(tick.clone());
        }
    }
    kept
}

/// Adds the label, for which the page sets the size.
fn dressed(svg: &str, label: &str) -> String {
    let label = escaped(&clean(label));
    svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1)
}
