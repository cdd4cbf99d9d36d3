//! Selects the scenarios of a chart by the data they have, never by name, so that new scenarios need no change
//! here.

use prismq_record::{Metric, RunRecord, Scenario, Validity};

/// Scenarios that differ in one parameter alone, in its order.
#[derive(Debug)]
pub(super) struct Sweep<'a> {
    /// What they share, for example `latency/open`.
    pub(super) name: String,
    pub(super) levels: Vec<(f64, &'a Scenario)>,
}

impl Sweep<'_> {
    /// The figure of a metric at each level that has one.
    pub(super) fn values(&self, metric: &str) -> Vec<(f64, f64)> {
        let value = |scenario: &Scenario| scenario.metric(metric).and_then(|metric| metric.value);
        self.levels.iter().filter_map(|(at, scenario)| Some((*at, value(scenario)?))).collect()
    }

    /// Its metric at each level that has it.
    pub(super) fn metrics(&self, metric: &str) -> Vec<(f64, &Metric)> {
        let found = self.levels.iter();
        found.filter_map(|(at, scenario)| Some((*at, scenario.metric(metric)?))).collect()
    }
}

pub(super) fn scenarios(run: &RunRecord) -> impl Iterator<Item = &Scenario> {
    run.suites.iter().flat_map(|suite| &suite.scenarios)
}

/// Every sweep over `parameter` of two levels or more.
pub(super) fn sweeps<'a>(run: &'a RunRecord, parameter: &str) -> Vec<Sweep<'a>> {
    let mut sweeps: Vec<Sweep<'a>> = Vec::new();
    for scenario in scenarios(run) {
        let Some((name, level)) = split(&scenario.id, parameter) else { continue };
        match sweeps.iter_mut().find(|sweep| sweep.name == name) {
            Some(sweep) => sweep.levels.push((level, scenario)),
            None => sweeps.push(Sweep { name, levels: vec![(level, scenario)] }),
        }
    }
    sweeps.retain(|sweep| sweep.levels.len() > 1);
    for sweep in &mut sweeps {
        sweep.levels.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    }
    sweeps
}

/// The id without `parameter`, and the parameter's value, if it has one that is a number.
fn split(id: &str, parameter: &str) -> Option<(String, f64)> {
    let (path, parameters) = id.rsplit_once('/')?;
    let mut level = None;
    let mut others = Vec::new();
    for part in parameters.split(',') {
        match part.split_once('=') {
            Some((name, value)) if name == parameter => level = value.parse::<f64>().ok(),
            _ => others.push(part),
        }
    }
    let level = level.filter(|level| level.is_finite())?;
    let name =
        if others.is_empty() { path.to_owned() } else { format!("{path}/{}", others.join(",")) };
    Some((name, level))
}

/// A scenario's name, for the caption of a chart.
pub(super) fn subject(scenario: &Scenario) -> String {
    match scenario.validity {
        Validity::Valid => scenario.id.clone(),
        Validity::Invalid { .. } => format!("{} (invalid)", scenario.id),
        Validity::Disturbed { .. } => format!("{} (disturbed)", scenario.id),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_sweep_is_named_by_what_its_levels_share() {
        let expected = |name: &str, level| Some((name.to_owned(), level));
        assert_eq!(
            split("throughput/drain/workers=5", "workers"),
            expected("throughput/drain", 5.0)
        );
        let two = "throughput/pipeline/producers=4,workers=10";
        assert_eq!(split(two, "workers"), expected("throughput/pipeline/producers=4", 10.0));
        assert_eq!(split("latency/open/load=50", "workers"), None);
        assert_eq!(split("workers=5", "workers"), None);
        assert_eq!(split("a/b/workers=many", "workers"), None);
    }
}
