//! A history as calls, and the life of each task in them.

use std::collections::{BTreeMap, HashMap};

use crate::audit::{Snapshot, Standing};
use crate::checker::Rules;
use crate::history::History;
use crate::history::{Event, Op, Phase};

/// A call and what came back.
#[derive(Debug, Clone)]
pub(in crate::checker) struct Call<'a> {
    pub(in crate::checker) begun: &'a Event,
    /// Of a claim, one for each task it was given.
    pub(in crate::checker) ends: Vec<&'a Event>,
}

impl<'a> Call<'a> {
    /// How it ended: `Info` if that was not recorded, or not in full.
    pub(in crate::checker) fn outcome(&self) -> Phase {
        match self.ends.last() {
            Some(end) if end.op == Op::Claim && end.count.unwrap_or(0) > 0 => Phase::Info,
            Some(end) => end.phase,
            None => Phase::Info,
        }
    }

    /// Whether it was done, for all that is known.
    pub(in crate::checker) fn may_have_happened(&self) -> bool {
        self.outcome() != Phase::Fail
    }

    pub(in crate::checker) fn is_ok(&self) -> bool {
        self.outcome() == Phase::Ok
    }

    /// When its answer was noted; never, for a call without.
    pub(in crate::checker) fn ended_ns(&self) -> u64 {
        self.ends.last().map_or(u64::MAX, |end| end.t_mono_ns)
    }

    pub(in crate::checker) fn end(&self) -> Option<&'a Event> {
        self.ends.last().copied()
    }
}

/// A task given by a claim, and what was done with the lease; or one that a pool ran, which it had claimed
/// at some time since its start.
#[derive(Debug, Clone)]
pub(in crate::checker) struct Given<'a> {
    /// When the claim was called, at the earliest.
    pub(in crate::checker) begun_ns: u64,
    /// The claim's answer, or the beginning of a pool's handler.
    pub(in crate::checker) event: &'a Event,
    /// When the pool's handler ended.
    ended_ns: u64,
    /// Calls with this lease's token, in order.
    pub(in crate::checker) uses: Vec<Call<'a>>,
}

impl<'a> Given<'a> {
    pub(in crate::checker) fn token(&self) -> i64 {
        self.event.token.unwrap_or(0)
    }

    pub(in crate::checker) fn attempt(&self) -> u32 {
        self.event.attempt.unwrap_or(0)
    }

    /// Whether a pool ran it.
    pub(in crate::checker) fn is_run(&self) -> bool {
        self.event.op == Op::Run
    }

    /// The call, not known to be refused, that ended the lease before this time, if one did.
    pub(in crate::checker) fn settled_before(&self, t_mono_ns: u64) -> Option<&Call<'a>> {
        self.uses.iter().find(|call| {
            matches!(call.begun.op, Op::Complete | Op::Fail | Op::Release)
                && call.may_have_happened()
                && call.begun.t_mono_ns < t_mono_ns
        })
    }

    /// When the lease ends by itself, as far as calls begun before this time moved it; `None` if that is
    /// not known.
    /// A pool extends leases as it sees fit.
    pub(in crate::checker) fn expiry_before(&self, t_mono_ns: u64) -> Option<i64> {
        if self.is_run() {
            return None;
        }
        let mut expiry = self.event.expires_at;
        let extensions = self.uses.iter().filter(|call| {
            call.begun.op == Op::Extend
                && call.may_have_happened()
                && call.begun.t_mono_ns < t_mono_ns
        });
        for call in extensions {
            expiry = call.is_ok().then(|| call.end()?.expires_at).flatten();
        }
        expiry
    }

    /// Until when the lease holds at least, unless it is settled.
    pub(in crate::checker) fn held_until(&self, t_mono_ns: u64) -> Option<i64> {
        if !self.is_run() {
            return self.expiry_before(t_mono_ns);
        }
        // A failure with a time limit is recorded only once the pool reports it.
        let unheard = self.event.limited && self.ended_ns < t_mono_ns;
        self.event.expires_at.filter(|_| !unheard)
    }
}

/// Everything recorded of one task.
#[derive(Debug, Clone, Default)]
pub(in crate::checker) struct Life<'a> {
    pub(in crate::checker) enqueue: Option<Call<'a>>,
    /// Known claims, by token.
    pub(in crate::checker) claims: Vec<Given<'a>>,
    /// Claims that a power cut may have undone, or that a pool lost before it ran their task.
    pub(in crate::checker) doubtful_claims: usize,
    /// Calls with a token of no known claim.
    pub(in crate::checker) strays: Vec<Call<'a>>,
    /// Where it stands at the end, if that was looked at.
    pub(in crate::checker) standing: Option<&'a Standing>,
}

impl<'a> Life<'a> {
    /// Calls on leases of this task.
    pub(in crate::checker) fn uses(&self) -> impl Iterator<Item = &Call<'a>> {
        self.claims.iter().flat_map(|given| &given.uses).chain(&self.strays)
    }
}

/// A history as calls, and the life of each task in them.
#[derive(Debug)]
pub(in crate::checker) struct Facts<'a> {
    pub(in crate::checker) history: &'a History,
    pub(in crate::checker) snapshots: &'a [Snapshot],
    /// The last snapshot, if it was taken after all was recorded.
    pub(in crate::checker) last: Option<&'a Snapshot>,
    pub(in crate::checker) rules: &'a Rules,
    pub(in crate::checker) lives: BTreeMap<u64, Life<'a>>,
    pub(in crate::checker) calls: Vec<Call<'a>>,
    /// The pools there were, each from its start to its end, if that was recorded.
    pub(in crate::checker) pools: Vec<Call<'a>>,
    /// When claims began that nobody knows the whole answer of, and pools whose end was not recorded, each of which
    /// may have claimed any task once more than it recorded.
    unknown_claims: Vec<u64>,
    /// The latest time of the queue's clock up to each event.
    latest: Vec<(u64, i64)>,
    /// The latest such time at which a claim may have been made, up to the beginning of each.
    latest_claim: Vec<(u64, i64)>,
}

impl<'a> Facts<'a> {
    pub(in crate::checker) fn new(
        history: &'a History,
        snapshots: &'a [Snapshot],
        rules: &'a Rules,
    ) -> Self {
        let calls = calls(history);
        let told_until = history.events().last().map_or(0, |event| event.t_mono_ns);
        let last = snapshots.last().filter(|snapshot| snapshot.t_mono_ns >= told_until);
        let latest = latest_of(history.events().iter().map(|event| (event.t_mono_ns, event.t_db)));
        let claims = calls.iter().filter(|call| call.begun.op == Op::Claim);
        let latest_claim = latest_of(claims.filter(|call| call.may_have_happened()).map(|call| {
            let known = call.is_ok().then(|| call.ends.iter().map(|end| end.t_db).max()).flatten();
            (call.begun.t_mono_ns, known.unwrap_or(i64::MAX))
        }));
        let unknown_claims = calls
            .iter()
            .filter(|call| matches!(call.begun.op, Op::Claim | Op::Serve))
            .filter(|call| call.outcome() == Phase::Info)
            .map(|call| call.begun.t_mono_ns)
            .collect();
        let pools = calls.iter().filter(|call| call.begun.op == Op::Serve).cloned().collect();
        let lives = lives(history, &calls, last);
        Self {
            history,
            snapshots,
            last,
            rules,
            lives,
            calls,
            pools,
            unknown_claims,
            latest,
            latest_claim,
        }
    }

    /// How many claims nobody knows of may at most have taken a task by this time.
    pub(in crate::checker) fn unknown_claims_before(
        &self,
        life: &Life<'_>,
        t_mono_ns: u64,
    ) -> usize {
        self.unknown_claims.partition_point(|begun| *begun < t_mono_ns) + life.doubtful_claims
    }

    /// Whether a claim may have taken back a lease that expired at this time, up to this moment.
    pub(in crate::checker) fn may_be_taken_back(&self, expiry: i64, t_mono_ns: u64) -> bool {
        // Nobody sees the claims of a pool.
        let all_told = self.rules.all_told && self.pools.is_empty();
        let times = if all_told { &self.latest_claim } else { &self.latest };
        let after = times.partition_point(|(at, _)| *at <= t_mono_ns);
        let before = after.checked_sub(1).and_then(|place| times.get(place));
        before.is_some_and(|(_, latest)| *latest >= expiry)
    }
}

/// The latest of these times up to each moment.
fn latest_of(times: impl Iterator<Item = (u64, i64)>) -> Vec<(u64, i64)> {
    let mut latest = i64::MIN;
    let so_far = times.map(|(at, time)| {
        latest = latest.max(time);
        (at, latest)
    });
    so_far.collect()
}

/// What an actor does one at a time: the handlers of a pool run, and their results are settled, beside each
/// other.
type Thread = (u32, Option<(Op, Option<i64>, Option<i64>)>);

fn thread(event: &Event) -> Thread {
    let of_lease = match event.op {
        Op::Enqueue | Op::Claim => None,
        Op::Serve => Some((event.op, None, None)),
        _ => Some((event.op, event.task, event.token)),
    };
    (event.proc, of_lease)
}

/// Pairs calls with their answers, in the order of the calls.
pub(in crate::checker) fn calls(history: &History) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut open: HashMap<Thread, usize> = HashMap::new();
    for event in history.events() {
        let thread = thread(event);
        if event.phase == Phase::Invoke {
            open.insert(thread, calls.len());
            calls.push(Call { begun: event, ends: Vec::new() });
        } else if let Some(call) = open.get(&thread).and_then(|place| calls.get_mut(*place)) {
            call.ends.push(event);
        }
    }
    calls
}

fn lives<'a>(
    history: &'a History,
    calls: &[Call<'a>],
    last: Option<&'a Snapshot>,
) -> BTreeMap<u64, Life<'a>> {
    let mut lives: BTreeMap<u64, Life<'a>> = BTreeMap::new();
    let of_op = |op| calls.iter().filter(move |call| call.begun.op == op);
    for call in of_op(Op::Enqueue) {
        if let Some(key) = call.begun.key {
            lives.entry(key).or_default().enqueue = Some(call.clone());
        }
    }
    for call in of_op(Op::Claim) {
        for event in &call.ends {
            let Some(key) = event.key else {
                continue;
            };
            let life = lives.entry(key).or_default();
            if event.phase == Phase::Ok {
                let begun_ns = call.begun.t_mono_ns;
                life.claims.push(Given { begun_ns, event, ended_ns: u64::MAX, uses: Vec::new() });
            } else {
                life.doubtful_claims += 1;
            }
        }
    }
    let starts = of_op(Op::Serve).map(|call| (call.begun.proc, call.begun.t_mono_ns));
    let starts: HashMap<u32, u64> = starts.collect();
    for call in of_op(Op::Run) {
        if let Some(key) = call.begun.key {
            let begun_ns = starts.get(&call.begun.proc).copied().unwrap_or(0);
            let given =
                Given { begun_ns, event: call.begun, ended_ns: call.ended_ns(), uses: Vec::new() };
            lives.entry(key).or_default().claims.push(given);
        }
    }
    lost_by_pools(history, &mut lives);
    for life in lives.values_mut() {
        life.claims.sort_by_key(|given| (given.token(), given.event.t_mono_ns));
    }
    for call in calls.iter().filter(|call| call.begun.op != Op::Run) {
        let (Some(key), Some(token)) = (call.begun.key, call.begun.token) else {
            continue;
        };
        let life = lives.entry(key).or_default();
        match life.claims.iter_mut().find(|given| given.token() == token) {
            Some(given) => given.uses.push(call.clone()),
            None => life.strays.push(call.clone()),
        }
    }
    for standing in last.into_iter().flat_map(|snapshot| &snapshot.tasks) {
        if let Some(key) = standing.key {
            lives.entry(key).or_default().standing = Some(standing);
        }
    }
    lives
}

/// Notes what pools had claimed and lost before they ran it, of which they know no more than the id.
fn lost_by_pools(history: &History, lives: &mut BTreeMap<u64, Life<'_>>) {
    let lost = |event: &&Event| event.op == Op::Run && event.phase == Phase::Info;
    let mut lost_of: HashMap<i64, usize> = HashMap::new();
    for id in history.events().iter().filter(lost).filter_map(|event| event.task) {
        *lost_of.entry(id).or_default() += 1;
    }
    for life in lives.values_mut().filter(|_| !lost_of.is_empty()) {
        let enqueued = life.enqueue.as_ref().and_then(|call| call.end()?.task);
        let given = life.claims.iter().find_map(|given| given.event.task);
        let lost = enqueued.or(given).and_then(|id| lost_of.get(&id));
        life.doubtful_claims += lost.copied().unwrap_or(0);
    }
}
