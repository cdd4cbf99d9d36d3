//! Who claims in the transactions of others.

use crate::model::{Claim, Lease};

/// Who claims in the transactions of others: a worker pool.
///
/// Called from the thread that commits, while nobody else can: it must not call the committer.
pub(crate) trait Claimer: Send + Sync + std::fmt::Debug {
    /// What it claims, but for the number of tasks.
    fn claim(&self) -> &Claim;

    /// How many tasks it takes now of those that are enqueued, the most urgent of which has this
    /// priority. If any, [`Claimer::deliver`] follows.
    fn reserve(&self, priority: i32) -> usize;

    /// Gives it what was claimed of so many reserved tasks, once that is committed.
    fn deliver(&self, room: usize, leases: Vec<Lease>);

    /// A commit gave workers something to do, now or later.
    fn work_arrived(&self);

    /// A queue was paused.
    fn paused(&self, queue: &str);
}
