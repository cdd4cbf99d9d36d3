//! What makes figures doubtful without making them worthless: the machine's state, and what scenarios say
//! of themselves. What makes them worthless is the verdict's to say.

use prismq_record::{Environment, Floor, RunRecord, Scenario, SuiteRecord};

use crate::render::humanise::number;

/// Processor time that others used before, in percent of all cores, from which on they compete.
const BUSY_PERCENT: f64 = 10.0;
/// Processor time taken by the hypervisor, in percent, from which on figures suffer.
const STEAL_PERCENT: f64 = 2.0;
/// By how much the disk may have changed during a run.
const SYNC_CHANGE: f64 = 2.0;
/// The floor that is a reference: an upper bound, as nothing but SQLite is at work in it.
const REFERENCE: &str = "sqlite";
/// A p99 of fewer values has no interval of 95 %.
const P99_SAMPLES: u64 = 299;

/// Each once, machine first.
pub(super) fn warnings(run: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    for suite in &run.suites {
        machine(suite, &mut found);
    }
    if let (Some(first), Some(last)) = (run.suites.first(), run.suites.last()) {
        disk(&first.environment, &last.environment, &mut found);
    }
    let scenarios = || run.suites.iter().flat_map(|suite| &suite.scenarios);
    for scenario in scenarios() {
        found.extend(scenario.warnings.iter().map(|warning| format!("{}: {warning}", scenario.id)));
        found.extend(few_samples(scenario));
        found.extend(beaten_references(scenario));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|warning| seen.insert(warning.clone()));
    found
}

fn machine(suite: &SuiteRecord, found: &mut Vec<String>) {
    let environment = &suite.environment;
    let machine = &environment.machine;
    if machine.memory_filesystem {
        found
            .push("the databases lie on a memory filesystem: no figure here is durable".to_owned());
    }
    found.extend(environment.sync.warning());
    if let Some(governor) = machine.governor.value.as_deref()
        && governor != "performance"
    {
        found.push(format!(
            "the processor's governor is {governor}: figures move with its frequency; \
             performance keeps it steady"
        ));
    }
    if let Some(busy) = environment.before.busy_percent.value
        && busy > BUSY_PERCENT
    {
        found.push(format!(
            "{}: something else used {} % of the processor before the suite",
            suite.suite,
            number(busy)
        ));
    }
    if let Some(steal) = environment.after.steal_percent.value
        && steal > STEAL_PERCENT
    {
        let steal = number(steal);
        found.push(format!("the hypervisor gave {steal} % of the processor to others"));
    }
    if environment.git.value.as_ref().is_some_and(|git| git.dirty) {
        found.push("the source had uncommitted changes: the commit does not name what ran".into());
    }
}

fn disk(first: &Environment, last: &Environment, found: &mut Vec<String>) {
    let (before, after) = (&first.before.sync_p50_us.value, &last.after.sync_p50_us.value);
    if let (Some(before), Some(after)) = (before, after)
        && (after / before > SYNC_CHANGE || before / after > SYNC_CHANGE)
    {
        found.push(format!(
            "the disk changed during the run: a sync took {} µs before it and {} µs after",
            number(*before),
            number(*after)
        ));
    }
}

fn few_samples(scenario: &Scenario) -> Option<String> {
    let claims = scenario
        .metrics
        .iter()
        .any(|metric| metric.name.starts_with("p99_") && metric.value.is_some());
    let count = scenario.histograms.get("end_to_end")?.count;
    (claims && count < P99_SAMPLES).then(|| {
        format!(
            "{}: its p99 is of {count} tasks; below {P99_SAMPLES} it proves little",
            scenario.id
        )
    })
}

/// A reference that is slower than what it is the upper bound of is at fault, and so are ratios to it.
fn beaten_references(scenario: &Scenario) -> impl Iterator<Item = String> {
    scenario.metrics.iter().flat_map(|metric| {
        let beaten = |floor: &&Floor| floor.name == REFERENCE && floor.ratio > 1.0;
        metric.floors.iter().filter(beaten).map(|floor| {
            format!(
                "{}: {} is {} times its reference, raw SQLite: the reference is at fault: do not use \
                 ratios to it",
                scenario.id,
                metric.name,
                number(floor.ratio)
            )
        })
    })
}
