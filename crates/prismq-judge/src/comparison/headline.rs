//! The metrics that answer whether the engine got slower: what its users wait for.
//!
//! They are tested among themselves. Each of a dozen must be less far from what chance does than each of two
//! hundred to be found; all others are there to explore what a change came from.

use super::Row;

/// By scenario and metric. Other versions of one work, which move with these, are not among them.
const HEADLINE: [(&str, &str); 13] = [
    ("throughput/enqueue/callers=1", "enqueue_tasks_per_s"),
    ("throughput/enqueue/callers=10", "enqueue_tasks_per_s"),
    ("throughput/enqueue/callers=64", "enqueue_tasks_per_s"),
    ("throughput/drain/workers=1", "tasks_per_s"),
    ("throughput/drain/workers=10", "tasks_per_s"),
    ("throughput/pipeline/producers=4,workers=10", "tasks_per_s"),
    ("throughput/claim/ready=1000000", "p50_us"),
    ("latency/end_to_end/workers=1", "p99_ms"),
    ("latency/open/load=50", "p99_ms"),
    ("latency/wake/in_process", "p50_us"),
    ("latency/wake/cross_process", "p50_us"),
    ("concurrency/drain/workers=64", "tasks_per_s"),
    ("concurrency/drain/processes=8", "tasks_per_s"),
];

/// Whether a row is one of them.
pub(super) fn is_headline(row: &Row) -> bool {
    HEADLINE.contains(&(row.scenario.as_str(), row.metric.as_str()))
}
