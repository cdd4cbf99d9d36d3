//! Claimed tasks that wait for a worker, those of each queue in its order.
//!
//! A task that is claimed later but comes first in its queue's order runs first, so that what is held ahead
//! keeps nothing of higher priority waiting. A suspect waits until its beginning is committed; those behind it
//! go ahead. Which queue comes next is decided by [`Queues`].

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Instant;

use super::super::Scheduler;
use super::super::queues::Queues;
use crate::model::{Lease, LeaseKey};

/// A claimed task that no worker has begun.
#[derive(Debug)]
pub(crate) struct ReadyTask {
    pub(crate) lease: Lease,
    /// The place of its queue among those that the pool serves.
    pub(crate) queue: usize,
    /// The index of its type in the registry.
    pub(crate) type_index: usize,
    /// When it was claimed.
    since: Instant,
    /// Whether a worker may take it: a suspect only once its beginning is committed.
    pub(super) runnable: bool,
}

impl ReadyTask {
    pub(super) fn is_unread(&self) -> bool {
        self.lease.payload.is_unread()
    }
}

/// The tasks of each queue, first in its order first.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(super) queues: Vec<VecDeque<ReadyTask>>,
    by_type: Vec<usize>,
    /// Whether a worker reads payloads.
    pub(super) reading: bool,
}

/// Where a task stands: its queue, and its place there.
pub(super) type Place = (usize, usize);

impl Ready {
    pub(crate) fn new(types: usize, queues: usize) -> Self {
        let queues = (0..queues).map(|_| VecDeque::new()).collect();
        Self { queues, by_type: vec![0; types], reading: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// How many tasks of a queue there are.
    pub(crate) fn len_of(&self, queue: usize) -> usize {
        self.queues.get(queue).map_or(0, VecDeque::len)
    }

    /// How many tasks may begin: of each queue, no more than it lets run.
    pub(crate) fn startable(&self, queues: &Queues) -> usize {
        let startable = |(queue, tasks): (usize, &VecDeque<_>)| tasks.len().min(queues.room(queue));
        self.queues.iter().enumerate().map(startable).sum()
    }

    /// Adds tasks, each with the index of its type.
    pub(crate) fn add(
        &mut self,
        leases: impl IntoIterator<Item = (Lease, usize)>,
        queues: &mut Queues,
        now: Instant,
    ) {
        let mut in_order = true;
        for (lease, type_index) in leases {
            let queue = queues.of(&lease);
            self.count(type_index, 1);
            let Some(tasks) = self.queues.get_mut(queue) else { continue };
            if tasks.is_empty() {
                queues.joins(queue);
            }
            in_order &= tasks.back().is_none_or(|last| last.lease.place() < lease.place());
            let runnable = !lease.is_suspect();
            tasks.push_back(ReadyTask { lease, queue, type_index, since: now, runnable });
        }
        if !in_order {
            for tasks in &mut self.queues {
                tasks.make_contiguous().sort_by_key(|task| task.lease.place());
            }
        }
    }

    /// How many tasks of each type there are.
    pub(crate) fn count_by_type(&self) -> &[usize] {
        &self.by_type
    }

    /// Whether a worker would find something to do after others have taken the first `taken` tasks.
    pub(crate) fn has_work_after(&self, taken: usize, queues: &Queues) -> bool {
        match self.first(queues) {
            None => return false,
            // Payloads are read by one worker for all, and no task of a queue is taken before its first.
            Some(first) if first.is_unread() => return taken == 0,
            Some(_) => {}
        }
        let readable = |(queue, tasks): (usize, &VecDeque<ReadyTask>)| {
            let startable = tasks.iter().filter(|task| task.runnable).take(queues.room(queue));
            startable.take_while(|task| !task.is_unread()).take(taken + 1).count()
        };
        self.queues.iter().enumerate().map(readable).sum::<usize>() > taken
    }

    /// Takes the task that comes next, unless its payload must be read first.
    pub(crate) fn take(&mut self, queues: &Queues) -> Option<ReadyTask> {
        let queue = self.next_queue(queues)?;
        let index = self.queues.get(queue)?.iter().position(|task| task.runnable)?;
        if self.queues.get(queue)?.get(index)?.is_unread() {
            return None;
        }
        self.remove((queue, index))
    }

    /// The suspect whose beginning must be committed before it runs, if there is one.
    pub(crate) fn unbegun_suspect(&self) -> Option<LeaseKey> {
        self.iter().find(|task| !task.runnable).map(|task| task.lease.key)
    }

    /// When the task that was claimed first was claimed.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.iter().map(|task| task.since).min()
    }

    /// Takes the task that would begin last of those claimed at `before` or sooner.
    pub(crate) fn take_last(&mut self, queues: &Queues, before: Instant) -> Option<ReadyTask> {
        let last_of = |queue: usize| Some((queue, self.last_of(queue, before)?));
        let places = (0..self.queues.len()).rev().filter_map(last_of);
        let place = if queues.are_by_share() {
            places.min_by_key(|(queue, _)| Reverse(queues.turn_after(*queue, self.len_of(*queue))))
        } else {
            { places }.next()
        };
        self.remove(place?)
    }

    /// Takes the last task of a queue of those claimed at `before` or sooner.
    pub(crate) fn take_last_of(&mut self, queue: usize, before: Instant) -> Option<ReadyTask> {
        self.remove((queue, self.last_of(queue, before)?))
    }

    fn last_of(&self, queue: usize, before: Instant) -> Option<usize> {
        self.queues.get(queue)?.iter().rposition(|task| task.since <= before)
    }

    /// Takes this task, if it is here.
    pub(crate) fn take_key(&mut self, key: LeaseKey) -> Option<ReadyTask> {
        self.remove(self.place_of(key)?)
    }

    /// Takes all tasks of a queue.
    pub(crate) fn take_queue(&mut self, queue: usize) -> VecDeque<ReadyTask> {
        let taken = self.queues.get_mut(queue).map(std::mem::take).unwrap_or_default();
        taken.iter().for_each(|task| self.count(task.type_index, -1));
        taken
    }

    pub(crate) fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.iter().map(|task| &task.lease)
    }

    pub(crate) fn leases_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.queues.iter_mut().flatten().map(|task| &mut task.lease)
    }

    /// The tasks of a queue.
    pub(crate) fn of(&self, queue: usize) -> impl Iterator<Item = &ReadyTask> {
        self.queues.get(queue).into_iter().flatten()
    }

    /// All tasks, in the order of their queues.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ReadyTask> {
        self.queues.iter().flatten()
    }

    /// The queue whose task a worker takes next, or reads the payload of. While another worker reads payloads, those
    /// whose first task waits for that let others go ahead.
    pub(super) fn next_queue(&self, queues: &Queues) -> Option<usize> {
        let is_open = |queue: &usize| {
            let first = self.of(*queue).find(|task| task.runnable);
            queues.room(*queue) > 0 && first.is_some_and(|task| !(self.reading && task.is_unread()))
        };
        queues.first((0..self.queues.len()).filter(is_open))
    }

    /// The task that a worker takes next, or reads the payload of.
    fn first(&self, queues: &Queues) -> Option<&ReadyTask> {
        self.of(self.next_queue(queues)?).find(|task| task.runnable)
    }

    pub(super) fn place_of(&self, key: LeaseKey) -> Option<Place> {
        let index_in = |(queue, tasks): (usize, &VecDeque<ReadyTask>)| {
            Some((queue, tasks.iter().position(|task| task.lease.key == key)?))
        };
        self.queues.iter().enumerate().find_map(index_in)
    }

    pub(super) fn get_mut(&mut self, (queue, index): Place) -> Option<&mut ReadyTask> {
        self.queues.get_mut(queue)?.get_mut(index)
    }

    pub(super) fn remove(&mut self, (queue, index): Place) -> Option<ReadyTask> {
        let task = self.queues.get_mut(queue)?.remove(index)?;
        self.count(task.type_index, -1);
        Some(task)
    }

    fn count(&mut self, type_index: usize, by: isize) {
        if let Some(count) = self.by_type.get_mut(type_index) {
            *count = count.saturating_add_signed(by);
        }
    }
}

impl Scheduler {
    /// The beginning of a suspect is committed: it may run.
    pub(in crate::pool) fn begin_committed(&mut self, key: LeaseKey) {
        if let Some(task) = self.ready.place_of(key).and_then(|place| self.ready.get_mut(place)) {
            task.runnable = true;
        }
    }
}
