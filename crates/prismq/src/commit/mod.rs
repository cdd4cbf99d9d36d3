//! Group commit: many callers, one transaction.
//!
//! A caller puts its operations in the submission queue ([`pending`]). If no other caller leads, it leads: it
//! takes what waits, applies it in one transaction ([`apply`]), wakes the others with their answers, and hands
//! the lead to the first of those that came meanwhile (the write group of RocksDB). What arrives during a commit is
//! the next group, which waits a moment for the callers just answered to come back ([`gathering`]). A lone caller
//! applies its operations itself, without a thread switch.
//!
//! Where the engine applies claims in parallel, submissions in which nothing must be durable (claims, begins, extensions,
//! releases, notes without a checkpoint) have a second submission queue with its own leader.
//!
//! A future ([`submission`]) waits like a caller, but does not lead, as that blocks: where one is next, a thread of the
//! committer's own leads ([`background`]).
//!
//! Worker pools register as [`Claimer`]s. A transaction that enqueues what an idle pool waits for, or something
//! more urgent than what a busy one holds, claims it for the pool too: the task is in the pool's hands as soon
//! as it is committed. An idle pool whose engine applies claims in parallel is woken to claim instead, unless its claims
//! are held up.
//!
//! Each operation is answered alone. A failed group is applied again one operation at a time, so that one
//! caller's failure is not another's. A sync that fails fails its whole group and poisons the queue.

mod apply;
mod background;
mod claimer;
mod endings;
mod gathering;
mod pending;
mod room;
mod submission;
mod waiter;

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use self::apply::Applied;
use self::pending::{Group, Pending, Submitted};
use self::waiter::{Answered, Role};
use crate::engine::{Answer, Claimed, Engine, Operation};
use crate::model::{Error, Lease, Result};
use crate::time::{Signal, wake};

pub(crate) use self::background::CommitThreads;
pub(crate) use self::claimer::Claimer;
pub(crate) use self::endings::{Endings, Waiting};
pub(crate) use self::submission::Submission;

/// How long an operation waits for room in the submission queue.
pub(crate) const OVERLOAD_WAIT: Duration = Duration::from_secs(5);

type Answers = Vec<Result<Answer>>;

/// Applies the operations of all threads on one engine: one transaction at a time, or two if the engine applies claims in
/// parallel.
#[derive(Debug)]
pub(crate) struct Committer {
    engine: Arc<dyn Engine>,
    claimers: Mutex<Vec<Weak<dyn Claimer>>>,
    pending: Pending,
    /// Of submissions in which nothing must be durable, if the engine applies those in parallel.
    pending_claims: Option<Pending>,
    endings: Endings,
    /// Raised after a commit that may have made room in a queue.
    room: Signal,
    /// Whether a claim found no slot in its queue, and no lease has ended since.
    slot_wanted: AtomicBool,
    /// How many groups have ended leases.
    lease_ends: AtomicU64,
}

impl Committer {
    pub(crate) fn new(engine: Arc<dyn Engine>, overload_wait: Duration) -> Self {
        let pending_claims = engine.claims_in_parallel().then(|| Pending::new(overload_wait));
        Self {
            engine,
            claimers: Mutex::default(),
            pending: Pending::new(overload_wait),
            pending_claims,
            endings: Endings::default(),
            room: Signal::default(),
            slot_wanted: AtomicBool::default(),
            lease_ends: AtomicU64::default(),
        }
    }

    /// Applies one operation and returns when it is committed.
    pub(crate) fn submit_one(&self, operation: Operation) -> Result<Answer> {
        self.submit(vec![operation]).pop().unwrap_or_else(|| Err(Error::unanswered()))
    }

    /// Applies operations in their order, in one transaction with others that wait, and returns an answer for
    /// each when they are committed.
    pub(crate) fn submit(&self, operations: Vec<Operation>) -> Answers {
        if operations.is_empty() {
            return Answers::new();
        }
        let pending = self.pending_for(&operations);
        match pending.submit(operations) {
            Ok(Submitted::Lead(group)) => self.lead(pending, group),
            Ok(Submitted::Gather) => self.lead(pending, pending.take_group()),
            Ok(Submitted::Wait(caller)) => match caller.wait() {
                Role::Answered(answers) => answers,
                Role::Lead | Role::Wait => self.lead(pending, pending.take_group()),
            },
            Err(refused) => refused,
        }
    }

    /// The submission queue for these operations.
    fn pending_for(&self, operations: &[Operation]) -> &Pending {
        let claims = || operations.iter().all(|operation| !operation.must_be_durable());
        self.pending_claims.as_ref().filter(|_| claims()).unwrap_or(&self.pending)
    }

    /// All submission queues.
    fn all_pending(&self) -> impl Iterator<Item = &Pending> {
        std::iter::once(&self.pending).chain(&self.pending_claims)
    }

    /// Raised after a commit that may have made room in a queue, for those who wait for it.
    pub(crate) const fn room(&self) -> &Signal {
        &self.room
    }

    /// Registers a pool that claims in the transactions of others, until it is dropped.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        let mut claimers = self.lock_claimers();
        claimers.retain(|claimer| claimer.strong_count() > 0);
        claimers.push(claimer);
    }

    /// Wakes pools for tasks that were added by a transaction other than the committer's.
    pub(crate) fn work_arrived(&self) {
        self.claimers().iter().for_each(|claimer| claimer.work_arrived());
    }

    /// Who waits for tasks to end.
    pub(crate) const fn endings(&self) -> &Endings {
        &self.endings
    }

    /// Applies a group of a submission queue, answers those that wait for it, and hands the lead over. Returns the answers
    /// of the caller that leads, whose operations are the group's first.
    fn lead(&self, pending: &Pending, group: Group) -> Answers {
        let Group { mut operations, own, waiters } = group;
        let began = Instant::now();
        let Applied { mut answers, claimers, poisoned_by, wakers } = self.apply(&mut operations);
        let mut others = answers.split_off(own.min(answers.len())).into_iter();
        let mut answered = Answered::default();
        let is_shared = !waiters.is_empty();
        pending.committed(waiters.len() + usize::from(own > 0), began.elapsed());
        for (waiter, count) in waiters {
            waiter.answer(others.by_ref().take(count).collect(), &mut answered);
        }
        self.release_unclaimed(mem::take(&mut answered.unclaimed));
        if is_shared {
            // Callers just answered may submit again at once: letting them in first makes the next group larger, also
            // where it does not wait for them.
            thread::yield_now();
        }
        pending.hand_over_lead(&mut answered);
        // From here on the application's code may run, which may panic or use the queue.
        wake(answered.wakers);
        wake(wakers);
        if let Some(cause) = poisoned_by {
            tracing::error!(
                cause,
                "queue poisoned: every operation fails until it is dropped and opened again"
            );
        }
        // Dropping the last reference to a pool drops the application's handlers, which may use the queue.
        drop(claimers);
        answers
    }

    /// Releases what was claimed by those of these answers that nobody waits for any more.
    fn release_unclaimed(&self, answers: Answers) {
        let claimed = answers.into_iter().filter_map(|answer| match answer {
            Ok(Answer::Claimed(Claimed { leases, .. })) => Some(leases),
            _ => None,
        });
        self.release(claimed.flatten());
    }

    /// Releases tasks that a dropped future has claimed, and that would otherwise be held until their leases expire.
    pub(crate) fn release(&self, leases: impl IntoIterator<Item = Lease>) {
        let releases: Vec<_> =
            leases.into_iter().map(|lease| Operation::Release(lease.key)).collect();
        if !releases.is_empty() {
            self.pending_for(&releases).submit_detached(releases);
        }
    }

    /// Fails all operations from now on, and wakes pools to see that. Returns the cause if this is the first failure.
    fn stop(&self, cause: &str) -> Option<String> {
        let is_news = self.pending.poison(cause);
        self.pending_claims.iter().for_each(|pending| _ = pending.poison(cause));
        self.work_arrived();
        is_news.then(|| cause.to_owned())
    }

    fn claimers(&self) -> Vec<Arc<dyn Claimer>> {
        self.lock_claimers().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock_claimers(&self) -> MutexGuard<'_, Vec<Weak<dyn Claimer>>> {
        self.claimers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn poisoned(cause: &str) -> Error {
    Error::Poisoned { cause: cause.to_owned() }
}

#[cfg(test)]
pub(crate) mod tests;
