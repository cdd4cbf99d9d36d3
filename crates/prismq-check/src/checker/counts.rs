//! The figures of a history.

use std::collections::BTreeMap;

use super::Finding;
use super::facts::{Call, Facts, TaskTrace};
use super::invariants::hoarding::held;
use super::invariants::liveness::recoveries;
use super::invariants::no_loss::is_lost;
use super::invariants::order::{Passage, passages};
use super::verdict::{Counts, Invariant, Spread};
use crate::history::{Op, Phase, Refusal};

pub(super) fn count(facts: &Facts<'_>, found: &BTreeMap<Invariant, Vec<Finding>>) -> Counts {
    let findings = |invariant| size(found.get(&invariant).map_or(0, Vec::len));
    let traces = || facts.traces.values();
    let calls = || facts.calls.iter();
    let acked = |trace: &&TaskTrace<'_>| trace.enqueue.as_ref().is_some_and(Call::is_ok);
    let recovered = |trace: &&TaskTrace<'_>| {
        let unknown = trace.enqueue.as_ref().is_some_and(|call| call.outcome() == Phase::Info);
        unknown && (trace.stored.is_some() || !trace.claims.is_empty())
    };
    let lost = traces().filter(|trace| facts.last.is_some() && is_lost(trace)).count();
    // A pool's trace and its handlers are no calls.
    let recorded = |call: &&Call<'_>| !matches!(call.begun.op, Op::RunPool | Op::RunHandler);
    let runs = || calls().filter(|call| call.begun.op == Op::RunHandler);
    let refused =
        |call: &&Call<'_>| call.end().is_some_and(|end| end.refusal == Some(Refusal::LeaseLost));
    let (after_expiry, after_claim) = traces()
        .flat_map(recoveries)
        .map(|recovery| (recovery.after_expiry, recovery.after_claim))
        .unzip();
    Counts {
        calls: size(calls().filter(recorded).count()),
        unknown: size(
            calls().filter(recorded).filter(|call| call.outcome() == Phase::Info).count(),
        ),
        acked: size(traces().filter(acked).count()),
        lost: size(lost),
        unexpected: findings(Invariant::NoPhantom),
        recovered: size(traces().filter(recovered).count()),
        completed: size(
            calls().filter(|call| call.begun.op == Op::Complete && call.is_ok()).count(),
        ),
        deliveries: size(traces().map(|trace| trace.claims.len()).sum()),
        runs: size(runs().count()),
        held: Spread::over(runs().filter_map(|call| held(facts, call)).collect()),
        duplicates: size(traces().map(duplicates).sum()),
        stale_refused: size(calls().filter(refused).count()),
        busy: size(
            calls()
                .filter(|call| call.end().is_some_and(|end| end.refusal == Some(Refusal::Busy)))
                .count(),
        ),
        overlaps: findings(Invariant::Exclusion),
        reorder_max: passages(facts).into_values().map(reordering).max().unwrap_or(0),
        recovery: Spread::over(after_expiry),
        redelivery: Spread::over(after_claim),
        snapshots: size(facts.snapshots.len()),
    }
}

/// Claims that followed one that was neither failed nor released.
fn duplicates(trace: &TaskTrace<'_>) -> usize {
    let settled = |op: Op| matches!(op, Op::Fail | Op::Release);
    let pairs = trace.claims.windows(2).filter(|pair| {
        pair.first().is_some_and(|given| {
            !given.uses.iter().any(|call| settled(call.begun.op) && call.is_ok())
        })
    });
    pairs.count()
}

/// By how many places a lane's order of first claims differs at most from that of enqueues, within a
/// priority.
fn reordering(mut lane: Vec<Passage>) -> u64 {
    lane.retain(|passage| passage.claim.0 != u64::MAX);
    let mut priorities: Vec<i32> = lane.iter().map(|passage| passage.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let mut greatest = 0;
    for priority in priorities {
        let mut alike: Vec<Passage> =
            lane.iter().filter(|passage| passage.priority == priority).copied().collect();
        alike.sort_by_key(|passage| passage.enqueue);
        let mut by_claim: Vec<(u64, usize)> =
            alike.iter().enumerate().map(|(place, passage)| (passage.claim.1, place)).collect();
        by_claim.sort_unstable();
        let moved = by_claim.iter().enumerate().map(|(now, (_, before))| now.abs_diff(*before));
        greatest = greatest.max(moved.max().unwrap_or(0));
    }
    size(greatest)
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
