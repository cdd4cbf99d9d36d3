//! Rule 17, and which durability an acknowledgement has in fact: kill, and slowed syncs.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use prismq_driver::lane::Kind;
use prismq_driver::message::{Choice, Class};

use super::{Candidate, Findings, Killed, kill_rounds};
use crate::subject::remote::{Memory, Result, Round, Session, Syncs, availability, uniform};

/// Single enqueues whose syncs are slowed.
const CALLS: u64 = 20;
/// How long a sync may follow the last answer: what syncs each second has done it by then.
const LATER: Duration = Duration::from_millis(2_500);
const BUDGET: Duration = Duration::from_secs(60);

/// What was found of the durability that a queue claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The class that was verified; the reason if none could be.
    pub class: std::result::Result<Class, String>,
    /// Syncs during the calls; `None` where syncs cannot be slowed.
    pub syncs: Option<u64>,
    /// The fastest call, with each sync slowed.
    pub fastest: Duration,
    /// What became of its tasks when it was killed.
    pub killed: Killed,
    /// The settings it read back.
    pub settings: BTreeMap<String, String>,
}

impl Verified {
    /// How many single enqueues have their syncs slowed.
    pub const CALLS: u64 = CALLS;
}

pub(super) fn check(candidate: &Candidate, findings: &mut Findings) -> Result<()> {
    if let Err(reason) = availability() {
        findings.skip(17, reason.to_string());
        return Ok(());
    }
    for choice in [Choice::Default, Choice::Strictest] {
        let slowed = slowed(candidate, choice)?;
        let name = choice.name();
        match slowed.waits() {
            _ if slowed.claimed != Class::Synced => findings.skip(17, "it does not claim class S"),
            Err(reason) => findings.skip(17, reason),
            Ok(waits) => findings.require(17, waits, || {
                let Slowed { syncs, fastest, .. } = slowed;
                let delay = Syncs::DELAY;
                format!(
                    "{name}: it claims class S, but with each sync slowed by {delay:?} the fastest of \
                     {CALLS} enqueues took {fastest:?}, and {syncs} syncs were made"
                )
            }),
        }
    }
    Ok(())
}

/// Finds which durability a queue has, by a kill and by slowed syncs.
///
/// # Errors
/// If the driver cannot be used as the protocol has it.
pub fn verify(candidate: &Candidate, choice: Choice) -> Result<Verified> {
    let killed = kill_rounds(candidate, choice)?;
    let lost = killed.lost() > 0;
    if let Err(reason) = availability() {
        let class = if lost { Ok(Class::Memory) } else { Err(reason.to_string()) };
        let settings = settings(candidate, choice)?;
        return Ok(Verified { class, syncs: None, fastest: Duration::ZERO, killed, settings });
    }
    let slowed = slowed(candidate, choice)?;
    let class = if lost {
        Ok(Class::Memory)
    } else {
        slowed.waits().map(|waits| match (waits, slowed.later) {
            (true, _) => Class::Synced,
            (false, 1..) => Class::Periodic,
            (false, 0) => Class::Process,
        })
    };
    let Slowed { syncs, fastest, settings, .. } = slowed;
    Ok(Verified { class, syncs: Some(syncs), fastest, killed, settings })
}

fn settings(candidate: &Candidate, choice: Choice) -> Result<BTreeMap<String, String>> {
    let directory = candidate.fresh()?;
    let (launch, bounds) = (&candidate.launch, candidate.bounds);
    let session = Session::open(launch, bounds, directory.path(), true, choice)?;
    Ok(session.opened().settings.clone())
}

fn class_of(session: &Session, choice: Choice) -> Class {
    match choice {
        Choice::Default => session.about().durability.default,
        Choice::Strictest => session.about().durability.strictest,
    }
}

struct Slowed {
    claimed: Class,
    syncs: u64,
    later: u64,
    fastest: Duration,
    evaded: Option<String>,
    settings: BTreeMap<String, String>,
}

impl Slowed {
    /// Whether each answer waited for a sync, and for one of its own, as there is one call at a time; the reason if that
    /// is not known.
    fn waits(&self) -> std::result::Result<bool, String> {
        let waits = self.fastest >= Syncs::DELAY && self.syncs >= CALLS;
        match &self.evaded {
            Some(reason) => Err(reason.clone()),
            None => Ok(waits),
        }
    }
}

fn slowed(candidate: &Candidate, choice: Choice) -> Result<Slowed> {
    let directory = candidate.fresh()?;
    let lists = candidate.fresh()?;
    let (launch, list) = Syncs::slowed(candidate.launch.clone(), lists.path());
    let session = Session::open(&launch, candidate.bounds, directory.path(), true, choice)?;
    let plan = Memory::plan(&uniform(CALLS, Duration::ZERO, Duration::ZERO))?;
    let before = list.count();
    let (_, lanes) = session.enqueue(&plan, &Round::closed(0, CALLS, 1), BUDGET)?;
    let during = list.count();
    thread::sleep(LATER);
    let after = list.count();
    let calls = lanes.records().filter(|record| record.kind == Kind::Enqueued);
    let fastest = calls.map(|record| record.t2.saturating_sub(record.t1)).min().unwrap_or(0);
    let claimed = class_of(&session, choice);
    Ok(Slowed {
        claimed,
        syncs: during - before,
        later: after - during,
        fastest: Duration::from_nanos(fastest),
        evaded: list.evaded(),
        settings: session.opened().settings.clone(),
    })
}
