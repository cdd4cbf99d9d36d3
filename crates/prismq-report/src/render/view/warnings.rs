//! Warnings: what makes figures doubtful but not invalid, from the state of the machine and from the scenarios.
//! What makes them invalid is decided by the verdict.

use prismq_record::{Environment, RunRecord, Scenario, SuiteRecord, disturbances};

use crate::render::humanise::number;

/// Processor time of other processes before the run, in percent of all cores, above which there is a warning.
const BUSY_PERCENT: f64 = 10.0;
/// Processor time taken by the hypervisor, in percent, above which there is a warning.
const STEAL_PERCENT: f64 = 2.0;
/// The factor by which the sync time may change during a run.
const SYNC_CHANGE: f64 = 2.0;
/// With fewer values a p99 has no 95 % interval.
const P99_SAMPLES: u64 = 299;

/// Each warning once, those of the machine first.
pub(super) fn warnings(run: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    for suite in &run.suites {
        machine(suite, &mut found);
    }
    if let (Some(first), Some(last)) = (run.suites.first(), run.suites.last()) {
        disk(&first.environment, &last.environment, &mut found);
    }
    let scenarios = || run.suites.iter().flat_map(|suite| &suite.scenarios);
    found.extend(disturbances(scenarios()));
    for scenario in scenarios() {
        found
            .extend(scenario.other_warnings().map(|warning| format!("{}: {warning}", scenario.id)));
        found.extend(few_samples(scenario));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|warning| seen.insert(warning.clone()));
    found
}

fn machine(suite: &SuiteRecord, found: &mut Vec<String>) {
    let environment = &suite.environment;
    let machine = &environment.machine;
    if machine.memory_filesystem {
        found.push("the databases are on a memory filesystem: no figure is durable".to_owned());
    }
    found.extend(environment.sync.warning());
    if let Some(governor) = machine.governor.value.as_deref()
        && governor != "performance"
    {
        found.push(format!(
            "the processor's governor is {governor}: figures vary with its frequency; set it to performance"
        ));
    }
    if let Some(busy) = environment.before.busy_percent.value
        && busy > BUSY_PERCENT
    {
        found.push(format!(
            "{}: other processes used {} % of the processor before the suite",
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
        found.push(
            "the source had uncommitted changes: the commit does not identify the code that ran"
                .into(),
        );
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
            "{}: its p99 comes from only {count} samples; {P99_SAMPLES} are needed",
            scenario.id
        )
    })
}
