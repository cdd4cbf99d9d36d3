//! Whether the references of a run are what they claim to be.

use prismq_record::{Floor, Metric, RunRecord, Scenario};

/// Upper bounds that were exceeded, one sentence each.
pub(super) fn beaten(run: &RunRecord) -> Vec<String> {
    let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let metrics =
        scenarios.flat_map(|scenario| scenario.metrics.iter().map(move |m| (scenario, m)));
    let floors = metrics.flat_map(|(scenario, metric)| {
        let beaten = metric.floors.iter().filter(|floor| floor.is_beaten());
        beaten.map(move |floor| sentence(scenario, metric, floor))
    });
    floors.collect()
}

fn sentence(scenario: &Scenario, metric: &Metric, floor: &Floor) -> String {
    let Floor { name, ratio, interval, .. } = floor;
    let between = interval.as_ref().map_or_else(String::new, |interval| {
        format!(" (between {:.2} and {:.2})", interval.lower, interval.upper)
    });
    format!(
        "{}:{} is {ratio:.2} times its upper bound {name}{between}: the reference is wrong, do not use ratios to it",
        scenario.id, metric.name
    )
}
