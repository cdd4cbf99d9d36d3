//! The queues that the pool serves: which comes next, and how many tasks of each may begin.
//!
//! In strict order, the first that has a task comes next. By share, the queues take turns (start-time fair queueing:
//! Goyal, Vin and Cheng, 1996, with tasks of equal cost): each task that begins moves the turn of its queue on by a step,
//! the shorter the larger its share, and the queue with the earliest turn comes next. A queue that had no task, or as
//! many running as it may, joins with the present turn, so that it cannot save up turns.

use std::sync::Arc;

use super::Scheduler;
use crate::model::Lease;
use crate::pool::event::{Outcome, PoolQueueStats};
use crate::pool::queues::ServedQueue;

/// The step of a queue whose share is 1: a multiple of many shares, and small enough to be added for ever.
const STEP: u64 = 1 << 20;

/// The queues, by the order in which they are served.
#[derive(Debug)]
pub(crate) struct Queues {
    queues: Vec<State>,
    by_share: bool,
    /// The turn of the task that last began.
    present: u64,
}

#[derive(Debug)]
struct State {
    name: Arc<str>,
    /// How many tasks may run at once.
    at_most: usize,
    running: usize,
    /// By how much a task moves its turn on; 0 in strict order.
    step: u64,
    turn: u64,
    stats: PoolQueueStats,
}

impl Queues {
    pub(crate) fn new(served: Vec<ServedQueue>) -> Self {
        let by_share = served.iter().any(|queue| queue.share.is_some());
        let state = |ServedQueue { name, share, at_most }| State {
            stats: PoolQueueStats::of(&name),
            name,
            at_most: at_most.unwrap_or(usize::MAX),
            running: 0,
            step: share.map_or(0, |share| STEP / u64::from(share.max(1))),
            turn: 0,
        };
        Self { queues: served.into_iter().map(state).collect(), by_share, present: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.queues.len()
    }

    /// The place of a queue.
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        self.queues.iter().position(|queue| *queue.name == *name)
    }

    /// The place of a task's queue.
    pub(crate) fn of(&self, lease: &Lease) -> usize {
        self.place_of(&lease.queue).unwrap_or_default()
    }

    pub(crate) const fn are_by_share(&self) -> bool {
        self.by_share
    }

    /// Whether fewer of its tasks may run at once than the pool has workers, perhaps.
    pub(crate) fn is_bounded(&self, queue: usize) -> bool {
        self.queues.get(queue).is_some_and(|queue| queue.at_most < usize::MAX)
    }

    /// How many more tasks of a queue may begin.
    pub(crate) fn room(&self, queue: usize) -> usize {
        self.queues.get(queue).map_or(0, |queue| queue.at_most.saturating_sub(queue.running))
    }

    /// How many more tasks of all queues may begin.
    pub(crate) fn room_of_all(&self) -> usize {
        (0..self.len()).map(|queue| self.room(queue)).fold(0, usize::saturating_add)
    }

    /// Which of these queues comes next.
    pub(crate) fn first(&self, mut among: impl Iterator<Item = usize>) -> Option<usize> {
        if self.by_share {
            among.min_by_key(|queue| self.queues.get(*queue).map(|queue| queue.turn))
        } else {
            among.next()
        }
    }

    /// The turn of a queue after the tasks of it that are ready; without any, it joins now.
    pub(crate) fn turn_after(&self, queue: usize, ready: usize) -> u64 {
        let Some(state) = self.queues.get(queue) else { return u64::MAX };
        match ready {
            0 => state.turn.max(self.present),
            ready => state.turn + state.step * ready as u64,
        }
    }

    /// By how much a task moves the turn of a queue on.
    pub(crate) fn step(&self, queue: usize) -> u64 {
        self.queues.get(queue).map_or(0, |queue| queue.step)
    }

    /// A queue that could begin no task can begin one.
    pub(crate) fn joins(&mut self, queue: usize) {
        let present = self.present;
        if let Some(state) = self.queues.get_mut(queue) {
            state.turn = state.turn.max(present);
        }
    }

    /// A worker begins a task of a queue.
    pub(crate) fn begun(&mut self, queue: usize) {
        if let Some(state) = self.queues.get_mut(queue) {
            state.running += 1;
            self.present = state.turn;
            state.turn += state.step;
        }
    }

    /// A worker has ended a task of a queue.
    pub(crate) fn ended(&mut self, queue: usize) {
        let was_full = self.room(queue) == 0;
        if let Some(state) = self.queues.get_mut(queue) {
            state.running = state.running.saturating_sub(1);
        }
        if was_full {
            self.joins(queue);
        }
    }
}

impl Scheduler {
    /// Counts the outcome of an attempt at a task of this queue.
    pub(crate) fn count(&mut self, queue: &str, outcome: Outcome) {
        self.stats.count(outcome);
        let mut queues = self.queues.queues.iter_mut();
        if let Some(state) = queues.find(|state| *state.name == *queue) {
            state.stats.count(outcome);
        }
    }

    /// What the pool has done of each queue, and holds now.
    pub(super) fn queue_stats(&self) -> Vec<PoolQueueStats> {
        let of = |(queue, state): (usize, &State)| PoolQueueStats {
            ready: self.ready.len_of(queue),
            running: state.running,
            ..state.stats.clone()
        };
        self.queues.queues.iter().enumerate().map(of).collect()
    }

    /// The place of the queue of this name, if the pool serves it.
    pub(in crate::pool) fn place_of_queue(&self, name: &str) -> Option<usize> {
        self.queues.place_of(name)
    }
}
