//! Completes records of older versions with facts that newer ones state themselves: the only place that knows
//! metrics, references, profiles and suites by name.

use crate::record::SuiteRecord;

/// Before 1.2 a metric did not say that it is compared exactly: these were.
const EXACT: [&str; 5] = ["lost", "duplicated", "busy_errors", "errors", "unexpected_errors"];

/// Before 1.3 a suite did not say whether goals are asked of it: they were, unless the profile was this.
const WITHOUT_GOALS: &str = "smoke";

/// Before 1.3 a suite did not say which suites a whole run has: it had these.
const SUITES: [&str; 5] = ["concurrency", "latency", "memory", "stress", "throughput"];

/// Before 1.4 a reference did not say whether it is an upper bound: this one was.
const UPPER_BOUND: &str = "sqlite";

/// Adds the facts that the record's version did not state.
pub(super) fn complete(suite: &mut SuiteRecord) {
    let Some(minor) = minor(&suite.schema_version) else { return };
    if minor < 2 {
        for metric in suite.scenarios.iter_mut().flat_map(|scenario| &mut scenario.metrics) {
            if metric.exact_within.is_none() && EXACT.contains(&metric.name.as_str()) {
                metric.exact_within = Some(0.0);
            }
        }
    }
    if minor < 3 {
        suite.goals = suite.profile != WITHOUT_GOALS;
        suite.suites_of_run = SUITES.map(str::to_owned).to_vec();
    }
    if minor < 4 {
        let metrics = suite.scenarios.iter_mut().flat_map(|scenario| &mut scenario.metrics);
        for floor in metrics.flat_map(|metric| &mut metric.floors) {
            floor.upper_bound = floor.name == UPPER_BOUND;
        }
    }
}

/// The second part of a version.
fn minor(version: &str) -> Option<u64> {
    version.split('.').nth(1)?.parse().ok()
}
