//! The shortest history that still shows a finding: only the tasks it is about, and of their calls only
//! those without which it would not be found in the same words.

use super::facts::{Call, Facts, calls};
use super::invariants::findings;
use super::{Finding, Rules};
use crate::audit::Snapshot;
use crate::checker::Invariant;
use crate::history::History;
use crate::history::{Event, Op, Phase};

/// Calls beyond which a history is not made shorter call by call.
const TRIED_MAX: usize = 400;

pub(super) fn history(
    history: &History,
    snapshots: &[Snapshot],
    rules: &Rules,
    invariant: Invariant,
    finding: &Finding,
) -> Vec<Event> {
    let concerns = |event: &Event| event.key.is_some_and(|key| finding.keys.contains(&key));
    let snapshots: Vec<Snapshot> = snapshots
        .iter()
        .map(|snapshot| Snapshot {
            tasks: snapshot
                .tasks
                .iter()
                .filter(|task| task.key.is_some_and(|key| finding.keys.contains(&key)))
                .cloned()
                .collect(),
            ..snapshot.clone()
        })
        .collect();
    let still_shows = |kept: &[Vec<Event>]| {
        let history = History::new(kept.concat());
        let facts = Facts::new(&history, &snapshots, rules);
        findings(invariant, &facts).contains(finding)
    };
    let mut kept: Vec<Vec<Event>> =
        calls(history).iter().filter_map(|call| part(call, concerns)).collect();
    if !still_shows(&kept) {
        // It is about more than single tasks.
        return Vec::new();
    }
    // From the last to the first, as later calls more often have no effect.
    for place in (0..kept.len().min(TRIED_MAX)).rev() {
        let mut without = kept.clone();
        without.remove(place);
        if still_shows(&without) {
            kept = without;
        }
    }
    History::new(kept.concat()).events().to_vec()
}

/// The events of a call that concern the finding, if any do. A claim whose answer is unknown concerns every task,
/// and so does a pool.
fn part(call: &Call<'_>, concerns: impl Fn(&Event) -> bool) -> Option<Vec<Event>> {
    // Those of all tasks concern each of them, too.
    let of_all = matches!(call.begun.op, Op::RunPool | Op::Redrive | Op::Delete | Op::SetSchedule);
    let unknown_claim = of_all || (call.begun.op == Op::Claim && call.outcome() == Phase::Info);
    let of_claim = |event: &&Event| event.op != Op::Claim || concerns(event);
    let ends: Vec<Event> = call.ends.iter().copied().filter(of_claim).cloned().collect();
    if !unknown_claim && !concerns(call.begun) && !ends.iter().any(&concerns) {
        return None;
    }
    let mut events = vec![call.begun.clone()];
    let left = ends.len();
    events.extend(ends.into_iter().enumerate().map(|(place, end)| Event {
        count: if unknown_claim {
            end.count
        } else {
            end.count.map(|_| u32::try_from(left - place - 1).unwrap_or(u32::MAX))
        },
        ..end
    }));
    Some(events)
}
