//! What the handles and pools of one open queue share: the engine, the committer in front of it, and the guard
//! against forks. It validates nothing: operations come from [`crate::queue`] and [`crate::pool`].

mod blocking;
mod endings;
mod failure;
mod fork_guard;
mod payloads;
mod submission;

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Weak};

use self::blocking::BlockingThreads;
use self::endings::Watcher;
pub(crate) use self::failure::{DecideRetry, RetryRule};
use self::fork_guard::ForkGuard;
pub(crate) use self::payloads::{Held, log_unread};
pub(crate) use self::submission::Submission;
use crate::commit::{self, Claimer, CommitThreads, Committer, OVERLOAD_WAIT};
use crate::engine::{self, Answer, Engine, Operation, Place};
use crate::model::{Contention, RestoreReport, Result, RetryPolicy};
use crate::time::{Clock, Signal};

/// Restores a backup, unless this process is a fork of one that has queues open.
pub(crate) fn restore(backup: &Path, path: &Path, release: bool) -> Result<RestoreReport> {
    let _fork_guard = ForkGuard::register()?;
    engine::restore(backup, path, release)
}

/// One open queue. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    shared: Arc<Owner>,
}

/// Holds the one reference to what is shared, so that the end of the last handle is looked at, and no other's.
#[derive(Debug)]
struct Owner(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fork_guard: ForkGuard,
    committer: Arc<Committer>,
    /// Before the engine, which is closed once the threads have ended.
    commit_threads: CommitThreads,
    blocking: BlockingThreads,
    engine: Arc<dyn Engine>,
    watcher: Watcher,
    retry: RetryPolicy,
}

impl Core {
    /// Opens the engine, unless this process is a fork of one that has queues open.
    pub(crate) fn open(place: Place, retry: RetryPolicy) -> Result<Self> {
        let fork_guard = ForkGuard::register()?;
        let engine = engine::open(place)?;
        let committer = Arc::new(Committer::new(engine.clone(), OVERLOAD_WAIT));
        let commit_threads = CommitThreads::new(committer.clone());
        let blocking = BlockingThreads::default();
        let watcher = Watcher::default();
        let shared =
            Shared { fork_guard, committer, commit_threads, blocking, engine, watcher, retry };
        Ok(Self { shared: Arc::new(Owner(Arc::new(shared))) })
    }

    /// Applies one operation and returns when it is committed.
    pub(crate) fn submit(&self, operation: Operation) -> Result<Answer> {
        self.check_owner()?;
        let answer = self.shared.committer.submit_one(operation);
        self.shared.engine.after_call();
        answer
    }

    /// Applies operations in their order in one transaction, and returns an answer for each when it is committed.
    pub(crate) fn submit_all(&self, operations: Vec<Operation>) -> Vec<Result<Answer>> {
        if let Err(error) = self.check_owner() {
            return operations.iter().map(|_| Err(error.clone())).collect();
        }
        let answers = self.shared.committer.submit(operations);
        self.shared.engine.after_call();
        answers
    }

    /// Wakes pools for tasks that were added by a transaction other than the committer's.
    pub(crate) fn work_arrived(&self) {
        self.shared.committer.work_arrived();
    }

    /// The future of one operation, which submits it when it is first polled.
    pub(crate) fn submit_async(&self, operation: Operation) -> Submission {
        let committer = self.shared.committer.clone();
        Submission::new(self.clone(), commit::Submission::new(committer, vec![operation]))
    }

    /// Registers a pool that claims in the transactions of others.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        self.shared.committer.add_claimer(claimer);
    }

    /// An error in a fork of the process that opened the queue.
    pub(crate) fn check_owner(&self) -> Result<()> {
        self.shared.fork_guard.check()
    }

    /// The engine, in the process that opened it.
    ///
    /// # Errors
    /// [`Error::Forked`](crate::Error::Forked) in a fork of that process.
    pub(crate) fn engine(&self) -> Result<&dyn Engine> {
        self.check_owner()?;
        Ok(&*self.shared.engine)
    }

    /// The time that due times and leases follow.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &**self.shared.engine.clock()
    }

    /// Statistics of this handle's writes.
    pub(crate) fn contention(&self) -> Contention {
        self.shared.engine.contention()
    }

    /// Raised after every commit that may have made room in a queue.
    pub(crate) fn room(&self) -> &Signal {
        self.shared.committer.room()
    }
}

impl Deref for Owner {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A fork must not close the parent's files, nor wait for threads that exist only in the parent: a leaked
        // reference keeps them open until the fork ends.
        if !self.fork_guard.is_this_process() {
            std::mem::forget(self.0.clone());
        }
    }
}
