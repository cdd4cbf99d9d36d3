//! Enqueues the tasks of slots.

use std::slice;

use super::row::Stored;
use super::slots;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::ops::enqueue;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Enqueued, Error, Result, TaskId};
use crate::time::{Moment, Timestamp};

/// What became of slots.
#[derive(Debug, Default)]
pub(super) struct Fired {
    /// How many tasks were added.
    pub(super) added: usize,
    /// The last task that was added, or changed as it waits and has the unique key; and its slot.
    pub(super) last: Option<(TaskId, Timestamp)>,
    /// The task that holds the unique key of the last slot, which has none of its own.
    pub(super) holder: Option<TaskId>,
    /// The first slot whose task was refused, and why; those after it were not tried.
    pub(super) refused: Option<(Timestamp, Error)>,
}

impl Writer {
    /// Enqueues the task of a schedule for each of these slots, in their order, until one is refused.
    pub(super) fn enqueue_slots(
        &mut self,
        schedule: &Stored,
        run: &[Timestamp],
        now: Moment,
    ) -> Result<Fired> {
        let mut fired = Fired::default();
        let mut added = Vec::with_capacity(run.len());
        let task = slice::from_ref(&schedule.of.task);
        for slot in run {
            let enqueued = enqueue::enqueue(&self.connection, &mut self.ledger, now, task)
                .map_err(|error| self.failure(error))?
                .and_then(|enqueued| enqueued.first().copied().ok_or_else(Error::unanswered));
            fired.holder = None;
            match enqueued {
                Ok(Enqueued::Inserted(task)) => {
                    fired.last = Some((task, *slot));
                    added.push((task, *slot));
                }
                Ok(Enqueued::Updated(task)) => {
                    fired.last = Some((task, *slot));
                    let moved = slots::set(&self.connection, task, *slot);
                    moved.map_err(|error| self.failure(error))?;
                }
                Ok(Enqueued::Duplicate(task) | Enqueued::Conflict(task)) => {
                    fired.holder = Some(task);
                }
                Err(error) => {
                    fired.refused = Some((*slot, error));
                    break;
                }
            }
        }
        fired.added = added.len();
        if !added.is_empty() {
            slots::add(&self.connection, &added).map_err(|error| self.failure(error))?;
        }
        Ok(fired)
    }

    /// Logs that the task of a slot was refused; of one that waits for room, the first time.
    pub(super) fn log_refused(&self, schedule: &Stored, error: &Error) {
        let (path, name) = (path_of(&self.connection), schedule.of.name.clone());
        let is_full = matches!(error, Error::QueueFull { .. });
        let error = error.to_string();
        match is_full {
            true if schedule.is_held => {}
            true => self.ledger.log.add_on_commit(move || {
                tracing::warn!(
                    path,
                    name = &*name,
                    error,
                    "the queue of a schedule is full: its slot waits for room"
                );
            }),
            false => self.ledger.log.add_on_commit(move || {
                tracing::error!(
                    path,
                    name = &*name,
                    error,
                    "the task of a schedule was refused: its slot has none"
                );
            }),
        }
    }
}
