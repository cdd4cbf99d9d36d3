#![doc = include_str!("../README.md")]

mod clock;
mod commit;
mod error;
mod failure;
mod lease;
pub mod limits;
mod order;
mod pool;
mod process;
mod queue;
mod requirements;
mod retry;
mod signal;
mod stats;
mod store;
mod task;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{Error, Result};
pub use failure::TaskError;
pub use lease::{Claim, Lease};
pub use order::Order;
pub use pool::{
    Event, Outcome, PoolStats, ShutdownReport, TaskContext, WorkerPool, WorkerPoolBuilder,
};
pub use queue::{Durability, Queue, QueueBuilder};
pub use retry::RetryPolicy;
pub use signal::Signal;
pub use stats::{Contention, QueueStats};
pub use task::{NewTask, State, Task, TaskId};
