//! A queue as one would describe it: the whole of it in memory, one request at a time.
//!
//! Tokens, attempts, orders and counters are as documented; only the order called weighted random is not drawn: its
//! ready tasks are given in order of their ids, which is one of the orders it allows.

mod bounds;
mod engine;
mod limits;
mod schedule;
mod task;
mod unique;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use prismq::{Order, RetryPolicy, State};

use self::limits::Limits;
use self::schedule::Schedule;
use self::task::Task;
use self::unique::{Holder, Key};
use super::subject::{Claimed, FilterSpec, Refusal};

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What the wall clock shows, in microseconds.
    now: i64,
    /// The time of leases and delays: as the wall clock, but never set back.
    monotonic: i64,
    next_id: i64,
    tasks: BTreeMap<i64, Task>,
    queues: BTreeMap<String, Queue>,
    /// Who holds the keys of unique tasks.
    keys: BTreeMap<Key, Holder>,
    /// The retry policies of task types.
    policies: BTreeMap<String, RetryPolicy>,
    limits: Limits,
    schedules: BTreeMap<String, Schedule>,
}

/// A queue's settings, its kept tasks and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Queue {
    order: Order,
    paused: bool,
    keep: u32,
    concurrency: Option<u32>,
    /// Completed tasks that are kept, in the order of their completion.
    kept: VecDeque<(i64, Task)>,
    enqueued: u64,
    completed: u64,
    failed: u64,
    reclaimed: u64,
    expired: u64,
    cancelled: u64,
    deleted: u64,
    depth_limit: Option<u32>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            order: Order::Priority,
            paused: false,
            keep: 0,
            concurrency: None,
            kept: VecDeque::new(),
            enqueued: 0,
            completed: 0,
            failed: 0,
            reclaimed: 0,
            expired: 0,
            cancelled: 0,
            deleted: 0,
            depth_limit: None,
        }
    }
}

impl Queue {
    /// Drops the kept tasks that were completed first, until as many are left as the queue keeps.
    fn trim(&mut self) {
        while self.kept.len() > self.keep as usize {
            self.kept.pop_front();
        }
    }
}

impl Model {
    /// An empty queue at this time of the wall clock, in microseconds.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            monotonic: now,
            next_id: 1,
            tasks: BTreeMap::new(),
            queues: BTreeMap::new(),
            keys: BTreeMap::new(),
            policies: BTreeMap::new(),
            limits: Limits::default(),
            schedules: BTreeMap::new(),
        }
    }

    /// The order of a queue.
    #[must_use]
    pub fn order(&self, queue: &str) -> Order {
        self.queues.get(queue).map_or(Order::Priority, |queue| queue.order)
    }

    /// The ids of the tasks that are stored, those that are kept as completed among them.
    #[must_use]
    pub fn stored(&self) -> Vec<i64> {
        let kept = self.queues.values().flat_map(|queue| queue.kept.iter().map(|(id, _)| *id));
        let mut ids: Vec<i64> = self.tasks.keys().copied().chain(kept).collect();
        ids.sort_unstable();
        ids
    }

    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.entry(name.to_owned()).or_default()
    }

    /// What a claim does first: schedules fire, tasks that have not started in time are dead, delayed tasks that are due
    /// become ready, expired leases are taken back.
    fn advance(&mut self) {
        self.fire();
        let mut cancelled = Vec::new();
        for (id, task) in &mut self.tasks {
            if task.is_late(self.monotonic) {
                task.state = State::Dead;
                task.run_at = self.monotonic;
                task.error = Some("expired".to_owned());
                self.queues.entry(task.spec.queue.clone()).or_default().expired += 1;
            } else if task.state == State::Scheduled && task.run_at <= self.monotonic {
                task.state = State::Ready;
            } else if task.state == State::Leased && task.expires_at <= self.monotonic {
                let left = task.attempt < task.spec.max_attempts;
                task.state = if left { State::Ready } else { State::Dead };
                if !left {
                    // When it died.
                    task.run_at = self.monotonic;
                }
                task.error = Some("the lease expired".to_owned());
                task.record(None);
                self.queues.entry(task.spec.queue.clone()).or_default().reclaimed += 1;
                cancelled.extend(task.cancel.then_some(*id));
            }
        }
        for id in cancelled {
            self.end_cancelled(id);
        }
    }

    /// Ends a task as cancelled. None is kept.
    fn end_cancelled(&mut self, id: i64) {
        if let Some(task) = self.tasks.remove(&id) {
            self.queue(&task.spec.queue).cancelled += 1;
        }
    }

    /// Whether a filter means a task.
    fn means(&self, filter: &FilterSpec, task: &Task) -> bool {
        let ended_at = match task.state {
            State::Dead => self.monotonic - task.run_at,
            State::Completed => self.now - task.completed_at,
            _ => self.now - task.enqueued_at,
        };
        let contains =
            |part: &String| task.error.as_ref().is_some_and(|error| error.contains(part));
        filter.queue.as_ref().is_none_or(|queue| *queue == task.spec.queue)
            && (filter.types.is_empty() || filter.types.contains(&task.spec.task_type))
            && (filter.states.is_empty() || filter.states.contains(&task.state))
            && filter.older_than.is_none_or(|age| ended_at >= micros(age))
            && filter.error_contains.as_ref().is_none_or(contains)
    }

    /// The task that this lease holds: expired or not, until a claim takes it back.
    fn held(&mut self, lease: &Claimed) -> Result<&mut Task, Refusal> {
        let held = |task: &&mut Task| task.state == State::Leased && task.token == lease.token;
        self.tasks.get_mut(&lease.task).filter(held).ok_or(Refusal::LeaseLost)
    }

    /// A monotonic time as the wall clock is set now.
    const fn shown(&self, monotonic: i64) -> i64 {
        monotonic + self.now - self.monotonic
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
