//! What happens to throughput, contention and fairness as workers are added, from 1 to 32 real
//! threads whose handlers take 2 ms?

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use prismq_bench::error::Result;
use prismq_bench::floor::{Turns, disk, per_s, raw};
use prismq_bench::metrics::{
    BUSY_ERRORS, BUSY_WAITS, CLAIM_CONFLICT_PERCENT, DUPLICATED, EMPTY_POLLS, LOST, MAX_WORKERS,
    SPEED_UP, TASKS_PER_S, WORKER_SHARE_MAX_PERCENT, WORKER_SHARE_MIN_PERCENT, percent,
};
use prismq_bench::recorder::{Case, Round};
use prismq_bench::rounds::SharedRounds;
use prismq_bench::stage::Stage;
use prismq_bench::suite::Suite;
use prismq_bench::workload::PAYLOAD_BYTES;
use prismq_bench::workload::drain::{Drain, Drained, ENQUEUE_BATCH, bearable, drain};
use prismq_report::record::Model;

const WORKERS: [usize; 7] = [1, 2, 5, 10, 15, 20, 32];
/// Far beyond the cores: nothing may go wrong, whatever it brings.
const MANY: usize = 64;
const HANDLER: Duration = Duration::from_millis(2);

pub(crate) fn measure(suite: &mut Suite<'_>) -> Result<()> {
    let mut levels = Vec::new();
    for workers in WORKERS {
        levels.extend(sweep(suite, workers)?);
    }
    conclude(suite, &levels)?;
    sweep(suite, MANY).map(drop)
}

/// What one level of the sweep says about the highest bearable number of workers.
struct Level {
    workers: usize,
    bearable: bool,
    faults: Vec<String>,
}

fn tasks(suite: &Suite<'_>) -> usize {
    suite.stage().scale().pick(64, 64, 800, 5_000)
}

fn case(suite: &Suite<'_>, scenario: &'static str, workers: usize) -> Case {
    Case::new(scenario, "workers", workers)
        .model(Model::Closed)
        .with("tasks", tasks(suite))
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler_ms", 2)
}

fn sweep(suite: &mut Suite<'_>, workers: usize) -> Result<Option<Level>> {
    let load = Drain {
        workers,
        tasks: tasks(suite),
        payload_bytes: PAYLOAD_BYTES,
        work: Arc::new(|_| thread::sleep(HANDLER)),
    };
    let case = case(suite, "drain", workers);
    let (mut shared, mut turns) = (SharedRounds::default(), Turns::default());
    // The same rounds once more by a number alone, through which Criterion draws a line.
    let parameters = [("drain", case.parameter.clone()), ("drain_by_workers", workers.to_string())];
    for (scenario, parameter) in parameters {
        suite.bench_as(scenario, &parameter, |stage, call| {
            let measured = shared.get(call.index, || Measured::now(stage, &load, &mut turns))?;
            Ok(measured.drained.draining)
        })?;
    }
    let measured = || shared.measured().iter().skip(suite.discarded_calls());
    let drains: Vec<&Drained> = measured().map(|measured| &measured.drained).collect();
    if drains.is_empty() {
        return Ok(None);
    }
    let rounds: Vec<Round> = measured().map(|measured| measured.round()).collect();
    let speed_up = speed_up(suite, workers, &rounds);
    suite.record(case, &rounds, vec![SPEED_UP.once(speed_up)])?;
    Ok(Some(Level {
        workers,
        bearable: bearable(&drains, workers),
        faults: rounds.into_iter().flat_map(|round| round.faults).collect(),
    }))
}

/// A drain, and what SQLite and the disk did in the same round.
struct Measured {
    drained: Drained,
    floor: f64,
    disk: f64,
}

impl Measured {
    fn now(stage: &Stage, load: &Drain, turns: &mut Turns) -> Result<Self> {
        let (drained, floor) = turns.both(
            || drain(stage, load),
            || raw::claim_and_complete(stage.bench_dir(), load.tasks, PAYLOAD_BYTES),
        )?;
        let disk = disk::syncs_per_s(stage.bench_dir())?;
        Ok(Self { drained, floor: per_s(load.tasks, floor), disk })
    }

    fn round(&self) -> Round {
        let drained = &self.drained;
        let met = drained.met;
        let finished: u64 = drained.crew.per_worker.iter().sum();
        let share = |tasks: Option<&u64>| percent(tasks.copied().unwrap_or(0), finished);
        let readings = vec![
            TASKS_PER_S.reads(drained.tasks_per_s()),
            BUSY_ERRORS.counts(met.busy_errors),
            BUSY_WAITS.counts(met.busy_waits),
            CLAIM_CONFLICT_PERCENT.reads(drained.claim_conflict_percent()),
            EMPTY_POLLS.counts(met.empty_polls),
            WORKER_SHARE_MIN_PERCENT.reads(share(drained.crew.per_worker.iter().min())),
            WORKER_SHARE_MAX_PERCENT.reads(share(drained.crew.per_worker.iter().max())),
            LOST.counts(drained.audit.lost),
            DUPLICATED.counts(drained.audit.duplicated),
        ];
        Round {
            readings,
            histograms: vec![("service", drained.service.clone())],
            faults: drained.faults.clone(),
            course: drained.course.clone(),
            ..Round::default()
        }
        .beside(TASKS_PER_S, "sqlite", self.floor)
        .beside(TASKS_PER_S, "disk", self.disk)
    }
}

/// How much faster than one worker, if one worker was measured.
fn speed_up(
    suite: &Suite<'_>,
    workers: usize,
    rounds: &[Round],
) -> std::result::Result<f64, String> {
    let readings = rounds.iter().flat_map(|round| &round.readings);
    let samples = readings.filter(|reading| reading.spec == TASKS_PER_S);
    let here = TASKS_PER_S.fold(samples.map(|reading| reading.value).collect()).value;
    let one = match workers {
        1 => here,
        _ => suite.figure(&case(suite, "drain", 1), TASKS_PER_S.name),
    };
    match (here, one) {
        (Some(here), Some(one)) if one > 0.0 => Ok(here / one),
        _ => Err("workers=1 was not measured in this run".to_owned()),
    }
}

/// What the whole sweep says; part of a sweep says nothing.
fn conclude(suite: &mut Suite<'_>, levels: &[Level]) -> Result<()> {
    if levels.len() < WORKERS.len() {
        return Ok(());
    }
    let bearable = levels.iter().filter(|level| level.bearable).map(|level| level.workers);
    let most = u64::try_from(bearable.max().unwrap_or(0)).unwrap_or(u64::MAX);
    let faults = levels.iter().flat_map(|level| {
        level.faults.iter().map(|fault| format!("workers={}: {fault}", level.workers))
    });
    let round = Round {
        readings: vec![MAX_WORKERS.counts(most)],
        faults: faults.collect(),
        ..Round::default()
    };
    let widest = WORKERS.into_iter().max().unwrap_or(0);
    suite.record(case(suite, "sweep", widest), &[round], Vec::new())
}
