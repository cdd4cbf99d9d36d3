//! The states of a task.

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Can be claimed. A claim makes it `Leased`.
    Ready,
    /// Not due yet, as new or for a retry. Becomes `Ready` when it is due.
    Scheduled,
    /// Held by a lease. Completing it deletes it, or makes it `Completed` if the queue keeps a history; failing
    /// makes it `Scheduled`, `Ready` or `Dead`; releasing makes it `Ready`; so does the lease's expiry, or `Dead`
    /// after the last attempt.
    Leased,
    /// A dead letter: out of attempts, or failed permanently; kept with its last error.
    Dead,
    /// Completed, and kept as its queue's history.
    Completed,
    /// Cancelled, and kept as its queue's history.
    Cancelled,
}
