//! Does the queue survive volume and faults? 10 workers drain 5000 tasks and 20 workers 2000 whose
//! handlers take 1 to 10 ms; then handlers fail, panic and are slow, a process dies holding tasks, and others
//! are killed while they enqueue and complete.
//! Every part ends when its work has ended. In the full profile also the study of orders, and a soak.

mod kill;
mod long_reader;
mod scheduling;
mod soak;

use std::process::ExitCode;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::percent;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    COMPLETION_PERCENT, DEAD, DUPLICATED, ERRORS, LOST, MEMORY_GROWTH_MIB, RECOVERED, RECOVERY_MS,
    RETRIED, TASKS_PER_S, UNEXPECTED_ERRORS,
};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::rss::resident_mib;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::suite::{self, Suite};
use prismq_bench::scenario::drain::{Drain, DrainRound, ENQUEUE_BATCH, drain};
use prismq_bench::scenario::fault::faults::{Faults, FaultsRound, faults};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::{Capability, Work};

/// Workers and the tasks they drain in the standard profile.
const VOLUMES: [(usize, usize); 2] = [(10, 5_000), (20, 2_000)];
const FAULT_WORKERS: usize = 10;

fn main() -> ExitCode {
    suite::main("stress", |suite| {
        VOLUMES.into_iter().try_for_each(|(workers, tasks)| volume(suite, workers, tasks))?;
        mishaps(suite)?;
        let has_file =
            suite.offers(Capability::File, "kills, after which its file is read; the soak");
        if has_file {
            kill::measure(suite)?;
        }
        scheduling::measure(suite)?;
        long_reader::measure(suite)?;
        if has_file { soak::measure(suite) } else { Ok(()) }
    })
}

/// From 1 to 10 ms, by the number of the task.
fn work() -> Work {
    Work::Sleep((1..=10).map(Duration::from_millis).collect())
}

/// The volume is drained once: what it is to show is that so much can be done in one go.
fn volume(suite: &mut Suite, workers: usize, standard: usize) -> Result<()> {
    let scale = suite.stage().scale();
    let tasks = scale.pick(workers * 4, standard / 10, standard, standard * 4);
    let case = Case::new("volume", "workers", workers)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("enqueue_batch", ENQUEUE_BATCH)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler_ms", "1 + i % 10");
    let load = Drain { workers, tasks, payload_bytes: PAYLOAD_BYTES, work: work() };
    suite.add(Experiment::new(case, move |stage| whole_volume(stage, &load)).single())
}

fn whole_volume(stage: &Stage, load: &Drain) -> Result<(Duration, Round)> {
    let before = resident_mib();
    let drained = drain(stage, load)?;
    let growth = resident_mib().zip(before).map(|(after, before)| after - before);
    let took = drained.draining;
    let mut round = volume_round(drained);
    round.readings.extend(growth.map(|growth| MEMORY_GROWTH_MIB.reads(growth)));
    Ok((took, round))
}

fn volume_round(drained: DrainRound) -> Round {
    let audit = drained.audit;
    let readings = vec![
        COMPLETION_PERCENT.reads(percent(audit.completed, audit.enqueued)),
        ERRORS.counts(drained.errors()),
        TASKS_PER_S.reads(drained.tasks_per_s()),
        LOST.counts(audit.lost),
        DUPLICATED.counts(audit.duplicated),
    ];
    Round { readings, faults: drained.faults, course: drained.course, ..Round::default() }
}

fn mishaps(suite: &mut Suite) -> Result<()> {
    let scale = suite.stage().scale();
    let size = scale.pick(1, 2, 10, 50);
    let held_lease = Duration::from_millis(scale.pick(200, 200, 500, 2_000));
    let load = Faults {
        workers: FAULT_WORKERS,
        plain: 10 * size,
        failing: 2 * size,
        dying: size,
        panicking: size,
        slow: size,
        held: 5,
        held_lease,
    };
    let case = Case::new("faults", "workers", load.workers)
        .with("plain", load.plain)
        .with("failing", load.failing)
        .with("dying", load.dying)
        .with("panicking", load.panicking)
        .with("slow", load.slow)
        .with("held", load.held)
        .with("held_lease_ms", scale.pick(200, 200, 500, 2_000));
    suite.measure(case, move |stage| {
        let aftermath = faults(stage, load)?;
        Ok((aftermath.took, faults_round(aftermath)))
    })
}

fn faults_round(aftermath: FaultsRound) -> Round {
    let audit = aftermath.audit;
    let mut readings = vec![
        COMPLETION_PERCENT.reads(percent(audit.completed, audit.enqueued)),
        RETRIED.counts(aftermath.retried),
        DEAD.counts(aftermath.dead),
        RECOVERED.counts(aftermath.recovered),
        UNEXPECTED_ERRORS.counts(aftermath.unexpected),
        LOST.counts(audit.lost),
        DUPLICATED.counts(audit.duplicated),
    ];
    let recovery = aftermath.recovery.map(|time| RECOVERY_MS.reads(time.as_secs_f64() * 1e3));
    readings.extend(recovery);
    Round { readings, faults: aftermath.faults, ..Round::default() }
}
