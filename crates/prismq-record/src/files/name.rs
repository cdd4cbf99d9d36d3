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

/// Whether a file's name without its extension may be that of a suite's record.
pub(super) fn is_suite_stem(stem: &str) -> bool {
    let suite = stem.split_once("_results").map(|(suite, _)| suite);
    suite.is_some_and(|suite| !suite.is_empty() && !stem.starts_with(RUN_STEM))
}

/// What combined records begin with.
pub(super) const RUN_STEM: &str = "benchmark_results";
/// What records of queues side by side begin with.
pub(super) const VERSUS_STEM: &str = "versus";
/// What reports begin with.
pub(super) const REPORT_STEM: &str = "benchmark_report";

/// `stem_YYYYMMDD_HHMMSS.extension`.
pub(super) fn stamped(stem: &str, at: Timestamp, extension: &str) -> String {
    format!("{stem}_{}.{extension}", stamp(at))
}

/// `YYYYMMDD_HHMMSS`, whose order is that of time.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%d_%H%M%S").to_string()
}

/// `YYYYMMDD_HHMMSS` at the end of a name.
pub(super) fn stamp_of(name: &str) -> Option<&str> {
    let stamp = name.get(name.len().checked_sub(15)?..)?;
    let plausible =
        |(index, byte)| if index == 8 { byte == b'_' } else { u8::is_ascii_digit(&byte) };
    stamp.bytes().enumerate().all(plausible).then_some(stamp)
}
