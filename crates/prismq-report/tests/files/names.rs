//! The names of files in the results folder.

use prismq_record::files::{write_report, write_run, write_suite};

use crate::support::sample;

#[test]
fn results_files_are_named_by_suite_and_time() {
    let folder = tempfile::tempdir().unwrap();
    for suite in sample::SUITES {
        write_suite(folder.path(), &sample::suite(suite)).unwrap();
    }
    write_run(folder.path(), &sample::run()).unwrap();
    write_report(folder.path(), sample::at(0), "md", "# x\n").unwrap();
    // Written in the same second: neither file is lost.
    write_suite(folder.path(), &sample::suite("latency")).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "benchmark_report_20261118_110640.md",
            "benchmark_results_20261118_110640.json",
            "concurrency_results_20261118_110640.json",
            "latency_results_20261118_110640.json",
            "latency_results_20261118_110641.json",
            "memory_profile_results_20261118_110640.json",
            "stress_test_results_20261118_110640.json",
            "throughput_results_20261118_110640.json",
        ]
    );
}
