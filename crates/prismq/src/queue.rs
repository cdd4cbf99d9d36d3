//! The handle everyone holds: validates what is asked, turns it into operations, and unwraps the
//! answers. How operations share transactions is [`crate::commit`]'s business, what they do to the
//! file is the engine's.

mod payloads;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::clock::{Clock, Moment, SystemClock, Timestamp};
use crate::commit::{Claimer, Committer};
use crate::error::{Error, Result};
use crate::failure::{Retry, TaskError};
use crate::lease::{Claim, Lease, validate_lease};
use crate::limits::{
    BUSY_WAIT_DEFAULT, CLAIM_BYTES_MAX, DELAY_MAX, ENQUEUE_BATCH_MAX, FREE_BYTES_DEFAULT,
    HISTORY_MAX, OVERLOAD_WAIT,
};
use crate::order::Order;
use crate::process::Owner;
use crate::retry::RetryPolicy;
use crate::signal::Signal;
use crate::stats::{Contention, ContentionCounters, QueueStats};
use crate::store::sqlite::{OpenOptions, SqliteReader, SqliteStore, enqueue_in, open};
use crate::store::{AT_ONCE, AfterFailure, Answer, Claimed, Operation, Reader, Remarks};
use crate::task::{NewTask, State, Task, TaskId, validate_delay, validate_name};

pub(crate) use self::payloads::log_unread;

/// What survives what, once a call has returned `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Durability {
    /// Enqueues, completions and failures survive the death of the process and a power cut.
    #[default]
    Full,
    /// They survive the death of the process; a power cut may undo the latest of them.
    Normal,
}

impl Durability {
    /// SQLite's name for it: the value of `PRAGMA synchronous`.
    #[must_use]
    pub const fn synchronous(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

/// A durable task queue in one file. Cheap to clone; all clones and all threads share it.
#[derive(Debug, Clone)]
pub struct Queue {
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

/// How to open a queue.
#[derive(Debug, Clone)]
#[must_use = "call open()"]
pub struct QueueBuilder {
    path: PathBuf,
    durability: Durability,
    busy_wait: Duration,
    free_bytes_max: u64,
    retry: RetryPolicy,
    clock: Arc<dyn Clock>,
}

impl QueueBuilder {
    /// What survives a power cut; [`Durability::Full`] unless set.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long an operation waits while another process writes; 5 seconds unless set.
    pub const fn busy_wait(mut self, wait: Duration) -> Self {
        self.busy_wait = wait;
        self
    }

    /// How many bytes of free pages the file keeps for later tasks; 16 MiB unless set. What is beyond is given
    /// back to the file system in small steps, a second or so after it became free; nothing is with
    /// `u64::MAX`.
    pub const fn free_space_max(mut self, bytes: u64) -> Self {
        self.free_bytes_max = bytes;
        self
    }

    /// When failed tasks run again; [`RetryPolicy::default`] unless set.
    pub const fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The clock that due times and leases follow; the machine's, [`SystemClock`], unless set. All handles on a
    /// file must go by the same.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the file, creating it with mode 0600 if it does not exist.
    ///
    /// # Errors
    /// [`Error::Unusable`], [`Error::NotADatabase`], [`Error::Foreign`], [`Error::SchemaTooNew`],
    /// [`Error::SchemaTooOld`] or [`Error::Corrupt`] for a path that holds no queue this version can use; it is then left
    /// untouched. [`Error::Busy`] if another process held it for the whole wait; [`Error::Forked`] in a
    /// fork of a process that has queues open.
    pub fn open(self) -> Result<Queue> {
        let owner = Owner::register()?;
        let contention = Arc::new(ContentionCounters::default());
        let options = OpenOptions {
            path: self.path,
            durability: self.durability,
            busy_wait: self.busy_wait,
            free_bytes_max: self.free_bytes_max,
        };
        let (mut store, reader) = open(&options, &contention)?;
        let (file, remarks) = (store.file(), store.remarks());
        let clock = store.anchor(self.clock)?;
        let work = Arc::new(Signal::default());
        clock.on_jump(&work);
        let committer = Committer::new(store, work.clone(), clock.clone(), OVERLOAD_WAIT);
        let reader = Mutex::new(reader);
        let retry = self.retry;
        let shared =
            Shared { owner, committer, file, reader, contention, remarks, clock, work, retry };
        Ok(Queue { shared: Arc::new(shared) })
    }
}

impl Queue {
    /// Opens or creates the queue in this file, with full durability.
    ///
    /// # Errors
    /// See [`QueueBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Opens a queue with other settings.
    pub fn builder(path: impl AsRef<Path>) -> QueueBuilder {
        QueueBuilder {
            path: path.as_ref().to_owned(),
            durability: Durability::default(),
            busy_wait: BUSY_WAIT_DEFAULT,
            free_bytes_max: FREE_BYTES_DEFAULT,
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Adds a task. When this returns `Ok`, the task is durable.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`]; [`Error::Full`],
    /// [`Error::Busy`], [`Error::Overloaded`] or an engine's failure: the task was then not added.
    pub fn enqueue(&self, task: &NewTask) -> Result<TaskId> {
        let ids = self.enqueue_all(std::slice::from_ref(task))?;
        ids.first().copied().ok_or_else(Error::unanswered)
    }

    /// Adds tasks, all or none, in one transaction; the ids are in the order of the tasks.
    ///
    /// # Errors
    /// See [`Queue::enqueue`].
    pub fn enqueue_all(&self, tasks: &[NewTask]) -> Result<Vec<TaskId>> {
        validate_batch(tasks)?;
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        match self.submit(Operation::Enqueue(tasks.to_vec()))? {
            Answer::Enqueued(ids) => Ok(ids),
            _ => Err(Error::unanswered()),
        }
    }

    /// Adds tasks in a transaction of the caller's own, on the caller's own connection to the queue's
    /// file: they are there, and workers are told, if and when that transaction commits.
    ///
    /// Begin the transaction with `BEGIN IMMEDIATE`: one that reads first may be refused the write
    /// lock. How durable the tasks are is decided by the connection's `synchronous` setting.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an argument outside [`crate::limits`], a connection without a
    /// transaction, or one to another file; an engine's failure. The transaction can go on, and holds
    /// none of the tasks. [`Error::TransactionRolledBack`] if the failure, say a full disk, ended the
    /// transaction: nothing of it was kept, and it must be begun again.
    pub fn enqueue_in(
        &self,
        transaction: &rusqlite::Connection,
        tasks: &[NewTask],
    ) -> Result<Vec<TaskId>> {
        validate_batch(tasks)?;
        self.shared.owner.check()?;
        let now = Moment::now(&*self.shared.clock);
        enqueue_in(transaction, self.shared.file.load(Ordering::Relaxed), now, tasks)
    }

    /// Takes ready tasks, in order, under a lease each. Empty if there are none: this never waits.
    ///
    /// It gives no more payload bytes than [`CLAIM_BYTES_MAX`], and so perhaps fewer tasks than there are, but at
    /// least one. A task whose payload is missing or damaged becomes a dead letter, and others take its place.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::Busy`] or an engine's failure: nothing was then claimed. Where payloads
    /// cannot be read for now, their tasks are given back without having used up an attempt, to be claimed again
    /// after [`READ_RETRY_PAUSE`](crate::limits::READ_RETRY_PAUSE); it is an error only if that leaves nothing to
    /// give.
    pub fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        claim.validate()?;
        let claim = claim.clone().bytes_max(CLAIM_BYTES_MAX);
        loop {
            let Answer::Claimed(Claimed { leases, next_due, .. }) =
                self.submit(Operation::Claim(claim.clone()))?
            else {
                return Err(Error::unanswered());
            };
            let none = leases.is_empty();
            let leases = self.with_payloads(leases)?;
            if !leases.is_empty() || (none && next_due != Some(AT_ONCE)) {
                return Ok(leases);
            }
        }
    }

    /// Ends a task well and deletes it, unless the queue keeps a history. When this returns `Ok`, it is
    /// durable.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if the task is no longer this claim's: it was settled, or its lease expired and
    /// another claim took the task back; [`Error::ForeignLease`] if it was claimed from another file; an
    /// engine's failure, after which the lease still holds.
    pub fn complete(&self, lease: &Lease) -> Result<()> {
        self.submit(Operation::Complete(lease.key)).map(drop)
    }

    /// Ends an attempt badly: the task runs again as the retry policy or the error says, or becomes a
    /// dead letter. Returns where it stands now.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a delay outside its bounds.
    pub fn fail(&self, lease: &Lease, error: impl Into<TaskError>) -> Result<State> {
        let error = error.into();
        if let Retry::After(delay) = error.retry {
            validate_delay("retry delay", delay)?;
        }
        match self.submit(self.failure(lease, error))? {
            Answer::Failed(state) => Ok(state),
            _ => Err(Error::unanswered()),
        }
    }

    /// Moves the end of a lease to `by` from now and returns it, by the wall clock.
    ///
    /// # Errors
    /// See [`Queue::complete`]; [`Error::InvalidInput`] for a lease outside its bounds.
    pub fn extend(&self, lease: &Lease, by: Duration) -> Result<Timestamp> {
        validate_lease(by)?;
        match self.submit(Operation::Extend { key: lease.key, lease: by })? {
            Answer::Extended(expires_at) => Ok(expires_at.wall),
            _ => Err(Error::unanswered()),
        }
    }

    /// Sets how a queue orders its ready tasks; [`Order::Priority`] unless set. It is kept in the file
    /// and holds for every process.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if the queue holds tasks and another order; [`Error::InvalidInput`]; an
    /// engine's failure.
    pub fn set_order(&self, queue: &str, order: Order) -> Result<()> {
        validate_name("queue name", queue)?;
        order.validate()?;
        self.submit(Operation::SetOrder { queue: queue.into(), order }).map(drop)
    }

    /// Keeps a queue's tasks from being claimed, by any process, until it is resumed. Tasks can still be
    /// enqueued, and running handlers go on; pools give back what they hold ahead, those of this handle at
    /// once and others with their next claim.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no queue can have; an engine's failure.
    pub fn pause(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, true)
    }

    /// Lets a paused queue's tasks be claimed again.
    ///
    /// # Errors
    /// See [`Queue::pause`].
    pub fn resume(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, false)
    }

    /// Sets how many completed tasks of a queue are kept to be looked up by [`Queue::task`], those that
    /// were completed last; none unless set. It is kept in the file and holds for every process.
    ///
    /// Lowering it deletes what is too many, in transactions of up to
    /// [`ADVANCE_BATCH_MAX`](crate::limits::ADVANCE_BATCH_MAX) tasks between which others go on.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for more than [`HISTORY_MAX`] or a name that no queue can have; an
    /// engine's failure.
    pub fn set_history(&self, queue: &str, keep: u32) -> Result<()> {
        validate_name("queue name", queue)?;
        if keep > HISTORY_MAX {
            let reason = format!("{keep} tasks, at most {HISTORY_MAX} are kept");
            return Err(Error::invalid("history", reason));
        }
        let queue: Arc<str> = queue.into();
        loop {
            match self.submit(Operation::SetHistory { queue: queue.clone(), keep })? {
                Answer::Pruned { more: true } => {}
                Answer::Pruned { more: false } => return Ok(()),
                _ => return Err(Error::unanswered()),
            }
        }
    }

    /// Gives a task back as if it had not been claimed: the attempt does not count.
    ///
    /// # Errors
    /// See [`Queue::complete`].
    pub fn release(&self, lease: &Lease) -> Result<()> {
        self.submit(Operation::Release(lease.key)).map(drop)
    }

    /// The task with this id; `None` once it is completed, unless it is kept, and for an id that never
    /// was.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn task(&self, id: TaskId) -> Result<Option<Task>> {
        let task = self.reader(|reader| reader.task(id))?;
        Ok(task.map(|task| task.shown(Moment::now(&*self.shared.clock))))
    }

    /// The counters of a queue, at a cost that does not depend on its size.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no queue can have; an engine's failure.
    pub fn stats(&self, queue: &str) -> Result<QueueStats> {
        validate_name("queue name", queue)?;
        self.reader(|reader| reader.stats(queue))
    }

    /// What this handle met while writing.
    #[must_use]
    pub fn contention(&self) -> Contention {
        self.shared.contention.snapshot()
    }

    /// The engine's settings that matter for durability and speed, read back from it.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        self.shared.owner.check()?;
        self.shared.committer.settings()
    }

    fn set_paused(&self, queue: &str, paused: bool) -> Result<()> {
        validate_name("queue name", queue)?;
        self.submit(Operation::SetPaused { queue: queue.into(), paused }).map(drop)
    }

    /// Registers a pool that claims in the transactions of others.
    pub(crate) fn add_claimer(&self, claimer: Weak<dyn Claimer>) {
        self.shared.committer.add_claimer(claimer);
    }

    pub(crate) fn submit_all(&self, operations: Vec<Operation>) -> Vec<Result<Answer>> {
        if let Err(error) = self.shared.owner.check() {
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

    /// An error in a fork of the process that opened the queue.
    pub(crate) fn check_owner(&self) -> Result<()> {
        self.shared.owner.check()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// A number that is another once another process or handle has committed something.
    pub(crate) fn version(&self) -> Result<i64> {
        self.shared.committer.version()
    }

    /// A file that changes whenever something is committed, if there is one.
    pub(crate) fn changing_file(&self) -> Option<PathBuf> {
        self.shared.committer.changing_file()
    }

    /// Raised after every commit that gave workers something to do.
    pub(crate) fn work(&self) -> &Arc<Signal> {
        &self.shared.work
    }

    fn submit(&self, operation: Operation) -> Result<Answer> {
        self.shared.owner.check()?;
        let answer = self.shared.committer.submit_one(operation);
        self.shared.remarks.log();
        answer
    }

    fn reader<T>(&self, read: impl FnOnce(&mut SqliteReader) -> Result<T>) -> Result<T> {
        self.shared.owner.check()?;
        read(&mut self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // A fork must not close what the parent uses, nor wait for threads that only the parent has: one
        // reference more keeps it open for as long as the fork lives.
        if !self.shared.owner.is_this_process() {
            std::mem::forget(self.shared.clone());
        }
    }
}

fn validate_batch(tasks: &[NewTask]) -> Result<()> {
    let count = tasks.len();
    if count > ENQUEUE_BATCH_MAX {
        return Err(Error::invalid(
            "batch",
            format!("{count} tasks, at most {ENQUEUE_BATCH_MAX} are allowed in one call"),
        ));
    }
    tasks.iter().try_for_each(NewTask::validate)
}

#[cfg(test)]
mod tests;
