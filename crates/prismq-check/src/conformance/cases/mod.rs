//! The cases, a file a verb.

mod cancel;
mod claim;
mod complete;
mod delete;
mod depth;
mod enqueue;
mod expiry;
mod extend;
mod fail;
mod history;
mod limit;
mod list;
mod order;
mod pause;
mod records;
mod redrive;
mod release;
mod requirements;
mod retry;
mod schedule;
mod snooze;
mod stats;
mod task;
mod unique;

use prismq::Enqueued;

use super::expect::{CaseResult, Mismatch, present};
use super::subject::{ClaimSpec, Claimed, EngineUnderTest, TaskSpec};

/// How long the leases of these cases hold.
const LEASE_SECONDS: i64 = 60;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
const LEASE: i64 = LEASE_SECONDS * SECOND;

/// The engine of a case.
type Engine<'a> = &'a mut dyn EngineUnderTest;

/// One promise.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The promise as a sentence, with underscores between its words.
    pub name: &'static str,
    check: fn(Engine<'_>) -> CaseResult,
}

/// The promises about one verb.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// The verb.
    pub name: &'static str,
    /// Its cases.
    pub cases: &'static [Case],
}

/// All verbs.
pub const VERBS: [Verb; 24] = [
    Verb { name: "cancel", cases: cancel::CASES },
    Verb { name: "claim", cases: claim::CASES },
    Verb { name: "complete", cases: complete::CASES },
    Verb { name: "delete", cases: delete::CASES },
    Verb { name: "depth", cases: depth::CASES },
    Verb { name: "enqueue", cases: enqueue::CASES },
    Verb { name: "expiry", cases: expiry::CASES },
    Verb { name: "extend", cases: extend::CASES },
    Verb { name: "fail", cases: fail::CASES },
    Verb { name: "history", cases: history::CASES },
    Verb { name: "limit", cases: limit::CASES },
    Verb { name: "list", cases: list::CASES },
    Verb { name: "order", cases: order::CASES },
    Verb { name: "pause", cases: pause::CASES },
    Verb { name: "records", cases: records::CASES },
    Verb { name: "redrive", cases: redrive::CASES },
    Verb { name: "release", cases: release::CASES },
    Verb { name: "requirements", cases: requirements::CASES },
    Verb { name: "retry", cases: retry::CASES },
    Verb { name: "schedule", cases: schedule::CASES },
    Verb { name: "snooze", cases: snooze::CASES },
    Verb { name: "stats", cases: stats::CASES },
    Verb { name: "task", cases: task::CASES },
    Verb { name: "unique", cases: unique::CASES },
];

impl Case {
    /// Runs the case on a fresh engine, whose queues are empty.
    ///
    /// # Errors
    /// The first thing that the engine did otherwise.
    pub fn run(&self, engine: &mut dyn EngineUnderTest) -> Result<(), Mismatch> {
        (self.check)(engine)
    }
}

impl Verb {
    /// Runs every case, each on a fresh engine.
    ///
    /// # Errors
    /// The name of each case that failed, and why.
    pub fn run<E: EngineUnderTest>(&self, fresh: impl Fn() -> E) -> Result<(), Vec<String>> {
        let failed: Vec<String> = self
            .cases
            .iter()
            .filter_map(|case| {
                let mismatch = case.run(&mut fresh()).err()?;
                Some(format!("{}::{}: {mismatch}", self.name, case.name))
            })
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }
}

/// Lists the cases of a file: functions whose names are the promises.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$(super::Case { name: stringify!($name), check: $name }),+];
    };
}
use cases;

/// Enqueues one task.
fn enqueue(engine: Engine<'_>, task: &TaskSpec) -> Result<i64, Mismatch> {
    added(engine, task).map(|added| added.id().as_i64())
}

/// Enqueues one task, and says what became of it.
fn added(engine: Engine<'_>, task: &TaskSpec) -> Result<Enqueued, Mismatch> {
    let added = engine.enqueue(std::slice::from_ref(task))?;
    present("what became of an enqueued task", added.first().copied())
}

/// Claims one task, of which there must be one.
fn claim_one(engine: Engine<'_>) -> Result<Claimed, Mismatch> {
    let claimed = engine.claim(&ClaimSpec { max: 1, ..ClaimSpec::default() })?;
    present("a task to claim", claimed.into_iter().next())
}

/// Enqueues a task and claims it.
fn held(engine: Engine<'_>, task: &TaskSpec) -> Result<Claimed, Mismatch> {
    enqueue(engine, task)?;
    claim_one(engine)
}

/// The payloads of all that a claim gives, in order.
fn payloads(engine: Engine<'_>, claim: &ClaimSpec) -> Result<Vec<String>, Mismatch> {
    let claimed = engine.claim(claim)?;
    Ok(claimed.iter().map(|task| String::from_utf8_lossy(&task.payload).into_owned()).collect())
}

/// The payloads of all that can be claimed of the default queue and type.
fn all_payloads(engine: Engine<'_>) -> Result<Vec<String>, Mismatch> {
    payloads(engine, &ClaimSpec::default())
}

#[cfg(test)]
mod tests {
    use super::VERBS;

    #[test]
    fn every_verb_has_cases_and_no_name_is_used_twice() {
        let mut names: Vec<_> = VERBS
            .iter()
            .flat_map(|verb| verb.cases.iter().map(|case| (verb.name, case.name)))
            .collect();
        assert!(VERBS.iter().all(|verb| !verb.cases.is_empty()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
