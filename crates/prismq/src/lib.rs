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
    Claim, Contention, Durability, Error, Lease, NewTask, Order, QueueStats, Result, RetryPolicy,
    State, TaskError, TaskId, TaskInfo,
};
pub use pool::{
    Event, Outcome, PoolStats, ShutdownReport, TaskContext, WorkerPool, WorkerPoolBuilder,
};
pub use queue::{Queue, QueueBuilder};
/// The database driver, in the version that this library is built with.
pub use rusqlite;
pub use time::{Clock, ManualClock, Signal, SystemClock, Timestamp};
