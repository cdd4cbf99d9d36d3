//! The highest rate that can be sustained: in each round the one that held, from what held before.

use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{MAXIMUM_TASKS_PER_S, SUSTAINABLE_TASKS_PER_S};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::open::saturation::P99_BOUND;
use prismq_record::Model;

use crate::capacity::{CALLERS, Capacity, WORKERS, held_for, round_for, tried_for};

pub(crate) fn measure(suite: &mut Suite, capacity: &Capacity) -> Result<()> {
    let floor_tasks = suite.stage().scale().pick(100, 1_000, 5_000, 20_000);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let stage = suite.stage();
    let (tried, held, round) = (tried_for(stage), held_for(stage), round_for(stage));
    let case = Case::new("saturation", "workers", WORKERS)
        .model(Model::Open)
        .with("callers", CALLERS)
        .with("tried_for_ms", ms(tried))
        .with("held_for_ms", ms(held))
        .with("round_ms", ms(round))
        .with("p99_bound_ms", ms(P99_BOUND))
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("arrivals", "constant rate")
        .with("handler", "no-op");
    let capacity = capacity.clone();
    let experiment = Experiment::new(case, move |stage| {
        let found = capacity.hold(stage)?;
        let closed = capacity.closed(stage)?;
        let life = per_s(
            floor_tasks,
            bound::life(stage.kind(), stage.bench_dir(), floor_tasks, PAYLOAD_BYTES)?,
        );
        let readings =
            vec![SUSTAINABLE_TASKS_PER_S.reads(found), MAXIMUM_TASKS_PER_S.reads(closed)];
        let round = Round { readings, ..Round::default() }
            .with_upper_bound(SUSTAINABLE_TASKS_PER_S, bound::name(stage.kind()), life)
            .with_reference(SUSTAINABLE_TASKS_PER_S, "disk", disk::syncs_per_s(stage.bench_dir())?);
        // The time between two tasks: less is better, as Criterion has it. A round in which no rate held counts as
        // one a second.
        Ok((Duration::from_secs_f64(1.0 / found.max(1.0)), round))
    });
    suite.add(experiment.warmed_up())
}
