//! Charts become SVG, by the library plotters. One picture is one or more panels below each other that
//! share their x axis.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, EmptyElement, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{Cartesian2d, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, ShapeStyle, TextStyle};

use super::axis::{Axis, Tick};
use super::palette::{Dash, Ink};
use super::tips::{element, escaped, tips};
use super::{Chart, Key, Layer, Shape};
use crate::render::RenderError;

/// The library places whole units; two of them make a pixel, so that curves stay smooth.
pub(super) const UNITS: i32 = 2;
/// The library divides the size of its fonts by this.
const FONT_FACTOR: f64 = 1.24;
/// Mean width of a character, as a share of the font size.
const CHARACTER: f64 = 0.56;
const STRENGTH_OF_BANDS: f64 = 0.16;

/// How large a picture is, in pixels at full size.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Size {
    width: i32,
    /// Height of the only panel.
    single: i32,
    /// Height of each of several.
    several: i32,
    font: i32,
    /// Whether places say their figures on hover.
    hovers: bool,
}

/// What all panels of a picture share.
#[derive(Clone, Copy)]
struct Page<'a> {
    size: Size,
    /// Heights of a panel and of the picture.
    each: i32,
    height: i32,
    /// What names what is pointed at, if anything can be.
    legend: Option<&'a [Key]>,
}

impl Size {
    /// For a screen or paper.
    pub(in super::super) const WIDE: Self =
        Self { width: 620, single: 340, several: 158, font: 13, hovers: true };
    /// For a telephone.
    pub(in super::super) const NARROW: Self =
        Self { width: 340, single: 260, several: 140, font: 12, hovers: false };

    fn characters(self, text: &str) -> i32 {
        (text.chars().count() as f64 * f64::from(self.font) * CHARACTER).ceil() as i32
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Places, Places>>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws panels below each other; `label` says what they show to who cannot see them. A wide picture says its
/// figures on hover, with the names of its legend; a telephone has no pointer.
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

pub(super) fn refused(error: &DrawingAreaErrorKind<std::io::Error>) -> RenderError {
    RenderError::Chart { reason: error.to_string() }
}

pub(super) fn units(pixels: i32) -> u32 {
    u32::try_from(pixels * UNITS).unwrap_or(0)
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

/// Draws a panel and returns what it says on hover, to be laid above everything.
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
    // The unit stands above its axis, where it needs no turned head.
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
        // A long label of a narrow picture is centred on the picture, not on the plot.
        let middle = if middle + needed > 2 * half { half } else { middle };
        area.draw(&Text::new(clean(&panel.x.label), (middle, height - 2 * UNITS), style))?;
    }
    let place = |(x, y)| plane.backend_coord(&(panel.x.place(x), panel.y.place(y)));
    let tips = legend.map(|legend| tips(panel, legend)).unwrap_or_default();
    Ok(tips.iter().map(|tip| element(tip, place(tip.at), tip.to.map(place))).collect())
}

/// The places of an axis, as the library wants to know them.
struct Places {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Places {
    fn new(axis: &Axis, ticks: &[Tick]) -> Self {
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

fn name_at(ticks: &[Tick], at: f64) -> String {
    let found = ticks.iter().find(|tick| (tick.at - at).abs() < 1e-9);
    found.map_or_else(String::new, |tick| clean(&tick.text))
}

/// The ticks of an x axis whose names do not run into each other.
fn apart(axis: &Axis, plot: i32, size: Size) -> Vec<Tick> {
    let mut begin = f64::INFINITY;
    let mut kept = Vec::new();
    // From the end, since the last of several runs is the one people look for.
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

fn draw_layer(
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

pub(super) fn line(ink: Ink, dash: Dash, width: i32) -> ShapeStyle {
    ink.rgb(dash).stroke_width(units(width))
}

fn words(pixels: i32, ink: Ink) -> TextStyle<'static> {
    let size = f64::from(pixels * UNITS) * FONT_FACTOR;
    ("sans-serif", size).into_font().color(&ink.rgb(Dash::Solid))
}

/// What XML cannot hold is left out.
fn clean(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

/// Says what a picture shows, and lets the page set its size.
fn dressed(svg: &str, label: &str) -> String {
    let label = escaped(&clean(label));
    svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1)
}
