//! Enqueues the tasks of slots.

use super::row::Stored;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::NewWork;
use crate::engine::postgres::ops::enqueue;
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, Error, Result, TaskId};
use crate::time::Timestamp;

/// Notes for which slots tasks were enqueued.
pub(crate) const SET_SLOTS: &str = "UPDATE prismq.task t SET scheduled_for = k.slot
     FROM unnest($1::bigint[], $2::bigint[]) k (id, slot) WHERE t.id = ANY (ARRAY[k.id])";

/// What became of slots.
#[derive(Debug, Default)]
pub(super) struct Fired {
    /// How many tasks were added.
    pub(super) added: i64,
    /// The last task that was added, or changed as it waits and has the unique key; and its slot.
    pub(super) last: Option<(TaskId, Timestamp)>,
    /// The task that holds the unique key of the last slot, which has none of its own.
    pub(super) holder: Option<TaskId>,
    /// The first slot whose task was refused, and why. Those of the slots after it are the same.
    pub(super) refused: Option<(Timestamp, Error)>,
}

impl Run<'_, '_> {
    /// Enqueues the task of a schedule for each of these slots, in their order.
    pub(super) fn enqueue_slots(
        &mut self,
        schedule: &Stored,
        slots: &[Timestamp],
    ) -> Result<Fired> {
        let mut fired = Fired::default();
        if slots.is_empty() {
            return Ok(fired);
        }
        let enqueue = Operation::Enqueue(vec![schedule.of.task.clone()]);
        self.reserve_ids(slots.len())?;
        let answers = enqueue::enqueue(self, &vec![enqueue; slots.len()])?;
        let (mut tasks, mut times) = (Vec::new(), Vec::new());
        for (slot, answer) in slots.iter().zip(answers) {
            let enqueued = match answer {
                Ok(Answer::Enqueued(enqueued)) => enqueued.first().copied(),
                Ok(_) => None,
                Err(error) => {
                    fired.refused.get_or_insert((*slot, error));
                    continue;
                }
            };
            fired.holder = None;
            match enqueued.ok_or_else(Error::unanswered)? {
                Enqueued::Inserted(task) => {
                    fired.added += 1;
                    fired.last = Some((task, *slot));
                    self.brought.add(self.shared.lanes().work_of(&schedule.of.task));
                }
                Enqueued::Updated(task) => {
                    fired.last = Some((task, *slot));
                    // It may be in another queue.
                    self.brought.add(NewWork::Anywhere);
                }
                Enqueued::Duplicate(task) | Enqueued::Conflict(task) => {
                    fired.holder = Some(task);
                    continue;
                }
            }
            // Of a task that was changed again, the last slot counts.
            if let Some((task, slot)) = fired.last {
                if tasks.last() == Some(&task.as_i64()) {
                    tasks.pop();
                    times.pop();
                }
                tasks.push(task.as_i64());
                times.push(slot.as_micros());
            }
        }
        if !tasks.is_empty() {
            self.execute(SET_SLOTS, &[&tasks, &times])?;
        }
        Ok(fired)
    }

    /// Logs that the task of a slot was refused; of one that waits for room, the first time.
    pub(super) fn log_refused(&mut self, schedule: &Stored, error: &Error) {
        let name = schedule.of.name.clone();
        let is_full = matches!(error, Error::QueueFull { .. });
        let error = error.to_string();
        match is_full {
            true if schedule.is_held => {}
            true => self.log_on_commit(move || {
                tracing::warn!(
                    name = &*name,
                    error,
                    "the queue of a schedule is full: its slot waits for room"
                );
            }),
            false => self.log_on_commit(move || {
                tracing::error!(
                    name = &*name,
                    error,
                    "the task of a schedule was refused: its slot has none"
                );
            }),
        }
    }
}
