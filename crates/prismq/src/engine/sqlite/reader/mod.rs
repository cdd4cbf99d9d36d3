//! The connection that reads, without waiting for the writer. It cannot write.

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) mod find;
mod limits;
pub(crate) mod payloads;
pub(crate) mod queues;
pub(crate) mod records;
pub(crate) mod schedules;
mod task;

use rusqlite::Connection;

use crate::engine::sqlite::connection::files::Files;
use crate::engine::sqlite::connection::poison::Poison;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::reader::payloads::Payloads;
use crate::engine::{Found, Search};
use crate::model::{
    Ending, Error, LimitInfo, Payload, Position, QueueInfo, QueueStats, Result, RetryInfo, TaskId,
    TaskInfo, TypeInfo,
};

/// The reading connection.
#[derive(Debug)]
pub(crate) struct ReadConnection {
    connection: Connection,
    path: PathBuf,
    files: Arc<Files>,
    poison: Arc<Poison>,
    payloads: Payloads,
}

impl ReadConnection {
    pub(crate) fn new(
        connection: Connection,
        path: PathBuf,
        files: Arc<Files>,
        poison: Arc<Poison>,
    ) -> Self {
        Self { connection, path, files, poison, payloads: Payloads::default() }
    }

    /// Refuses to read a file that was moved away, and after it became unknown what reached the disk.
    fn refuse_unusable(&self) -> Result<()> {
        self.poison.refuse()?;
        self.files.refuse_moved()
    }

    /// The error of a read. A file that is moved away between the look at it and the read makes SQLite fail in many ways,
    /// as when it opens the WAL.
    fn failure(&self, error: rusqlite::Error) -> Error {
        self.files.refuse_moved().err().unwrap_or_else(|| error::classify(&self.path, error))
    }

    pub(crate) fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        self.refuse_unusable()?;
        let read = self.connection.unchecked_transaction().and_then(|transaction| {
            let Some(mut found) = task::row(&transaction, id)? else { return Ok(None) };
            found.scheduled_for = self.slot(id)?;
            records::add(&transaction, &mut found)?;
            Ok(Some(found))
        });
        read.map_err(|error| self.failure(error))
    }

    /// How a task ended, if it has.
    pub(crate) fn ending(&self, id: TaskId) -> Result<Option<Ending>> {
        self.refuse_unusable()?;
        records::ending(&self.connection, id.as_i64()).map_err(|error| self.failure(error))
    }

    /// The checkpoint of a task, if it has one.
    pub(crate) fn checkpoint(&self, id: TaskId) -> Result<Option<Vec<u8>>> {
        self.refuse_unusable()?;
        records::checkpoint(&self.connection, id.as_i64()).map_err(|error| self.failure(error))
    }

    pub(crate) fn payloads(
        &mut self,
        ids: &[TaskId],
        bytes_max: usize,
    ) -> Result<Vec<Result<Payload>>> {
        self.refuse_unusable()?;
        let Self { payloads, connection, path, .. } = self;
        let read = error::read(path, || payloads.read(connection, ids, bytes_max))?;
        let missing = |id: &TaskId| Error::Corrupt {
            path: self.path.clone(),
            reason: format!("the payload of task {id} is missing"),
        };
        Ok(read.into_iter().zip(ids).map(|(part, id)| part.ok_or_else(|| missing(id))).collect())
    }

    pub(crate) fn limits(&self) -> Result<Vec<LimitInfo>> {
        self.refuse_unusable()?;
        limits::limits(&self.connection).map_err(|error| self.failure(error))
    }

    pub(crate) fn stats(&self, queue: &str) -> Result<QueueStats> {
        self.read(|connection| queues::stats(connection, queue))
    }

    pub(crate) fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.read(queues::queues)
    }

    pub(crate) fn types(&self) -> Result<Vec<TypeInfo>> {
        self.read(queues::types)
    }

    pub(crate) fn retry_policies(&self) -> Result<Vec<RetryInfo>> {
        self.read(queues::retry_policies)
    }

    pub(crate) fn find(&self, search: &Search, after: Option<Position>) -> Result<Found> {
        self.read(|connection| find::step(connection, search, after))
    }

    pub(crate) fn last_id(&self) -> Result<TaskId> {
        self.read(|connection| {
            connection
                .prepare_cached(LAST_ID)?
                .query_row([], |row| row.get(0))
                .map(TaskId::from_i64)
        })
    }

    pub(crate) fn cancel_requests(&self) -> Result<Vec<(TaskId, i64)>> {
        self.read(cancel::requested)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.refuse_unusable()?;
        read(&self.connection).map_err(|error| self.failure(error))
    }
}

/// The highest id of a stored task.
pub(crate) const LAST_ID: &str = "SELECT max(coalesce((SELECT max(id) FROM prismq_task), 0),
                                             coalesce((SELECT max(task) FROM prismq_kept), 0))";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::engine::sqlite::tests::opened;

    /// As SQLite says when it opens the WAL of a file that is not there any more.
    #[test]
    fn a_read_that_fails_as_its_file_was_moved_meanwhile_says_so() {
        let (folder, _writer, reader) = opened();
        let failure = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(1802), None);
        let read = reader.read(|_| Err::<(), _>(failure()));
        assert!(matches!(read, Err(Error::Io { .. })), "{read:?}");
        let read = reader.read(|_| {
            let path = folder.path().join("queue.db");
            fs::rename(&path, path.with_extension("moved")).unwrap();
            Err::<(), _>(failure())
        });
        assert!(matches!(read, Err(Error::Moved { .. })), "{read:?}");
    }
}
