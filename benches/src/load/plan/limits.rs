//! Every bound of a workload file, in one place. What is beyond is refused with the bound's value. They are the
//! file's own, for every subject alike: a subject that takes less refuses the task itself.

use std::time::Duration;

/// Most bytes of a file.
pub const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most tasks of a workload: all are planned before the first is enqueued.
pub const TASKS_MAX: usize = 2_000_000;
/// Most bytes of all payloads of a workload: they may all lie on the disk at once.
pub const PAYLOADS_BYTES_MAX: u64 = 64 << 30;
/// Most bytes of one payload.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;
/// Highest rate, in tasks a second.
pub const RATE_PER_S_MAX: f64 = 1_000_000.0;
/// Lowest rate.
pub const RATE_PER_S_MIN: f64 = 0.001;
/// Longest time in which tasks arrive.
pub const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Shortest time in which tasks arrive, and from a burst to the next.
pub const DURATION_MIN: Duration = Duration::from_millis(1);
/// Longest time a handler takes.
pub const SERVICE_MAX: Duration = Duration::from_secs(60 * 60);
/// Widest spread of a lognormal distribution: with more, its mean is e^50 times its median.
pub const SIGMA_MAX: f64 = 10.0;
/// Largest weight.
pub const WEIGHT_MAX: f64 = 1e9;
/// Most threads that enqueue.
pub const CALLERS_MAX: usize = 256;
/// Threads that enqueue unless the file says otherwise.
pub const CALLERS_USUAL: usize = 4;
/// Most threads of a pool.
pub const WORKERS_MAX: usize = 1024;
/// Threads of a pool unless the file says otherwise.
pub const WORKERS_USUAL: usize = 10;
/// Most types of task, each queue's counted apart.
pub const KINDS_MAX: usize = 256;
/// Most queues: each has a pool of its own.
pub const QUEUES_MAX: usize = 16;
/// Most values of a list.
pub const VALUES_MAX: usize = 10_000;
/// Longest name of a workload, in characters.
pub const NAME_CHARS_MAX: usize = 40;
/// Highest version of a workload.
pub const VERSION_MAX: u32 = 1_000_000;
/// Most attempts of a task.
pub const ATTEMPTS_MAX: u32 = 100;
/// Attempts of a task unless the file says otherwise.
pub const ATTEMPTS_USUAL: u32 = 5;
/// Lowest priority: it is claimed first.
pub const PRIORITY_MIN: i32 = -32_768;
/// Highest priority.
pub const PRIORITY_MAX: i32 = 32_767;
/// Longest name of a queue or a type, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest time in which a task ages by one priority.
pub const AGEING_STEP_MAX: Duration = Duration::from_secs(24 * 60 * 60);
