//! Processes, each with a pool of its own, drain one file: eight, in the full profile also fewer. On a server, more
//! processes are compared with one, and what share of the machine the server has is read: where that is all, more
//! processes bring nothing.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::{as_f64, percent};
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, CLAIM_CONFLICT_PERCENT, DUPLICATED, LOST, RATIO_TO_ONE_PROCESS, Reading,
    SERVER_CPU_PERCENT, TASKS_PER_S,
};
use prismq_bench::observe::round::Round;
use prismq_bench::reference::Turns;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::drain::processes::{Processes, Shared, drain_by_processes};
use prismq_bench::subject::Capability;

const PROCESSES: &[usize] = &[8];
const PROCESSES_FULL: &[usize] = &[1, 2, 4, 8];
/// On a server, which they do not take turns on.
const PROCESSES_OF_SERVER: &[usize] = &[1, 2, 4];
const WORKERS: usize = 2;

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let few = match suite.stage().can(Capability::File) {
        true => PROCESSES,
        false => PROCESSES_OF_SERVER,
    };
    let ladder = suite.stage().scale().pick(few, few, few, PROCESSES_FULL);
    ladder.iter().try_for_each(|processes| drain(suite, *processes))
}

fn drain(suite: &mut Suite, processes: usize) -> Result<()> {
    let tasks = suite.stage().scale().pick(40, 1_000, 20_000, 100_000);
    let load = Processes { processes, workers: WORKERS, tasks, service_time: None };
    let is_of_server = !suite.stage().can(Capability::File);
    let case = Case::new("drain", "processes", processes)
        .with("workers_each", WORKERS)
        .tasks(tasks)
        .with("tasks", tasks)
        .with("payload_bytes", PAYLOAD_BYTES)
        .with("handler", "no-op");
    let mut turns = Turns::default();
    suite.measure(case, move |stage| {
        if processes == 1 || !is_of_server {
            let shared = drain_by_processes(stage, load)?;
            let readings = readings(&shared);
            return Ok((
                shared.took,
                Round { readings, faults: shared.faults, ..Round::default() },
            ));
        }
        let one = Processes { processes: 1, ..load };
        let (shared, one) =
            turns.both(|| drain_by_processes(stage, load), || drain_by_processes(stage, one))?;
        let mut readings = readings(&shared);
        readings.push(RATIO_TO_ONE_PROCESS.reads(rate(&shared) / rate(&one)));
        let faults = shared.faults.into_iter().chain(one.faults).collect();
        Ok((shared.took, Round { readings, faults, ..Round::default() }))
    })
}

/// Tasks completed in a second.
fn rate(shared: &Shared) -> f64 {
    as_f64(shared.audit.completed) / shared.took.as_secs_f64()
}

fn readings(shared: &Shared) -> Vec<Reading> {
    // A claim that saw a task either took it or lost it.
    let saw = shared.audit.completed + shared.claim_conflicts;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = |server: Duration| {
        100.0 * server.as_secs_f64() / shared.took.as_secs_f64() / as_f64(cores as u64)
    };
    let mut readings = vec![
        TASKS_PER_S.reads(rate(shared)),
        BUSY_ERRORS.counts(shared.busy_errors),
        CLAIM_CONFLICT_PERCENT.reads(percent(shared.claim_conflicts, saw)),
        LOST.counts(shared.audit.lost),
        DUPLICATED.counts(shared.audit.duplicated),
    ];
    readings.extend(shared.server.map(|server| SERVER_CPU_PERCENT.reads(share(server))));
    readings
}
