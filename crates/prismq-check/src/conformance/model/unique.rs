//! The keys of unique tasks.

use prismq::{Enqueued, Order, State, TaskId};

use super::super::subject::{Change, Hold, TaskSpec, UniqueSpec};
use super::task::Task;
use super::{Model, micros};

/// A key of a task type: a text, or a payload.
pub(super) type Key = (String, Option<String>, Option<Vec<u8>>);

/// The task that holds a key, or held it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    task: i64,
    hold: Hold,
    /// When a period ends.
    until: i64,
    payload: Vec<u8>,
}

/// The key of a task.
fn key_of(task: &TaskSpec, unique: &UniqueSpec) -> Key {
    let payload = unique.key.is_none().then(|| task.payload.clone());
    (task.task_type.clone(), unique.key.clone(), payload)
}

impl Model {
    /// What becomes of a task whose key is taken; `None` if it is to be added.
    pub(super) fn instead(&mut self, task: &TaskSpec) -> Option<Enqueued> {
        let unique = task.unique.as_ref()?;
        let key = key_of(task, unique);
        let holder = self.keys.get(&key).filter(|holder| self.holds(holder))?.clone();
        let id = TaskId::from_i64(holder.task);
        let same = holder.payload == task.payload;
        let waits = |held: &&mut Task| matches!(held.state, State::Ready | State::Scheduled);
        let order = self.tasks.get(&holder.task).map(|held| self.order(&held.spec.queue));
        let now = self.monotonic;
        if unique.change != Change::Keep
            && let Some(held) = self.tasks.get_mut(&holder.task).filter(waits)
        {
            held.change(task, unique.change, order.unwrap_or(Order::Priority), now);
            if unique.change == Change::Replace
                && let Some(holder) = self.keys.get_mut(&key)
            {
                holder.payload.clone_from(&task.payload);
            }
            return Some(Enqueued::Updated(id));
        }
        Some(if same { Enqueued::Duplicate(id) } else { Enqueued::Conflict(id) })
    }

    /// How many of these tasks would be added to a queue.
    pub(super) fn additions(&self, tasks: &[TaskSpec], queue: &str) -> usize {
        let mut keys = Vec::new();
        let adds = |task: &&TaskSpec| {
            let Some(unique) = &task.unique else { return true };
            let key = key_of(task, unique);
            let taken =
                keys.contains(&key) || self.keys.get(&key).is_some_and(|holder| self.holds(holder));
            keys.push(key);
            !taken
        };
        // Those of other queues may have the same keys.
        tasks.iter().filter(adds).filter(|task| task.queue == queue).count()
    }

    /// A task that was added takes its key.
    pub(super) fn take_key(&mut self, id: i64, task: &TaskSpec) {
        if let Some(unique) = &task.unique {
            let until = match unique.hold {
                Hold::Period(period) => self.monotonic + micros(period),
                _ => 0,
            };
            let payload = task.payload.clone();
            let holder = Holder { task: id, hold: unique.hold, until, payload };
            self.keys.insert(key_of(task, unique), holder);
        }
    }

    fn holds(&self, holder: &Holder) -> bool {
        let task = self.tasks.get(&holder.task);
        match holder.hold {
            Hold::Period(_) => holder.until > self.monotonic,
            Hold::UntilDone => task.is_some_and(|task| task.state != State::Dead),
            Hold::WhileWaiting => task.is_some_and(|task| {
                task.attempt == 0 && matches!(task.state, State::Ready | State::Scheduled)
            }),
        }
    }
}
