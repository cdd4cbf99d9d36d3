//! The terms of a queue (tasks, claims, leases, errors and their bounds) as values, independent of any engine.

mod backup;
mod claim;
mod durability;
mod error;
mod filter;
mod lease;
pub mod limits;
mod names;
mod order;
mod payload;
mod retention;
mod retry;
mod schedule;
mod stats;
mod task;
mod task_error;
mod task_id;
mod typed;

pub use self::backup::{BackupReport, RestoreReport};
pub use self::claim::Claim;
pub(crate) use self::claim::{DEFAULT_LEASE, validate_lease};
pub use self::durability::Durability;
pub use self::error::{Error, Result};
pub use self::filter::{Cursor, ErrorGroup, ErrorSummary, Fingerprint, Page};
pub(crate) use self::filter::{ErrorGroups, Position, TaskFilter};
pub use self::lease::Lease;
pub(crate) use self::lease::{EngineNote, LeaseKey};
pub(crate) use self::names::{Names, validate_name};
pub(crate) use self::order::KeyInputs;
pub use self::order::Order;
pub(crate) use self::payload::Payload;
pub use self::retention::{Keep, Retention};
pub use self::retry::RetryPolicy;
pub(crate) use self::schedule::{Due, Rule, Slots, When};
pub use self::schedule::{Missed, Schedule, ScheduleInfo};
pub use self::stats::{Contention, QueueInfo, QueueStats, TypeInfo};
pub use self::task::{Bytes, NewTask, State, TaskInfo};
pub(crate) use self::task::{DEFAULT_QUEUE, validate_delay};
pub(crate) use self::task_error::Retry;
pub use self::task_error::{TaskError, TaskResult};
pub use self::task_id::TaskId;
#[cfg(feature = "json")]
pub use self::typed::Json;
pub(crate) use self::typed::decode;
pub use self::typed::{Codec, IntoTask, Task, TaskOptions};
