//! What share of the workers' time do handlers fill that take time: in one process or two, sleeping or
//! computing?

use std::time::Duration;

use crate::base::error::Result;
use crate::base::histogram::{add, empty};
use crate::base::number::as_f64;
use crate::load::service_time::{ServiceTime, efficiency_percent};
use crate::load::tasks::PAYLOAD_BYTES;
use crate::observe::metrics::{
    BUSY_ERRORS, DUPLICATED, EFFICIENCY_PERCENT, LOST, Reading, TASKS_PER_S,
};
use crate::observe::round::Round;
use crate::scenario::drain::processes::{Processes, drain_by_processes};
use crate::scenario::drain::{Drain, drain};
use crate::scenario::stage::Stage;
use crate::subject::Run;

/// A backlog of work and who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Processes.
    pub processes: usize,
    /// Threads of each one's pool.
    pub workers_each: usize,
    /// Tasks of the backlog.
    pub tasks: usize,
    /// What each does.
    pub service_time: ServiceTime,
}

impl Work {
    /// Workers of all processes.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.processes * self.workers_each
    }

    /// Handlers that can make progress at once, on this many cores.
    #[must_use]
    pub fn slots(&self, cores: usize) -> usize {
        self.service_time.kind.slots(self.workers(), cores)
    }

    /// A backlog that ideally takes so long on this many cores, enough for a steady state.
    #[must_use]
    pub fn sized(self, ideal: Duration, cores: usize) -> Self {
        let each = ideal.div_duration_f64(self.service_time.mean());
        let slots = as_f64(u64::try_from(self.slots(cores)).unwrap_or(u64::MAX));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of tasks"
        )]
        let tasks = (each * slots).ceil() as usize;
        Self { tasks: tasks.max(3 * self.workers()), ..self }
    }
}

/// Does all of it in a new database; with how long it took.
///
/// # Errors
/// If the subject or a process fails.
pub fn round(stage: &Stage, load: &Work, cores: usize) -> Result<(Duration, Round)> {
    if load.processes > 1 { by_processes(stage, load, cores) } else { by_one(stage, load, cores) }
}

fn by_one(stage: &Stage, load: &Work, cores: usize) -> Result<(Duration, Round)> {
    let drained = drain(
        stage,
        &Drain {
            workers: load.workers_each,
            tasks: load.tasks,
            payload_bytes: PAYLOAD_BYTES,
            work: load.service_time.work(),
        },
    )?;
    let readings = vec![
        TASKS_PER_S.reads(drained.tasks_per_s()),
        BUSY_ERRORS.counts(drained.counted.busy_errors),
        LOST.counts(drained.audit.lost),
        DUPLICATED.counts(drained.audit.duplicated),
    ];
    let took = drained.draining;
    let round =
        Round { readings, faults: drained.faults, course: drained.course, ..Round::default() };
    Ok((took, with_efficiency(round, load, cores, &drained.runs)?))
}

fn by_processes(stage: &Stage, load: &Work, cores: usize) -> Result<(Duration, Round)> {
    let shared = drain_by_processes(
        stage,
        Processes {
            processes: load.processes,
            workers: load.workers_each,
            tasks: load.tasks,
            service_time: Some(load.service_time),
        },
    )?;
    let readings = vec![
        TASKS_PER_S.reads(as_f64(shared.audit.completed) / shared.took.as_secs_f64()),
        BUSY_ERRORS.counts(shared.busy_errors),
        LOST.counts(shared.audit.lost),
        DUPLICATED.counts(shared.audit.duplicated),
    ];
    let round = Round { readings, faults: shared.faults, ..Round::default() };
    Ok((shared.took, with_efficiency(round, load, cores, &shared.runs)?))
}

/// The round with its efficiency and its handlers' measured times; without a steady state it must not be used.
fn with_efficiency(mut round: Round, load: &Work, cores: usize, runs: &[Run]) -> Result<Round> {
    let reading = efficiency(load, cores, runs);
    if reading.is_none() {
        let count = runs.len();
        round.faults.push(format!("{count} handlers ran, too few for a steady state"));
    }
    round.readings.splice(0..0, reading);
    let mut service = empty("service")?;
    runs.iter().for_each(|run| add(&mut service, run.worked));
    round.histograms.push(("service", service));
    Ok(round)
}

/// The efficiency that follows from the runs of handlers, if there was a steady state.
#[must_use]
pub fn efficiency(load: &Work, cores: usize, runs: &[Run]) -> Option<Reading> {
    efficiency_percent(runs, load.workers(), load.slots(cores))
        .map(|percent| EFFICIENCY_PERCENT.reads(percent))
}
