//! Who waits for which tasks to end.
//!
//! A commit that ends a task wakes those who wait for it, and nobody else; it costs one look at a counter while nobody
//! waits.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::engine::{Answer, Operation};
use crate::model::{Result, State, TaskId};
use crate::time::Signal;

/// The waiting threads and futures.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    waiting: Mutex<HashMap<TaskId, Vec<Arc<Bell>>>>,
    /// How many wait: read by every commit.
    count: AtomicUsize,
}

/// One that waits, until it is dropped. It reads the [count](Waiting::count), looks whether the task has ended, and waits
/// for the count to rise, so that an end in between is not missed.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    endings: &'a Endings,
    id: TaskId,
    bell: Arc<Bell>,
}

/// Rung when a task may have ended.
#[derive(Debug, Default)]
struct Bell {
    /// What a thread waits for.
    signal: Signal,
    /// A future that waits.
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    /// Wakes a thread. The waker is to be woken where no lock is held.
    #[must_use]
    fn ring(&self) -> Option<Waker> {
        self.signal.raise();
        self.waker().take()
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endings {
    /// Begins to wait for the end of a task.
    pub(crate) fn wait_for(&self, id: TaskId) -> Waiting<'_> {
        let bell = Arc::<Bell>::default();
        self.waiting().entry(id).or_default().push(bell.clone());
        self.count.fetch_add(1, Ordering::SeqCst);
        Waiting { endings: self, id, bell }
    }

    /// Whether anyone waits.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// The tasks that are waited for.
    pub(crate) fn tasks(&self) -> Vec<TaskId> {
        self.waiting().keys().copied().collect()
    }

    /// Wakes the threads that wait for this task; the futures are to be woken where no lock is held.
    #[must_use]
    pub(crate) fn ended(&self, id: TaskId) -> Vec<Waker> {
        self.waiting().get(&id).into_iter().flatten().filter_map(|bell| bell.ring()).collect()
    }

    /// Wakes the threads that wait for tasks that these operations ended; the futures are to be woken once the lead is
    /// handed over.
    #[must_use]
    pub(super) fn committed(
        &self,
        operations: &[Operation],
        answers: &[Result<Answer>],
    ) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if !self.any() {
            return wakers;
        }
        for (operation, answer) in operations.iter().zip(answers) {
            let key = operation.key();
            match (operation, answer) {
                (Operation::Cancel(targets) | Operation::Delete(targets), Ok(_)) => {
                    wakers.extend(targets.tasks.iter().flat_map(|target| self.ended(target.id)));
                }
                (
                    _,
                    Ok(
                        Answer::Completed
                        | Answer::Failed(State::Dead | State::Cancelled)
                        | Answer::Cancelled(_),
                    ),
                ) => wakers.extend(key.into_iter().flat_map(|key| self.ended(key.id))),
                _ => {}
            }
        }
        wakers
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<Arc<Bell>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    /// How often the task may have ended so far.
    pub(crate) fn count(&self) -> u64 {
        self.bell.signal.count()
    }

    /// Blocks until the count is no longer the one that was seen, or the time is up.
    pub(crate) fn wait(&self, seen: u64, timeout: Option<Duration>) {
        self.bell.signal.wait(seen, timeout);
    }

    /// Resolves once the count is no longer the one that was seen.
    pub(crate) async fn changed(&self, seen: u64) {
        poll_fn(|context| self.poll_changed(seen, context)).await;
    }

    fn poll_changed(&self, seen: u64, context: &Context<'_>) -> Poll<()> {
        // Cloned before and dropped after the lock is held, as both may run the executor's code.
        let waker = context.waker().clone();
        let replaced = self.bell.waker().replace(waker);
        drop(replaced);
        if self.count() == seen { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.endings.waiting();
        if let Some(bells) = waiting.get_mut(&self.id) {
            bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if bells.is_empty() {
                waiting.remove(&self.id);
            }
        }
        self.endings.count.fetch_sub(1, Ordering::SeqCst);
    }
}
