//! Colours as names. The drawing library writes a colour into each element; the style sheet made here
//! finds elements by it and says what it looks like in light and dark, and how a line is dashed. Without
//! the style sheet a chart is still right in light.
//!
//! The hues are Okabe and Ito's, which colour-blind readers can distinguish.

use std::fmt::Write as _;

use plotters::style::RGBColor;

/// A colour by its role or hue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Ink {
    /// Text.
    Text,
    /// What stands back: axes and their figures, reference lines.
    Muted,
    /// Grid lines.
    Grid,
    Blue,
    Vermillion,
    Green,
    Purple,
    Orange,
    Sky,
}

/// How a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Dash {
    Solid,
    Long,
    Short,
}

struct Colour {
    ink: Ink,
    name: &'static str,
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

/// The last two bits of the light colour's blue are the dash's, so none differs only in them.
const COLOURS: [Colour; 9] = [
    Colour { ink: Ink::Text, name: "text", light: (27, 31, 36), dark: (230, 234, 240) },
    Colour { ink: Ink::Muted, name: "muted", light: (89, 98, 110), dark: (160, 170, 184) },
    Colour { ink: Ink::Grid, name: "grid", light: (221, 226, 232), dark: (52, 60, 72) },
    Colour { ink: Ink::Blue, name: "blue", light: (0, 114, 176), dark: (86, 170, 240) },
    Colour { ink: Ink::Vermillion, name: "vermillion", light: (213, 94, 0), dark: (255, 132, 60) },
    Colour { ink: Ink::Green, name: "green", light: (0, 140, 100), dark: (45, 200, 150) },
    Colour { ink: Ink::Purple, name: "purple", light: (190, 90, 148), dark: (226, 140, 188) },
    Colour { ink: Ink::Orange, name: "orange", light: (200, 135, 0), dark: (240, 178, 40) },
    Colour { ink: Ink::Sky, name: "sky", light: (60, 160, 220), dark: (140, 208, 250) },
];

const DASHES: [(Dash, u8, &str); 3] =
    [(Dash::Solid, 0, ""), (Dash::Long, 1, "16 9"), (Dash::Short, 2, "4 7")];

impl Ink {
    /// The colour the drawing library is given.
    pub(super) fn rgb(self, dash: Dash) -> RGBColor {
        let found = COLOURS.iter().find(|colour| colour.ink == self);
        let (red, green, blue) = found.map_or((0, 0, 0), |colour| colour.light);
        let bits = DASHES.iter().find(|(other, ..)| *other == dash).map_or(0, |(_, bits, _)| *bits);
        RGBColor(red, green, blue & !3 | bits)
    }
}

/// The style sheet of all charts: variables of light and dark, and what is coloured by them.
pub(in super::super) fn css() -> String {
    let mut css = String::new();
    let variables = |of: fn(&Colour) -> (u8, u8, u8)| {
        COLOURS.iter().fold(String::new(), |mut text, colour| {
            let (red, green, blue) = of(colour);
            let _ = write!(text, "--{}:#{red:02x}{green:02x}{blue:02x};", colour.name);
            text
        })
    };
    let (light, dark) = (variables(|colour| colour.light), variables(|colour| colour.dark));
    let _ = writeln!(css, ":root{{{light}}}");
    let _ = writeln!(css, ":root[data-scheme=dark]{{{dark}}}");
    let _ = writeln!(
        css,
        "@media screen and (prefers-color-scheme:dark){{:root:not([data-scheme=light]){{{dark}}}}}"
    );
    // Paper is light.
    let _ = writeln!(css, "@media print{{:root:root{{{light}}}}}");
    for colour in &COLOURS {
        for (dash, _, pattern) in &DASHES {
            let RGBColor(red, green, blue) = colour.ink.rgb(*dash);
            let hex = format!("#{red:02X}{green:02X}{blue:02X}");
            let name = colour.name;
            let _ = writeln!(css, "svg [fill=\"{hex}\"]{{fill:var(--{name})}}");
            let broken = if pattern.is_empty() {
                String::new()
            } else {
                format!(";stroke-dasharray:{pattern}")
            };
            let _ = writeln!(css, "svg [stroke=\"{hex}\"]{{stroke:var(--{name}){broken}}}");
        }
    }
    css
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_ink_and_dash_has_a_colour_of_its_own() {
        let all = COLOURS.iter().flat_map(|colour| {
            DASHES.iter().map(|(dash, ..)| {
                let RGBColor(red, green, blue) = colour.ink.rgb(*dash);
                (red, green, blue)
            })
        });
        assert_eq!(all.collect::<BTreeSet<_>>().len(), COLOURS.len() * DASHES.len());
    }
}
