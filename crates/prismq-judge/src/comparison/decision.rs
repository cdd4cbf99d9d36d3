//! Whether a change is an improvement, a regression, or neither.
//!
//! A run has a hundred metrics and more; if each were tested by itself at the usual 5 %, five of them would
//! look changed where nothing was. So the false discovery rate among *all* metrics of the run is controlled
//! (see [`FALSE_DISCOVERIES`]; Benjamini and Hochberg, see [`discoveries`]). Unlike a stricter level for each
//! metric, this does not make a change of the whole engine harder to find than one of a single metric. The
//! headline metrics are a family of their own (see [`is_headline`]). The interval and the noise floor then decide
//! whether a significant change is large enough.

use prismq_record::Direction;
use prismq_statistics::discoveries;

use super::evidence::Evidence;
use super::floor::{Sides, floor};
use super::headline::is_headline;
use super::rows::Draft;
use super::{Change, Row, Rules};

/// The false discovery rate, of the headline and the other metrics together.
const FALSE_DISCOVERIES: f64 = 0.005;

/// A negligible change: the interval of a change that counts must lie wholly outside.
const NEGLIGIBLE: f64 = 0.01;

/// Decides all rows of a comparison.
pub(super) fn decide(drafts: Vec<Draft>, rules: &Rules, sides: Sides) -> Vec<Row> {
    let tested = |draft: &Draft| draft.evidence.filter(|_| draft.row.exact_within.is_none())?.p;
    let p_values = |headline: bool| -> Vec<f64> {
        let those = drafts.iter().filter(|draft| is_headline(&draft.row) == headline);
        those.filter_map(tested).collect()
    };
    let (headline, others) = (p_values(true), p_values(false));
    let families = if headline.is_empty() || others.is_empty() { 1.0 } else { 2.0 };
    let found = |p_values: &[f64]| discoveries(p_values, FALSE_DISCOVERIES / families).into_iter();
    let (mut headline, mut others) = (found(&headline), found(&others));
    drafts
        .into_iter()
        .map(|draft| {
            let found = if is_headline(&draft.row) { &mut headline } else { &mut others };
            let found = tested(&draft).is_some() && found.next().unwrap_or_default();
            decided(draft, found, rules, sides)
        })
        .collect()
}

fn decided(mut draft: Draft, found: bool, rules: &Rules, sides: Sides) -> Row {
    let Some(evidence) = draft.evidence else { return draft.row };
    if let Some(within) = draft.row.exact_within {
        draft.row.change = exactly(&draft.row, within);
        return draft.row;
    }
    let floor = floor(&draft, &evidence, rules, sides);
    let row = &mut draft.row;
    row.delta = evidence.delta.or(row.delta);
    row.interval = evidence.interval;
    row.floor = Some(floor);
    row.change = match row.delta {
        Some(delta) if delta.abs() < rules.min_effect => Change::Unchanged,
        Some(delta) if found && delta.abs() >= floor.change && is_clear(&evidence, delta) => {
            moved(row.direction, delta)
        }
        None if row.before == row.after => Change::Unchanged,
        // Also with a baseline of zero, from which there is no relative change.
        _ => Change::Inconclusive,
    };
    draft.row
}

/// Whether the interval lies outside the negligible range, on the side of the change.
fn is_clear(evidence: &Evidence, delta: f64) -> bool {
    evidence.interval.is_some_and(|interval| {
        interval.lies_outside(NEGLIGIBLE) && (interval.lower > 0.0) == (delta > 0.0)
    })
}

fn exactly(row: &Row, within: f64) -> Change {
    match (row.before, row.after) {
        (Some(before), Some(after)) if (after - before).abs() > within * before.abs() => {
            moved(row.direction, after - before)
        }
        _ => Change::Unchanged,
    }
}

fn moved(direction: Direction, by: f64) -> Change {
    match direction {
        Direction::Higher if by > 0.0 => Change::Improved,
        Direction::Lower if by < 0.0 => Change::Improved,
        _ => Change::Regressed,
    }
}
