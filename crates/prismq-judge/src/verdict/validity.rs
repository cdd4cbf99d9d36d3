//! Whether a run is valid: whether its figures may be used at all.

use prismq_record::{RunRecord, Scenario, Sqlite, SuiteRecord, Validity, quantiles};

use crate::targets::{Check, Outcome, Target, check_one};

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

/// Leaves open what others on the machine may have caused, which says nothing about the program: a target that a
/// disturbed scenario misses is undecided, as a disturbance makes any figure worse, unless the other rounds miss it by
/// themselves; and one that lacks its figure, as most rounds were disturbed, is not measured. One that is met in spite of it is met. Returns what was left open, and
/// which loads were not as planned, one sentence each.
pub(super) fn excuse(run: &RunRecord, checks: &mut [Check]) -> Vec<String> {
    let scenarios = || run.suites.iter().flat_map(|suite| &suite.scenarios);
    let load = |scenario: &Scenario| {
        let Validity::Disturbed { reasons } = &scenario.validity else { return None };
        let disturbed = scenario.disturbed().unwrap_or_default();
        Some(format!("{}: {}; it was {disturbed}", scenario.id, reasons.join("; ")))
    };
    let mut open: Vec<String> = scenarios().filter_map(load).collect();
    let targets = checks.len();
    for check in checks {
        let is_exact = check.is_exact(run);
        let Check { target, outcome, interval } = check;
        let Target { scenario: id, metric, .. } = &*target;
        let Some(scenario) = scenarios().find(|scenario| scenario.id == *id) else { continue };
        let Some(disturbed) = scenario.disturbed() else { continue };
        match outcome {
            // What is lost or wrong is not so because the machine was busy.
            Outcome::Missed { value, margin }
                if !is_exact && !is_missed_undisturbed(target, scenario, targets) =>
            {
                open.push(format!(
                    "{id}:{metric} misses its target, but its scenario was {disturbed}"
                ));
                *outcome = Outcome::Undecided { value: *value, margin: *margin };
                *interval = None;
            }
            Outcome::NoData { reason }
                if scenario.is_mostly_disturbed()
                    && (matches!(scenario.validity, Validity::Disturbed { .. })
                        || scenario.metrics.iter().any(|known| known.name == *metric)) =>
            {
                open.push(format!("{id}:{metric} has no figure, and its scenario was {disturbed}"));
                *outcome = Outcome::NotMeasured { reason: format!("{reason}; it was {disturbed}") };
            }
            _ => {}
        }
    }
    open
}

/// Whether the rounds that nobody disturbed miss a target of so many by themselves.
fn is_missed_undisturbed(target: &Target, scenario: &Scenario, targets: usize) -> bool {
    let alone = quantiles::undisturbed(scenario);
    let checked = alone.and_then(|scenario| check_one(target, &scenario, targets).ok());
    checked.is_some_and(|check| matches!(check.outcome, Outcome::Missed { .. }))
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
/// setting leaves the sync to SQLite. A server has settings of its own.
fn not_durable(sqlite: &Sqlite) -> Option<String> {
    if let Some(fsync) = sqlite.setting("fsync") {
        return not_durable_on_server(fsync, sqlite.setting("synchronous_commit"));
    }
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

/// The same by the settings of a PostgreSQL server and of the session.
fn not_durable_on_server(fsync: &str, synchronous_commit: Option<&str>) -> Option<String> {
    let (name, value) = match (fsync, synchronous_commit) {
        ("on", Some("on" | "local" | "remote_write" | "remote_apply")) => return None,
        ("on", value) => ("synchronous_commit", value.unwrap_or("unknown")),
        (value, _) => ("fsync", value),
    };
    Some(format!("ran with {name} = {value}, which does not wait for the disk; required is on"))
}
