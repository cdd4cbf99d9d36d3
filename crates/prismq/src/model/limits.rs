//! Every bound of the queue in one place, each with the answer that is given when it is reached.

use std::time::Duration;

/// Largest payload in bytes (64 MiB); a larger one is refused as invalid input.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Largest payload kept in the task's own row; a larger one stands in a table beside it, because
/// SQLite rewrites the whole row whenever a task is claimed.
pub const PAYLOAD_BYTES_INLINE_MAX: usize = 1024;
/// Longest name of a queue or a task type in bytes; a longer or empty one is refused.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest error text kept with a task in bytes; a longer one is cut at a character boundary.
pub const ERROR_BYTES_MAX: usize = 4096;
/// Most tasks in one call of `enqueue_all`; more are refused.
pub const ENQUEUE_BATCH_MAX: usize = 10_000;
/// Most tasks in one claim; more are refused.
pub const CLAIM_BATCH_MAX: usize = 4096;
/// Most payload bytes one call of [`Queue::claim`](crate::Queue::claim) gives: it gives fewer tasks, and the first
/// however large.
pub const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Most task types one claim may name; more are refused.
pub const CLAIM_TYPES_MAX: usize = 256;
/// Highest task id; what would go beyond it is refused.
pub const TASK_ID_MAX: i64 = (1 << 47) - 1;
/// Most queues in a file. Those without a task, a history or a setting make room for others; another one is
/// refused.
pub const QUEUES_MAX: u32 = 1024;
/// Most requirements of a task.
pub const REQUIREMENTS_MAX: usize = 16;
/// Most capabilities of a claim or a pool.
pub const CAPABILITIES_MAX: usize = 256;
/// Most completed tasks a queue can be set to keep.
pub const HISTORY_MAX: u32 = 1_000_000;
/// Most task types over all queues of a file, each queue's counted apart, and those with other requirements
/// too. Those without a task or a history make room for others; another one is refused.
pub const LANES_MAX: u32 = 4096;
/// Where more tasks than this are scheduled, leased or kept, a task type makes room for others only if its whole
/// queue has none of these: looking at more would hold up the writer.
pub const NAMES_LOOK_MAX: usize = 4096;
/// Most attempts a task may be given; more, or none, are refused.
pub const ATTEMPTS_MAX: u32 = 1_000_000;
/// Lowest and highest priority; lower numbers run first.
pub const PRIORITY_MIN: i32 = -32_768;
/// See [`PRIORITY_MIN`].
pub const PRIORITY_MAX: i32 = 32_767;
/// Most that one priority number may be worth under ageing; more is refused.
pub const AGEING_STEP_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest delay of a task or a retry (ten years); a longer one is refused.
pub const DELAY_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// Longest lease (seven days); a longer one is refused.
pub const LEASE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Shortest lease; a shorter one is refused, as it would expire before its commit.
pub const LEASE_MIN: Duration = Duration::from_millis(1);
/// Most worker threads of a pool; more, or none, are refused.
pub const WORKERS_MAX: usize = 1024;
/// Most tasks a pool may hold ready for its workers; more are refused.
pub const PREFETCH_MAX: usize = CLAIM_BATCH_MAX;
/// Most operations that may wait for the writer; one more waits, then is refused as overloaded.
pub const PENDING_OPERATIONS_MAX: usize = 16_384;
/// Most payload bytes that may wait for the writer; one more operation waits, then is refused.
pub const PENDING_BYTES_MAX: usize = 256 << 20;
/// Most operations that share one transaction; the rest make the next.
pub const GROUP_OPERATIONS_MAX: usize = 1024;
/// Most payload bytes that share one transaction, so that a group stays a small part of the WAL's
/// cap; one larger operation goes alone.
pub const GROUP_BYTES_MAX: usize = 8 << 20;
/// Most due tasks promoted and most expired leases reclaimed by one transaction; the rest follow in
/// the next, so that no caller pays for a flood.
pub const ADVANCE_BATCH_MAX: usize = 1024;
/// Pages of the WAL from which on they are copied back beside the commits (2 MiB).
pub const WAL_PAGES_CHECKPOINT: u32 = 512;
/// Pages of the WAL from which on the writer itself makes room (4 MiB). More would
/// only make the file longer, and a sync of a file that grows takes twice as long as one of a file that
/// is written over.
pub const WAL_PAGES_MAX: u32 = 1024;
/// Pages of the WAL from which on the writer keeps other processes out while it makes room (7 MiB).
pub const WAL_PAGES_RESTART: u32 = 1792;
/// How long the writer waits for readers that keep the WAL from starting over before it lets it grow; it
/// waits again once the WAL has doubled.
pub const WAL_READERS_WAIT: Duration = Duration::from_millis(100);
/// How long the writer waits for the checkpoint of another process before it lets the WAL grow; it waits
/// again once the WAL has doubled.
pub const WAL_TURN_WAIT: Duration = Duration::from_secs(1);
/// Pages of the WAL from which on it is reported that a reader pins it (64 MiB).
pub const WAL_PAGES_REPORTED: u32 = 16_384;
/// Once the WAL was not shortened for this long, its file is cut to nothing.
pub const WAL_IDLE: Duration = Duration::from_secs(1);
/// Bytes of free pages that a file keeps by default; more are given back to the file system.
pub const FREE_BYTES_DEFAULT: u64 = 16 << 20;
/// How often the queue looks for free pages to give back, until nothing has been committed between two looks.
pub const SHRINK_LOOK: Duration = Duration::from_millis(500);
/// How long one step of giving free pages back holds the write lock, about.
pub const SHRINK_STEP: Duration = Duration::from_millis(2);
/// How long an operation waits by default for another process to give up the write lock.
pub const BUSY_WAIT_DEFAULT: Duration = Duration::from_secs(5);
/// How long an operation waits for room in the submission queue.
pub const OVERLOAD_WAIT: Duration = Duration::from_secs(5);
/// Most tasks a pool holds for its workers unless another number is set.
pub const PREFETCH_DEFAULT: usize = 2048;
/// How far ahead a pool claims: the tasks that its workers are expected to begin within this time. What
/// was held for longer and will not be begun goes back.
pub const PREFETCH_TIME: Duration = Duration::from_millis(20);
/// How many bytes of payloads stored out of line are read at a time: of the tasks that come next, as many
/// as fit, and of the first whatever its size.
pub const READ_BYTES_MAX: usize = 256 << 10;
/// How long a task whose payload could not be read is kept from being claimed again: a device that fails to read
/// one will most likely fail again.
pub const READ_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a finished task may wait for others to be committed with, while more tasks are ready.
/// As long as a commit takes where that is longer, up to [`SETTLE_DELAY_MAX`].
pub const SETTLE_DELAY: Duration = Duration::from_millis(1);
/// See [`SETTLE_DELAY`].
pub const SETTLE_DELAY_MAX: Duration = Duration::from_millis(10);
/// Shortest lease of a pool; a shorter one is refused, as it could expire before it is extended.
pub const POOL_LEASE_MIN: Duration = Duration::from_millis(100);
/// Longest time limit of a handler (seven days); a longer one is refused.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a handler that ran into its time limit may take to return, or as long as its limit where that
/// is shorter; then its attempt is recorded as failed.
pub const TIMEOUT_GRACE: Duration = Duration::from_secs(5);
/// How long a task that may have killed its process before keeps others like it from running in the same
/// process.
pub const SUSPECT_ALONE: Duration = Duration::from_secs(60);
/// Most events that may wait for a pool's listener; then the pool claims nothing until it caught up.
pub const EVENTS_MAX: usize = 65_536;
/// How long what another process enqueues may go unnoticed by an idle pool where inotify is unavailable.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often an idle pool polls where inotify is available, in case it missed a change, and to notice that
/// the file was moved or replaced.
pub const FALLBACK_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a dropped pool waits for its handlers.
pub const SHUTDOWN_DEFAULT: Duration = Duration::from_secs(30);
