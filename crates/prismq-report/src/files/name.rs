//! File names: `latency_results_20261124_093000.json`, in UTC.

use jiff::Timestamp;

/// What a suite's files begin with.
pub(super) fn suite_stem(suite: &str) -> String {
    match suite {
        "stress" => "stress_test_results".to_owned(),
        "memory" => "memory_profile_results".to_owned(),
        other => format!("{other}_results"),
    }
}

/// What combined records begin with.
pub(super) const RUN_STEM: &str = "benchmark_results";
/// What reports begin with.
pub(super) const REPORT_STEM: &str = "benchmark_report";

/// `stem_YYYYMMDD_HHMMSS.extension`.
pub(super) fn stamped(stem: &str, at: Timestamp, extension: &str) -> String {
    let stamp = at.strftime("%Y%m%d_%H%M%S").to_string();
    format!("{stem}_{stamp}.{extension}")
}
