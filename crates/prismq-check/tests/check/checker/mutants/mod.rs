//! Queues that break one promise each: the real one behind a wrapper that lies, forgets, or reaches into
//! the file.

mod answers;
mod file;
mod operators;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    CancelOutcome, Claim, Clock as _, Enqueued, Lease, ManualClock, NewTask, Queue, Result,
    Schedule, State, TaskError, TaskId, Timestamp,
};
use prismq_check::{Invariant, Subject};
use rusqlite::Connection;

use crate::support::Fixture;

/// What is wrong with a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Says of one task in a thousand that it was enqueued, and forgets it.
    DropsOneInAThousand,
    /// Lets any client complete a task, also without its lease.
    IgnoresTheToken,
    /// Accepts an extension of a lease that another holds, without effect.
    AcceptsStaleExtensions,
    /// Gives a task that is held to another as well.
    ClaimsTwice,
    /// Gives delayed tasks at once.
    ClaimsEarly,
    /// Answers an enqueue before it is committed, with the next.
    AcknowledgesBeforeCommit,
    /// Answers a completion that is never made.
    ForgetsCompletions,
    /// Gives a task the next time under the same token.
    TokensStandStill,
    /// Lets some tasks wait behind later ones.
    LosesTheOrder,
    /// Gives some tasks before others of a lower priority number.
    LosesThePriority,
    /// Does not count attempts.
    CountsNoAttempts,
    /// Counts an attempt that was released.
    CountsReleases,
    /// Deletes dead letters.
    DeadVanish,
    /// Runs dead letters again.
    DeadRiseAgain,
    /// Enqueues some tasks twice.
    EnqueuesTwice,
    /// Changes a byte of some payloads.
    ChangesPayloads,
    /// Says of an extension that it was made, and does not make it.
    ForgetsExtensions,
    /// Never takes an expired lease back.
    NeverReclaims,
    /// Refuses some completions whose lease holds.
    RefusesHolders,
    /// Refuses completions after the lease expired, though no claim took the task back.
    RefusesTheExpired,
    /// Counts one task too many.
    MiscountsTheQueue,
    /// Says of some enqueues that they were refused, and makes them.
    RefusesAndEnqueues,
    /// Adds some tasks whose unique key is taken.
    AddsDuplicates,
    /// Names another task than the one that holds a unique key.
    NamesAnotherHolder,
    /// Never lets some unique keys go.
    KeepsKeys,
    /// Says of some waiting tasks that they were cancelled, and forgets it.
    ForgetsCancellations,
    /// Says of running tasks that they will be cancelled, and forgets it.
    ForgetsRequests,
    /// Says of some tasks that they had ended when they were to be cancelled.
    DeniesCancellations,
    /// Says that it put dead tasks back, and does not.
    ForgetsRedrives,
    /// Deletes the dead tasks that it is to put back.
    DeletesTheRedriven,
    /// Says that it deleted tasks, and does not.
    ForgetsDeletions,
    /// Enqueues two tasks for some slots.
    FiresTwice,
    /// Enqueues none for some slots.
    SkipsSlots,
    /// Lets some tasks start after their time to live.
    ForgetsTimesToLive,
}

impl Fault {
    /// Each fault, and the promise it breaks: those that show in any work.
    pub(crate) const ALL: [(Self, Invariant); 22] = [
        (Self::DropsOneInAThousand, Invariant::NoLoss),
        (Self::IgnoresTheToken, Invariant::Fencing),
        (Self::AcceptsStaleExtensions, Invariant::Fencing),
        (Self::ClaimsTwice, Invariant::Fencing),
        (Self::ClaimsEarly, Invariant::NeverEarly),
        (Self::AcknowledgesBeforeCommit, Invariant::NoLoss),
        (Self::ForgetsCompletions, Invariant::Finality),
        (Self::TokensStandStill, Invariant::Fencing),
        (Self::LosesTheOrder, Invariant::Order),
        (Self::LosesThePriority, Invariant::Order),
        (Self::CountsNoAttempts, Invariant::Attempts),
        (Self::CountsReleases, Invariant::Attempts),
        (Self::DeadVanish, Invariant::NoLoss),
        (Self::DeadRiseAgain, Invariant::Finality),
        (Self::EnqueuesTwice, Invariant::NoPhantom),
        (Self::ChangesPayloads, Invariant::NoPhantom),
        (Self::ForgetsExtensions, Invariant::Exclusion),
        (Self::NeverReclaims, Invariant::Liveness),
        (Self::RefusesHolders, Invariant::Fencing),
        (Self::RefusesTheExpired, Invariant::Fencing),
        (Self::MiscountsTheQueue, Invariant::Conservation),
        (Self::RefusesAndEnqueues, Invariant::NoPhantom),
    ];

    /// Those that show only where operators, schedules and such tasks are.
    pub(crate) const OF_OPERATORS: [(Self, Invariant); 12] = [
        (Self::AddsDuplicates, Invariant::Unique),
        (Self::NamesAnotherHolder, Invariant::Unique),
        (Self::KeepsKeys, Invariant::Unique),
        (Self::ForgetsCancellations, Invariant::Cancellation),
        (Self::ForgetsRequests, Invariant::Cancellation),
        (Self::DeniesCancellations, Invariant::Cancellation),
        (Self::ForgetsRedrives, Invariant::Redrive),
        (Self::DeletesTheRedriven, Invariant::NoLoss),
        (Self::ForgetsDeletions, Invariant::Deletion),
        (Self::FiresTwice, Invariant::NoPhantom),
        (Self::SkipsSlots, Invariant::Slots),
        (Self::ForgetsTimesToLive, Invariant::TimeToLive),
    ];
}

/// A queue with a fault. What it holds in memory is lost when it is dropped, as by kill -9.
pub(crate) struct Mutant {
    queue: Queue,
    fault: Fault,
    path: PathBuf,
    clock: Arc<ManualClock>,
    calls: Cell<u64>,
    given: RefCell<Vec<Lease>>,
    uncommitted: RefCell<Vec<NewTask>>,
}

impl Mutant {
    pub(crate) fn new(queue: Queue, fault: Fault, fixture: &Fixture) -> Self {
        Self {
            queue,
            fault,
            path: fixture.path(),
            clock: fixture.clock.clone(),
            calls: Cell::default(),
            given: RefCell::default(),
            uncommitted: RefCell::default(),
        }
    }

    /// Whether this call is one of every `calls`.
    fn one_in(&self, calls: u64) -> bool {
        self.calls.set(self.calls.get() + 1);
        self.calls.get().is_multiple_of(calls)
    }

    /// Enqueues as a sound queue does.
    fn add(&self, task: &NewTask) -> Result<Enqueued> {
        self.queue.enqueue(task).map(|handle| handle.enqueued())
    }

    /// A way into the file behind the queue's back.
    fn file(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        connection
    }
}

impl Subject for Mutant {
    fn enqueue(&self, task: &NewTask) -> Result<Enqueued> {
        match self.fault {
            Fault::DropsOneInAThousand
            | Fault::AcknowledgesBeforeCommit
            | Fault::EnqueuesTwice
            | Fault::RefusesAndEnqueues => self.misanswer_enqueue(task),
            Fault::LosesTheOrder
            | Fault::LosesThePriority
            | Fault::MiscountsTheQueue
            | Fault::ChangesPayloads => self.corrupt_enqueue(task),
            Fault::AddsDuplicates
            | Fault::NamesAnotherHolder
            | Fault::KeepsKeys
            | Fault::ForgetsTimesToLive => self.enqueue_wrongly(task),
            _ => self.add(task),
        }
    }

    fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        match self.fault {
            Fault::ClaimsTwice => self.claim_twice(claim),
            Fault::ClaimsEarly
            | Fault::TokensStandStill
            | Fault::CountsNoAttempts
            | Fault::NeverReclaims => self.corrupt_claim(claim),
            Fault::FiresTwice | Fault::SkipsSlots => self.claim_wrong_slots(claim),
            _ => self.queue.claim(claim),
        }
    }

    fn complete(&self, lease: &Lease) -> Result<()> {
        match self.fault {
            Fault::IgnoresTheToken => self.complete_by_id(lease),
            Fault::ForgetsCompletions if self.one_in(50) => Ok(()),
            Fault::RefusesHolders if self.one_in(50) => self.refuse(lease),
            Fault::RefusesTheExpired if lease.expires_at() <= self.clock.now() => {
                self.refuse(lease)
            }
            _ => self.queue.complete(lease),
        }
    }

    fn fail(&self, lease: &Lease, error: TaskError) -> Result<State> {
        let state = self.queue.fail(lease, error)?;
        if state == State::Dead {
            self.corrupt_dead(lease);
        }
        Ok(state)
    }

    fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        match self.fault {
            Fault::AcceptsStaleExtensions => self.accept_extension(lease, by),
            Fault::ForgetsExtensions => self.forget_extension(lease, by),
            _ => self.queue.extend(lease, by),
        }
    }

    fn release(&self, lease: &Lease) -> Result<()> {
        self.queue.release(lease)?;
        if self.fault == Fault::CountsReleases {
            self.count_release(lease);
        }
        Ok(())
    }

    fn cancel(&self, id: TaskId) -> Result<CancelOutcome> {
        self.cancel_wrongly(id)
    }

    fn redrive(&self, task_type: &str) -> Result<u64> {
        self.redrive_wrongly(task_type)
    }

    fn delete(&self, task_type: &str) -> Result<u64> {
        let tasks = self.queue.tasks().of_type(task_type);
        if self.fault == Fault::ForgetsDeletions { tasks.count() } else { tasks.delete() }
    }

    fn set_schedule(&self, schedule: &Schedule) -> Result<bool> {
        self.queue.schedules().set(schedule)
    }
}
