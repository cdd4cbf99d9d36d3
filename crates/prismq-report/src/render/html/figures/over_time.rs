//! What the pictures over time share: the round they show, its pieces, and its phases.

use crate::record::{Interval, Phase, Round, Scenario};
use crate::render::html::Input;
use crate::render::html::chart::{Axis, Layer, Point};
use crate::render::html::select::scenarios;

/// Scenarios with a round that `holds` what a picture needs, and that round: the one with most pieces.
/// Those with most pieces come first.
pub(super) fn rounds<'a>(
    input: &Input<'a>,
    holds: impl Fn(&Scenario, &Interval) -> bool,
) -> Vec<(&'a Scenario, &'a Round)> {
    let mut found: Vec<(usize, &Scenario, &Round)> = Vec::new();
    for scenario in scenarios(input.run) {
        let pieces = |round: &Round| {
            round.intervals.iter().filter(|interval| holds(scenario, interval)).count()
        };
        let best = scenario.rounds.iter().rev().max_by_key(|round| pieces(round));
        if let Some(round) = best.filter(|round| pieces(round) > 1) {
            found.push((pieces(round), scenario, round));
        }
    }
    found.sort_by_key(|(pieces, ..)| std::cmp::Reverse(*pieces));
    found.into_iter().map(|(_, scenario, round)| (scenario, round)).collect()
}

/// The time axis of a round.
pub(super) fn time(round: &Round) -> Axis {
    let ends =
        round.intervals.iter().flat_map(|piece| [piece.from_s, piece.from_s + piece.seconds]);
    Axis::over("seconds since the measured part began", ends)
}

/// The phases of a round, and its warm-up, as tints.
pub(super) fn tints(round: &Round) -> Vec<Layer> {
    let begin = round.intervals.first().map_or(0.0, |piece| piece.from_s);
    let end = round.intervals.last().map_or(0.0, |piece| piece.from_s + piece.seconds);
    let warm_up = Phase { name: "warm-up".to_owned(), from_s: begin, to_s: 0.0 };
    let phases = (begin < 0.0).then_some(&warm_up).into_iter().chain(&round.phases);
    let tint = |(index, phase): (usize, &Phase)| Layer::Tint {
        from: phase.from_s.clamp(begin, end),
        to: phase.to_s.clamp(begin, end),
        name: phase.name.clone(),
        odd: index % 2 == 1,
    };
    phases.enumerate().map(tint).collect()
}

/// A count of each piece as a rate, at the piece's middle.
pub(super) fn rate(round: &Round, count: impl Fn(&Interval) -> Option<u64>) -> Vec<Point> {
    let rate = |piece: &Interval| per_second(piece, count(piece));
    let middle = |piece: &Interval| piece.from_s + piece.seconds / 2.0;
    round.intervals.iter().filter_map(|piece| Some((middle(piece), rate(piece)?))).collect()
}

/// A count of a piece, each second.
pub(super) fn per_second(piece: &Interval, count: Option<u64>) -> Option<f64> {
    (piece.seconds > 0.0).then_some(count? as f64 / piece.seconds)
}

/// What was seen at the end of each piece.
pub(super) fn at_ends(round: &Round, seen: impl Fn(&Interval) -> Option<f64>) -> Vec<Point> {
    let end = |piece: &Interval| piece.from_s + piece.seconds;
    round.intervals.iter().filter_map(|piece| Some((end(piece), seen(piece)?))).collect()
}

/// The second numbers of points.
pub(super) fn heights(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().map(|(_, height)| *height)
}
