//! Queues that break one promise each: the real one behind a wrapper that lies, forgets, or reaches into
//! the file.

mod answers;
mod file;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Clock as _, Lease, ManualClock, NewTask, Queue, Result, State, TaskError, TaskId,
    Timestamp,
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
}

impl Fault {
    /// Each fault, and the promise it breaks.
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
    fn enqueue(&self, task: &NewTask) -> Result<TaskId> {
        match self.fault {
            Fault::DropsOneInAThousand
            | Fault::AcknowledgesBeforeCommit
            | Fault::EnqueuesTwice
            | Fault::RefusesAndEnqueues => self.misanswer_enqueue(task),
            Fault::LosesTheOrder
            | Fault::LosesThePriority
            | Fault::MiscountsTheQueue
            | Fault::ChangesPayloads => self.corrupt_enqueue(task),
            _ => self.queue.enqueue(task).map(|handle| handle.id()),
        }
    }

    fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        match self.fault {
            Fault::ClaimsTwice => self.claim_twice(claim),
            Fault::ClaimsEarly
            | Fault::TokensStandStill
            | Fault::CountsNoAttempts
            | Fault::NeverReclaims => self.corrupt_claim(claim),
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
}
