//! The terms of a queue (tasks, claims, leases, errors and their bounds) as values, independent of any engine.

mod backup;
mod durability;
mod error;
mod failure;
mod filter;
mod lease;
mod limit;
pub mod limits;
mod names;
mod queue;
mod schedule;
mod task;
mod typed;

pub use self::backup::{BackupReport, RestoreReport};
pub use self::durability::Durability;
pub use self::error::{Error, MigrationError, RefusedTasks, Result};
pub use self::failure::{Attempt, RetryPolicy, TaskError, TaskResult};
pub(crate) use self::failure::{Failure, Retry};
pub use self::filter::{Cursor, ErrorGroup, ErrorSummary, Fingerprint, Page};
pub(crate) use self::filter::{ErrorGroups, Position, TaskFilter};
pub use self::lease::{Bytes, Claim, Lease};
pub(crate) use self::lease::{
    ClaimBounds, DEFAULT_LEASE, EngineNote, LeaseKey, Payload, validate_lease,
};
pub(crate) use self::limit::{Bounds, LimitUse, Rate, validate_concurrency};
pub use self::limit::{Limit, LimitInfo};
pub(crate) use self::names::{Names, validate_name};
pub use self::queue::{
    Contention, Keep, Order, QueueInfo, QueueStats, Retention, RetryInfo, TypeInfo,
};
pub(crate) use self::queue::{KeyInputs, validate_age};
pub(crate) use self::schedule::{Due, Rule, Slots, When};
pub use self::schedule::{Missed, Schedule, ScheduleInfo};
pub(crate) use self::task::{
    DEFAULT_QUEUE, Digest, Hold, Note, OnConflict, sha256, validate_checkpoint, validate_delay,
    validate_result,
};
pub use self::task::{
    Ending, Enqueued, LogLine, NewTask, Progress, State, TaskId, TaskInfo, Unique, UniqueKey,
};
#[cfg(feature = "json")]
pub use self::typed::Json;
pub use self::typed::{Codec, IntoTask, Task, TaskOptions};
pub(crate) use self::typed::{decode, decode_output, encode_any, encode_output};
