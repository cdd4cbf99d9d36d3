//! The figures of a history.

use std::collections::BTreeMap;
use std::fmt;

use super::Finding;
use super::facts::{Call, Facts, TaskTrace, cancels};
use super::invariants::hoarding::held;
use super::invariants::liveness::recoveries;
use super::invariants::no_loss::is_lost;
use super::invariants::order::{Passage, passages};
use super::verdict::{Invariant, Spread};
use crate::history::{Op, Phase, Refusal};

/// What a history and its snapshots add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Calls of all clients.
    pub calls: u64,
    /// Calls whose answer is unknown.
    pub unknown: u64,
    /// Enqueues that were acknowledged.
    pub acked: u64,
    /// Of these, tasks that were not completed and are not stored.
    pub lost: u64,
    /// Tasks that were given or are stored without having been enqueued.
    pub unexpected: u64,
    /// Tasks whose enqueue has an unknown answer, and that were given or are stored.
    pub recovered: u64,
    /// Completions that were acknowledged.
    pub completed: u64,
    /// Tasks that were given.
    pub deliveries: u64,
    /// Of these, handlers that pools began.
    pub runs: u64,
    /// From a pool's claim to the beginning of the task's handler, where that is known.
    pub held: Spread,
    /// Of all that were given, tasks that had been given before, and were neither failed nor released since.
    pub duplicates: u64,
    /// Calls refused because another lease holds the task, or none.
    pub stale_refused: u64,
    /// Calls refused because another process held the write lock for the whole wait.
    pub busy: u64,
    /// Times a task was held twice at once.
    pub overlaps: u64,
    /// Enqueues refused as another task held the unique key.
    pub keys_taken: u64,
    /// Cancellations that ended their task, or were requested of a running one.
    pub cancelled: u64,
    /// Redrives and deletions that were acknowledged.
    pub acts: u64,
    /// Tasks that schedules enqueued.
    pub slots: u64,
    /// By how many places the order of first claims differs at most from that of enqueues.
    pub reorder_max: u64,
    /// From the expiry of a lease that was not settled to the next claim of its task.
    pub recovery: Spread,
    /// From a claim that was not settled to the next claim of its task.
    pub redelivery: Spread,
    /// Snapshots checked.
    pub snapshots: u64,
}

impl Counts {
    /// Adds what another history counted; spreads keep the greater of each figure.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let spread = |a: Spread, b: Spread| Spread {
            count: a.count + b.count,
            p50: a.p50.max(b.p50),
            p99: a.p99.max(b.p99),
            max: a.max.max(b.max),
        };
        Self {
            calls: self.calls + other.calls,
            unknown: self.unknown + other.unknown,
            acked: self.acked + other.acked,
            lost: self.lost + other.lost,
            unexpected: self.unexpected + other.unexpected,
            recovered: self.recovered + other.recovered,
            completed: self.completed + other.completed,
            deliveries: self.deliveries + other.deliveries,
            runs: self.runs + other.runs,
            held: spread(self.held, other.held),
            duplicates: self.duplicates + other.duplicates,
            stale_refused: self.stale_refused + other.stale_refused,
            busy: self.busy + other.busy,
            overlaps: self.overlaps + other.overlaps,
            keys_taken: self.keys_taken + other.keys_taken,
            cancelled: self.cancelled + other.cancelled,
            acts: self.acts + other.acts,
            slots: self.slots + other.slots,
            reorder_max: self.reorder_max.max(other.reorder_max),
            recovery: spread(self.recovery, other.recovery),
            redelivery: spread(self.redelivery, other.redelivery),
            snapshots: self.snapshots + other.snapshots,
        }
    }
}

/// A count among `of`; none is recorded as what it bounds: none in N means at most 3 in N, with 95 %
/// confidence.
struct Among {
    count: u64,
    of: u64,
}

impl fmt::Display for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, of } = self;
        write!(f, "{count} of {of}")?;
        if *count == 0 && *of > 0 {
            write!(f, " (at most {:.1e} of them, at 95 %)", 3.0 / *of as f64)?;
        }
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let among = |count, of| Among { count, of };
        writeln!(f, "calls                  {}, answers unknown {}", self.calls, self.unknown)?;
        writeln!(f, "enqueues acknowledged  {}", self.acked)?;
        writeln!(f, "lost                   {}", among(self.lost, self.acked))?;
        writeln!(f, "unexpected             {}", among(self.unexpected, self.deliveries))?;
        writeln!(f, "recovered              {}", self.recovered)?;
        writeln!(f, "completed              {}", self.completed)?;
        writeln!(f, "delivered again        {} of {}", self.duplicates, self.deliveries)?;
        writeln!(f, "run by pools           {}, held before {}", self.runs, self.held)?;
        writeln!(f, "stale calls refused    {}", self.stale_refused)?;
        writeln!(f, "busy surfaced          {}", among(self.busy, self.calls))?;
        writeln!(f, "lease overlaps         {}", among(self.overlaps, self.deliveries))?;
        writeln!(f, "unique keys taken      {}", self.keys_taken)?;
        writeln!(f, "cancelled              {}", self.cancelled)?;
        writeln!(f, "redrives, deletions    {}", self.acts)?;
        writeln!(f, "tasks of slots         {}", self.slots)?;
        writeln!(f, "greatest reordering    {} places", self.reorder_max)?;
        writeln!(f, "recovery after expiry  {}", self.recovery)?;
        writeln!(f, "redelivery             {}", self.redelivery)?;
        writeln!(f, "snapshots              {}", self.snapshots)
    }
}

pub(super) fn count(facts: &Facts<'_>, found: &BTreeMap<Invariant, Vec<Finding>>) -> Counts {
    let findings = |invariant| size(found.get(&invariant).map_or(0, Vec::len));
    let traces = || facts.traces.values();
    let calls = || facts.calls.iter();
    let acked = |trace: &&TaskTrace<'_>| trace.enqueue.as_ref().is_some_and(Call::is_ok);
    let recovered = |trace: &&TaskTrace<'_>| {
        let unknown = trace.enqueue.as_ref().is_some_and(|call| call.outcome() == Phase::Info);
        unknown && (trace.stored.is_some() || !trace.claims.is_empty())
    };
    let lost = traces().filter(|trace| facts.last.is_some() && is_lost(facts, trace)).count();
    // A pool's trace and its handlers are no calls.
    let recorded = |call: &&Call<'_>| !matches!(call.begun.op, Op::RunPool | Op::RunHandler);
    let runs = || calls().filter(|call| call.begun.op == Op::RunHandler);
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
        stale_refused: size(calls().filter(|call| refused_as(call, Refusal::LeaseLost)).count()),
        busy: size(calls().filter(|call| refused_as(call, Refusal::Busy)).count()),
        overlaps: findings(Invariant::Exclusion),
        keys_taken: size(calls().filter(|call| refused_as(call, Refusal::KeyTaken)).count()),
        cancelled: size(
            calls()
                .filter(|call| call.begun.op == Op::Cancel && call.is_ok() && cancels(call))
                .count(),
        ),
        acts: size(
            calls()
                .filter(|call| matches!(call.begun.op, Op::Redrive | Op::Delete) && call.is_ok())
                .count(),
        ),
        slots: size(traces().filter(|trace| trace.slot().is_some()).count()),
        reorder_max: passages(facts).into_values().map(reordering).max().unwrap_or(0),
        recovery: Spread::over(after_expiry),
        redelivery: Spread::over(after_claim),
        snapshots: size(facts.snapshots.len()),
    }
}

fn refused_as(call: &Call<'_>, refusal: Refusal) -> bool {
    call.end().is_some_and(|end| end.refusal == Some(refusal))
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
