//! Throughput and contention over workers.

use std::collections::BTreeMap;

use prismq_record::*;

use super::chance::Chance;
use super::parts::{metric, scenario};

pub(crate) const WORKERS: [u32; 8] = [1, 2, 5, 10, 15, 20, 32, 64];

/// The Universal Scalability Law with some contention and a little coherence.
fn usl(workers: f64) -> f64 {
    620.0 * workers / (1.0 + 0.06 * (workers - 1.0) + 0.0009 * workers * (workers - 1.0))
}

fn reference(name: &str, of: f64, ratio: f64) -> Floor {
    let upper_bound = name == "sqlite";
    Floor { name: name.to_owned(), value: of / ratio, ratio, interval: None, upper_bound }
}

pub(super) fn throughput(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
    let drain = WORKERS.map(|workers| {
        let rate = usl(f64::from(workers)) * factor * chance.near(0.05);
        let mut rate = metric("tasks_per_s", "tasks/s", rate, Direction::Higher, chance);
        let value = rate.value.unwrap();
        rate.floors = vec![reference("sqlite", value, 0.86), reference("disk", value, 8.4)];
        let lost = metric("lost", "tasks", 0.0, Direction::Lower, chance);
        scenario(&format!("throughput/drain/workers={workers}"), Model::Closed, vec![rate, lost])
    });
    let mut all = drain.to_vec();
    let rate = metric("enqueue_tasks_per_s", "tasks/s", 41_250.0, Direction::Higher, chance);
    all.push(scenario("throughput/enqueue/callers=64", Model::Closed, vec![rate]));
    all
}

pub(super) fn concurrency(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
    let level = |workers: u32| {
        let count = f64::from(workers);
        let rate = 2.0 * usl(count) * factor;
        let mut metrics = vec![
            metric("tasks_per_s", "tasks/s", rate, Direction::Higher, chance),
            metric("busy_errors", "errors", 0.0, Direction::Lower, chance),
        ];
        let conflicts = 0.002 * (count - 1.0) + 0.0001 * count * count;
        for (name, unit, value) in [
            ("claim_conflict_percent", "%", conflicts),
            ("empty_polls", "polls", 2.0 * count),
            ("busy_waits", "waits", 0.4 * count * count),
        ] {
            metrics.push(metric(name, unit, value, Direction::Lower, chance));
        }
        let mut found =
            scenario(&format!("concurrency/drain/workers={workers}"), Model::Closed, metrics);
        found.rounds = (0..3)
            .map(|index| Round {
                index,
                seconds: 1000.0 / rate,
                counters: BTreeMap::from([("completed".to_owned(), 1000)]),
                per_worker: (0..workers)
                    .map(|_| (1000.0 / count * chance.near(0.25)) as u64)
                    .collect(),
                ..Round::default()
            })
            .collect();
        found
    };
    WORKERS.map(level).to_vec()
}
