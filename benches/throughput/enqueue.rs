//! 1, 10 and 64 callers that enqueue one task a call, against the yardsticks and the reference.

use std::time::Duration;

use prismq_bench::base::error::{Error, Result};
use prismq_bench::base::histogram::empty;
use prismq_bench::base::number::as_f64;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, ENQUEUE_TASKS_PER_S, RATIO_TO_DISK, RATIO_TO_FLOOR, RATIO_TO_MUTEX,
    RATIO_TO_POOLED, Reading,
};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::written::Written;
use prismq_bench::reference::{Turns, disk, per_s, raw};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::enqueue::{Enqueue, Enqueued, Enqueuer};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::{Counters, SubjectKind};
use prismq_record::Model;

/// Callers, their tasks and the pooled subject's in the standard profile, and in how many turns. Several callers of the
/// pooled subject mostly wait for each other's locks, which takes seconds and says nothing about enqueueing.
const LEVELS: &[(usize, usize, usize, usize)] =
    &[(1, 2_400, 2_400, 8), (10, 6_000, 0, 5), (64, 20_000, 0, 1)];
/// Tasks of one connection behind a mutex, which any number of callers fill alike.
const TASKS_OF_MUTEX: usize = 1_600;
/// In a smoke run.
const LEVELS_SMOKE: &[(usize, usize, usize, usize)] = &[(1, 500, 200, 1), (10, 2_000, 0, 1)];

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let levels = suite.stage().scale().pick(LEVELS, LEVELS_SMOKE, LEVELS, LEVELS);
    for &(callers, standard, pooled, turns) in levels {
        let tasks = suite.stage().scale().pick(callers * 2, standard / 20, standard, standard * 2);
        // The pooled subject does as many tasks as take it about as long.
        let trial = if pooled == 0 { 0 } else { callers * 2 };
        let pooled = suite.stage().scale().pick(trial, pooled / 5, pooled, pooled * 2);
        let turns = suite.stage().scale().pick(1, turns, turns, turns);
        let mutex =
            suite.stage().scale().pick(callers * 2, 320, TASKS_OF_MUTEX, 2 * TASKS_OF_MUTEX);
        let loads = [tasks, pooled, mutex].map(|tasks| Enqueue { callers, tasks: tasks / turns });
        let case = Case::new("enqueue", "callers", callers)
            .model(Model::Closed)
            .tasks(tasks)
            .with("tasks", tasks)
            .with("tasks_of_pooled", pooled)
            .with("tasks_of_mutex", mutex)
            .with("turns", turns)
            .with("payload_bytes", PAYLOAD_BYTES);
        let (mut among_engines, mut with_reference) = (Turns::default(), Turns::default());
        suite.measure(case, move |stage| {
            let (all, floor) = with_reference.both(
                || enqueue_all(stage, loads, turns, &mut among_engines),
                || raw::enqueue(stage.bench_dir(), tasks, PAYLOAD_BYTES),
            )?;
            let took = all.ours.iter().map(|turn| turn.took).sum();
            Ok((took, round(stage, &all, per_s(tasks, floor))?))
        })?;
    }
    Ok(())
}

/// What the same callers did to each subject, turn by turn.
#[derive(Default)]
struct Subjects {
    ours: Vec<Enqueued>,
    pooled: Vec<Enqueued>,
    mutex: Vec<Enqueued>,
    /// What is wrong with the files.
    faults: Vec<String>,
}

/// Short turns, as subjects that each wait for the disk can be compared only while its speed is the same; each on
/// one database for all its turns.
fn enqueue_all(
    stage: &Stage,
    [ours, pooled, mutex]: [Enqueue; 3],
    turns: usize,
    order: &mut Turns,
) -> Result<Subjects> {
    let open = |kind| Enqueuer::open(&stage.with_subject(kind), ours.callers);
    let mut own = Enqueuer::open(stage, ours.callers)?;
    let mut pooling = (pooled.tasks > 0).then(|| open(SubjectKind::Pooled)).transpose()?;
    let mut locking = open(SubjectKind::Mutex)?;
    let mut all = Subjects::default();
    for _ in 0..turns {
        let (ours, (pooled, mutex)) = order.both(
            || own.turn(ours.tasks),
            || {
                let pooled = pooling.as_mut().map(|pooling| pooling.turn(pooled.tasks));
                Ok((pooled.transpose()?, locking.turn(mutex.tasks)?))
            },
        )?;
        all.ours.push(ours);
        all.pooled.extend(pooled);
        all.mutex.push(mutex);
    }
    for enqueuer in [Some(own), pooling, Some(locking)].into_iter().flatten() {
        all.faults.extend(enqueuer.close()?);
    }
    Ok(all)
}

/// Of turns; the course over time is that of the first.
fn round(stage: &Stage, all: &Subjects, floor: f64) -> Result<Round> {
    let disk = disk::syncs_per_s(stage.bench_dir())?;
    let ours = &all.ours;
    let pooled_rate = (!all.pooled.is_empty()).then(|| rate(&all.pooled));
    let (rate, mutex_rate) = (rate(ours), rate(&all.mutex));
    let mut publish = empty("publish")?;
    for turn in ours {
        publish
            .add(&turn.publish)
            .map_err(|error| Error::Histogram { name: "publish", reason: error.to_string() })?;
    }
    let mut readings = vec![
        ENQUEUE_TASKS_PER_S.reads(rate),
        RATIO_TO_MUTEX.reads(rate / mutex_rate),
        RATIO_TO_DISK.reads(rate / disk),
        RATIO_TO_FLOOR.reads(rate / floor),
        BUSY_ERRORS.counts(ours.iter().map(|turn| turn.counted.busy_errors).sum()),
    ];
    readings.extend(pooled_rate.map(|pooled_rate| RATIO_TO_POOLED.reads(rate / pooled_rate)));
    readings.extend(per_task(ours).into_iter().flatten());
    let faults = ours
        .iter()
        .chain(&all.pooled)
        .chain(&all.mutex)
        .flat_map(|turn| turn.faults.clone())
        .chain(all.faults.clone())
        .collect();
    let round = Round {
        readings,
        histograms: vec![("publish", publish)],
        faults,
        course: ours.first().map(|turn| turn.course.clone()).unwrap_or_default(),
        ..Round::default()
    }
    .with_reference(ENQUEUE_TASKS_PER_S, "disk", disk)
    .with_upper_bound(ENQUEUE_TASKS_PER_S, "sqlite", floor)
    .with_reference(ENQUEUE_TASKS_PER_S, "mutex", mutex_rate);
    Ok(match pooled_rate {
        Some(rate) => round.with_reference(ENQUEUE_TASKS_PER_S, "pooled", rate),
        None => round,
    })
}

/// What a task took to be written, over all turns.
fn per_task(turns: &[Enqueued]) -> Option<[Reading; 3]> {
    let mut written = Written::default();
    let mut counted = Counters::default();
    for turn in turns {
        written = written.and(turn.written?);
        counted.synced_transactions += turn.counted.synced_transactions;
    }
    Some(written.per_task(counted, turns.iter().map(|turn| turn.tasks).sum()))
}

/// Tasks a second, all turns together.
fn rate(turns: &[Enqueued]) -> f64 {
    let tasks: u64 = turns.iter().map(|turn| turn.tasks).sum();
    let took: Duration = turns.iter().map(|turn| turn.took).sum();
    as_f64(tasks) / took.as_secs_f64()
}
