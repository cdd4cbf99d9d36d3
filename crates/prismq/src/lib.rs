#![doc = include_str!("../README.md")]

mod commit;
mod core;
mod engine;
#[cfg(any(doc, doctest))]
pub mod guide;
mod model;
mod pool;
#[cfg(feature = "postgres")]
pub mod postgres;
mod queue;
pub mod sqlite;
mod time;
#[cfg(test)]
mod walls;

#[cfg(feature = "json")]
pub use model::Json;
pub use model::{Missed, Schedule, ScheduleInfo};
#[cfg(feature = "testing")]
pub use pool::testing;
pub use queue::Schedules;

pub use model::limits;
pub use model::{
    Attempt, Bytes, Claim, Codec, Contention, Cursor, Durability, Ending, Enqueued, Error,
    IntoTask, Lease, Limit, LimitInfo, LogLine, MigrationError, NewTask, Order, Progress,
    QueueStats, RefusedTasks, Result, RetryPolicy, State, Task, TaskError, TaskId, TaskInfo,
    TaskOptions, TaskResult, Unique, UniqueKey,
};
pub use model::{BackupReport, RestoreReport};
pub use model::{
    ErrorGroup, ErrorSummary, Fingerprint, Keep, Page, QueueInfo, Retention, RetryInfo, TypeInfo,
};
pub use pool::{
    CancelReason, Context, Event, Outcome, PoolQueueStats, PoolQueues, PoolStats, ShutdownReport,
    WorkerPool, WorkerPoolBuilder,
};
#[cfg(feature = "derive")]
pub use prismq_derive::Task;
pub use queue::{
    CancelCount, CancelOutcome, Handle, Queue, QueueBuilder, Redrive, Restore, Submission, Tasks,
};
/// The database driver, in the version that this library is built with.
pub use rusqlite;
pub use time::{Clock, ManualClock, Signal, SystemClock, Timestamp};
