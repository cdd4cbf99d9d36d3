//! Short rounds of the scenarios that several targets are about.

use std::fs;
use std::path::Path;
use std::time::Duration;

use prismq_bench::base::error::{Error, Result};
use prismq_bench::base::number::as_f64;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::scenario::drain::{Drain, DrainRound, drain};
use prismq_bench::scenario::enqueue::{Enqueue, Enqueued, enqueue};
use prismq_bench::scenario::open::{OpenLoop, OpenRound, open_loop};
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::Work;

pub(crate) fn drained(stage: &Stage, workers: usize, tasks: usize) -> Result<DrainRound> {
    drained_by(stage, workers, tasks, Work::None)
}

pub(crate) fn drained_by(
    stage: &Stage,
    workers: usize,
    tasks: usize,
    work: Work,
) -> Result<DrainRound> {
    drain(stage, &Drain { workers, tasks, payload_bytes: PAYLOAD_BYTES, work })
}

pub(crate) fn sleeping(time: Duration) -> Work {
    Work::sleep(time)
}

pub(crate) fn offered(stage: &Stage) -> Result<OpenRound> {
    let load = OpenLoop {
        workers: 3,
        generators: 1,
        tasks: 3,
        warm_up: 0,
        settle: 0,
        interval: Duration::from_millis(1),
        arrivals: ArrivalProcess::Constant,
        work: Work::None,
    };
    open_loop(stage, &load)
}

pub(crate) fn enqueued(stage: &Stage, callers: usize, tasks: usize) -> Result<Enqueued> {
    enqueue(stage, Enqueue { callers, tasks })
}

/// What must be there for a target to be missed by it.
pub(crate) fn known<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::Unfit { reason: "the figure is not known".to_owned() })
}

/// The length of a WAL that a reader keeps from starting over, in MiB.
pub(crate) fn wal_of_a_held_reader(stage: &Stage) -> Result<f64> {
    let database = stage.database(1)?;
    let reader = rusqlite::Connection::open(database.path());
    let reader = reader.and_then(|reader| {
        reader.execute_batch("BEGIN; SELECT count(*) FROM prismq_task")?;
        Ok(reader)
    });
    let reader = known(reader.ok())?;
    let tasks = prismq_bench::load::tasks::sized("held_up", 10, 1 << 20);
    prismq_bench::load::tasks::fill(database.subject(), &tasks, tasks.len())?;
    drop(reader);
    let mut wal = database.path().as_os_str().to_owned();
    wal.push("-wal");
    Ok(as_f64(known(fs::metadata(Path::new(&wal)).ok())?.len()) / (1024.0 * 1024.0))
}
