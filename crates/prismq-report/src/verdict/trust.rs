//! Whether a run's figures can be trusted at all.

use crate::record::{RunRecord, SuiteRecord, Validity};

/// Why figures cannot be trusted, one sentence each.
pub(super) fn objections(run: &RunRecord) -> Vec<String> {
    let mut invalid = Vec::new();
    if run.suites.is_empty() {
        invalid.push("no suite was run".to_owned());
    }
    for suite in &run.suites {
        in_suite(suite, &mut invalid);
    }
    invalid
}

fn in_suite(suite: &SuiteRecord, invalid: &mut Vec<String>) {
    let environment = &suite.environment;
    let name = &suite.suite;
    if environment.machine.memory_filesystem {
        invalid.push(format!(
            "{name} ran on a memory filesystem, which keeps nothing in a power cut: \
             set PRISMQ_BENCH_DIR to a folder on a disk"
        ));
    }
    if environment.build.debug_assertions {
        invalid.push(format!("{name} was built with debug assertions: run it by `cargo bench`"));
    }
    let synchronous = environment.sqlite.pragmas.iter().find(|pragma| pragma.name == "synchronous");
    match synchronous.map(|pragma| pragma.value.as_str()) {
        Some("2" | "3") => {}
        Some(other) => invalid.push(format!(
            "{name} ran with synchronous = {other}, which does not wait for the disk; needed is 2"
        )),
        None => invalid.push(format!("{name} did not read back its synchronous setting")),
    }
    for scenario in &suite.scenarios {
        if let Validity::Invalid { reasons } = &scenario.validity {
            invalid.push(format!("{}: {}", scenario.id, reasons.join("; ")));
        }
    }
}
