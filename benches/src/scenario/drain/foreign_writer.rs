//! A pool drains a backlog while another program, which knows nothing of queues, takes the write lock of the
//! same file again and again. Here operations can be answered busy and claims can be lost.

use std::time::Duration;

use crate::base::error::Result;
use crate::load::tasks::PAYLOAD_BYTES;
use crate::observe::metrics::{
    BUSY_ERRORS, BUSY_WAITS, CLAIM_CONFLICT_PERCENT, DUPLICATED, LOCKED_ELSEWHERE, LOST,
    TASKS_PER_S,
};
use crate::observe::round::Round;
use crate::process::{Writer, WriterRole};
use crate::scenario::drain::{Drain, run};
use crate::scenario::stage::Stage;
use crate::subject::Work;

/// What is drained, and how the other program disturbs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disturbed {
    /// Threads of the pool.
    pub workers: usize,
    /// Tasks of the backlog.
    pub tasks: usize,
    /// How long each handler sleeps.
    pub handler: Duration,
    /// How long the other holds the lock each time.
    pub held: Duration,
    /// How long it rests in between.
    pub rest: Duration,
}

/// Drains a backlog in a new database; with how long it took.
///
/// # Errors
/// If the subject or the other program fails.
pub fn round(stage: &Stage, load: &Disturbed) -> Result<(Duration, Round)> {
    let database = stage.database(load.workers)?;
    let writer = Writer::start(WriterRole {
        path: database.path().to_owned(),
        held: load.held,
        rest: load.rest,
    })?;
    let drained = run(
        database.subject(),
        &Drain {
            workers: load.workers,
            tasks: load.tasks,
            payload_bytes: PAYLOAD_BYTES,
            work: Work::sleep(load.handler),
        },
    )?;
    let times = writer.stop()?;
    let readings = vec![
        TASKS_PER_S.reads(drained.tasks_per_s()),
        BUSY_ERRORS.counts(drained.counted.busy_errors),
        BUSY_WAITS.counts(drained.counted.busy_waits),
        CLAIM_CONFLICT_PERCENT.reads(drained.claim_conflict_percent()),
        LOCKED_ELSEWHERE.counts(times),
        LOST.counts(drained.audit.lost),
        DUPLICATED.counts(drained.audit.duplicated),
    ];
    let mut faults = drained.faults;
    if times == 0 {
        faults.push("the other program never had the write lock: nothing was disturbed".to_owned());
    }
    let round = Round { readings, faults, course: drained.course, ..Round::default() };
    Ok((drained.draining, round))
}
