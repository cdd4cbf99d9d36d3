//! Claims in the transactions of others.

use crate::model::{Claim, Lease, TaskId};

/// A worker pool that claims in the transactions of others.
///
/// Its methods are called by the thread that leads, while it applies a group: they must not call the committer.
pub(crate) trait Claimer: Send + Sync + std::fmt::Debug {
    /// What the pool claims from each of its queues, but for the number of tasks.
    fn claims(&self) -> &[Claim];

    /// How many of the tasks enqueued to one of its queues, by the place of its claim, the pool takes now; the most
    /// urgent of them has this priority. If any, [`Claimer::deliver`] follows.
    fn reserve(&self, queue: usize, priority: i32) -> usize;

    /// Delivers what was claimed of this many reserved tasks, once that is committed; none if it failed.
    fn deliver(&self, reserved: usize, leases: Vec<Lease>);

    /// A commit brought tasks that the pool may run now or later, or may have let some start, or the queue is poisoned.
    fn work_arrived(&self);

    /// These running tasks are to be cancelled, each as held with this token.
    fn cancel_requested(&self, requests: &[(TaskId, i64)]);

    /// This queue was paused.
    fn paused(&self, queue: &str);
}
