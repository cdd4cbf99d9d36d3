//! A mix of faults that a queue must survive: handlers that fail for a while,
//! that always fail, that panic, that are slow, and a process that dies holding leases.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prismq_check::{Exercise, Verdict, exercise};

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::load::pool::{BOUND, STOP_BOUND};
use crate::load::tasks::{fill, numbered};
use crate::observe::audit::Audit;
use crate::observe::ledger::{Entry, Ledger, ids_that};
use crate::process::{Death, HELD_TYPE, HoldRole, die_holding};
use crate::scenario::stage::Stage;
use crate::subject::{
    Capability, Census, Cycle, DEFAULT_QUEUE, Ending, Fail, Handler, PoolSpec, Recording, TaskSpec,
    Work,
};

const PLAIN: &str = "plain";
const FAILING: &str = "failing";
const DYING: &str = "dying";
const PANICKING: &str = "panicking";
const SLOW: &str = "slow";

/// Attempts a failing task needs.
const FAILS_BEFORE: u32 = 2;
/// Attempts a dying task is given.
const DYING_ATTEMPTS: u32 = 3;
const SLOW_TIME: Duration = Duration::from_millis(100);
const LEASE: Duration = Duration::from_secs(30);
/// Of the history that the checker judges.
const JUDGED_LEASE: Duration = Duration::from_millis(100);

/// How much of each kind.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Threads of the pool.
    pub workers: usize,
    /// Tasks that simply complete.
    pub plain: usize,
    /// Tasks that fail twice, then complete.
    pub failing: usize,
    /// Tasks that always fail and end as dead letters.
    pub dying: usize,
    /// Tasks that panic once, then complete.
    pub panicking: usize,
    /// Tasks that take 100 ms.
    pub slow: usize,
    /// Tasks claimed by the process that dies.
    pub held: usize,
    /// For how long it claims them.
    pub held_lease: Duration,
}

/// The result of a round with faults.
#[derive(Debug, Clone)]
pub struct FaultsRound {
    /// From the start of the pool to the last commit.
    pub took: Duration,
    /// Tasks meant to complete, and whether each did once.
    pub audit: Audit,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// Dead letters.
    pub dead: u64,
    /// Tasks of the dead process that others completed.
    pub recovered: u64,
    /// From its death to the last of these completions, if there were any.
    pub recovery: Option<Duration>,
    /// Errors other than the intended faults.
    pub unexpected: u64,
    /// Reasons why the figures are invalid.
    pub faults: Vec<String>,
}

/// Runs all faults in a new database.
///
/// # Errors
/// If the subject fails before there is anything to measure, or the process to die did not run.
pub fn faults(stage: &Stage, load: Faults) -> Result<FaultsRound> {
    let database = stage.database(load.workers)?;
    let subject = database.subject();
    let enqueue = |tasks: Vec<TaskSpec>| -> Result<Vec<i64>> {
        let batch = tasks.len();
        Ok(fill(subject, &tasks, batch)?.ids())
    };
    let mut to_complete = enqueue(numbered(HELD_TYPE, load.held))?;
    let death = die_holding(HoldRole {
        subject: stage.kind(),
        tasks: load.held,
        lease: load.held_lease,
        path: database.path().to_owned(),
    })?;
    to_complete.extend(enqueue(numbered(PLAIN, load.plain))?);
    to_complete.extend(enqueue(numbered(FAILING, load.failing))?);
    to_complete.extend(enqueue(numbered(PANICKING, load.panicking))?);
    to_complete.extend(enqueue(numbered(SLOW, load.slow))?);
    let mut dying = numbered(DYING, load.dying);
    for task in &mut dying {
        task.max_attempts = DYING_ATTEMPTS;
    }
    let to_die = enqueue(dying)?;

    let ledger = Ledger::without_runs(to_complete.len() + to_die.len());
    let before = subject.counters();
    let started = subject.clock().now();
    let pool = PoolSpec {
        queue: DEFAULT_QUEUE,
        workers: load.workers,
        lease: LEASE,
        handlers: handlers(),
        recording: Recording::Settled,
    };
    let running = subject.start(&pool, ledger.clone())?;
    let in_time = ledger.wait(BOUND);
    let counted = subject.counters().since(before);
    let pool = running.stop(STOP_BOUND);

    let entries = ledger.entries();
    let census = subject.census(DEFAULT_QUEUE)?;
    let audit = Audit::balance(&to_complete, &ids_that(&entries, Ending::Completed), &[]);
    let lost = size(ids_that(&entries, Ending::LeaseLost).len());
    let aftermath = FaultsRound {
        took: last(&entries).unwrap_or_else(|| subject.clock().now()).since(started),
        audit,
        retried: size(ids_that(&entries, Ending::Retried).len()),
        dead: census.dead,
        recovered: 0,
        recovery: None,
        unexpected: size(pool.errors.len()) + counted.busy_errors + lost,
        faults: pool.errors,
    };
    let mut aftermath = recovery(aftermath, &entries, &death);
    if !in_time {
        aftermath.faults.push(format!("the work did not end within {BOUND:?}"));
    }
    let dead_ids: HashSet<i64> = ids_that(&entries, Ending::Dead).into_iter().collect();
    if dead_ids != to_die.iter().copied().collect() {
        aftermath.faults.push(format!(
            "{} tasks were meant to die, {} did",
            to_die.len(),
            dead_ids.len()
        ));
    }
    check(&mut aftermath, load, census);
    aftermath.faults.extend(database.recount(&[DEFAULT_QUEUE], census)?);
    if stage.can(Capability::PrismqInterface) {
        aftermath.faults.extend(broken_promises(stage, load)?);
    }
    Ok(aftermath)
}

/// What the checker finds in the history of another database, in which actors complete, fail, release,
/// extend and forget as many tasks: the pool's events are not enough to judge tokens and leases by.
fn broken_promises(stage: &Stage, load: Faults) -> Result<Vec<String>> {
    let database = stage.database(load.workers)?;
    let tasks = [load.plain, load.failing, load.dying, load.panicking, load.slow, load.held];
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let exercised = Exercise {
        tasks: u32::try_from(tasks.iter().sum::<usize>()).unwrap_or(u32::MAX),
        workers: u32::try_from(load.workers).unwrap_or(u32::MAX),
        lease: JUDGED_LEASE,
        seed: u64::from(since.subsec_nanos()),
    };
    Ok(objections(exercise(database.path(), exercised), exercised.seed))
}

/// What the checker's verdict makes of a run, with the seed to look into it.
fn objections(judged: prismq_check::Result<Verdict>, seed: u64) -> Vec<String> {
    match judged {
        Ok(verdict) => verdict
            .violations
            .iter()
            .map(|broken| format!("{}: {} (seed {seed})", broken.invariant.name(), broken.what))
            .collect(),
        Err(error) => vec![format!("the checker's actors were refused: {error} (seed {seed})")],
    }
}

fn recovery(aftermath: FaultsRound, entries: &[Entry], death: &Death) -> FaultsRound {
    let recovered: Vec<Entry> = entries
        .iter()
        .filter(|entry| {
            entry.settled.ending == Ending::Completed && death.held.contains(&entry.settled.id)
        })
        .copied()
        .collect();
    FaultsRound {
        recovered: size(recovered.len()),
        recovery: last(&recovered).map(|at| at.since(death.at)),
        ..aftermath
    }
}

/// Compares what happened with what the load makes certain.
fn check(aftermath: &mut FaultsRound, load: Faults, census: Census) {
    aftermath.faults.extend(aftermath.audit.faults());
    let dying_retries = size(load.dying) * u64::from(DYING_ATTEMPTS - 1);
    let failing_retries = size(load.failing) * u64::from(FAILS_BEFORE);
    let retries = dying_retries + failing_retries + size(load.panicking);
    let mut expect = |what: &str, expected: u64, found: u64| {
        if expected != found {
            aftermath.faults.push(format!("{expected} {what} were expected, {found} found"));
        }
    };
    expect("retries", retries, aftermath.retried);
    expect("dead letters", size(load.dying), census.dead);
    expect("unfinished tasks", 0, census.ready + census.scheduled + census.leased);
    expect("recovered tasks", size(load.held), aftermath.recovered);
}

fn handlers() -> Vec<(&'static str, Handler)> {
    let fails =
        |attempts| Handler { work: Work::None, fail: Fail::First(Cycle::from_iter([attempts])) };
    vec![
        (PLAIN, Handler::default()),
        (HELD_TYPE, Handler::default()),
        (FAILING, fails(FAILS_BEFORE)),
        (DYING, fails(u32::MAX)),
        (PANICKING, Handler { work: Work::None, fail: Fail::PanicOnce }),
        (SLOW, Work::sleep(SLOW_TIME).into()),
    ]
}

fn last(entries: &[Entry]) -> Option<Time> {
    entries.iter().map(|entry| entry.at).max()
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use prismq_check::{History, Recorder, Rules, Snapshot, check};

    use super::*;

    #[test]
    fn what_the_checker_finds_makes_the_round_invalid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let queue = prismq::Queue::open(&path).unwrap();
        // A task that is in no history.
        queue.enqueue(prismq::NewTask::new("job", *b"a phantom")).unwrap();
        let history = History::of(&Recorder::in_memory());
        let snapshot = Snapshot::take(&path).unwrap();
        let verdict =
            check(&history, &[snapshot], &Rules { complete_history: true, ..Rules::default() });
        let objections = objections(Ok(verdict), 7);
        assert!(!objections.is_empty());
        let named = |said: &String| said.starts_with("no phantom: ") && said.ends_with("(seed 7)");
        assert!(objections.iter().any(named), "{objections:?}");
    }

    #[test]
    fn so_does_a_queue_that_refuses_the_checkers_actors() {
        let refused = std::io::Error::other("refused");
        let objections = objections(Err(prismq_check::Error::Log(refused)), 7);
        assert!(objections[0].starts_with("the checker's actors were refused"), "{objections:?}");
    }
}
