//! What an engine must be able to do, and the operations it does.
//!
//! An engine keeps tasks in a database and implements [`Engine`]: batches of operations, reads, and hearing what
//! other processes commit. Grouping callers, waking workers and the pool are above it and the same for every engine.
//!
//! Each engine has a folder of its own, outside of which nothing names its database; only [`open`] chooses one.

mod contention;
mod deferred_log;
#[cfg(feature = "postgres")]
mod moving;
mod operation;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod search;
pub(crate) mod sqlite;

use std::any::Any;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::contention::ContentionCounters;
pub(crate) use self::deferred_log::DeferredLog;
#[cfg(feature = "postgres")]
pub(crate) use self::deferred_log::Line;
#[cfg(feature = "postgres")]
pub use self::moving::MigrationReport;
pub(crate) use self::operation::{
    AT_ONCE, AfterFailure, Answer, Cancelled, Claimed, Operation, ScheduleChange,
};
#[cfg(feature = "postgres")]
pub(crate) use self::postgres::Address as ServerAddress;
pub(crate) use self::search::{
    Detail, Found, Hit, Revival, SEARCH_STEP_TASKS, Search, Seen, Target, Targets,
};
use crate::model::{
    BackupReport, Claim, Contention, Durability, Ending, LimitInfo, Payload, Position, QueueInfo,
    QueueStats, RestoreReport, Result, RetryInfo, ScheduleInfo, TaskId, TaskInfo, TypeInfo,
};
use crate::time::Clock;

/// Bytes of payloads stored out of line that are read at a time: as many of the next tasks' as fit, but at least
/// one.
pub(crate) const READ_BYTES_MAX: usize = 256 << 10;

/// Tasks whose payloads are read at a time: more would hardly fit in [`READ_BYTES_MAX`].
pub(crate) const READ_TASKS_MAX: usize = 256;

/// Where a queue is, and how it is opened there.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(FileOptions),
    #[cfg(feature = "postgres")]
    Server(ServerOptions),
}

/// How a queue in a file is opened.
#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    /// Whether the file may be a database of an application, to which the queue's tables are added.
    pub(crate) attach: bool,
    /// What survives a power cut once an operation was answered.
    pub(crate) durability: Durability,
    /// How long an operation waits for a lock that another process holds.
    pub(crate) busy_wait: Duration,
    /// Free space that the file keeps, in bytes.
    pub(crate) free_bytes_max: u64,
    pub(crate) clock: Arc<dyn Clock>,
}

/// How a queue in the database of a server is opened.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone)]
pub(crate) struct ServerOptions {
    pub(crate) address: ServerAddress,
    /// What survives a crash of the server once an operation was answered.
    pub(crate) durability: Durability,
    /// How long an operation waits for the locks of others, and for a server that cannot be reached.
    pub(crate) wait: Duration,
    /// The clock to follow instead of the server's.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// Opens or creates the queue at this place.
pub(crate) fn open(place: Place) -> Result<Arc<dyn Engine>> {
    match place {
        Place::File(options) => Ok(Arc::new(sqlite::SqliteEngine::open(options)?)),
        #[cfg(feature = "postgres")]
        Place::Server(options) => postgres::open(options),
    }
}

/// Moves the queue of a file to the database of a server, or goes on with a migration that was interrupted.
#[cfg(feature = "postgres")]
pub(crate) fn migrate(file: &Path, address: ServerAddress) -> Result<MigrationReport> {
    postgres::migrate(&mut sqlite::MovingFile::open(file)?, address)
}

/// Lets a file be used again whose queue is being moved.
#[cfg(feature = "postgres")]
pub(crate) fn cancel_migration(file: &Path) -> Result<()> {
    moving::Source::cancel(&mut sqlite::MovingFile::open(file)?)
}

/// Puts a copy of a backup in the place of a file that nobody has open, or where none is, and releases the tasks that
/// were running if that is asked for.
pub(crate) fn restore(backup: &Path, path: &Path, release: bool) -> Result<RestoreReport> {
    sqlite::restore(backup, path, release)
}

/// Where tasks are kept. All methods may be called by several threads at once.
pub(crate) trait Engine: Reader + Any + Send + Sync + fmt::Debug {
    /// Applies the operations in order in one transaction and commits it. Each operation has an answer of its
    /// own; an operation that does not apply, say for a lost lease, changes nothing and harms no other.
    ///
    /// The time that counts is that of [`Engine::clock`] once the transaction may write: a lease must not be the
    /// shorter for having waited for others. Expired leases are reclaimed before the first claim of the batch, and
    /// not before the operations ahead of it.
    ///
    /// A batch with an operation that [must be durable](Operation::must_be_durable) is answered only when it is as
    /// durable as the options it was opened with say. Batches of several threads may run in parallel or one after the
    /// other.
    ///
    /// # Errors
    /// The whole batch failed and nothing of it was kept; [`crate::Error::Poisoned`] if it is unknown whether it
    /// was. After that every call fails, and nothing more is written.
    fn apply(&self, batch: &[Operation]) -> Result<Vec<Result<Answer>>>;

    /// Whether the engine applies a batch in which nothing [must be durable](Operation::must_be_durable) at the same time
    /// as one in which something must. Such batches then have a submission queue of their own.
    fn claims_in_parallel(&self) -> bool;

    /// The time that due times and leases of this queue follow.
    fn clock(&self) -> &Arc<dyn Clock>;

    /// A number that changes whenever another process or handle has committed something.
    ///
    /// # Errors
    /// The queue cannot be used, say because it was moved away.
    fn version(&self) -> Result<i64>;

    /// How to learn of what other processes commit that these claims may take, or of all commits if there are no claims.
    /// What no claim may take may be reported too.
    fn watch(&self, claims: &[Claim]) -> Watch;

    /// Does what a call leaves to do once all are answered and the lead is handed over: the upkeep that is due, and writing
    /// the log lines that were kept back while the engine was locked. To be called where no lock is held that an
    /// operation needs: a subscriber of the log may use the queue.
    fn after_call(&self);

    /// Lets the next transaction fail with this error instead of being committed.
    #[cfg(feature = "testing")]
    fn fail_next_commit(&self, error: crate::model::Error);

    /// Statistics of this handle's writes.
    fn contention(&self) -> Contention;

    /// Copies all that is kept, as of one moment, to a path where no file is.
    fn backup(&self, path: &Path) -> Result<BackupReport>;

    /// The database's settings that matter for durability and speed, by name, read back from it.
    fn settings(&self) -> Result<Vec<(String, String)>>;
}

/// Reads that need no transaction of a writer.
pub(crate) trait Reader {
    /// The task with this id, unless it was completed and not kept, or never was; its due time and the end of
    /// its lease by the monotonic time.
    fn task(&self, id: TaskId) -> Result<Option<TaskInfo>>;

    /// How this task ended, if it has; `None` if it has not.
    fn ending(&self, id: TaskId) -> Result<Option<Ending>>;

    /// The last checkpoint of this task's handler, if there was one.
    fn checkpoint(&self, id: TaskId) -> Result<Option<Vec<u8>>>;

    /// The payloads stored out of line of these tasks, in the order of the ids, until they are `bytes_max`
    /// together; that of the first however large.
    ///
    /// # Errors
    /// Outer: one of them cannot be read, [`crate::Error::Corrupt`] only where no read failed and what was
    /// read is damaged. Inner: this task has none, which is [`crate::Error::Corrupt`] too.
    fn payloads(&self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>>;

    /// The limits that are set, by name.
    fn limits(&self) -> Result<Vec<LimitInfo>>;

    /// The retry policies of task types, by the types' names.
    fn retry_policies(&self) -> Result<Vec<RetryInfo>>;

    /// The counters of a queue; all zero for one that nothing was ever enqueued to.
    fn stats(&self, queue: &str) -> Result<QueueStats>;

    /// One bounded step through the tasks that a search means, from the position after `after` on.
    fn find(&self, search: &Search, after: Option<Position>) -> Result<Found>;

    /// The highest id of a task that is stored; 0 without any.
    fn last_id(&self) -> Result<TaskId>;

    /// Every queue, in the order of their names.
    fn queues(&self) -> Result<Vec<QueueInfo>>;

    /// Every combination of queue, task type and requirements, in the order of these names.
    fn types(&self) -> Result<Vec<TypeInfo>>;

    /// The running tasks that are to be cancelled, each with the token of its lease.
    fn cancel_requests(&self) -> Result<Vec<(TaskId, i64)>>;

    /// The schedules in order of their names; of one name only, if one is given.
    fn schedules(&self, name: Option<&str>) -> Result<Vec<ScheduleInfo>>;
}

/// How a pool that waits for work learns of what other processes commit.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Reports commits as they happen; `None` where only polling shows them.
    pub(crate) changes: Option<Arc<dyn Changes>>,
    /// How often to ask for [`Engine::version`]: the only way without `changes`, else in case one was missed.
    pub(crate) poll_interval: Duration,
    /// The same once `changes` reports nothing any more.
    pub(crate) poll_interval_alone: Duration,
}

/// Reports the commits of other processes to one thread.
pub(crate) trait Changes: Send + Sync + fmt::Debug {
    /// Blocks until another process has committed something since `version`, which is then updated: `true`.
    /// `false` if [`Changes::interrupt`] was called, the time is up, or nothing was committed after all; `wanted` says
    /// whether the caller still waits.
    ///
    /// # Errors
    /// Nothing more will be reported.
    fn wait(
        &self,
        version: &mut Option<i64>,
        timeout: Option<Duration>,
        wanted: &dyn Fn() -> bool,
    ) -> io::Result<bool>;

    /// Lets [`Changes::wait`] return, now or the next time.
    fn interrupt(&self);
}
