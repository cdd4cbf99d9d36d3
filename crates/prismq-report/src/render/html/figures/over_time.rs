//! What the figures over time share: the round they show, its intervals, and its phases.

use prismq_record::{Interval, Phase, Round, Scenario};

use crate::render::html::Input;
use crate::render::html::chart::{Axis, Ink, Key, Layer, Point, Swatch};
use crate::render::html::select::scenarios;
use crate::render::humanise::number;

/// Phases named in a legend.
const MOST_PHASES: usize = 6;

/// Scenarios with a round whose intervals have what a figure needs, and that round: the one with most such
/// intervals. Those with most intervals come first.
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

/// The phases of a round, and its warm-up, as tints; the first of several panels names them.
pub(super) fn tints(round: &Round, named: bool) -> Vec<Layer> {
    let phases = phases(round);
    let tint = |(index, phase): (usize, &Phase)| Layer::Tint {
        from: phase.from_s,
        to: phase.to_s,
        name: if named { phase.name.clone() } else { String::new() },
        odd: index % 2 == 1,
    };
    phases.iter().enumerate().map(tint).collect()
}

/// The phases as text, as names of short ones do not fit into the chart.
pub(super) fn phase_key(round: &Round) -> Option<Key> {
    let phases = phases(round);
    let words = phases.iter().map(|phase| {
        format!("{} {} to {} s", phase.name, number(phase.from_s), number(phase.to_s))
    });
    let words: Vec<String> = words.take(MOST_PHASES).collect();
    let more = if phases.len() > MOST_PHASES { ", …" } else { "" };
    let name = format!("phases: {}{more}", words.join(", "));
    (!phases.is_empty()).then(|| Key::new(name, Swatch::Area(Ink::Muted)))
}

/// The phases of a round within the time that was observed. What precedes the measured part is the warm-up, unless the
/// round has a phase of its own there.
fn phases(round: &Round) -> Vec<Phase> {
    let begin = round.intervals.first().map_or(0.0, |piece| piece.from_s);
    let end = round.intervals.last().map_or(0.0, |piece| piece.from_s + piece.seconds);
    let warm_up = Phase { name: "warm-up".to_owned(), from_s: begin, to_s: 0.0 };
    let warms_up = begin < 0.0 && round.phases.iter().all(|phase| phase.from_s >= 0.0);
    let phases = warms_up.then_some(&warm_up).into_iter().chain(&round.phases);
    let within = |phase: &Phase| Phase {
        name: phase.name.clone(),
        from_s: phase.from_s.max(begin).min(end),
        to_s: phase.to_s.max(begin).min(end),
    };
    phases.map(within).collect()
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

/// What was observed at the end of each piece.
pub(super) fn at_ends(round: &Round, seen: impl Fn(&Interval) -> Option<f64>) -> Vec<Point> {
    let end = |piece: &Interval| piece.from_s + piece.seconds;
    round.intervals.iter().filter_map(|piece| Some((end(piece), seen(piece)?))).collect()
}

/// The second numbers of points.
pub(super) fn heights(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().map(|(_, height)| *height)
}
