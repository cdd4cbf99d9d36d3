//! Limits and keys of the model: what may start, as it is documented.

use std::collections::BTreeMap;

use prismq::State;

use super::super::subject::{BoundsSpec, ClaimSpec, LimitSpec, RateSpec, TaskSpec};
use super::{Model, micros};

/// A limit that is set, and when its rate lets the next task start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Limit {
    pub(super) spec: LimitSpec,
    arrival: i64,
}

/// A key: of which limit, and of which queue if it is ordered or under no limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    limit: Option<String>,
    queue: Option<String>,
    ordered: bool,
    name: String,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct KeyState {
    arrival: i64,
    /// The task of an ordered key that has begun.
    holder: Option<i64>,
    /// How often one of its tasks started.
    turns: u64,
}

/// The limits and keys of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Limits {
    pub(super) by_name: BTreeMap<String, Limit>,
    keys: BTreeMap<Key, KeyState>,
}

impl Key {
    fn of(task: &TaskSpec) -> Option<Self> {
        let in_queue = task.ordered || task.limit.is_none();
        Some(Self {
            limit: task.limit.clone(),
            queue: in_queue.then(|| task.queue.clone()),
            ordered: task.ordered,
            name: task.key.clone()?,
        })
    }
}

impl RateSpec {
    /// Microseconds between two tasks.
    fn interval(self) -> i64 {
        let (period, tasks) = (micros(self.period), i64::from(self.tasks));
        (period + tasks - 1) / tasks
    }

    fn tolerance(self) -> i64 {
        self.interval() * i64::from(self.burst - 1)
    }
}

impl BoundsSpec {
    fn admits(&self, running: usize, arrival: i64, now: i64) -> bool {
        self.concurrency.is_none_or(|most| running < most as usize)
            && self.rate.is_none_or(|rate| arrival - rate.tolerance() <= now)
    }

    fn arrival_after(&self, arrival: i64, now: i64) -> i64 {
        self.rate.map_or(arrival, |rate| arrival.max(now) + rate.interval())
    }

    /// An arrival time of a rate before, as far ahead as this rate can bring it.
    fn cut(&self, arrival: i64, now: i64) -> i64 {
        let latest = |rate: RateSpec| now + rate.interval() + rate.tolerance();
        self.rate.map_or(arrival, |rate| arrival.min(latest(rate)))
    }
}

impl Limits {
    pub(super) fn set(&mut self, name: &str, spec: LimitSpec, now: i64) {
        let limit = self.by_name.entry(name.to_owned()).or_default();
        limit.spec = spec;
        limit.arrival = spec.total.cut(limit.arrival, now);
        for (key, state) in &mut self.keys {
            if key.limit.as_deref() == Some(name) {
                state.arrival = spec.per_key.cut(state.arrival, now);
            }
        }
    }

    /// A task has started.
    fn start(&mut self, id: i64, task: &TaskSpec, now: i64) {
        let mut per_key = BoundsSpec::default();
        if let Some(limit) = task.limit.as_ref().and_then(|name| self.by_name.get_mut(name)) {
            limit.arrival = limit.spec.total.arrival_after(limit.arrival, now);
            per_key = limit.spec.per_key;
        }
        if let Some(key) = Key::of(task) {
            let state = self.keys.entry(key).or_default();
            state.arrival = per_key.arrival_after(state.arrival, now);
            state.turns += 1;
            state.holder = task.ordered.then_some(id);
        }
    }
}

impl Model {
    /// Starts the tasks that a claim is given, in order, and returns their ids.
    pub(super) fn start_for(&mut self, claim: &ClaimSpec) -> Vec<i64> {
        let mut started = Vec::new();
        while started.len() < claim.max
            && let Some(id) = self.next_for(claim)
        {
            let now = self.monotonic;
            if let Some(task) = self.tasks.get_mut(&id) {
                task.state = State::Leased;
                self.limits.start(id, &task.spec, now);
            }
            started.push(id);
        }
        started
    }

    /// The task that a claim is given next: the first of those that may start, where those of a key that has started
    /// fewer go first among the keys of a lane.
    fn next_for(&self, claim: &ClaimSpec) -> Option<i64> {
        let leased = |task: &&super::Task| task.state == State::Leased;
        let of_queue = self.tasks.values().filter(|task| task.spec.queue == claim.queue);
        let running = of_queue.filter(leased).count();
        let concurrency = self.queues.get(&claim.queue).and_then(|queue| queue.concurrency);
        if concurrency.is_some_and(|most| running >= most as usize) {
            return None;
        }
        let may = self.tasks.iter().filter(|(_, task)| task.suits(claim));
        let may: Vec<_> = may.filter(|(id, task)| self.may_start(**id, &task.spec)).collect();
        let turns = |task: &TaskSpec| {
            Key::of(task).and_then(|key| self.limits.keys.get(&key)).map_or(0, |key| key.turns)
        };
        // The first of each lane, of which the one in the queue's order.
        let lane = |task: &TaskSpec| {
            let TaskSpec { task_type, requires, limit, key, ordered, .. } = task.clone();
            (task_type, requires, limit, key.is_some(), ordered)
        };
        let mut firsts = BTreeMap::new();
        for (id, task) in may {
            let place = (turns(&task.spec), task.place, *id);
            let first = firsts.entry(lane(&task.spec)).or_insert(place);
            *first = place.min(*first);
        }
        firsts.into_values().map(|(_, place, id)| (place, id)).min().map(|(_, id)| id)
    }

    fn may_start(&self, id: i64, task: &TaskSpec) -> bool {
        let now = self.monotonic;
        let leased = || self.tasks.values().filter(|task| task.state == State::Leased);
        let mut per_key = BoundsSpec::default();
        if let Some(limit) = task.limit.as_ref().and_then(|name| self.limits.by_name.get(name)) {
            let running = leased().filter(|other| other.spec.limit == task.limit).count();
            if !limit.spec.total.admits(running, limit.arrival, now) {
                return false;
            }
            per_key = limit.spec.per_key;
        }
        let Some(key) = Key::of(task) else { return true };
        let state = self.limits.keys.get(&key).cloned().unwrap_or_default();
        let same_key = |other: &&super::Task| Key::of(&other.spec).as_ref() == Some(&key);
        if !task.ordered {
            return per_key.admits(leased().filter(same_key).count(), state.arrival, now);
        }
        let rate = BoundsSpec { concurrency: None, ..per_key };
        let holder = state.holder.filter(|holder| {
            self.tasks.get(holder).is_some_and(|holder| holder.state != State::Dead)
        });
        let is_next = match holder {
            Some(holder) => holder == id,
            None => {
                let ready = self.tasks.iter().filter(|(_, other)| other.state == State::Ready);
                let of_key = ready.filter(|(_, other)| same_key(other));
                of_key.min_by_key(|(_, other)| other.place).is_some_and(|(first, _)| *first == id)
            }
        };
        is_next && rate.admits(0, state.arrival, now)
    }
}
