//! The engine in one SQLite file.
//!
//! One connection writes ([`writer`]), one reads ([`reader`]), one checkpoints ([`checkpoint`]). Every write
//! transaction is `BEGIN IMMEDIATE`; one of claims, begins, extensions and releases alone does not wait for the disk.
//!
//! The others sync inside of COMMIT, with the write lock held. Syncing after it, without the lock, would let other
//! processes write meanwhile; but if that sync failed, they would have read and built upon a commit that is lost, and
//! a power cut would lose what they acknowledged or damage the file.

mod batch;
mod changes;
mod checkpoint;
mod connection;
mod error;
mod moved;
mod open;
mod ops;
mod reader;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use self::connection::application::ApplicationConnections;
use self::connection::files::with_suffix;
#[cfg(feature = "postgres")]
pub(crate) use self::moved::MovingFile;
pub(crate) use self::open::restore;
use self::ops::enqueue;
use self::ops::settle::complete;
pub(crate) use self::ops::settle::complete::Completion;
use self::reader::ReadConnection;
use self::writer::Writer;
use super::{
    Answer, ContentionCounters, DeferredLog, Engine, FileOptions, Found, Operation, Reader, Search,
    Watch,
};
use crate::model::{
    BackupReport, Claim, Contention, Ending, Enqueued, Error, LimitInfo, NewTask, Note, Payload,
    Position, QueueInfo, QueueStats, Result, RetryInfo, ScheduleInfo, TaskId, TaskInfo, TypeInfo,
};
use crate::time::{Clock, Moment};

/// The queue in one file.
#[derive(Debug)]
pub(crate) struct SqliteEngine {
    application: ApplicationConnections,
    /// Before the reader, so that it is closed first.
    writer: Arc<Mutex<Writer>>,
    reader: Mutex<ReadConnection>,
    clock: Arc<dyn Clock>,
    /// The number stored in the file, by which a caller's own connection is checked.
    file: Arc<AtomicI64>,
    wal: PathBuf,
    contention: Arc<ContentionCounters>,
    log: Arc<DeferredLog>,
}

impl SqliteEngine {
    /// Opens or creates the file, and starts the thread that checkpoints it.
    pub(crate) fn open(options: FileOptions) -> Result<Self> {
        let contention = Arc::new(ContentionCounters::default());
        let (mut writer, reader) = open::open(&options, &contention)?;
        let clock = writer.offset_clock(options.clock)?;
        writer.checkpointer.prune_by(&clock);
        // What cannot be read now, the first transaction reads.
        if let Ok(features) = writer.read_meta() {
            writer.checkpointer.note(features);
        }
        let (file, log) = (writer.file(), writer.log());
        let wal = with_suffix(&writer.path, "-wal");
        let application = ApplicationConnections::like(&writer);
        let (writer, reader) = (Arc::new(Mutex::new(writer)), Mutex::new(reader));
        Ok(Self { application, writer, reader, clock, file, wal, contention, log })
    }

    /// Adds tasks in a caller's own transaction on the queue's file. See [`crate::sqlite::enqueue_in`].
    pub(crate) fn enqueue_in(
        &self,
        transaction: &Connection,
        tasks: &[NewTask],
    ) -> Result<Vec<Enqueued>> {
        let now = Moment::now(&*self.clock);
        enqueue::enqueue_in(transaction, self.file.load(Ordering::Relaxed), now, tasks)
    }

    /// Runs a transaction of the application. See [`crate::sqlite::Transaction`].
    pub(crate) fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.application.transaction(work)
    }

    /// Completes a task in a caller's own transaction on the queue's file. See [`crate::sqlite::complete_in`].
    pub(crate) fn complete_in(
        &self,
        transaction: &Connection,
        completion: Completion<'_>,
        note: Option<&Note>,
    ) -> Result<()> {
        let now = Moment::now(&*self.clock);
        let file = self.file.load(Ordering::Relaxed);
        complete::complete_in(transaction, file, now, completion, note)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, ReadConnection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for SqliteEngine {
    fn apply(&self, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.writer().apply(&*self.clock, batch)
    }

    /// A file has one writer.
    fn claims_in_parallel(&self) -> bool {
        false
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn version(&self) -> Result<i64> {
        self.writer().version()
    }

    fn watch(&self, _claims: &[Claim]) -> Watch {
        changes::watch(&self.wal, Arc::downgrade(&self.writer))
    }

    fn after_call(&self) {
        self.log.write();
    }

    #[cfg(feature = "testing")]
    fn fail_next_commit(&self, error: Error) {
        self.writer().injected = Some(error);
    }

    fn contention(&self) -> Contention {
        self.contention.snapshot()
    }

    fn backup(&self, path: &Path) -> Result<BackupReport> {
        let source = {
            let writer = self.writer();
            writer.refuse_unusable()?;
            writer.path.clone()
        };
        open::backup(&source, path)
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        self.writer().settings()
    }
}

impl Reader for SqliteEngine {
    fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        self.reader().task(id)
    }

    fn ending(&self, id: TaskId) -> Result<Option<Ending>> {
        self.reader().ending(id)
    }

    fn checkpoint(&self, id: TaskId) -> Result<Option<Vec<u8>>> {
        self.reader().checkpoint(id)
    }

    fn payloads(&self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>> {
        self.reader().payloads(ids, bytes_max)
    }

    fn limits(&self) -> Result<Vec<LimitInfo>> {
        self.reader().limits()
    }

    fn retry_policies(&self) -> Result<Vec<RetryInfo>> {
        self.reader().retry_policies()
    }

    fn stats(&self, queue: &str) -> Result<QueueStats> {
        self.reader().stats(queue)
    }

    fn find(&self, search: &Search, after: Option<Position>) -> Result<Found> {
        self.reader().find(search, after)
    }

    fn last_id(&self) -> Result<TaskId> {
        self.reader().last_id()
    }

    fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.reader().queues()
    }

    fn types(&self) -> Result<Vec<TypeInfo>> {
        self.reader().types()
    }

    fn cancel_requests(&self) -> Result<Vec<(TaskId, i64)>> {
        self.reader().cancel_requests()
    }

    fn schedules(&self, name: Option<&str>) -> Result<Vec<ScheduleInfo>> {
        self.reader().schedules(name)
    }
}

#[cfg(test)]
mod tests;
