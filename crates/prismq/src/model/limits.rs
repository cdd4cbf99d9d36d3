//! The bounds of the queue, and what happens at each. Arguments beyond one are [`Error::InvalidInput`](crate::Error).

use std::time::Duration;

/// Largest payload in bytes (64 MiB); a larger one is refused as invalid input.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Longest name of a queue or a task type in bytes; a longer or empty one is refused.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest error text kept with a task in bytes; a longer one is cut at a character boundary.
pub const ERROR_BYTES_MAX: usize = 4096;
/// Most failed attempts kept with a task; those before them are deleted.
pub const ATTEMPTS_KEPT_MAX: u32 = 10;
/// Longest error text kept with an attempt in bytes; a longer one is cut at a character boundary. That of the task's
/// last error is kept up to [`ERROR_BYTES_MAX`].
pub const ATTEMPT_ERROR_BYTES_MAX: usize = 1024;
/// Largest result of a task in bytes (1 MiB); a larger one is refused as invalid input.
pub const RESULT_BYTES_MAX: usize = 1 << 20;
/// Longest text of a progress in bytes; a longer one is cut at a character boundary.
pub const PROGRESS_BYTES_MAX: usize = 256;
/// Largest checkpoint of a task in bytes (64 KiB); a larger one is refused as invalid input.
pub const CHECKPOINT_BYTES_MAX: usize = 64 << 10;
/// Most log lines kept with a task; the oldest make room for new ones.
pub const LOG_LINES_MAX: usize = 100;
/// Longest log line kept with a task in bytes; a longer one is cut at a character boundary.
pub const LOG_LINE_BYTES_MAX: usize = 1024;
/// How long what a handler reports of its progress and logs may wait to be written.
pub const NOTE_DELAY: Duration = Duration::from_millis(100);
/// Most tasks in one call of `enqueue_all`; more are refused.
pub const ENQUEUE_BATCH_MAX: usize = 10_000;
/// Most tasks in one claim; more are refused.
pub const CLAIM_BATCH_MAX: usize = 4096;
/// Most payload bytes that one call of [`Queue::claim`](crate::Queue::claim) returns: it returns fewer tasks, but at
/// least one.
pub const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Most task types one claim may name; more are refused.
pub const CLAIM_TYPES_MAX: usize = 256;
/// Highest task id; no task can be added beyond it.
pub const TASK_ID_MAX: i64 = (1 << 47) - 1;
/// Most queues in a file; another one is refused. Those without a task, a history or a setting make room for new
/// ones.
pub const QUEUES_MAX: u32 = 1024;
/// Most requirements of a task.
pub const REQUIREMENTS_MAX: usize = 16;
/// Most capabilities of a claim or a pool.
pub const CAPABILITIES_MAX: usize = 256;
/// Most completed tasks a queue can be set to keep.
pub const HISTORY_MAX: u32 = 1_000_000;
/// Most task types over all queues: a type counts once for each queue, requirements, limit and kind of key (none, in turn,
/// ordered) that it has. Another one is refused. Those without a task or a history make room for new ones.
pub const TASK_TYPES_MAX: u32 = 4096;
/// Most attempts of a task; more, or none, are refused.
pub const ATTEMPTS_MAX: u32 = 1_000_000;
/// Lowest number of a priority; lower numbers are claimed first.
pub const PRIORITY_MIN: i32 = -32_768;
/// Highest number of a priority.
pub const PRIORITY_MAX: i32 = 32_767;
/// Largest step of [`Order::Ageing`](crate::Order::Ageing); a larger one is refused.
pub const AGEING_STEP_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest delay of a task or a retry (ten years); a longer one is refused.
pub const DELAY_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Longest lease (seven days); a longer one is refused.
pub const LEASE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Shortest lease; a shorter one is refused, as it would expire before its commit.
pub const LEASE_MIN: Duration = Duration::from_millis(1);
/// Most workers of a pool; more, or none, are refused.
pub const WORKERS_MAX: usize = 1024;
/// Most queues that a pool serves; more, or none, are refused.
pub const POOL_QUEUES_MAX: usize = 32;
/// Largest share of a queue in a pool that serves several by share; a larger one, or none, is refused.
pub const QUEUE_SHARE_MAX: u32 = 1000;
/// Workers of a pool with asynchronous handlers by default.
#[cfg(feature = "tokio")]
pub const ASYNC_WORKERS_DEFAULT: usize = 100;
/// Largest prefetch of a pool; a larger one is refused.
pub const PREFETCH_MAX: usize = CLAIM_BATCH_MAX;
/// Bytes of free space that a file keeps by default; more is returned to the file system.
pub const FREE_BYTES_DEFAULT: u64 = 16 << 20;
/// How long an operation waits by default for a write lock that another process holds.
pub const BUSY_WAIT_DEFAULT: Duration = Duration::from_secs(5);
/// Prefetch of a pool by default.
pub const PREFETCH_DEFAULT: usize = 2048;
/// How long a task is delayed whose payload could not be read: a device that fails once is likely to fail again.
pub const READ_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Shortest lease of a pool; a shorter one is refused, as it could expire before it is extended.
pub const POOL_LEASE_MIN: Duration = Duration::from_millis(100);
/// Longest time limit of a handler (seven days); a longer one is refused.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a handler may take to return after its time limit, or as long as the limit if that is shorter; then its
/// attempt is recorded as failed.
pub const TIMEOUT_GRACE: Duration = Duration::from_secs(5);
/// Most events that wait for a pool's listener; the pool claims nothing until it has caught up.
pub const EVENTS_MAX: usize = 65_536;
/// Most tasks that a queue or a limit can let run at once; more, or none, are refused.
pub const CONCURRENCY_MAX: u32 = 1_000_000;
/// Shortest time between two tasks by the rate of a limit; a higher rate is refused.
pub const RATE_INTERVAL_MIN: Duration = Duration::from_micros(100);
/// Longest period of the rate of a limit; a longer one is refused.
pub const RATE_PERIOD_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Most limits in a file; another one is refused.
pub const LIMITS_MAX: u32 = 1024;
/// How long running handlers have by default to return where a pool ends by itself or is dropped.
pub const SHUTDOWN_DEFAULT: Duration = Duration::from_secs(30);
/// Most task types that a filter of tasks may name; more are refused.
pub const FILTER_TYPES_MAX: usize = 256;
/// Most tasks of one page of [`Tasks::list`](crate::Tasks::list); more are refused.
pub const PAGE_TASKS_MAX: usize = 1000;
/// Payload bytes from which on a page of [`Tasks::list`](crate::Tasks::list) ends early; it has at least one task.
pub const PAGE_BYTES_MAX: usize = 4 << 20;
/// Most different errors that [`Tasks::errors`](crate::Tasks::errors) groups; tasks with others are counted together.
pub const ERROR_GROUPS_MAX: usize = 1000;
/// Most schedules of a file; another one is refused.
pub const SCHEDULES_MAX: u32 = 1024;
/// Longest cron expression in bytes; a longer one is refused.
pub const CRON_BYTES_MAX: usize = 256;
/// Shortest interval of a schedule; a shorter one is refused.
pub const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Longest interval of a schedule (ten years); a longer one is refused.
pub const INTERVAL_MAX: Duration = DELAY_MAX;
/// Largest payload of a schedule's task in bytes (64 KiB); a larger one is refused.
pub const SCHEDULE_PAYLOAD_BYTES_MAX: usize = 64 << 10;
/// How late the task of a slot may be enqueued before [`Missed::Skip`](crate::Missed::Skip) skips it.
pub const MISSED_AFTER: Duration = Duration::from_secs(60);
/// Most tasks that [`Missed::All`](crate::Missed::All) enqueues at once for slots that were missed.
pub const MISSED_RUNS_MAX: usize = 1000;
/// Most times that one call computes of a schedule; more are refused.
pub const NEXT_RUNS_MAX: usize = 10_000;
/// Longest key of [`Unique::key`](crate::Unique::key) in bytes; a longer or empty one is refused.
pub const UNIQUE_KEY_BYTES_MAX: usize = 256;
/// Longest period of [`Unique::for_period`](crate::Unique::for_period) (ten years); a longer one, or none, is refused.
pub const UNIQUE_PERIOD_MAX: Duration = DELAY_MAX;
