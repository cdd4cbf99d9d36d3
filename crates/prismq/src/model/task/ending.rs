//! How a task ended.

/// How a task ended: what [`Queue::result`](crate::Queue::result) and [`Queue::wait`](crate::Queue::wait) return.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending<R = Vec<u8>> {
    /// It was completed, and is kept as its queue's history, with its result if it has one.
    Completed(Option<R>),
    /// It is a dead letter; its last error.
    Dead(String),
    /// It was cancelled, and is kept as such.
    Cancelled,
    /// It is not in the file: it was completed or cancelled and is not kept
    /// ([`Queue::set_history`](crate::Queue::set_history), [`Queue::set_retention`](crate::Queue::set_retention)), was
    /// deleted, or was never committed.
    NotKept,
}
