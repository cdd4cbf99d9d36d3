//! On a server: callers that enqueue one task a call and workers that drain a backlog, against the queue that most teams
//! start with, on as many connections; and batches of a thousand, against the best known loop.

use std::time::{Duration, Instant};

use prismq_bench::base::error::Result;
use prismq_bench::load::tasks::{PAYLOAD_BYTES, fill, sized};
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, DUPLICATED, ENQUEUE_TASKS_PER_S, LOST, RATIO_TO_FLOOR, RATIO_TO_NAIVE, TASKS_PER_S,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::server::{naive, statements};
use prismq_bench::reference::{Turns, per_s, server_cost};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::{Drain, ENQUEUE_BATCH, drain};
use prismq_bench::scenario::enqueue::{Enqueue, enqueue};
use prismq_bench::subject::{Census, DEFAULT_QUEUE, Work};
use prismq_record::Model;

/// Callers, with their tasks and those of the reference in the standard profile, which take about as long.
const CALLERS: [(usize, usize, usize); 3] =
    [(1, 2_000, 2_000), (10, 10_000, 10_000), (64, 30_000, 10_000)];
const WORKERS: usize = 10;
const TASK_TYPE: &str = "batch";

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    for (callers, ours, theirs) in CALLERS {
        one_by_one(suite, callers, ours, theirs)?;
    }
    batches(suite)?;
    drained(suite)
}

fn one_by_one(suite: &mut Suite, callers: usize, ours: usize, theirs: usize) -> Result<()> {
    let scaled =
        |tasks: usize| suite.stage().scale().pick(callers * 2, tasks / 10, tasks, tasks * 4);
    let (ours, theirs) = (scaled(ours), scaled(theirs));
    let load = Enqueue { callers, tasks: ours };
    let case = Case::new("server_enqueue", "callers", callers)
        .model(Model::Closed)
        .tasks(ours)
        .with("tasks", ours)
        .with("tasks_of_naive", theirs)
        .with("payload_bytes", PAYLOAD_BYTES);
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let (enqueued, naive) = turns.both(
            || enqueue(stage, load),
            || naive::enqueue(stage.bench_dir(), callers, theirs, PAYLOAD_BYTES),
        )?;
        let server = server_cost((enqueued.server, ours), (naive.server, theirs));
        let naive = per_s(theirs, naive.time);
        let mut readings = vec![
            ENQUEUE_TASKS_PER_S.reads(enqueued.per_s()),
            RATIO_TO_NAIVE.reads(enqueued.per_s() / naive),
            BUSY_ERRORS.counts(enqueued.counted.busy_errors),
        ];
        readings.extend(server);
        let round = Round {
            readings,
            histograms: vec![("publish", enqueued.publish)],
            faults: enqueued.faults,
            course: enqueued.course,
            ..Round::default()
        };
        Ok((enqueued.took, round.with_reference(ENQUEUE_TASKS_PER_S, "naive", naive)))
    })
}

fn batches(suite: &mut Suite) -> Result<()> {
    let tasks = suite.stage().scale().pick(statements::TASKS, 5_000, 50_000, 200_000);
    let case = Case::new("server_enqueue", "batch", statements::TASKS)
        .model(Model::Closed)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES);
    let backlog = sized(TASK_TYPE, tasks, PAYLOAD_BYTES);
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let ours = || -> Result<(Duration, Vec<String>)> {
            let database = stage.database(1)?;
            let started = Instant::now();
            fill(database.subject(), &backlog, statements::TASKS)?;
            let took = started.elapsed();
            let ready = u64::try_from(tasks).unwrap_or(u64::MAX);
            let expected = Census { ready, ..Census::default() };
            Ok((took, database.recount(&[DEFAULT_QUEUE], expected)?.into_iter().collect()))
        };
        let ((took, faults), floor) =
            turns.both(ours, || statements::enqueue(stage.bench_dir(), tasks, PAYLOAD_BYTES))?;
        let readings = vec![
            ENQUEUE_TASKS_PER_S.reads(per_s(tasks, took)),
            RATIO_TO_FLOOR.reads(floor.as_secs_f64() / took.as_secs_f64()),
        ];
        let round = Round { readings, faults, ..Round::default() };
        let floor = per_s(tasks, floor);
        Ok((took, round.with_upper_bound(ENQUEUE_TASKS_PER_S, "statements", floor)))
    })
}

fn drained(suite: &mut Suite) -> Result<()> {
    let scale = suite.stage().scale();
    let (ours, theirs) =
        (scale.pick(40, 2_000, 20_000, 50_000), scale.pick(40, 500, 3_000, 10_000));
    let load =
        Drain { workers: WORKERS, tasks: ours, payload_bytes: PAYLOAD_BYTES, work: Work::None };
    let case = Case::new("server_drain", "workers", WORKERS)
        .model(Model::Closed)
        .tasks(ours)
        .with("tasks", ours)
        .with("tasks_of_naive", theirs)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op");
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        let (drained, naive) = turns.both(
            || drain(stage, &load),
            || naive::drain(stage.bench_dir(), WORKERS, theirs, PAYLOAD_BYTES),
        )?;
        let server = server_cost((drained.server, ours), (naive.server, theirs));
        let naive = per_s(theirs, naive.time);
        let mut readings = vec![
            TASKS_PER_S.reads(drained.tasks_per_s()),
            RATIO_TO_NAIVE.reads(drained.tasks_per_s() / naive),
            LOST.counts(drained.audit.lost),
            DUPLICATED.counts(drained.audit.duplicated),
        ];
        readings.extend(server);
        let took = drained.draining;
        let round =
            Round { readings, faults: drained.faults, course: drained.course, ..Round::default() };
        Ok((took, round.with_reference(TASKS_PER_S, "naive", naive)))
    })
}
