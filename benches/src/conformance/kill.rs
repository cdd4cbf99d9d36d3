//! Rules 15 and 16: `kill -9` amid enqueues and runs, and what becomes of tasks whose worker died.

use std::thread;
use std::time::{Duration, Instant};

use prismq_driver::lane::Kind;
use prismq_driver::message::{
    Can, Choice, Class, Enqueued, Records, Redelivery, RedeliveryKind, Settle, Work,
};

use super::{Candidate, Findings};
use crate::observe::tokens::TokenBalance;
use crate::subject::remote::{Bounds, DriverError, Memory, Result, Round, Session, uniform};

/// More tasks than can be enqueued until the kill.
const TASKS: u64 = 200_000;
/// From the first record to the kill.
const UNTIL_KILL: Duration = Duration::from_millis(500);
const WORKERS: u32 = 2;
const CALLERS: u32 = 2;
/// Handlers take a moment, so that some are running when the kill comes.
const SERVICE: Duration = Duration::from_millis(1);
/// How long a lease is here: the tasks of killed workers are waited for.
const LEASE: Duration = Duration::from_secs(2);
/// How long after its declared time a task may be run again: the machine may be loaded.
const GRACE: Duration = Duration::from_secs(5);
/// How long a declaration of "never" is watched.
const WATCHED: Duration = Duration::from_secs(3);
/// How long a driver whose store was killed gets to notice it.
const NOTICE: Duration = Duration::from_secs(2);
/// How long a crew that hangs gets to claim its tasks.
const CLAIM: Duration = Duration::from_secs(1);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The driver with all that it started.
    All,
    /// The driver alone. The processes of its store are asked to end.
    Driver,
    /// The processes of the store. The driver goes on, and is killed later.
    Store,
}

impl Victim {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Driver, Self::Store];

    const fn name(self) -> &'static str {
        match self {
            Self::All => "all processes killed",
            Self::Driver => "the driver killed",
            Self::Store => "the store killed",
        }
    }
}

/// A queue that was killed and opened again, once or for each victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Killed {
    /// Its books.
    pub balance: TokenBalance,
    /// Of the lost, tasks that workers were running: a queue that runs them only by hand, or never, gives them up.
    pub given_up: u64,
    /// From when all were gone to the last task run, the longest.
    pub recovered: Duration,
}

impl Killed {
    /// Tasks that were lost although nobody was running them.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.balance.lost.saturating_sub(self.given_up)
    }

    /// The books of two kills together.
    fn and(self, other: Self) -> Self {
        Self {
            balance: self.balance.and(other.balance),
            given_up: self.given_up + other.given_up,
            recovered: self.recovered.max(other.recovered),
        }
    }
}

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    for choice in [Choice::Default, Choice::Strictest] {
        for victim in Victim::ALL {
            let (about, killed) = killed_in(candidate, choice, victim)?;
            if about.class < Class::Process {
                findings.skip(15, "it claims that tasks do not survive the process");
                break;
            }
            judge(findings, &format!("{}, {}", choice.name(), victim.name()), &killed);
            if !about.has_store {
                break;
            }
        }
    }
    redelivery(candidate, findings)
}

fn judge(findings: &mut Findings, name: &str, killed: &Killed) {
    let balance = killed.balance;
    findings.require(15, killed.lost() == 0, || {
        format!("{name}: {} of {} acknowledged tasks lost", killed.lost(), balance.acknowledged)
    });
    findings.require(15, balance.duplicated == 0, || {
        format!("{name}: {} tasks were run again although they were settled", balance.duplicated)
    });
    findings.require(15, balance.unknown == 0, || {
        format!("{name}: {} runs of tasks that nobody enqueued", balance.unknown)
    });
}

/// Kills each victim while tasks are enqueued and run, opens the queue again, and runs what is left.
///
/// # Errors
/// If the driver cannot be used as the protocol has it.
pub fn kill_rounds(candidate: &Candidate, choice: Choice) -> Result<Killed> {
    let mut all = Killed::default();
    for victim in Victim::ALL {
        let (about, killed) = killed_in(candidate, choice, victim)?;
        all = all.and(killed);
        if !about.has_store {
            break;
        }
    }
    Ok(all)
}

/// What a kill depends on.
#[derive(Debug, Clone, Copy)]
struct Killable {
    /// The class that the queue claims.
    class: Class,
    /// Whether its store has processes, which alone can be killed or left.
    has_store: bool,
}

fn killed_in(candidate: &Candidate, choice: Choice, victim: Victim) -> Result<(Killable, Killed)> {
    let directory = candidate.fresh()?;
    let open = |is_fresh| {
        let (launch, bounds) = (&candidate.launch, bounds_of(candidate));
        Session::open(launch, bounds, directory.path(), is_fresh, choice)
    };
    let plan = Memory::plan(&uniform(TASKS, SERVICE, Duration::ZERO))?;
    let mut session = open(true)?;
    let about = session.about().clone();
    let store: Vec<u32> = session.opened().pids.iter().map(|process| process.pid).collect();
    if let Some(pid) = store.iter().find(|pid| !session.driver().has_started(**pid)) {
        let reason = format!("`pids` names {pid}, which the driver has not started");
        return Err(DriverError::Malformed { request: "open".to_owned(), reason });
    }
    let mut crew = session.start("killed", WORKERS, Work::Plan, &plan, TASKS, Records::Each)?;
    let round = Round { records: Records::Each, ..Round::closed(0, TASKS, CALLERS) };
    let (request, mut enqueued) = session.begin_enqueue(&plan, &round)?;
    session.wait_done(&mut crew, 1, candidate.patience)?;
    thread::sleep(UNTIL_KILL);
    match victim {
        Victim::All => session.driver_mut().kill(),
        Victim::Driver => session.driver_mut().kill_alone(&store),
        Victim::Store => {
            session.driver().kill_store(&store);
            // Its calls fail, or wait: what it acknowledges meanwhile is held against it.
            let driver = session.driver();
            let _ = driver.finish_soon::<Enqueued>(request, "enqueue", NOTICE);
            session.driver_mut().kill();
        }
    }
    let killed = Instant::now();
    enqueued.poll()?;
    crew.lanes_mut().poll()?;
    drop(session);

    let session = open(false)?;
    let mut again = session.start("again", WORKERS, Work::None, &plan, TASKS, Records::Buffered)?;
    let patience =
        candidate.patience.min(GRACE).max(redelivered_after(about.redelivery) + GRACE / 2);
    let mut last = killed;
    let mut moved = Instant::now();
    while moved.elapsed() < patience {
        if again.lanes_mut().poll()? > 0 {
            moved = Instant::now();
            last = moved;
        }
        if about.can(Can::Census) && moved.elapsed() > Duration::from_millis(200) {
            let census = session.census()?;
            if [census.ready, census.scheduled, census.running].into_iter().flatten().sum::<u64>()
                == 0
            {
                break;
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    let (_, again) = session.stop(again, GRACE)?;
    let before = enqueued.records().chain(crew.lanes().records());
    let balance = TokenBalance::of(before, again.records(), about.settle != Settle::None);
    let class = match choice {
        Choice::Default => about.durability.default,
        Choice::Strictest => about.durability.strictest,
    };
    drop(session.close());
    // Which tasks were running is not known: each worker had one.
    let gives_up = is_given_up(about.redelivery.kind);
    let given_up = if gives_up { balance.lost.min(u64::from(WORKERS)) } else { 0 };
    let about = Killable { class, has_store: !store.is_empty() };
    Ok((about, Killed { balance, given_up, recovered: last - killed }))
}

/// With leases that expire soon.
fn bounds_of(candidate: &Candidate) -> Bounds {
    Bounds { lease: LEASE, ..candidate.bounds }
}

/// Whether a task whose worker died is not run again by itself.
const fn is_given_up(declared: RedeliveryKind) -> bool {
    matches!(declared, RedeliveryKind::Never | RedeliveryKind::Manual)
}

/// How long after the kill tasks may be run again that were running then.
fn redelivered_after(redelivery: Redelivery) -> Duration {
    match (redelivery.kind, redelivery.within_ms) {
        (RedeliveryKind::Lease | RedeliveryKind::Heartbeat, 0) => LEASE,
        (RedeliveryKind::Lease | RedeliveryKind::Heartbeat, ms) => Duration::from_millis(ms),
        _ => Duration::ZERO,
    }
}

/// Rule 16: the tasks of two workers that hang when they are killed.
fn redelivery(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    let directory = candidate.fresh()?;
    let open = |is_fresh| {
        let (launch, bounds) = (&candidate.launch, bounds_of(candidate));
        Session::open(launch, bounds, directory.path(), is_fresh, Choice::Strictest)
    };
    let tasks = u64::from(WORKERS);
    let plan = Memory::plan(&uniform(tasks, Duration::ZERO, Duration::ZERO))?;
    let mut session = open(true)?;
    let about = session.about().clone();
    if about.durability.strictest < Class::Process {
        findings.skip(16, "it claims that tasks do not survive the process");
        return Ok(());
    }
    session.load(&plan, 0, tasks, 64)?;
    session.start("hanging", WORKERS, Work::Hang, &plan, tasks, Records::Each)?;
    thread::sleep(CLAIM);
    session.driver_mut().kill();
    let killed = Instant::now();
    drop(session);

    let session = open(false)?;
    // A store may take long to start: nothing can be run before.
    let opened = Instant::now();
    let mut crew = session.start("again", WORKERS, Work::None, &plan, tasks, Records::Each)?;
    let declared = about.redelivery.kind;
    let is_run = !is_given_up(declared);
    let until = match is_run {
        true => opened.max(killed + redelivered_after(about.redelivery)) + GRACE,
        false => opened + WATCHED,
    };
    while Instant::now() < until && crew.lanes().count(Kind::Run) < tasks {
        crew.lanes_mut().poll()?;
        thread::sleep(Duration::from_millis(5));
    }
    let runs = crew.lanes().count(Kind::Run);
    if is_run {
        findings.require(16, runs == tasks, || {
            let after = until - opened;
            format!(
                "it declares {declared:?}; {runs} of {tasks} tasks were run again {after:?} after it was opened"
            )
        });
    } else {
        findings.require(16, runs == 0, || {
            format!("it declares {declared:?}, and {runs} of {tasks} tasks were run again")
        });
    }
    Ok(())
}
