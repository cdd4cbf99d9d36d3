//! Who waits for which tasks to end.
//!
//! A commit that ends a task wakes those who wait for it, and nobody else; it costs one look at a counter while nobody
//! waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Answer, Operation};
use crate::model::{Result, State, TaskId};
use crate::time::Signal;

/// The waiting threads.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    waiting: Mutex<HashMap<TaskId, Vec<Arc<Signal>>>>,
    /// How many wait: read by every commit.
    count: AtomicUsize,
}

/// One that waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    endings: &'a Endings,
    id: TaskId,
    /// Raised when the task may have ended.
    pub(crate) signal: Arc<Signal>,
}

impl Endings {
    /// Begins to wait for the end of a task.
    pub(crate) fn wait_for(&self, id: TaskId) -> Waiting<'_> {
        let signal = Arc::new(Signal::default());
        self.waiting().entry(id).or_default().push(signal.clone());
        self.count.fetch_add(1, Ordering::SeqCst);
        Waiting { endings: self, id, signal }
    }

    /// Whether anyone waits.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// The tasks that are waited for.
    pub(crate) fn tasks(&self) -> Vec<TaskId> {
        self.waiting().keys().copied().collect()
    }

    /// Wakes those who wait for this task.
    pub(crate) fn ended(&self, id: TaskId) {
        for signal in self.waiting().get(&id).into_iter().flatten() {
            signal.raise();
        }
    }

    /// Wakes those who wait for tasks that these operations ended.
    pub(super) fn committed(&self, operations: &[Operation], answers: &[Result<Answer>]) {
        if !self.any() {
            return;
        }
        for (operation, answer) in operations.iter().zip(answers) {
            let key = operation.key();
            match (operation, answer) {
                (Operation::Cancel(targets) | Operation::Delete(targets), Ok(_)) => {
                    targets.tasks.iter().for_each(|target| self.ended(target.id));
                }
                (
                    _,
                    Ok(
                        Answer::Completed
                        | Answer::Failed(State::Dead | State::Cancelled)
                        | Answer::Cancelled(_),
                    ),
                ) => key.into_iter().for_each(|key| self.ended(key.id)),
                _ => {}
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<Arc<Signal>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.endings.waiting();
        if let Some(signals) = waiting.get_mut(&self.id) {
            signals.retain(|signal| !Arc::ptr_eq(signal, &self.signal));
            if signals.is_empty() {
                waiting.remove(&self.id);
            }
        }
        self.endings.count.fetch_sub(1, Ordering::SeqCst);
    }
}
