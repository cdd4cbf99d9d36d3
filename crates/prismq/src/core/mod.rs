//! What the handles and pools of one open queue share: the engine, the committer in front of it, its clock, and
//! the guard against forks.

mod payloads;
mod process;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(crate) use self::payloads::log_unread;
use self::process::Owner;
use crate::commit::{Claimer, Committer};
use crate::engine::sqlite::{OpenOptions, SqliteReader, SqliteStore, open};
use crate::engine::{AfterFailure, Answer, Operation, Remarks};
use crate::model::limits::{DELAY_MAX, OVERLOAD_WAIT};
use crate::model::{Contention, ContentionCounters, Lease, Result, Retry, RetryPolicy, TaskError};
use crate::time::{Clock, Signal};

/// One open queue. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    owner: Owner,
    committer: Committer<SqliteStore>,
    /// The number in the file, which a caller's own connection must find too.
    file: Arc<AtomicI64>,
    reader: Mutex<SqliteReader>,
    contention: Arc<ContentionCounters>,
    /// What the engine has to log, which it must not do while it is locked.
    remarks: Arc<Remarks>,
    clock: Arc<dyn Clock>,
    work: Arc<Signal>,
    retry: RetryPolicy,
}

impl Core {
    pub(crate) fn open(
        options: &OpenOptions,
        clock: Arc<dyn Clock>,
        retry: RetryPolicy,
    ) -> Result<Self> {
        let owner = Owner::register()?;
        let contention = Arc::new(ContentionCounters::default());
        let (mut store, reader) = open(options, &contention)?;
        let (file, remarks) = (store.file(), store.remarks());
        let clock = store.anchor(clock)?;
        let work = Arc::new(Signal::default());
        clock.on_jump(&work);
        let committer = Committer::new(store, work.clone(), clock.clone(), OVERLOAD_WAIT);
        let reader = Mutex::new(reader);
        let shared =
            Shared { owner, committer, file, reader, contention, remarks, clock, work, retry };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Applies one operation and returns when it is committed.
    pub(crate) fn submit(&self, operation: Operation) -> Result<Answer> {
        self.check_owner()?;
        let answer = self.shared.committer.submit_one(operation);
        self.shared.remarks.log();
        answer
    }

    pub(crate) fn submit_all(&self, operations: Vec<Operation>) -> Vec<Result<Answer>> {
        if let Err(error) = self.check_owner() {
            return operations.iter().map(|_| Err(error.clone())).collect();
        }
        let answers = self.shared.committer.submit(operations);
        self.shared.remarks.log();
        answers
    }

    /// The operation that ends an attempt badly.
    pub(crate) fn failure(&self, lease: &Lease, error: TaskError) -> Operation {
        let next = if lease.attempt >= lease.max_attempts {
            AfterFailure::Dead
        } else {
            match error.retry {
                Retry::Never => AfterFailure::Dead,
                Retry::After(delay) => AfterFailure::Retry(delay.min(DELAY_MAX)),
                Retry::ByPolicy => {
                    AfterFailure::Retry(self.shared.retry.delay(lease.attempt, fastrand::f64()))
                }
            }
        };
        Operation::Fail { key: lease.key, error: error.text.into_owned(), next }
    }

    /// Registers a pool that claims in the transactions of others.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        self.shared.committer.add_claimer(claimer);
    }

    /// An error in a fork of the process that opened the queue.
    pub(crate) fn check_owner(&self) -> Result<()> {
        self.shared.owner.check()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Raised after every commit that gave workers something to do.
    pub(crate) fn work(&self) -> &Arc<Signal> {
        &self.shared.work
    }

    /// A number that is another once another process or handle has committed something.
    pub(crate) fn version(&self) -> Result<i64> {
        self.shared.committer.version()
    }

    /// A file that changes whenever something is committed, if there is one.
    pub(crate) fn changing_file(&self) -> Option<PathBuf> {
        self.shared.committer.changing_file()
    }

    /// The number in the file, which a caller's own connection must find too.
    pub(crate) fn file(&self) -> i64 {
        self.shared.file.load(Ordering::Relaxed)
    }

    pub(crate) fn contention(&self) -> Contention {
        self.shared.contention.snapshot()
    }

    pub(crate) fn settings(&self) -> Result<Vec<(String, String)>> {
        self.check_owner()?;
        self.shared.committer.settings()
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut SqliteReader) -> Result<T>) -> Result<T> {
        self.check_owner()?;
        read(&mut self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // A fork must not close what the parent uses, nor wait for threads that only the parent has: one
        // reference more keeps it open for as long as the fork lives.
        if !self.shared.owner.is_this_process() {
            std::mem::forget(self.shared.clone());
        }
    }
}
