//! The errors of the queue, each with what the caller can do about it.

mod construction;
mod migration;
mod predicates;
mod refused;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub use self::migration::MigrationError;
pub use self::refused::RefusedTasks;
use crate::model::TaskId;
use crate::model::limits::{LIMITS_MAX, QUEUES_MAX, TASK_ID_MAX, TASK_TYPES_MAX};

/// The result of the queue's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the queue could not do what it was asked.
///
/// Cheap to clone: a failed commit is the answer to every operation of its transaction.
///
/// # What to do
/// Each error says what happened and what to do; a program decides by three methods, which place every error in one of
/// these rows:
///
/// | the same call succeeds | [transient] | [needs intervention] | [recoverable] | errors |
/// |---|---|---|---|---|
/// | later, by itself: retry with a backoff | yes | | yes | `Busy`, `Overloaded`, `QueueFull`, `NotEmpty`, `Full`, `Io`, `Database`, `Unavailable`, `Thread` |
/// | perhaps, and perhaps it was done already: look first | | | yes | `CommitUnknown` |
/// | once someone has acted | | yes | yes | of the file: `Unusable`, `NotADatabase`, `Foreign`, `SchemaTooNew`, `SchemaTooOld`, `Corrupt`, `Moved`, `InUse`, `Migration`; of the server: `Refused`; of what is set in it: `NoSchedule`, `UnknownLimit`, `TooManyLimits`, `TooManyNames` |
/// | once another queue is opened: the handle refuses for good | | yes | | `Poisoned`, `Forked`, `OutOfIds` |
/// | never: change the call | | | | `InvalidInput`, `LeaseLost`, `ForeignLease`, `Statement`, `NotOffered` |
///
/// `TransactionRolledBack` is in the row of its source.
///
/// [transient]: Error::is_transient
/// [needs intervention]: Error::needs_intervention
/// [recoverable]: Error::is_recoverable
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is outside its bounds; nothing was done.
    #[error("invalid {what}: {reason}")]
    InvalidInput {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it and what is allowed.
        reason: String,
    },
    /// The task was settled already, or the lease expired and a claim reclaimed the task; until then an expired
    /// lease still holds it. Nothing was recorded; another attempt may have run the task or will.
    #[error(
        "lease lost: task {id} is no longer held with token {token}; another attempt may run it, \
         discard the result of this one"
    )]
    LeaseLost {
        /// The task.
        id: TaskId,
        /// The token of the lost lease.
        token: i64,
    },
    /// The lease was claimed from another file than this queue's, perhaps an earlier one at the same path. Nothing
    /// was done. Settle it through a queue that has that file open.
    #[error(
        "the lease on task {id} with token {token} was claimed from another queue file: \
         settle it through the queue it was claimed from"
    )]
    ForeignLease {
        /// The task in the other file.
        id: TaskId,
        /// The lease's token.
        token: i64,
    },
    /// Another process held the write lock for the whole wait; try again, or allow a longer wait.
    #[error(
        "queue busy: another process held its write lock for {waited:?}; retry, or allow a longer wait"
    )]
    Busy {
        /// How long was waited.
        waited: Duration,
    },
    /// The submission queue stayed full for the whole wait; slow down and try again.
    #[error(
        "submission queue full ({pending} operations pending) after waiting {waited:?}: slow down or retry"
    )]
    Overloaded {
        /// Operations in the submission queue.
        pending: usize,
        /// How long was waited for room.
        waited: Duration,
    },
    /// The order of a queue can be set only while no task waits or runs in it, as a task's order key is computed when
    /// it is enqueued. Dead tasks do not count: theirs is computed anew when they are redriven.
    #[error(
        "queue {queue:?} holds {tasks} tasks that wait or run, and its order can be set only while it holds none: \
         let workers finish them, or cancel them, and set it then"
    )]
    NotEmpty {
        /// The queue.
        queue: String,
        /// Tasks ready, scheduled or leased.
        tasks: u64,
    },
    /// The queue holds as many live tasks as its depth limit allows; nothing was added. Enqueue the tasks again once
    /// others are completed, or wait by [`Queue::enqueue_within`](crate::Queue::enqueue_within).
    #[error("queue {queue:?} is full: it holds its limit of {limit} live tasks; retry later")]
    QueueFull {
        /// The queue.
        queue: String,
        /// Its limit.
        limit: u32,
        /// All tasks of the call.
        tasks: RefusedTasks,
    },
    /// The file has as many queues or task types in use as it can hold; nothing was done.
    #[error(
        "no room for queue {queue:?} or its task types: a file holds {QUEUES_MAX} queues and \
         {TASK_TYPES_MAX} task types over all of them; finish or delete the tasks of types no longer used, \
         or put what varies into the payload"
    )]
    TooManyNames {
        /// The queue that was asked for.
        queue: String,
    },
    /// The file has no schedule of this name; nothing was done.
    #[error("there is no schedule {name:?}: set it first, or use one that `Schedules::list` names")]
    NoSchedule {
        /// The name that was given.
        name: String,
    },
    /// The file has no task ids left; nothing was done. Only a damaged file reaches this.
    #[error(
        "no task ids left: the next would be {next}, ids are 1 to {TASK_ID_MAX}: use a new file"
    )]
    OutOfIds {
        /// The next id according to the file.
        next: i64,
    },
    /// The disk is full, or a quota or size limit of the file is reached; nothing of the operation was kept. It
    /// works again as soon as there is room.
    #[error("no space left for the queue file: {reason}; free some and retry")]
    Full {
        /// What the operating system or the database driver reported.
        reason: String,
    },
    /// The path cannot hold a queue.
    #[error("cannot open {} as a queue: {reason}", path.display())]
    Unusable {
        /// The path.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The file exists and is not a database; it was left untouched.
    #[error("{} is not a database, and was left untouched: give the path of a queue or of no file, or restore a backup", path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
    },
    /// The file is a database of another program and holds no queue; it was left untouched. [`Queue::attach`] adds one.
    ///
    /// [`Queue::attach`]: crate::Queue::attach
    #[error(
        "{} is a database of another program (application id {application_id:#010x}): \
         it was left untouched; to add a queue to it, open it by `Queue::attach`", path.display()
    )]
    Foreign {
        /// The path.
        path: PathBuf,
        /// The id found in its header.
        application_id: i32,
    },
    /// The file was written by a newer version, perhaps while it was open here; it was left untouched.
    #[error(
        "{} has schema version {found}, this version knows up to {supported}: \
         use the version of prismq that wrote it", path.display()
    )]
    SchemaTooNew {
        /// The path.
        path: PathBuf,
        /// Version found.
        found: i32,
        /// Newest version known.
        supported: i32,
    },
    /// The file was written by a version of this library that this one cannot read; it was left untouched.
    #[error(
        "{} has schema version {found}, this version reads only {supported}: finish its tasks with the \
         version of prismq that wrote it, or delete it with its -wal and -shm", path.display()
    )]
    SchemaTooOld {
        /// The path.
        path: PathBuf,
        /// Version found.
        found: i32,
        /// Version known.
        supported: i32,
    },
    /// The file is damaged. Stop, copy it with its -wal and -shm, and restore a backup.
    #[error("the queue file {} is damaged: {reason}; stop the programs that use it, copy it with its -wal and -shm, and \
         restore a backup", path.display())]
    Corrupt {
        /// The path.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file was moved, deleted or replaced while it was open here; nothing was done. Operations through
    /// this handle work again once the same file is back in its place; to use what is there now, drop the
    /// handle and open it again.
    #[error(
        "the queue file {} was moved, deleted or replaced while in use: put it back, or open the queue again",
        path.display()
    )]
    Moved {
        /// The path it was opened by, without links.
        path: PathBuf,
    },
    /// The file is open, here or in another process; nothing was done. Drop every handle, and end the other programs.
    #[error("{} is open here or in another process: close it everywhere first", path.display())]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// It is unknown what reached the disk, or the engine is in an unknown state: a sync or a commit failed,
    /// a file that it keeps next to its own was removed, or a transaction panicked. Every later operation and read
    /// through this handle fails with this error.
    #[error("the queue is poisoned ({cause}): drop it and open the file again")]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// A failure while tasks were added in a caller's own transaction ended that transaction: the
    /// database undoes the whole of it where it runs out of room or cannot read or write. Nothing of it was kept,
    /// what the caller had written included, and what the caller writes next would be committed at once:
    /// begin a new transaction and do all of it again.
    #[error(
        "the transaction was rolled back, with all that was written in it before: \
         begin it again ({source})"
    )]
    TransactionRolledBack {
        /// The failure.
        #[source]
        source: Box<Self>,
    },
    /// The disk or the operating system failed.
    #[error(
        "I/O error on the queue file: {source}; check the disk and the system's log, and retry"
    )]
    Io {
        /// What the database driver reported.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The database failed for another reason.
    #[error(
        "the database failed on an operation of the queue: {source}; retry, and if it fails again, check the file or the server"
    )]
    Database {
        /// What the database driver reported.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The database refused a statement of the application's own, in a transaction that the queue runs for it: it breaks
    /// a constraint, or is no valid SQL.
    #[error("the database refused a statement of the application: {source}; correct it")]
    Statement {
        /// What the database driver reported.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The handle was opened by another process, of which this one is a fork: its files and locks do
    /// not survive that. Nothing was done. Open queues after the fork, none before it.
    #[error(
        "process {opened_by} had a queue open when it forked into this one, which can use neither that queue nor \
         another: fork before any queue is opened"
    )]
    Forked {
        /// The process that opened it.
        opened_by: u32,
    },
    /// The database server could not be reached for the whole wait, or ended the connection; nothing was kept. The handle
    /// connects anew with the next call.
    #[error("the database server {server} cannot be used now: {reason}; retry later")]
    Unavailable {
        /// Hosts, ports and database.
        server: String,
        /// What the last attempt failed with.
        reason: String,
    },
    /// The database server cannot hold the queue, or does not admit this user; nothing was done.
    #[error("the database server {server} cannot hold the queue: {reason}")]
    Refused {
        /// Hosts, ports and database.
        server: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The connection was lost while the operation was committed, and it could not be found out whether it was; or, under
    /// [`Durability::Replicated`](crate::Durability::Replicated), whether a standby has it. It was done as a whole or not
    /// at all, unless the reason says that the server refused to begin its transaction. Look whether it was before it is repeated: a task that is enqueued again may otherwise be there twice,
    /// unless it has a unique key.
    #[error(
        "it is unknown whether the operation was committed: {reason}; look before you repeat it"
    )]
    CommitUnknown {
        /// What was lost, and why the server could not be asked.
        reason: String,
    },
    /// This queue's engine does not do that; nothing was done.
    #[error("not offered by the engine of this queue: {what}")]
    NotOffered {
        /// What was asked for, and what does it instead.
        what: &'static str,
    },
    /// The queue cannot be moved to a server, or was moved; nothing was done.
    #[error("{reason}")]
    Migration {
        /// Why, and what to do.
        reason: MigrationError,
    },
    /// A task names a limit that [`Queue::set_limit`](crate::Queue::set_limit) has not set; nothing was added.
    #[error("no limit {limit:?} is set in this queue file: set it by `Queue::set_limit` first")]
    UnknownLimit {
        /// The name.
        limit: String,
    },
    /// The file has as many limits as it can hold; nothing was done.
    #[error("no room for limit {limit:?}: a file holds {LIMITS_MAX}, put what varies into the key")]
    TooManyLimits {
        /// The limit that was to be set.
        limit: String,
    },
    /// A thread of the queue or of a pool could not be started.
    #[error(
        "cannot start a thread of the queue: {source}; free memory or raise the limit of threads, and retry"
    )]
    Thread {
        /// What the operating system said.
        #[source]
        source: Arc<std::io::Error>,
    },
}
