//! A history as calls, and the life of each task in them.

use std::collections::{BTreeMap, HashMap};

use super::Rules;
use crate::event::{Event, Op, Phase};
use crate::history::History;
use crate::snapshot::{Snapshot, Standing};

/// A call and what came back.
#[derive(Debug, Clone)]
pub(super) struct Call<'a> {
    pub(super) begun: &'a Event,
    /// Of a claim, one for each task it was given.
    pub(super) ends: Vec<&'a Event>,
}

impl<'a> Call<'a> {
    /// How it ended: `Info` if that was not told, or not in full.
    pub(super) fn outcome(&self) -> Phase {
        match self.ends.last() {
            Some(end) if end.op == Op::Claim && end.count.unwrap_or(0) > 0 => Phase::Info,
            Some(end) => end.phase,
            None => Phase::Info,
        }
    }

    /// Whether it was done, for all that is known.
    pub(super) fn may_have_happened(&self) -> bool {
        self.outcome() != Phase::Fail
    }

    pub(super) fn is_ok(&self) -> bool {
        self.outcome() == Phase::Ok
    }

    /// When its answer was noted; never, for a call without.
    pub(super) fn ended_ns(&self) -> u64 {
        self.ends.last().map_or(u64::MAX, |end| end.t_mono_ns)
    }

    pub(super) fn end(&self) -> Option<&'a Event> {
        self.ends.last().copied()
    }
}

/// A task given by a claim, and what was done with the lease.
#[derive(Debug, Clone)]
pub(super) struct Given<'a> {
    /// The claim's call.
    pub(super) begun: &'a Event,
    pub(super) event: &'a Event,
    /// Calls with this lease's token, in order.
    pub(super) uses: Vec<Call<'a>>,
}

impl<'a> Given<'a> {
    pub(super) fn token(&self) -> i64 {
        self.event.token.unwrap_or(0)
    }

    pub(super) fn attempt(&self) -> u32 {
        self.event.attempt.unwrap_or(0)
    }

    /// The call, not known to be refused, that ended the lease before this time, if one did.
    pub(super) fn settled_before(&self, t_mono_ns: u64) -> Option<&Call<'a>> {
        self.uses.iter().find(|call| {
            matches!(call.begun.op, Op::Complete | Op::Fail | Op::Release)
                && call.may_have_happened()
                && call.begun.t_mono_ns < t_mono_ns
        })
    }

    /// When the lease ends by itself, as far as calls begun before this time moved it; `None` if that is
    /// not known.
    pub(super) fn expiry_before(&self, t_mono_ns: u64) -> Option<i64> {
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
}

/// Everything told of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct Life<'a> {
    pub(super) enqueue: Option<Call<'a>>,
    /// Known claims, by token.
    pub(super) claims: Vec<Given<'a>>,
    /// Claims that a power cut may have undone.
    pub(super) doubtful_claims: usize,
    /// Calls with a token of no known claim.
    pub(super) strays: Vec<Call<'a>>,
    /// Where it stands at the end, if that was looked at.
    pub(super) standing: Option<&'a Standing>,
}

impl<'a> Life<'a> {
    /// Calls on leases of this task.
    pub(super) fn uses(&self) -> impl Iterator<Item = &Call<'a>> {
        self.claims.iter().flat_map(|given| &given.uses).chain(&self.strays)
    }
}

/// A history as calls, and the life of each task in them.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) history: &'a History,
    pub(super) snapshots: &'a [Snapshot],
    /// The last snapshot, if it was taken after all was told.
    pub(super) last: Option<&'a Snapshot>,
    pub(super) rules: &'a Rules,
    pub(super) lives: BTreeMap<u64, Life<'a>>,
    pub(super) calls: Vec<Call<'a>>,
    /// When claims began that nobody knows the whole answer of.
    unknown_claims: Vec<u64>,
    /// The latest time of the queue's clock up to each event.
    latest: Vec<(u64, i64)>,
    /// The latest such time at which a claim may have been made, up to the beginning of each.
    latest_claim: Vec<(u64, i64)>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(history: &'a History, snapshots: &'a [Snapshot], rules: &'a Rules) -> Self {
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
            .filter(|call| call.begun.op == Op::Claim && call.outcome() == Phase::Info)
            .map(|call| call.begun.t_mono_ns)
            .collect();
        let lives = lives(&calls, last);
        Self { history, snapshots, last, rules, lives, calls, unknown_claims, latest, latest_claim }
    }

    /// How many claims nobody knows of may at most have taken a task by this time.
    pub(super) fn unknown_claims_before(&self, life: &Life<'_>, t_mono_ns: u64) -> usize {
        self.unknown_claims.partition_point(|begun| *begun < t_mono_ns) + life.doubtful_claims
    }

    /// Whether a claim may have taken back a lease that expired at this time, up to this moment.
    pub(super) fn may_be_taken_back(&self, expiry: i64, t_mono_ns: u64) -> bool {
        let times = if self.rules.all_told { &self.latest_claim } else { &self.latest };
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

/// Pairs calls with their answers, in the order of the calls.
pub(super) fn calls(history: &History) -> Vec<Call<'_>> {
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut open: HashMap<u32, usize> = HashMap::new();
    for event in history.events() {
        if event.phase == Phase::Invoke {
            open.insert(event.proc, calls.len());
            calls.push(Call { begun: event, ends: Vec::new() });
        } else if let Some(call) = open.get(&event.proc).and_then(|place| calls.get_mut(*place)) {
            call.ends.push(event);
        }
    }
    calls
}

fn lives<'a>(calls: &[Call<'a>], last: Option<&'a Snapshot>) -> BTreeMap<u64, Life<'a>> {
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
                life.claims.push(Given { begun: call.begun, event, uses: Vec::new() });
            } else {
                life.doubtful_claims += 1;
            }
        }
    }
    for life in lives.values_mut() {
        life.claims.sort_by_key(|given| (given.token(), given.event.t_mono_ns));
    }
    for call in calls {
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
