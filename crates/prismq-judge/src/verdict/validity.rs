//! Whether a run is valid: whether its figures may be used at all.

use prismq_record::{RunRecord, Scenario, Sqlite, SuiteRecord, Validity};

use crate::targets::{Check, Outcome, Target};

/// Why the run is invalid, one sentence each; empty if it is valid.
pub(super) fn reasons(run: &RunRecord) -> Vec<String> {
    let mut invalid = Vec::new();
    if run.suites.is_empty() {
        invalid.push("no suite was run".to_owned());
    }
    for suite in &run.suites {
        in_suite(suite, &mut invalid);
    }
    invalid
}

/// Which of these missed targets are inconclusive, one sentence each: others used the machine while their
/// scenario was measured, which makes any figure worse. A target that is met in spite of it is met.
pub(super) fn disturbed(run: &RunRecord, missed: &[&Check]) -> Vec<String> {
    let scenarios = || run.suites.iter().flat_map(|suite| &suite.scenarios);
    let of = |check: &&Check| {
        let Target { scenario: id, metric, .. } = &check.target;
        let disturbed = scenarios().find(|scenario| scenario.id == *id)?.disturbed()?;
        Some(format!("{id}:{metric} is missed, but its scenario was {disturbed}"))
    };
    missed.iter().filter_map(of).collect()
}

/// Which scenarios could not be measured as meant, and how many targets have no data, as others used the machine.
pub(super) fn unmeasured(run: &RunRecord, checks: &[Check]) -> Vec<String> {
    let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let of = |scenario: &Scenario| {
        let Validity::Disturbed { reasons } = &scenario.validity else { return None };
        let disturbed = scenario.disturbed().unwrap_or_default();
        Some(format!("{}: {}; it was {disturbed}", scenario.id, reasons.join("; ")))
    };
    let mut unmeasured: Vec<String> = scenarios.filter_map(of).collect();
    let targets = checks.iter().filter(|check| lacks_data(check) && is_excused(run, check)).count();
    if targets > 0 {
        unmeasured.push(format!(
            "{targets} of {} targets have no data, as others used the machine",
            checks.len()
        ));
    }
    unmeasured
}

/// How many targets have no data although others did not disturb most rounds of their scenarios.
pub(super) fn without_data(run: &RunRecord, checks: &[Check]) -> usize {
    checks.iter().filter(|check| lacks_data(check) && !is_excused(run, check)).count()
}

const fn lacks_data(check: &Check) -> bool {
    matches!(check.outcome, Outcome::NoData { .. })
}

fn is_excused(run: &RunRecord, check: &Check) -> bool {
    let mut scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let of_target = scenarios.find(|scenario| scenario.id == check.target.scenario);
    of_target.is_some_and(Scenario::is_mostly_disturbed)
}

fn in_suite(suite: &SuiteRecord, invalid: &mut Vec<String>) {
    let environment = &suite.environment;
    let name = &suite.suite;
    if environment.machine.memory_filesystem {
        invalid.push(format!(
            "{name} ran on a memory filesystem, which loses everything in a power cut: \
             set PRISMQ_BENCH_DIR to a folder on a disk"
        ));
    }
    invalid.extend(environment.sync.invalid_reason().map(|reason| format!("{name}: {reason}")));
    if environment.build.debug_assertions {
        invalid.push(format!("{name} was built with debug assertions: run it by `cargo bench`"));
    }
    invalid.extend(not_durable(&environment.sqlite).map(|reason| format!("{name} {reason}")));
    for scenario in &suite.scenarios {
        if let Validity::Invalid { reasons } = &scenario.validity {
            invalid.push(format!("{}: {}", scenario.id, reasons.join("; ")));
        }
    }
}

/// Why a commit was not on the disk when it was acknowledged, if so. A queue that syncs its WAL itself reports
/// the setting `durability`, and its connections need not be `synchronous = FULL`; an engine without that
/// setting leaves the sync to SQLite.
fn not_durable(sqlite: &Sqlite) -> Option<String> {
    match (sqlite.setting("durability"), sqlite.setting("synchronous")) {
        (Some("full"), _) | (None, Some("2" | "3")) => None,
        (Some(other), _) => Some(format!(
            "ran with durability = {other}, which does not wait for the disk; required is full"
        )),
        (None, Some(other)) => Some(format!(
            "ran with synchronous = {other}, which does not wait for the disk; required is 2"
        )),
        (None, None) => Some("did not read back its durability or synchronous setting".to_owned()),
    }
}
