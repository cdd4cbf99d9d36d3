//! Group commit: many callers, one transaction.
//!
//! A caller puts its operations in a queue ([`pending`]). If nobody leads, it leads: it takes what waits,
//! applies it in one transaction ([`apply`]), wakes the others with their answers, and hands the lead to the first of those who came meanwhile (the write group of RocksDB).
//! There is no timer: what arrives during a commit is the next group. A lone caller applies its operations
//! itself, without a thread switch.
//!
//! Worker pools register as [`Claimer`]s. Whoever enqueues what an idle one waits for, or something more
//! urgent than what a busy one holds, claims it for the pool in the same transaction, so that the task is in
//! the pool's hands as soon as it is committed, and waking a worker costs no transaction of its own.
//!
//! Each operation is answered alone. A failed group is applied again one operation at a time, so that one
//! caller's failure is not another's. A sync that fails fails its whole group and poisons the queue.

mod apply;
mod claimer;
mod pending;
mod waiter;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use self::pending::{Group, Pending, Turn};
use self::waiter::{Role, Waiter};
use crate::engine::{Answer, Engine, Operation};
use crate::model::{Error, Result};
use crate::time::Signal;

pub(crate) use self::claimer::Claimer;

/// How long an operation waits for room in the submission queue.
pub(crate) const OVERLOAD_WAIT: Duration = Duration::from_secs(5);

type Answers = Vec<Result<Answer>>;

/// Runs the operations of all threads on one engine, one transaction at a time: right for an engine with one
/// writer.
#[derive(Debug)]
pub(crate) struct Committer {
    engine: Arc<dyn Engine>,
    claimers: Mutex<Vec<Weak<dyn Claimer>>>,
    pending: Pending,
    /// Raised after a commit that gave workers something to do, now or later.
    work: Arc<Signal>,
}

impl Committer {
    pub(crate) fn new(engine: Arc<dyn Engine>, work: Arc<Signal>, overload_wait: Duration) -> Self {
        Self { engine, claimers: Mutex::default(), pending: Pending::new(overload_wait), work }
    }

    /// Applies one operation and returns when it is committed.
    pub(crate) fn submit_one(&self, operation: Operation) -> Result<Answer> {
        self.submit(vec![operation]).pop().unwrap_or_else(|| Err(Error::unanswered()))
    }

    /// Applies operations in their order, in one transaction with whatever else waits, and returns
    /// an answer for each when they are committed.
    pub(crate) fn submit(&self, operations: Vec<Operation>) -> Answers {
        if operations.is_empty() {
            return Answers::new();
        }
        match self.pending.enter(operations) {
            Ok(Turn::Lead(group)) => self.lead(group),
            Ok(Turn::Follow(waiter)) => match waiter.wait() {
                Role::Answered(answers) => answers,
                Role::Lead | Role::Wait => self.lead(self.pending.take_group()),
            },
            Err(refused) => refused,
        }
    }

    /// Registers who claims in the transactions of others, for as long as it lives.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        let mut claimers = self.lock_claimers();
        claimers.retain(|claimer| claimer.strong_count() > 0);
        claimers.push(claimer);
    }

    /// Applies a group, answers those who wait for it, and hands the lead on. Returns the
    /// answers of the caller, who is the first of those who wait, if any does.
    fn lead(&self, group: Group) -> Answers {
        let Group { mut operations, waiters } = group;
        let (answers, claimers) = self.apply(&mut operations);
        let others = waiters.len() > 1;
        let own = answer(answers, waiters);
        if others {
            // Those just answered may be about to come back: letting them in first makes the next group
            // larger, and a sync costs the same for any.
            thread::yield_now();
        }
        self.pending.hand_on();
        // The last reference to a pool runs the application's code as it goes, which may use the queue.
        drop(claimers);
        own
    }

    /// Refuses everything from now on if this error says so, and lets pools learn that there will be no more
    /// work.
    fn stop(&self, error: &Error) {
        let Error::Poisoned { cause } = error else { return };
        if self.pending.poison(cause) {
            tracing::error!(cause, "the queue is poisoned and must be reopened");
        }
        self.work.raise();
        self.claimers().iter().for_each(|claimer| claimer.work_arrived());
    }

    fn claimers(&self) -> Vec<Arc<dyn Claimer>> {
        self.lock_claimers().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock_claimers(&self) -> MutexGuard<'_, Vec<Weak<dyn Claimer>>> {
        self.claimers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers those who wait, and returns what is left for the first of them, the caller.
fn answer(mut answers: Answers, waiters: Vec<(Arc<Waiter>, usize)>) -> Answers {
    let mut waiters = waiters.into_iter();
    let Some((_, count)) = waiters.next() else { return answers };
    let mut theirs = answers.split_off(count.min(answers.len())).into_iter();
    for (waiter, count) in waiters {
        waiter.answer(Role::Answered(theirs.by_ref().take(count).collect()));
    }
    answers
}

fn poisoned(cause: &str) -> Error {
    Error::Poisoned { cause: cause.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
