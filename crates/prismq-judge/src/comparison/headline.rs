//! The headline metrics, which answer whether the engine became slower: what its users wait for.
//!
//! They are tested among themselves: a change of one of a dozen is found more easily than of one of two hundred.
//! The other metrics are there to explore the cause of a change.

use super::Row;

/// By scenario and metric. Other variants of the same work, which change together with these, are left out.
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

/// Whether a row is a headline metric.
pub(super) fn is_headline(row: &Row) -> bool {
    HEADLINE.contains(&(row.scenario.as_str(), row.metric.as_str()))
}
