//! What an engine must be able to do, and the operations it does.
//!
//! An engine implements [`Store::apply`] and a few reads, and nothing else: grouping, waking, the
//! worker pool and the clock stand in front of it and are the same for every engine.

mod deferred_log;
mod operation;
pub(crate) mod sqlite;

use std::path::PathBuf;

pub(crate) use self::deferred_log::Remarks;
pub(crate) use self::operation::{AT_ONCE, AfterFailure, Answer, Claimed, Operation};
use crate::model::{Payload, QueueStats, Result, Task, TaskId};
use crate::time::Clock;

/// An engine: applies batches of operations, each batch in one transaction.
pub(crate) trait Store: Send {
    /// Applies the operations in order in one transaction and commits it. Each operation has an
    /// answer of its own; an operation that does not apply, say for a lost lease, changes nothing
    /// and harms no other.
    ///
    /// The time that counts is that of the clock once the transaction may write: a lease must not be
    /// the shorter for having waited for others. What expired is taken back before the first claim of the
    /// batch, and not from operations that stand before it.
    ///
    /// # Errors
    /// The whole batch failed and nothing of it was kept; [`crate::Error::Poisoned`] if it is
    /// unknown whether it was. After that answer the store gives no other, and touches its file no more.
    fn apply(&mut self, clock: &dyn Clock, batch: &[Operation]) -> Result<Vec<Result<Answer>>>;

    /// A number that is another once another process or handle has committed something.
    fn version(&self) -> Result<i64>;

    /// A file that changes whenever something is committed, if there is one.
    fn changing_file(&self) -> Option<PathBuf>;

    /// The settings of the writer's connection, read back.
    fn settings(&self) -> Result<Vec<(String, String)>>;
}

/// Reads that need no transaction of the writer.
pub(crate) trait Reader: Send {
    /// The task with this id, unless it was completed and not kept, or never was; its due time and the end of
    /// its lease by the monotonic time.
    fn task(&self, id: TaskId) -> Result<Option<Task>>;

    /// The payloads of tasks that stand apart, in the order of the ids, until they are `bytes_max`
    /// together; that of the first however large.
    ///
    /// # Errors
    /// Outer: one of them cannot be read, [`crate::Error::Corrupt`] only where no read failed and what was
    /// read is damaged. Inner: this task has none, which is [`crate::Error::Corrupt`] too.
    fn payloads(&mut self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>>;

    /// The counters of a queue; all zero for one that nothing was ever enqueued to.
    fn stats(&self, queue: &str) -> Result<QueueStats>;
}
