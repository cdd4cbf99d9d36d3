//! Claimed tasks that wait for a worker, in the order of their queue.
//!
//! A task that is claimed later but comes first in the queue's order runs first, so that what is held ahead
//! keeps nothing of higher priority waiting. A suspect waits until its beginning is committed; those behind it
//! go ahead.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::Scheduler;
use crate::model::{Lease, LeaseKey};

/// A claimed task that no worker has begun.
#[derive(Debug)]
pub(crate) struct ReadyTask {
    pub(crate) lease: Lease,
    /// The index of its type in the registry.
    pub(crate) type_index: usize,
    /// When it was claimed.
    since: Instant,
    /// Whether a worker may take it: a suspect only once its beginning is committed.
    pub(super) runnable: bool,
}

/// The tasks, first in the queue's order first.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(super) tasks: VecDeque<ReadyTask>,
    by_type: Vec<usize>,
    /// Whether a worker reads payloads.
    pub(super) reading: bool,
}

impl Ready {
    pub(crate) fn new(types: usize) -> Self {
        Self { tasks: VecDeque::new(), by_type: vec![0; types], reading: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Adds tasks, each with the index of its type.
    pub(crate) fn add(&mut self, leases: impl IntoIterator<Item = (Lease, usize)>, now: Instant) {
        let mut in_order = true;
        for (lease, type_index) in leases {
            in_order &= self.tasks.back().is_none_or(|last| last.lease.place() < lease.place());
            let runnable = !lease.is_suspect();
            self.count(type_index, 1);
            self.tasks.push_back(ReadyTask { lease, type_index, since: now, runnable });
        }
        if !in_order {
            self.tasks.make_contiguous().sort_by_key(|task| task.lease.place());
        }
    }

    /// How many tasks of each type there are.
    pub(crate) fn count_by_type(&self) -> &[usize] {
        &self.by_type
    }

    /// Whether a worker would find something to do after others have taken the first `taken` tasks.
    pub(crate) fn has_work_after(&self, taken: usize) -> bool {
        let unread = |task: &ReadyTask| task.lease.payload.is_unread();
        if self.first().is_some_and(unread) {
            // Payloads are read by one worker for all, and no task is taken before the first.
            return taken == 0 && !self.reading;
        }
        self.tasks.iter().filter(|task| task.runnable).nth(taken).is_some_and(|task| !unread(task))
    }

    /// Takes the first task, unless its payload must be read first.
    pub(crate) fn take(&mut self) -> Option<ReadyTask> {
        let index = self.tasks.iter().position(|task| task.runnable)?;
        if self.tasks.get(index)?.lease.payload.is_unread() {
            return None;
        }
        self.remove(index)
    }

    /// The suspect whose beginning must be committed before it runs, if there is one.
    pub(crate) fn unbegun_suspect(&self) -> Option<LeaseKey> {
        self.tasks.iter().find(|task| !task.runnable).map(|task| task.lease.key)
    }

    /// When the task that was claimed first was claimed.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.tasks.iter().map(|task| task.since).min()
    }

    /// Takes the last task of those claimed at `before` or sooner.
    pub(crate) fn take_last(&mut self, before: Instant) -> Option<ReadyTask> {
        let index = self.tasks.iter().rposition(|task| task.since <= before)?;
        self.remove(index)
    }

    /// Takes this task, if it is here.
    pub(crate) fn take_key(&mut self, key: LeaseKey) -> Option<ReadyTask> {
        let index = self.tasks.iter().position(|task| task.lease.key == key)?;
        self.remove(index)
    }

    /// Takes all tasks.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = ReadyTask> + use<> {
        self.by_type.fill(0);
        std::mem::take(&mut self.tasks).into_iter()
    }

    pub(crate) fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.tasks.iter().map(|task| &task.lease)
    }

    pub(crate) fn leases_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.tasks.iter_mut().map(|task| &mut task.lease)
    }

    /// The task that a worker takes next.
    pub(super) fn first(&self) -> Option<&ReadyTask> {
        self.tasks.iter().find(|task| task.runnable)
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<ReadyTask> {
        let task = self.tasks.remove(index)?;
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
        for task in self.ready.tasks.iter_mut().filter(|task| task.lease.key == key) {
            task.runnable = true;
        }
    }
}
