//! What is drawn behind a run's own figures: targets and the baseline.

use crate::render::html::Input;
use crate::render::html::chart::{Dash, Ink, Key, Layer, Point, Swatch};
use crate::render::html::select::{Sweep, sweeps};

/// Half the length of a target's line at a level, as a share of the axis.
const HALF: f64 = 0.025;

/// The bound of a metric of a scenario, if it has a target.
pub(super) fn bound(input: &Input<'_>, scenario: &str, metric: &str) -> Option<f64> {
    let mut targets = input.verdict.checks.iter().map(|check| &check.target);
    let target = targets.find(|target| target.scenario == scenario && target.metric == metric)?;
    Some(target.bound)
}

/// The targets of a metric at the levels of a sweep that have one.
pub(super) fn bounds(input: &Input<'_>, sweep: &Sweep<'_>, metric: &str) -> Vec<Point> {
    let levels = sweep.levels.iter();
    levels.filter_map(|(at, scenario)| Some((*at, bound(input, &scenario.id, metric)?))).collect()
}

/// A metric of the baseline over the same levels.
pub(super) fn before(
    input: &Input<'_>,
    sweep: &Sweep<'_>,
    parameter: &str,
    metric: &str,
) -> Vec<Point> {
    let before = input.baseline.map(|before| sweeps(before, parameter)).unwrap_or_default();
    let alike = before.iter().find(|before| before.name == sweep.name);
    alike.map(|before| before.values(metric)).unwrap_or_default()
}

/// A short line at each target, on an axis of this length from which figures are places.
pub(super) fn target_lines(targets: &[Point], length: f64) -> Vec<Layer> {
    let reach = length * HALF;
    let line = |(at, bound): &Point| Layer::Line {
        points: vec![(at - reach, *bound), (at + reach, *bound)],
        ink: TARGET.0,
        dash: TARGET.1,
    };
    targets.iter().map(line).collect()
}

/// The baseline's line.
pub(super) fn baseline_line(points: Vec<Point>) -> Layer {
    Layer::Line { points, ink: BASELINE.0, dash: BASELINE.1 }
}

/// The style of targets.
pub(super) const TARGET: (Ink, Dash) = (Ink::Vermillion, Dash::Short);
/// The style of the baseline.
pub(super) const BASELINE: (Ink, Dash) = (Ink::Muted, Dash::Long);

/// The legend's entry for targets.
pub(super) fn target_key(name: &str) -> Key {
    Key::new(name, Swatch::Line(TARGET.0, TARGET.1))
}

/// The legend's entry for the baseline.
pub(super) fn baseline_key(name: &str) -> Key {
    Key::new(name, Swatch::Line(BASELINE.0, BASELINE.1))
}
