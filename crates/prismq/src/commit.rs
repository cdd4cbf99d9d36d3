//! Group commit: many callers, one transaction.
//!
//! A caller puts its operations in a queue. If nobody leads, it leads: it takes what waits, up to
//! [`GROUP_OPERATIONS_MAX`] and [`GROUP_BYTES_MAX`], applies it in one transaction, wakes the others
//! with their answers, and hands the lead to the first of those who came meanwhile (the write group
//! of RocksDB). There is no timer: what arrives during a commit is the next group. A lone caller
//! applies its operations itself, without a thread switch.
//!
//! Worker pools register as [`Claimer`]s. Whoever enqueues what an idle one waits for, or something more
//! urgent than what a busy one holds, claims it for the pool
//! in the same transaction, so that the task is in the pool's hands as soon as it is committed, and waking
//! a worker costs no transaction of its own.
//!
//! Each operation is answered alone. A failed group is applied again one operation at a time, so
//! that one caller's failure is not another's; a commit that leaves the disk in doubt fails its whole
//! group and poisons the queue.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lease::{Claim, Lease};
use crate::limits::{
    CLAIM_BATCH_MAX, GROUP_BYTES_MAX, GROUP_OPERATIONS_MAX, PENDING_BYTES_MAX,
    PENDING_OPERATIONS_MAX,
};
use crate::signal::Signal;
use crate::store::{Answer, Operation, Store};
use crate::task::State;

type Answers = Vec<Result<Answer>>;

/// Who claims in the transactions of others: a worker pool.
///
/// Called from the thread that commits, in part while the store is locked: it must not call the committer.
pub(crate) trait Claimer: Send + Sync + std::fmt::Debug {
    /// What it claims, but for the number of tasks.
    fn claim(&self) -> &Claim;

    /// How many tasks it takes now of those that are enqueued, the most urgent of which has this
    /// priority. If any, [`Claimer::deliver`] follows.
    fn reserve(&self, priority: i32) -> usize;

    /// Gives it what was claimed of so many reserved tasks, once that is committed.
    fn deliver(&self, room: usize, leases: Vec<Lease>);

    /// A commit gave workers something to do, now or later.
    fn work_arrived(&self);

    /// A queue was paused.
    fn paused(&self, queue: &str);
}

/// Runs the operations of all threads on one store.
#[derive(Debug)]
pub(crate) struct Committer<S> {
    store: Mutex<S>,
    claimers: Mutex<Vec<Weak<dyn Claimer>>>,
    pending: Mutex<Pending>,
    room: Condvar,
    /// Raised after a commit that gave workers something to do, now or later.
    work: Arc<Signal>,
    clock: Arc<dyn Clock>,
    overload_wait: Duration,
}

/// What waits for the store.
#[derive(Debug, Default)]
struct Pending {
    submissions: VecDeque<Submission>,
    operations: usize,
    bytes: usize,
    /// Whether a thread is applying a group, or has been handed the lead.
    leading: bool,
    /// Why nothing is written any more.
    poisoned: Option<String>,
}

/// The operations of one caller.
#[derive(Debug)]
struct Submission {
    operations: Vec<Operation>,
    bytes: usize,
    waiter: Arc<Waiter>,
}

/// Where a caller waits for its role or its answers.
#[derive(Debug, Default)]
struct Waiter {
    role: Mutex<Role>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum Role {
    #[default]
    Wait,
    Lead,
    Answered(Answers),
}

impl<S: Store> Committer<S> {
    pub(crate) fn new(
        store: S,
        work: Arc<Signal>,
        clock: Arc<dyn Clock>,
        overload_wait: Duration,
    ) -> Self {
        Self {
            store: Mutex::new(store),
            claimers: Mutex::default(),
            pending: Mutex::default(),
            room: Condvar::new(),
            work,
            clock,
            overload_wait,
        }
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
        let bytes = operations.iter().map(Operation::bytes).sum();
        let pending = match self.enter(operations.len(), bytes) {
            Ok(pending) => pending,
            Err(error) => return operations.iter().map(|_| Err(error.clone())).collect(),
        };
        if pending.leading {
            self.follow(pending, Submission { operations, bytes, waiter: Arc::default() })
        } else {
            self.lead_alone(pending, operations)
        }
    }

    /// Registers who claims in the transactions of others, for as long as it lives.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        let mut claimers = self.lock_claimers();
        claimers.retain(|claimer| claimer.strong_count() > 0);
        claimers.push(claimer);
    }

    /// A number that is another once another process or handle has committed something.
    pub(crate) fn version(&self) -> Result<i64> {
        self.store().version()
    }

    /// A file that changes whenever something is committed, if there is one.
    pub(crate) fn changing_file(&self) -> Option<PathBuf> {
        self.store().changing_file()
    }

    /// The store's own view of its settings.
    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        self.store().settings()
    }

    /// Waits for room.
    fn enter(&self, operations: usize, bytes: usize) -> Result<MutexGuard<'_, Pending>> {
        let started = Instant::now();
        let mut pending = self.pending();
        loop {
            if let Some(cause) = &pending.poisoned {
                return Err(poisoned(cause));
            }
            let fits = pending.operations + operations <= PENDING_OPERATIONS_MAX
                && pending.bytes + bytes <= PENDING_BYTES_MAX;
            // What is larger than all the room there is goes when nothing else waits.
            if fits || pending.submissions.is_empty() {
                return Ok(pending);
            }
            let waited = started.elapsed();
            let Some(left) = self.overload_wait.checked_sub(waited).filter(|left| !left.is_zero())
            else {
                return Err(Error::Overloaded { pending: pending.operations, waited });
            };
            pending =
                self.room.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lead_alone(
        &self,
        mut pending: MutexGuard<'_, Pending>,
        operations: Vec<Operation>,
    ) -> Answers {
        pending.leading = true;
        drop(pending);
        let (answers, claimers) = self.apply(operations);
        self.hand_on();
        // The last reference to a pool runs the application's code as it goes, which may use the queue.
        drop(claimers);
        answers
    }

    fn follow(&self, mut pending: MutexGuard<'_, Pending>, submission: Submission) -> Answers {
        let waiter = submission.waiter.clone();
        pending.operations += submission.operations.len();
        pending.bytes += submission.bytes;
        pending.submissions.push_back(submission);
        drop(pending);
        let role = waiter.role.lock().unwrap_or_else(PoisonError::into_inner);
        let mut role = waiter
            .changed
            .wait_while(role, |role| matches!(role, Role::Wait))
            .unwrap_or_else(PoisonError::into_inner);
        match mem::take(&mut *role) {
            Role::Answered(answers) => answers,
            Role::Lead | Role::Wait => {
                drop(role);
                self.lead()
            }
        }
    }

    /// Applies a group whose first submission is the caller's own, and returns its answers.
    fn lead(&self) -> Answers {
        let (operations, waiters) = self.take_group();
        let (answers, claimers) = self.apply(operations);
        let mut answers = answers.into_iter();
        let mut own = Answers::new();
        for (position, (waiter, count)) in waiters.into_iter().enumerate() {
            let theirs = answers.by_ref().take(count).collect();
            if position == 0 {
                own = theirs;
            } else {
                waiter.answer(Role::Answered(theirs));
            }
        }
        // Those just answered may be about to come back: letting them in first makes the next group
        // larger, and a sync costs the same for any.
        thread::yield_now();
        self.hand_on();
        drop(claimers);
        own
    }

    fn take_group(&self) -> (Vec<Operation>, Vec<(Arc<Waiter>, usize)>) {
        let mut pending = self.pending();
        let mut operations = Vec::new();
        let mut waiters = Vec::new();
        let mut bytes = 0;
        while let Some(next) = pending.submissions.front() {
            let fits = operations.len() + next.operations.len() <= GROUP_OPERATIONS_MAX
                && bytes + next.bytes <= GROUP_BYTES_MAX;
            if !fits && !waiters.is_empty() {
                break;
            }
            let Some(submission) = pending.submissions.pop_front() else {
                break;
            };
            bytes += submission.bytes;
            waiters.push((submission.waiter, submission.operations.len()));
            operations.extend(submission.operations);
        }
        pending.operations -= operations.len();
        pending.bytes -= bytes;
        drop(pending);
        self.room.notify_all();
        (operations, waiters)
    }

    /// Gives the lead to the first who waits.
    fn hand_on(&self) {
        let mut pending = self.pending();
        if let Some(cause) = pending.poisoned.clone() {
            // Nobody would be answered any more.
            for submission in mem::take(&mut pending.submissions) {
                let answers = submission.operations.iter().map(|_| Err(poisoned(&cause))).collect();
                submission.waiter.answer(Role::Answered(answers));
            }
            pending.operations = 0;
            pending.bytes = 0;
            self.room.notify_all();
        }
        match pending.submissions.front() {
            Some(next) => next.waiter.answer(Role::Lead),
            None => pending.leading = false,
        }
    }

    /// Applies a group; also gives the pools that it may have claimed for.
    fn apply(&self, mut operations: Vec<Operation>) -> (Answers, Vec<Arc<dyn Claimer>>) {
        let claimers = self.claimers();
        let answers = match self.apply_with_claims(&mut operations, &claimers) {
            Ok(answers) => answers,
            Err(error) if operations.len() > 1 && may_concern_one(&error) => {
                self.apply_one_by_one(&operations)
            }
            Err(error) => operations.iter().map(|_| Err(error.clone())).collect(),
        };
        self.notify(&operations, &answers, &claimers);
        (answers, claimers)
    }

    /// Lets pools know what a group changed for them.
    fn notify(&self, operations: &[Operation], answers: &Answers, claimers: &[Arc<dyn Claimer>]) {
        for (operation, answer) in operations.iter().zip(answers) {
            if let (Operation::SetPaused { queue, .. }, Ok(Answer::Paused(true))) =
                (operation, answer)
            {
                claimers.iter().for_each(|claimer| claimer.paused(queue));
            }
        }
        // A pool that waits for work learns that there will be none.
        let poisoned = |answer: &Result<Answer>| matches!(answer, Err(Error::Poisoned { .. }));
        if answers.iter().flatten().any(gives_work) || answers.iter().any(poisoned) {
            self.work.raise();
            claimers.iter().for_each(|claimer| claimer.work_arrived());
        }
    }

    /// Applies a group, and with it the claims of those it has something for.
    fn apply_with_claims(
        &self,
        operations: &mut Vec<Operation>,
        claimers: &[Arc<dyn Claimer>],
    ) -> Result<Answers> {
        let brought = |claimer: &Arc<dyn Claimer>| {
            operations.iter().filter_map(|operation| operation.brings(claimer.claim())).min()
        };
        let served: Vec<_> = claimers
            .iter()
            .filter_map(|claimer| brought(claimer).map(|priority| (claimer, priority)))
            .collect();
        let mut store = self.store();
        let reserved: Vec<(&Arc<dyn Claimer>, usize)> = served
            .into_iter()
            .map(|(claimer, priority)| (claimer, claimer.reserve(priority)))
            .filter(|(_, room)| *room > 0)
            .collect();
        if reserved.is_empty() {
            return self.apply_to(&mut store, operations);
        }
        let claims = reserved.iter().map(|(claimer, room)| {
            let claim = claimer.claim().clone().max((*room).min(CLAIM_BATCH_MAX));
            Operation::Claim(claim.begun_max(0).suspects_max(0))
        });
        let own = operations.len();
        operations.extend(claims);
        let mut applied = self.apply_to(&mut store, operations);
        operations.truncate(own);
        let claimed = match &mut applied {
            Ok(answers) => answers.split_off(own),
            Err(_) => Vec::new(),
        };
        let mut claimed = claimed.into_iter();
        for (claimer, room) in reserved {
            let leases = match claimed.next() {
                Some(Ok(Answer::Claimed(claimed))) => claimed.leases,
                _ => Vec::new(),
            };
            claimer.deliver(room, leases);
        }
        match applied {
            // A claim that fails must not fail those it came with.
            Err(error) if may_concern_one(&error) => self.apply_to(&mut store, operations),
            applied => applied,
        }
    }

    /// Applies operations in a transaction each, up to one that leaves the disk in doubt.
    fn apply_one_by_one(&self, operations: &[Operation]) -> Answers {
        let mut doubt = None;
        let mut answers = Answers::with_capacity(operations.len());
        for operation in operations {
            let answer = match &doubt {
                Some(error) => Err(Error::clone(error)),
                None => self.apply_alone(operation),
            };
            if let Err(error @ Error::Poisoned { .. }) = &answer {
                doubt.get_or_insert_with(|| error.clone());
            }
            answers.push(answer);
        }
        answers
    }

    fn apply_alone(&self, operation: &Operation) -> Result<Answer> {
        let mut answers = self.apply_to(&mut self.store(), std::slice::from_ref(operation))?;
        answers.pop().unwrap_or_else(|| Err(Error::unanswered()))
    }

    fn apply_to(&self, store: &mut S, operations: &[Operation]) -> Result<Answers> {
        let clock = &*self.clock;
        let applied = catch_unwind(AssertUnwindSafe(|| store.apply(clock, operations)))
            .unwrap_or_else(|_| Err(poisoned("the engine panicked in a transaction")));
        if let Err(Error::Poisoned { cause }) = &applied {
            tracing::error!(cause, "the queue is poisoned and must be reopened");
            self.pending().poisoned = Some(cause.clone());
        }
        applied
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, S> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claimers(&self) -> Vec<Arc<dyn Claimer>> {
        self.lock_claimers().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock_claimers(&self) -> MutexGuard<'_, Vec<Weak<dyn Claimer>>> {
        self.claimers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    fn answer(&self, what: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = what;
        self.changed.notify_one();
    }
}

/// Whether a smaller transaction may succeed where the group failed: what was wrong may be one operation's
/// row. Not so where the disk is in doubt, another process writes, or the file is no longer ours to write.
const fn may_concern_one(error: &Error) -> bool {
    !matches!(
        error,
        Error::Poisoned { .. }
            | Error::Busy { .. }
            | Error::Moved { .. }
            | Error::SchemaTooNew { .. }
            | Error::NotADatabase { .. }
            | Error::Unusable { .. }
    )
}

const fn gives_work(answer: &Answer) -> bool {
    match answer {
        Answer::Enqueued(_) | Answer::Released => true,
        Answer::Failed(state) => !matches!(state, State::Dead),
        Answer::Paused(paused) => !*paused,
        Answer::Claimed(_)
        | Answer::Begun
        | Answer::Completed
        | Answer::Extended(_)
        | Answer::Ordered
        | Answer::Pruned { .. } => false,
    }
}

fn poisoned(cause: &str) -> Error {
    Error::Poisoned { cause: cause.to_owned() }
}

#[cfg(test)]
mod tests;
