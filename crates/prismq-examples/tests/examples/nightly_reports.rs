//! Nightly reports of two processes on one file: each slot runs once, and the limit holds over both.

use std::process::Command;

use prismq::Queue;

use crate::support::Program;

#[test]
fn two_processes_report_of_every_customer_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.db");
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightly_reports"));
        let program = Program::start(command.arg(&path).args(arguments));
        assert_eq!(program.line(), "ready");
        program
    };
    let first = start(&[]);
    let second = start(&["now"]);
    let queue = Queue::open(&path).unwrap();
    crate::support::wait_until("all calls are made", || {
        queue.stats("default").unwrap().completed == 21
    });
    let mut reports: Vec<String> = Vec::new();
    for program in [first, second] {
        let (status, lines) = program.terminate();
        assert!(status.success(), "{status}");
        reports.extend(lines.into_iter().filter(|line| line.starts_with("report of")));
    }
    reports.sort_unstable();
    let mut expected: Vec<_> = (0..20).map(|n| format!("report of customer {n}")).collect();
    expected.sort_unstable();
    assert_eq!(reports, expected);
    assert_eq!(queue.schedules().list().unwrap().len(), 1);
}
