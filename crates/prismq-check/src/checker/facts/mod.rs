//! A history as calls, and the trace of each task in them.

mod ends;
mod trace;

use std::collections::{BTreeMap, HashMap};

pub(in crate::checker) use self::ends::cancels;
pub(in crate::checker) use self::trace::{Call, Delivery, TaskTrace};

use crate::audit::Snapshot;
use crate::checker::Rules;
use crate::history::History;
use crate::history::{Event, Op, Phase};

/// A history as calls, and the trace of each task in them.
#[derive(Debug)]
pub(in crate::checker) struct Facts<'a> {
    pub(in crate::checker) history: &'a History,
    pub(in crate::checker) snapshots: &'a [Snapshot],
    /// The last snapshot, if it was taken after all was recorded.
    pub(in crate::checker) last: Option<&'a Snapshot>,
    pub(in crate::checker) rules: &'a Rules,
    pub(in crate::checker) traces: BTreeMap<u64, TaskTrace<'a>>,
    pub(in crate::checker) calls: Vec<Call<'a>>,
    /// The pools there were, each from its start to its end, if that was recorded.
    pub(in crate::checker) pools: Vec<Call<'a>>,
    /// The calls that redrive, and those that delete, the tasks of a type.
    acts: Vec<Call<'a>>,
    /// When claims began whose answer is not completely known, and pools whose end was not recorded: each may have
    /// claimed any task once more than it recorded.
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
        let recorded_until = history.events().last().map_or(0, |event| event.t_mono_ns);
        let last = snapshots.last().filter(|snapshot| snapshot.t_mono_ns >= recorded_until);
        let latest = latest_of(history.events().iter().map(|event| (event.t_mono_ns, event.t_db)));
        let claims = calls.iter().filter(|call| call.begun.op == Op::Claim);
        let latest_claim = latest_of(claims.filter(|call| call.may_have_happened()).map(|call| {
            let known = call.is_ok().then(|| call.ends.iter().map(|end| end.t_db).max()).flatten();
            (call.begun.t_mono_ns, known.unwrap_or(i64::MAX))
        }));
        let unknown_claims = calls
            .iter()
            .filter(|call| matches!(call.begun.op, Op::Claim | Op::RunPool))
            .filter(|call| call.outcome() == Phase::Info)
            .map(|call| call.begun.t_mono_ns)
            .collect();
        let pools = calls.iter().filter(|call| call.begun.op == Op::RunPool).cloned().collect();
        let acts = calls
            .iter()
            .filter(|call| matches!(call.begun.op, Op::Redrive | Op::Delete))
            .cloned()
            .collect();
        let traces = traces(history, &calls, last, rules);
        Self {
            history,
            snapshots,
            last,
            rules,
            traces,
            calls,
            pools,
            acts,
            unknown_claims,
            latest,
            latest_claim,
        }
    }

    /// At most how many unrecorded claims may have taken a task by this time.
    pub(in crate::checker) fn unknown_claims_before(
        &self,
        trace: &TaskTrace<'_>,
        t_mono_ns: u64,
    ) -> usize {
        self.unknown_claims.partition_point(|begun| *begun < t_mono_ns) + trace.lost_claims
    }

    /// Whether a pool, whose claims are not recorded, was started before this time.
    pub(in crate::checker) fn has_pool_before(&self, t_mono_ns: u64) -> bool {
        self.pools.iter().any(|pool| pool.begun.t_mono_ns < t_mono_ns)
    }

    /// Whether a claim may have taken back a lease that expired at this time, up to this moment.
    pub(in crate::checker) fn may_be_taken_back(&self, expiry: i64, t_mono_ns: u64) -> bool {
        // The claims of a pool are not recorded.
        let complete_history = self.rules.complete_history && self.pools.is_empty();
        let times = if complete_history { &self.latest_claim } else { &self.latest };
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

/// What a client does one at a time: the handlers of a pool run, and their results are settled, in parallel.
type Thread = (u32, Option<(Op, Option<i64>, Option<i64>)>);

fn thread(event: &Event) -> Thread {
    let of_lease = match event.op {
        Op::Enqueue | Op::Claim => None,
        Op::RunPool => Some((event.op, None, None)),
        _ => Some((event.op, event.task, event.token)),
    };
    (event.client_id, of_lease)
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

fn traces<'a>(
    history: &'a History,
    calls: &[Call<'a>],
    last: Option<&'a Snapshot>,
    rules: &Rules,
) -> BTreeMap<u64, TaskTrace<'a>> {
    let mut traces: BTreeMap<u64, TaskTrace<'a>> = BTreeMap::new();
    let of_op = |op| calls.iter().filter(move |call| call.begun.op == op);
    for call in of_op(Op::Enqueue) {
        if let Some(key) = call.begun.key {
            traces.entry(key).or_default().enqueue = Some(call.clone());
        }
    }
    for call in of_op(Op::Claim) {
        for event in call.ends.iter().filter(|event| event.phase == Phase::Ok) {
            let Some(key) = event.key else {
                continue;
            };
            let begun_ns = call.begun.t_mono_ns;
            let claimed = Delivery {
                begun_ns,
                event,
                given_by: given_by(call, event, rules),
                ended_ns: u64::MAX,
                uses: Vec::new(),
            };
            traces.entry(key).or_default().claims.push(claimed);
        }
    }
    let starts = of_op(Op::RunPool).map(|call| (call.begun.client_id, call.begun.t_mono_ns));
    let starts: HashMap<u32, u64> = starts.collect();
    for call in of_op(Op::RunHandler) {
        if let Some(key) = call.begun.key {
            let begun_ns = starts.get(&call.begun.client_id).copied().unwrap_or(0);
            let given = Delivery {
                begun_ns,
                event: call.begun,
                given_by: call.begun.t_db,
                ended_ns: call.ended_ns(),
                uses: Vec::new(),
            };
            traces.entry(key).or_default().claims.push(given);
        }
    }
    lost_by_pools(history, &mut traces);
    for trace in traces.values_mut() {
        trace.claims.sort_by_key(|given| (given.token(), given.event.t_mono_ns));
    }
    for call in of_op(Op::Cancel) {
        if let Some(key) = call.begun.key {
            traces.entry(key).or_default().cancels.push(call.clone());
        }
    }
    for call in calls.iter().filter(|call| call.begun.op != Op::RunHandler) {
        let (Some(key), Some(token)) = (call.begun.key, call.begun.token) else {
            continue;
        };
        let trace = traces.entry(key).or_default();
        match trace.claims.iter_mut().find(|given| given.token() == token) {
            Some(given) => given.uses.push(call.clone()),
            None => trace.unmatched.push(call.clone()),
        }
    }
    for stored in last.into_iter().flat_map(|snapshot| &snapshot.tasks) {
        if let Some(key) = stored.key {
            traces.entry(key).or_default().stored = Some(stored);
        }
    }
    traces
}

/// By when a claim gave a task at the latest, by the queue's clock.
fn given_by(claim: &Call<'_>, answer: &Event, rules: &Rules) -> i64 {
    if !rules.claims_read_time_first {
        return answer.t_db;
    }
    let micros = answer.t_mono_ns.saturating_sub(claim.begun.t_mono_ns).div_ceil(1000);
    let answered = claim.begun.t_db.saturating_add_unsigned(micros);
    answered.max(answer.t_db)
}

/// Adds the claims that pools lost before they ran the task. Of these, only the id is recorded.
fn lost_by_pools(history: &History, traces: &mut BTreeMap<u64, TaskTrace<'_>>) {
    let lost = |event: &&Event| event.op == Op::RunHandler && event.phase == Phase::Info;
    let mut lost_of: HashMap<i64, usize> = HashMap::new();
    for id in history.events().iter().filter(lost).filter_map(|event| event.task) {
        *lost_of.entry(id).or_default() += 1;
    }
    for trace in traces.values_mut().filter(|_| !lost_of.is_empty()) {
        let enqueued = trace.enqueue.as_ref().filter(|call| call.is_ok());
        let enqueued = enqueued.and_then(|call| call.end()?.task);
        let given = trace.claims.iter().find_map(|given| given.event.task);
        let lost = enqueued.or(given).and_then(|id| lost_of.get(&id));
        trace.lost_claims += lost.copied().unwrap_or(0);
    }
}
