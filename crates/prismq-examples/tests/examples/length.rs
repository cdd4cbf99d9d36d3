//! How long the applications are: what an application has to write for the queue.

/// The lines that are not blank, a comment, a `use` or an attribute.
fn own_lines(program: &str) -> usize {
    let is_own = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !["//", "use ", "#["].iter().any(|start| line.starts_with(start))
    };
    program.lines().filter(is_own).count()
}

#[test]
fn a_web_service_with_an_outbox_is_at_most_40_lines_of_its_own() {
    let lines = own_lines(include_str!("../../src/bin/web_service.rs"));
    assert!(lines <= 40, "{lines}");
}

#[test]
fn nightly_reports_over_processes_are_at_most_30_lines_of_their_own() {
    let lines = own_lines(include_str!("../../src/bin/nightly_reports.rs"));
    assert!(lines <= 30, "{lines}");
}
