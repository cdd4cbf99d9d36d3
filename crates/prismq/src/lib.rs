#![doc = include_str!("../README.md")]

mod commit;
mod core;
mod engine;
mod model;
mod pool;
mod queue;
pub mod sqlite;
mod time;
#[cfg(test)]
mod walls;

pub use model::limits;
pub use model::{
    Claim, Contention, Cursor, Durability, Error, Lease, NewTask, Order, QueueStats, Result,
    RetryPolicy, State, TaskError, TaskId, TaskInfo,
};
pub use model::{
    ErrorGroup, ErrorSummary, Fingerprint, Keep, Page, QueueInfo, Retention, TypeInfo,
};
pub use pool::{
    Event, Outcome, PoolStats, ShutdownReport, TaskContext, WorkerPool, WorkerPoolBuilder,
};
pub use queue::{CancelCount, CancelOutcome, Queue, QueueBuilder, Redrive, Submission, Tasks};
/// The database driver, in the version that this library is built with.
pub use rusqlite;
pub use time::{Clock, ManualClock, Signal, SystemClock, Timestamp};
