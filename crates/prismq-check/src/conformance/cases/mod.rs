//! The cases, a file a verb, in folders by area.

mod claim;
mod enqueue;
mod lease;
mod limit;
mod schedule;
mod settle;
mod tasks;

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
    Verb { name: "cancel", cases: tasks::cancel::CASES },
    Verb { name: "claim", cases: claim::selection::CASES },
    Verb { name: "complete", cases: settle::complete::CASES },
    Verb { name: "delete", cases: tasks::delete::CASES },
    Verb { name: "depth", cases: enqueue::depth::CASES },
    Verb { name: "enqueue", cases: enqueue::new_tasks::CASES },
    Verb { name: "expiry", cases: enqueue::expiry::CASES },
    Verb { name: "extend", cases: lease::extend::CASES },
    Verb { name: "fail", cases: settle::fail::CASES },
    Verb { name: "history", cases: settle::history::CASES },
    Verb { name: "limit", cases: limit::CASES },
    Verb { name: "list", cases: tasks::list::CASES },
    Verb { name: "order", cases: claim::order::CASES },
    Verb { name: "pause", cases: claim::pause::CASES },
    Verb { name: "records", cases: settle::records::CASES },
    Verb { name: "redrive", cases: tasks::redrive::CASES },
    Verb { name: "release", cases: lease::release::CASES },
    Verb { name: "requirements", cases: claim::requirements::CASES },
    Verb { name: "retry", cases: settle::retry::CASES },
    Verb { name: "schedule", cases: schedule::CASES },
    Verb { name: "snooze", cases: settle::snooze::CASES },
    Verb { name: "stats", cases: tasks::stats::CASES },
    Verb { name: "task", cases: tasks::task::CASES },
    Verb { name: "unique", cases: enqueue::unique::CASES },
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
        pub(in crate::conformance::cases) const CASES: &[crate::conformance::cases::Case] =
            &[$(crate::conformance::cases::Case { name: stringify!($name), check: $name }),+];
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
