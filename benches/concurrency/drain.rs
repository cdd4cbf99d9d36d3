//! What happens to throughput, contention and fairness as workers are added, from 1 to 32 real
//! threads whose handlers take 2 ms?

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::percent;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, BUSY_WAITS, CLAIM_CONFLICT_PERCENT, DUPLICATED, EMPTY_POLLS, LOST, MAX_WORKERS,
    SPEED_UP, TASKS_PER_S, WORKER_SHARE_MAX_PERCENT, WORKER_SHARE_MIN_PERCENT,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::{Turns, bound, disk, per_s};
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::{
    Drain, DrainRound, ENQUEUE_BATCH, LevelRound, drain, sustains,
};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Work;
use prismq_record::Model;

const WORKERS: [usize; 7] = [1, 2, 5, 10, 15, 20, 32];
/// Far beyond the cores: nothing may go wrong, fast or not.
const MANY: usize = 64;
const HANDLER: Duration = Duration::from_millis(2);

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let levels: Levels = Rc::default();
    for workers in WORKERS {
        sweep(suite, workers, &levels)?;
    }
    conclude(suite, levels);
    sweep(suite, MANY, &Rc::default())
}

/// What each round of the sweep says about the highest number of workers that is sustained.
type Levels = Rc<RefCell<BTreeMap<usize, Vec<LevelRound>>>>;

/// Few workers take long enough with fewer.
fn tasks(suite: &Suite, workers: usize) -> usize {
    let standard = match workers {
        1 => 200,
        2 => 400,
        _ => 800,
    };
    suite.stage().scale().pick(64, 32, standard, 5_000)
}

fn case(suite: &Suite, scenario: &'static str, workers: usize) -> Case {
    Case::new(scenario, "workers", workers)
        .model(Model::Closed)
        .tasks(tasks(suite, workers))
        .with("tasks", tasks(suite, workers))
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler_ms", 2)
}

fn sweep(suite: &mut Suite, workers: usize, levels: &Levels) -> Result<()> {
    let load = Drain {
        workers,
        tasks: tasks(suite, workers),
        payload_bytes: PAYLOAD_BYTES,
        work: Work::sleep(HANDLER),
    };
    let (levels, of_level) = (levels.clone(), case(suite, "drain", workers));
    let (here, one) = (of_level.clone(), case(suite, "drain", 1));
    let mut turns = Turns::default();
    let experiment = Experiment::new(of_level, move |stage| {
        let measured = Measured::now(stage, &load, &mut turns)?;
        let drained = &measured.drained;
        levels.borrow_mut().entry(workers).or_default().push(drained.level(workers));
        Ok((drained.draining, measured.round()))
    });
    suite.add(experiment.warmed_up().figures(move |measured| {
        let rates = measured.figure(&here, TASKS_PER_S).zip(measured.figure(&one, TASKS_PER_S));
        let speed_up = rates.filter(|(_, one)| *one > 0.0).map(|(here, one)| here / one);
        let missing = || "workers=1 was not measured in this run".to_owned();
        vec![SPEED_UP.once(speed_up.ok_or_else(missing))]
    }))
}

/// A drain, and what SQLite and the disk did in the same round.
struct Measured {
    drained: DrainRound,
    floor: f64,
    bound: &'static str,
    disk: f64,
}

impl Measured {
    fn now(stage: &Stage, load: &Drain, turns: &mut Turns) -> Result<Self> {
        let (drained, floor) = turns.both(
            || drain(stage, load),
            || {
                bound::claim_and_complete(
                    stage.kind(),
                    stage.bench_dir(),
                    load.tasks,
                    PAYLOAD_BYTES,
                )
            },
        )?;
        let disk = disk::syncs_per_s(stage.bench_dir())?;
        let bound = bound::name(stage.kind());
        Ok(Self { drained, floor: per_s(load.tasks, floor), bound, disk })
    }

    fn round(&self) -> Round {
        let drained = &self.drained;
        let counted = drained.counted;
        let finished: u64 = drained.pool.per_worker.iter().sum();
        let share = |tasks: Option<&u64>| percent(tasks.copied().unwrap_or(0), finished);
        let readings = vec![
            TASKS_PER_S.reads(drained.tasks_per_s()),
            BUSY_ERRORS.counts(counted.busy_errors),
            BUSY_WAITS.counts(counted.busy_waits),
            CLAIM_CONFLICT_PERCENT.reads(drained.claim_conflict_percent()),
            EMPTY_POLLS.counts(counted.empty_polls),
            WORKER_SHARE_MIN_PERCENT.reads(share(drained.pool.per_worker.iter().min())),
            WORKER_SHARE_MAX_PERCENT.reads(share(drained.pool.per_worker.iter().max())),
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
        .with_upper_bound(TASKS_PER_S, self.bound, self.floor)
        .with_reference(TASKS_PER_S, "disk", self.disk)
    }
}

/// What the whole sweep says; part of a sweep says nothing.
fn conclude(suite: &mut Suite, levels: Levels) {
    let widest = WORKERS.into_iter().max().unwrap_or(0);
    let sweep = case(suite, "sweep", widest);
    suite.conclude(sweep, move |_| {
        let levels = levels.borrow();
        if levels.len() < WORKERS.len() {
            return None;
        }
        let most =
            levels.iter().filter(|(_, rounds)| sustains(rounds)).map(|(workers, _)| *workers);
        let most = u64::try_from(most.max().unwrap_or(0)).unwrap_or(u64::MAX);
        let faults = levels.iter().flat_map(|(workers, rounds)| {
            let faults = rounds.iter().flat_map(|round| &round.faults);
            faults.map(move |fault| format!("workers={workers}: {fault}"))
        });
        Some(Round {
            readings: vec![MAX_WORKERS.counts(most)],
            faults: faults.collect(),
            ..Round::default()
        })
    });
}
