//! The tables of a suite in the Markdown report.

use prismq_judge::verdict::{FailOn, judge};
use prismq_report::render::{View, markdown};

use crate::support::sample;

#[test]
fn the_scenarios_of_a_suite_are_columns_of_one_table() {
    let mut run = sample::run();
    let mut other = sample::scenario("latency");
    other.id = "latency/drain/workers=10".to_owned();
    other.metrics = vec![sample::metric("peak", vec![2.5])];
    let scenarios = &mut run.suites[1].scenarios;
    scenarios.push(other);
    // A text of a record must not break its table.
    scenarios[0].metrics[1].reason = Some("a|b\nc".to_owned());
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let files = ["results/benchmark_results_1.json".into(), "results/x.json".into()];
    let report = markdown(&View::new(&run, &verdict).with_files(&files)).unwrap();
    let (_, latency) = report.split_once("All figures of latency</summary>\n\n").unwrap();
    let (latency, rest) = latency.split_once("\n\n").unwrap();
    insta::assert_snapshot!(latency, @r"
    | metric | `drain/workers=5` | `drain/workers=10` |
    |---|---:|---:|
    | rate | 1 006 tasks/s |  |
    | speed\_up | – (a\|b c) |  |
    | peak |  | 2.50 tasks/s |
    ");
    assert!(
        rest.ends_with(
            "<summary>Files</summary>\n\n- `benchmark_results_1.json`\n- `x.json`\n\n</details>\n"
        ),
        "{rest}"
    );
    assert!(!report.contains("## Targets"), "there was none to check");
}
