//! What happens during the load, one phase after the other.

use std::time::Duration;

use prismq_record as record;

use super::Soak;
use crate::base::clock::{Clock as _, SystemClock, Time, now};
use crate::base::error::Result;
use crate::load::pool::{BOUND, STOP_BOUND, pool};
use crate::load::tasks::{fill, numbered};
use crate::observe::ledger::{Ledger, ids_that};
use crate::process::{DrainRole, Drainer, HELD_TYPE, HoldRole, die_holding};
use crate::scenario::fault::snapshot::Snapshot;
use crate::scenario::stage::{Database, Stage};
use crate::subject::{Ending, Work};

/// Threads of the second process's pool.
const WORKERS_ELSEWHERE: usize = 2;
/// Tasks that a process holds when it dies.
const HELD: usize = 5;

/// What happens during the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    Clean,
    /// A reader keeps its snapshot, so that the WAL cannot be used again from its beginning.
    LongReader,
    /// A second process works on the same queue.
    SecondProcess,
    /// Processes claim tasks and are killed.
    Kills,
}

/// All phases in their order.
pub const PHASES: [Phase; 4] =
    [Phase::Clean, Phase::LongReader, Phase::SecondProcess, Phase::Kills];

impl Phase {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::LongReader => "long reader",
            Self::SecondProcess => "second process",
            Self::Kills => "kills",
        }
    }
}

/// A process that died holding tasks, and what became of these.
#[derive(Debug, Clone)]
pub struct Death {
    /// The tasks enqueued for it.
    pub held: Vec<i64>,
    /// Completions of these afterwards, once for each time.
    pub recovered: Vec<i64>,
    /// From its death to the last completion.
    pub recovery: Duration,
}

/// The phases and what they left.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) phases: Vec<record::Phase>,
    pub(super) deaths: Vec<Death>,
    pub(super) completed_elsewhere: Vec<i64>,
    pub(super) busy_errors: u64,
    pub(super) faults: Vec<String>,
}

/// Lets everything happen, each for an equal part of the time.
pub(super) fn run(stage: &Stage, database: &Database, began: Time, load: Soak) -> Result<Happened> {
    let mut happened = Happened::default();
    let part = load.length / u32::try_from(PHASES.len()).unwrap_or(1);
    for (phase, number) in PHASES.into_iter().zip(1..) {
        let from = now().since(began);
        let end = began + part * number;
        match phase {
            Phase::Clean => sleep_until(end),
            Phase::LongReader => {
                let _snapshot = Snapshot::of(database)?;
                sleep_until(end);
            }
            Phase::SecondProcess => share_until(stage, database, end, &mut happened)?,
            Phase::Kills => kill_until(stage, database, end, load, &mut happened)?,
        }
        happened.phases.push(record::Phase {
            name: phase.name().to_owned(),
            from_s: from.as_secs_f64(),
            to_s: now().since(began).as_secs_f64(),
        });
    }
    Ok(happened)
}

fn sleep_until(end: Time) {
    SystemClock.wait_until(end);
}

fn share_until(
    stage: &Stage,
    database: &Database,
    end: Time,
    happened: &mut Happened,
) -> Result<()> {
    let mut second = Drainer::open(DrainRole {
        service_time: None,
        subject: stage.kind(),
        workers: WORKERS_ELSEWHERE,
        path: database.path().to_owned(),
    })?;
    second.go()?;
    sleep_until(end);
    let report = second.stop()?;
    happened.completed_elsewhere.extend(report.completed);
    happened.busy_errors += report.busy_errors;
    happened.faults.extend(report.errors);
    Ok(())
}

fn kill_until(
    stage: &Stage,
    database: &Database,
    end: Time,
    load: Soak,
    happened: &mut Happened,
) -> Result<()> {
    loop {
        let next = now() + load.kill_every;
        happened.deaths.push(kill(stage, database, load)?);
        if next >= end {
            sleep_until(end);
            return Ok(());
        }
        sleep_until(next);
    }
}

/// Lets a process claim tasks that no other pool takes, kills it, and has them done by a pool of this
/// process once their leases have run out.
fn kill(stage: &Stage, database: &Database, load: Soak) -> Result<Death> {
    let subject = database.subject();
    let held = fill(subject, &numbered(HELD_TYPE, HELD), HELD)?.ids();
    let death = die_holding(HoldRole {
        subject: stage.kind(),
        tasks: held.len(),
        lease: load.held_lease,
        path: database.path().to_owned(),
    })?;
    let ledger = Ledger::expecting(held.len());
    let rescue = subject.start(&pool(1, HELD_TYPE, Work::None), ledger.clone())?;
    // What is not done in time is found to be lost.
    let _ = ledger.wait(BOUND);
    rescue.stop(STOP_BOUND);
    let entries = ledger.entries();
    let last = entries.iter().map(|entry| entry.at).max().unwrap_or(death.at);
    Ok(Death {
        held,
        recovered: ids_that(&entries, Ending::Completed),
        recovery: last.since(death.at),
    })
}
