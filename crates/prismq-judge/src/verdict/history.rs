//! The verdict as a line of the history.

use prismq_record::fingerprint::{config_hash, fingerprint, identity};
use prismq_record::history::{HISTORY_SCHEMA, HISTORY_VERSION, HistoryLine, HistoryMetric};
use prismq_record::{Metric, RunRecord, Scenario, Validity};

use super::Verdict;

impl Verdict {
    /// The line of `run` and this verdict on it.
    #[must_use]
    pub fn history_line(&self, run: &RunRecord) -> HistoryLine {
        let first = run.suites.first();
        let alike = first.filter(|_| identity(run).is_some());
        let git = first.and_then(|suite| suite.environment.git.value.as_ref());
        let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
        let valid = scenarios.filter(|scenario| scenario.validity == Validity::Valid);
        HistoryLine {
            schema: HISTORY_SCHEMA.to_owned(),
            schema_version: HISTORY_VERSION.to_owned(),
            run_id: run.run_id.clone(),
            ended_at: run.ended_at,
            commit: git.map(|git| git.commit.clone()),
            branch: git.and_then(|git| git.branch.value.clone()),
            dirty: git.map(|git| git.dirty),
            fingerprint: alike.map(|suite| fingerprint(&suite.environment)),
            engine: alike.map(|suite| suite.engine.clone()),
            profile: alike.map(|suite| suite.profile.clone()),
            status: self.status.word().to_owned(),
            metrics: valid.flat_map(|scenario| self.followed(scenario)).collect(),
        }
    }

    /// The figures that have a target, and those that were measured in several rounds.
    fn followed(&self, scenario: &Scenario) -> impl Iterator<Item = HistoryMetric> {
        let is_target = |metric: &Metric| {
            let mut targets = self.checks.iter().map(|check| &check.target);
            targets.any(|target| target.scenario == scenario.id && target.metric == metric.name)
        };
        let work = config_hash(&scenario.parameters);
        scenario.metrics.iter().filter_map(move |metric| {
            if metric.samples.is_empty() && !is_target(metric) {
                return None;
            }
            Some(HistoryMetric {
                id: format!("{}:{}", scenario.id, metric.name),
                value: metric.value?,
                unit: metric.unit.clone(),
                direction: metric.direction,
                config_hash: Some(work.clone()),
            })
        })
    }
}
