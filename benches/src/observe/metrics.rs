//! Every metric a record may contain: its name, its unit, which way is better, and how the readings
//! of several rounds become one figure.

use prismq_record::Direction::{Higher, Lower};
pub use prismq_statistics::median;

pub use crate::observe::spec::{Compared, Fold, Reading, Spec, interval};
use Fold::{Given, Median, Total, Worst};

/// Tasks completed in a second, from the start of the pool to the last commit.
pub const TASKS_PER_S: Spec = Spec::new("tasks_per_s", "tasks/s", Higher, Median);
/// The same for each worker.
pub const EFFICIENCY_PER_WORKER: Spec =
    Spec::new("efficiency_per_worker", "tasks/s", Higher, Median);
/// Tasks enqueued in a second, by the callers and in the batches the parameters name.
pub const ENQUEUE_TASKS_PER_S: Spec = Spec::new("enqueue_tasks_per_s", "tasks/s", Higher, Median);
/// Throughput over that of the reference, raw SQLite doing the same to as many tasks, in the same round.
/// Above 1 the reference is at fault: it is meant as an upper bound.
pub const RATIO_TO_FLOOR: Spec = Spec::new("ratio_to_floor", "x", Higher, Median);
/// Throughput over that of the pooled subject under the same load, in the same round.
pub const RATIO_TO_POOLED: Spec = Spec::new("ratio_to_pooled", "x", Higher, Median);
/// Throughput over that of a transaction an operation on the same server under the same load, in the same round.
pub const RATIO_TO_NAIVE: Spec = Spec::new("ratio_to_naive", "x", Higher, Median);
/// Processor time of the server for a task, all of its processes together.
pub const SERVER_US_PER_TASK: Spec = Spec::new("server_us_per_task", "us", Lower, Median);
/// The same over that of a transaction an operation on the same server under the same load, in the same round.
pub const SERVER_RATIO_TO_NAIVE: Spec = Spec::new("server_ratio_to_naive", "x", Lower, Median);
/// Throughput over that of one connection behind a mutex under the same load, in the same round.
pub const RATIO_TO_MUTEX: Spec = Spec::new("ratio_to_mutex", "x", Higher, Median);
/// Operations of the application a second.
pub const OPERATIONS_PER_S: Spec = Spec::new("operations_per_s", "operations/s", Higher, Median);
/// Operations a second over those without the feature, in the same round.
pub const RATIO_TO_PLAIN: Spec = Spec::new("ratio_to_plain", "x", Higher, Median);
/// Throughput over that of as many threads under the same load, in the same round.
pub const RATIO_TO_THREADS: Spec = Spec::new("ratio_to_threads", "x", Higher, Median);
/// Throughput over that of the same load while no other process waits for tasks, in the same round.
pub const RATIO_TO_ALONE: Spec = Spec::new("ratio_to_alone", "x", Higher, Median);
/// Throughput over that of one process with as many workers, in the same round.
pub const RATIO_TO_ONE_PROCESS: Spec = Spec::new("ratio_to_one_process", "x", Higher, Median);
/// Processor time of the server, all of its processes together, in percent of all cores.
pub const SERVER_CPU_PERCENT: Spec = Spec::new("server_cpu_percent", "%", Lower, Median);
/// 99th percentile of the latency of all tasks of a round over that of an append and sync in the same
/// round.
pub const P99_RATIO_TO_SYNC: Spec = Spec::new("p99_ratio_to_sync", "x", Lower, Median);
/// Median time of a wake-up over that of a bare switch between two threads in the same round.
pub const P50_RATIO_TO_SWITCH: Spec = Spec::new("p50_ratio_to_switch", "x", Lower, Median);
/// Share of the time of all workers that their handlers filled in steady state: the handlers' own measured
/// time over the time they could have had.
pub const EFFICIENCY_PERCENT: Spec = Spec::new("efficiency_percent", "%", Higher, Median);
/// Operations that a killed process had acknowledged, of all rounds.
pub const ACKNOWLEDGED: Spec = Spec::new("acknowledged", "operations", Higher, Total);
/// Tasks whose completion was acknowledged and that the file holds all the same.
pub const UNDONE: Spec = Spec::new("undone", "tasks", Lower, Total);
/// Times another program took the write lock of the file.
pub const LOCKED_ELSEWHERE: Spec = Spec::new("locked_elsewhere", "times", Higher, Total);
/// Tasks for each time the disk could have synced one page, in the same round.
pub const RATIO_TO_DISK: Spec = Spec::new("ratio_to_disk", "x", Higher, Median);
/// Throughput over that with payloads of 100 bytes, in the same round.
pub const RATIO_TO_PAYLOAD_100: Spec = Spec::new("ratio_to_payload_100", "x", Higher, Median);
/// Time of a claim over that next to a thousand ready tasks alone, in the same round.
pub const RATIO_TO_READY_1000: Spec = Spec::new("ratio_to_ready_1000", "x", Lower, Median);
/// Median time of a claim over that in a new database, in the same round.
pub const CLAIM_RATIO_TO_NEW: Spec = Spec::new("claim_ratio_to_new", "x", Lower, Median);
/// Tasks a second of raw SQLite: enqueued.
pub const FLOOR_ENQUEUE_PER_S: Spec = Spec::new("enqueue_per_s", "tasks/s", Higher, Median);
/// Tasks a second of raw SQLite: claimed and completed.
pub const FLOOR_CLAIM_COMPLETE_PER_S: Spec =
    Spec::new("claim_complete_per_s", "tasks/s", Higher, Median);
/// Tasks a second of raw SQLite: through their whole life.
pub const FLOOR_LIFE_PER_S: Spec = Spec::new("life_per_s", "tasks/s", Higher, Median);
/// Median of the times the scenario takes.
pub const P50_US: Spec = Spec::new("p50_us", "us", Lower, Median);
/// 99th percentile of the same.
pub const P99_US: Spec = Spec::new("p99_us", "us", Lower, Median);
/// Median time from the call of enqueue to the handler, the commit included.
pub const CALL_TO_HANDLER_P50_US: Spec = Spec::new("call_to_handler_p50_us", "us", Lower, Median);
/// Tasks a second of the same callers and workers, each as fast as it is answered.
pub const MAXIMUM_TASKS_PER_S: Spec = Spec::new("maximum_tasks_per_s", "tasks/s", Higher, Given);
/// Tasks a second that were offered.
pub const OFFERED_TASKS_PER_S: Spec = Spec::new("offered_tasks_per_s", "tasks/s", Higher, Given);
/// Processor time of the process, in percent of one core.
pub const CPU_PERCENT: Spec = Spec::new("cpu_percent", "%", Lower, Median);
/// Transactions that took the write lock.
pub const WRITE_TRANSACTIONS: Spec = Spec::new("write_transactions", "transactions", Lower, Total);
/// Bytes that the process handed to the system to be written, for each task.
pub const BYTES_PER_TASK: Spec = Spec::new("bytes_per_task", "bytes", Lower, Median);
/// Calls to the system that did so.
pub const WRITE_CALLS_PER_TASK: Spec = Spec::new("write_calls_per_task", "calls", Lower, Median);
/// Transactions that waited for the disk, each with one sync of the WAL, for each task. The syncs of
/// checkpoints are not among them.
pub const SYNCS_PER_TASK: Spec = Spec::new("syncs_per_task", "syncs", Lower, Median);
/// The longest the WAL ever was.
pub const WAL_PEAK_MIB: Spec = Spec::new("peak_mib", "MiB", Lower, Worst);
/// Tasks never completed.
pub const LOST: Spec = Spec::new("lost", "tasks", Lower, Total).compared(Compared::Exactly);
/// Times a task was done once too often.
pub const DUPLICATED: Spec =
    Spec::new("duplicated", "tasks", Lower, Total).compared(Compared::Exactly);

/// Median time from the intended enqueue to the committed completion.
pub const P50_MS: Spec = Spec::new("p50_ms", "ms", Lower, Median);
/// 95th percentile of the same.
pub const P95_MS: Spec = Spec::new("p95_ms", "ms", Lower, Median);
/// 99th percentile of the same.
pub const P99_MS: Spec = Spec::new("p99_ms", "ms", Lower, Median);
/// Longest of the same in any round.
pub const MAX_MS: Spec = Spec::new("max_ms", "ms", Lower, Worst);
/// Tasks whose latency was taken.
pub const SAMPLES: Spec = Spec::new("samples", "samples", Higher, Total);
/// 99th percentile of how late the generator called enqueue.
pub const SCHEDULE_LAG_P99_MS: Spec = Spec::new("schedule_lag_p99_ms", "ms", Lower, Median);

/// Those of a load that is in a steady state.
pub const LATENCIES: [Spec; 8] = [
    P50_MS,
    P95_MS,
    P99_MS,
    MAX_MS,
    P99_UNCORRECTED_MS,
    PUBLISH_P99_MS,
    WAIT_P99_MS,
    P99_RATIO_TO_SYNC,
];

/// Throughput over that of one worker.
pub const SPEED_UP: Spec = Spec::new("speed_up", "x", Higher, Median);
/// Operations answered busy.
pub const BUSY_ERRORS: Spec =
    Spec::new("busy_errors", "errors", Lower, Total).compared(Compared::Exactly);
/// Times a connection waited for the write lock.
pub const BUSY_WAITS: Spec = Spec::new("busy_waits", "waits", Lower, Median);
/// Claims that saw a task and lost it, of all that saw one.
pub const CLAIM_CONFLICT_PERCENT: Spec = Spec::new("claim_conflict_percent", "%", Lower, Worst);
/// Claims that found nothing to take, which is not a conflict.
pub const EMPTY_POLLS: Spec = Spec::new("empty_polls", "polls", Lower, Median);
/// Share of all tasks that the idlest worker finished.
pub const WORKER_SHARE_MIN_PERCENT: Spec =
    Spec::new("worker_share_min_percent", "%", Higher, Median);
/// Share of all tasks that the busiest worker finished.
pub const WORKER_SHARE_MAX_PERCENT: Spec =
    Spec::new("worker_share_max_percent", "%", Lower, Median);
/// Most workers that completed everything, each of them busy, without an error.
pub const MAX_WORKERS: Spec = Spec::new("max_workers", "workers", Higher, Worst);

/// Tasks completed, of those meant to complete.
pub const COMPLETION_PERCENT: Spec = Spec::new("completion_percent", "%", Higher, Worst);
/// Errors of any kind where none is part of the work.
pub const ERRORS: Spec = Spec::new("errors", "errors", Lower, Total).compared(Compared::Exactly);
/// Resident memory after less before.
pub const MEMORY_GROWTH_MIB: Spec = Spec::new("memory_growth_mib", "MiB", Lower, Worst);
/// Attempts that failed and were followed by another.
pub const RETRIED: Spec = Spec::new("retried", "tasks", Lower, Median);
/// Tasks that became dead letters, as they were meant to.
pub const DEAD: Spec = Spec::new("dead", "tasks", Lower, Median);
/// Tasks of the process that died, completed by others.
pub const RECOVERED: Spec = Spec::new("recovered", "tasks", Higher, Worst);
/// From the process's death until the last of its tasks was completed.
pub const RECOVERY_MS: Spec = Spec::new("recovery_ms", "ms", Lower, Median);
/// Errors other than the intended faults.
pub const UNEXPECTED_ERRORS: Spec =
    Spec::new("unexpected_errors", "errors", Lower, Total).compared(Compared::Exactly);

/// Resident memory before the first round.
pub const RSS_BEFORE_MIB: Spec = Spec::new("rss_before_mib", "MiB", Lower, Worst);
/// Resident memory after the last round.
pub const RSS_AFTER_MIB: Spec = Spec::new("rss_after_mib", "MiB", Lower, Worst);
/// Highest resident memory in between.
pub const RSS_PEAK_MIB: Spec = Spec::new("rss_peak_mib", "MiB", Lower, Worst);
/// After less before.
pub const GROWTH_MIB: Spec = Spec::new("growth_mib", "MiB", Lower, Worst);
/// Slope of resident memory over the tasks done, after the first round.
pub const SLOPE_MIB_PER_1000_TASKS: Spec =
    Spec::new("slope_mib_per_1000_tasks", "MiB", Lower, Worst);

/// Highest rate that can be sustained: offered in full, without a growing backlog.
pub const SUSTAINABLE_TASKS_PER_S: Spec =
    Spec::new("sustainable_tasks_per_s", "tasks/s", Higher, Median);
/// Share of the intended rate that callers offered.
pub const OFFERED_PERCENT: Spec = Spec::new("offered_percent", "%", Higher, Median);
/// 99th percentile of the latency from the actual call: what hides the delay of late calls.
pub const P99_UNCORRECTED_MS: Spec = Spec::new("p99_uncorrected_ms", "ms", Lower, Median);
/// 99th percentile of the time from the call of enqueue to its known commit.
pub const PUBLISH_P99_MS: Spec = Spec::new("publish_p99_ms", "ms", Lower, Median);
/// 99th percentile of the time from the known commit to the handler.
pub const WAIT_P99_MS: Spec = Spec::new("wait_p99_ms", "ms", Lower, Median);
/// 99th percentile of how late callers were that had nothing else to do.
pub const GENERATOR_LAG_P99_MS: Spec = Spec::new("generator_lag_p99_ms", "ms", Lower, Median);
/// Tasks completed in a second while a backlog was drained and more arrived.
pub const DRAINED_TASKS_PER_S: Spec = Spec::new("drained_tasks_per_s", "tasks/s", Higher, Median);
/// From the start of the pool until the last task of the backlog was completed.
pub const DRAIN_S: Spec = Spec::new("drain_s", "s", Lower, Median);
/// 99th percentile of the latency of tasks that arrived after the backlog was gone.
pub const P99_AFTERWARDS_MS: Spec = Spec::new("p99_afterwards_ms", "ms", Lower, Median);
/// How much longer a drain takes with all that is measured than with nothing but its length.
pub const OVERHEAD_PERCENT: Spec = Spec::new("overhead_percent", "%", Lower, Median);
/// How much more processor time of this process it takes.
pub const PROCESSOR_OVERHEAD_PERCENT: Spec =
    Spec::new("processor_overhead_percent", "%", Lower, Median);
/// Instructions of one operation, of all threads.
pub const INSTRUCTIONS: Spec = Spec::new("instructions", "instructions", Lower, Median);

/// Median time from the known commit to the first handler.
pub const WAIT_P50_MS: Spec = Spec::new("wait_p50_ms", "ms", Lower, Median);
/// 95th percentile of the same.
pub const WAIT_P95_MS: Spec = Spec::new("wait_p95_ms", "ms", Lower, Median);
/// Jain's index of all waits: 1 if all are equal.
pub const WAIT_JAIN: Spec = Spec::new("wait_jain", "index", Higher, Median);
/// Gini's coefficient of all waits: 0 if all are equal.
pub const WAIT_GINI: Spec = Spec::new("wait_gini", "coefficient", Lower, Median);
/// Tasks that waited longer than the bound among the parameters.
pub const STARVED_PERCENT: Spec = Spec::new("starved_percent", "%", Lower, Median);
/// The most places by which a task was run earlier or later than it arrived.
pub const REORDERED_MAX: Spec = Spec::new("reordered_max", "places", Lower, Worst);
/// Share of all claims.
pub const CLAIM_SHARE_PERCENT: Spec = Spec::new("claim_share_percent", "%", Higher, Median);
/// Share of all claims if each had chosen by weight among the tasks that were ready then.
pub const SHARE_BY_WEIGHT_PERCENT: Spec = Spec::new("share_by_weight_percent", "%", Higher, Median);

/// Growth of resident memory under a load that stays the same, after the first tenth.
pub const RSS_SLOPE_MIB_PER_H: Spec = Spec::new("rss_slope_mib_per_h", "MiB/h", Lower, Worst);
/// Growth of the WAL under the same, while no reader holds it.
pub const WAL_SLOPE_MIB_PER_H: Spec = Spec::new("wal_slope_mib_per_h", "MiB/h", Lower, Worst);
/// Growth of the database file under the same.
pub const DATABASE_SLOPE_MIB_PER_H: Spec =
    Spec::new("database_slope_mib_per_h", "MiB/h", Lower, Worst);
/// Processes that died holding tasks.
pub const KILLED: Spec = Spec::new("killed", "processes", Higher, Total);
