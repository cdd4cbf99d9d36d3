//! Claimed tasks that no worker has begun, in the order of their queue.
//!
//! A task that is claimed later but comes first in the queue's order runs first, so that what is held
//! keeps nothing of higher priority waiting. Payloads stored out of line are read by the workers, as many
//! at a time as [`READ_BYTES_MAX`] allows, since a read costs no commit.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::claim::handler_time::HandlerTimes;
use crate::model::limits::{PAYLOAD_BYTES_INLINE_MAX, READ_BYTES_MAX};
use crate::model::{Lease, LeaseKey, Payload, Result};

/// A claimed task.
#[derive(Debug)]
pub(in crate::pool) struct Held {
    pub(in crate::pool) lease: Lease,
    /// Its type's place in the registry.
    pub(in crate::pool) task_type: usize,
    since: Instant,
    /// Whether it may run: a suspect only once its beginning is noted in the file.
    runnable: bool,
}

/// Payloads as they were read, in the order they were asked for.
pub(in crate::pool) type Read = Vec<(LeaseKey, Result<Payload>)>;

/// The tasks held.
#[derive(Debug)]
pub(in crate::pool) struct Ready {
    tasks: VecDeque<Held>,
    by_type: Vec<usize>,
    reading: bool,
}

impl Ready {
    pub(in crate::pool) fn new(types: usize) -> Self {
        Self { tasks: VecDeque::new(), by_type: vec![0; types], reading: false }
    }

    pub(in crate::pool) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Adds tasks, each with its type's place in the registry.
    pub(in crate::pool) fn add(
        &mut self,
        leases: impl IntoIterator<Item = (Lease, usize)>,
        now: Instant,
    ) {
        let mut in_order = true;
        for (lease, task_type) in leases {
            in_order &= self.tasks.back().is_none_or(|last| last.lease.place() < lease.place());
            let runnable = !lease.is_suspect();
            self.count(task_type, 1);
            self.tasks.push_back(Held { lease, task_type, since: now, runnable });
        }
        if !in_order {
            self.tasks.make_contiguous().sort_by_key(|held| held.lease.place());
        }
    }

    /// How long the held tasks are expected to take, all together. A type of which nothing is known
    /// takes as long as the others.
    pub(in crate::pool) fn expected(&self, times: &HandlerTimes) -> Duration {
        let mean = times.mean().unwrap_or_default();
        let of_type = |(task_type, count): (usize, &usize)| {
            let each = times.mean_of(task_type).unwrap_or(mean);
            each.saturating_mul(u32::try_from(*count).unwrap_or(u32::MAX))
        };
        self.by_type.iter().enumerate().map(of_type).fold(Duration::ZERO, Duration::saturating_add)
    }

    /// Whether a worker would find something to do after others have taken the first so many tasks.
    pub(in crate::pool) fn has_work_after(&self, taken: usize) -> bool {
        let unread = |held: &Held| held.lease.payload.is_unread();
        if self.first().is_some_and(unread) {
            // Payloads are read by one worker for all, and no task is taken before the first.
            return taken == 0 && !self.reading;
        }
        self.tasks.iter().filter(|held| held.runnable).nth(taken).is_some_and(|held| !unread(held))
    }

    /// Takes the first task that may run, unless its payload is yet to be read.
    pub(in crate::pool) fn take(&mut self) -> Option<Held> {
        let place = self.tasks.iter().position(|held| held.runnable)?;
        if self.tasks.get(place)?.lease.payload.is_unread() {
            return None;
        }
        self.remove(place)
    }

    /// The payloads to read next: no more than can fit, as each is larger than one that is kept in its
    /// task's row. `None` while somebody reads, or if there is nothing to read.
    pub(in crate::pool) fn begin_read(&mut self) -> Option<Vec<LeaseKey>> {
        if self.reading || !self.first()?.lease.payload.is_unread() {
            return None;
        }
        self.reading = true;
        let most = READ_BYTES_MAX / PAYLOAD_BYTES_INLINE_MAX;
        let unread = self.tasks.iter().filter(|held| held.runnable);
        let unread = unread.take_while(|held| held.lease.payload.is_unread());
        Some(unread.take(most).map(|held| held.lease.key).collect())
    }

    /// Takes in the payloads that were read, and gives the tasks whose payloads could not be. A task
    /// that is no longer held was lost or given back meanwhile.
    pub(in crate::pool) fn end_read(&mut self, read: Read) -> Vec<(Held, crate::model::Error)> {
        self.reading = false;
        let mut failed = Vec::new();
        for (key, payload) in read {
            let Some(place) = self.tasks.iter().position(|held| held.lease.key == key) else {
                continue;
            };
            match payload {
                Ok(payload) => {
                    if let Some(held) = self.tasks.get_mut(place) {
                        held.lease.payload = payload;
                    }
                }
                Err(error) => failed.extend(self.remove(place).map(|held| (held, error))),
            }
        }
        failed
    }

    /// The suspect whose beginning is yet to be noted, if one is held.
    pub(in crate::pool) fn unbegun_suspect(&self) -> Option<LeaseKey> {
        self.tasks.iter().find(|held| !held.runnable).map(|held| held.lease.key)
    }

    /// The beginning of a suspect is noted: it may run.
    pub(in crate::pool) fn begun(&mut self, key: LeaseKey) {
        for held in self.tasks.iter_mut().filter(|held| held.lease.key == key) {
            held.runnable = true;
        }
    }

    /// When the task that was claimed first was claimed.
    pub(in crate::pool) fn oldest(&self) -> Option<Instant> {
        self.tasks.iter().map(|held| held.since).min()
    }

    /// Takes the last task of those held since `before` or longer.
    pub(in crate::pool) fn take_last(&mut self, before: Instant) -> Option<Held> {
        let place = self.tasks.iter().rposition(|held| held.since <= before)?;
        self.remove(place)
    }

    /// Takes this task, if it is held.
    pub(in crate::pool) fn take_key(&mut self, key: LeaseKey) -> Option<Held> {
        let place = self.tasks.iter().position(|held| held.lease.key == key)?;
        self.remove(place)
    }

    /// Takes all tasks.
    pub(in crate::pool) fn take_all(&mut self) -> impl Iterator<Item = Held> + use<> {
        self.by_type.fill(0);
        std::mem::take(&mut self.tasks).into_iter()
    }

    pub(in crate::pool) fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.tasks.iter().map(|held| &held.lease)
    }

    pub(in crate::pool) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.tasks.iter_mut().map(|held| &mut held.lease)
    }

    fn first(&self) -> Option<&Held> {
        self.tasks.iter().find(|held| held.runnable)
    }

    fn remove(&mut self, place: usize) -> Option<Held> {
        let held = self.tasks.remove(place)?;
        self.count(held.task_type, -1);
        Some(held)
    }

    fn count(&mut self, task_type: usize, by: isize) {
        if let Some(count) = self.by_type.get_mut(task_type) {
            *count = count.saturating_add_signed(by);
        }
    }
}
