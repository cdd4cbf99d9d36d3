//! The connection that reads, without waiting for the writer. It cannot write.

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) mod find;
mod limits;
pub(crate) mod payloads;
pub(crate) mod queues;
pub(crate) mod records;
pub(crate) mod schedules;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::engine::sqlite::connection::files::Files;
use crate::engine::sqlite::connection::poison::Poison;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::reader::payloads::Payloads;
use crate::engine::sqlite::schema::state;
use crate::engine::{Found, Search};
use crate::model::{
    Ending, Error, LimitInfo, Names, Payload, Position, QueueInfo, QueueStats, Result, TaskId,
    TaskInfo, TypeInfo,
};
use crate::time::Timestamp;

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

    pub(crate) fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        self.refuse_unusable()?;
        let read = self.connection.unchecked_transaction().and_then(|transaction| {
            let Some(mut found) = self.row(id)? else { return Ok(None) };
            found.scheduled_for = self.slot(id)?;
            records::add(&transaction, &mut found)?;
            Ok(Some(found))
        });
        read.map_err(|error| error::classify(&self.path, error))
    }

    /// How a task ended, if it has.
    pub(crate) fn ending(&self, id: TaskId) -> Result<Option<Ending>> {
        self.refuse_unusable()?;
        records::ending(&self.connection, id.as_i64())
            .map_err(|error| error::classify(&self.path, error))
    }

    /// The checkpoint of a task, if it has one.
    pub(crate) fn checkpoint(&self, id: TaskId) -> Result<Option<Vec<u8>>> {
        self.refuse_unusable()?;
        records::checkpoint(&self.connection, id.as_i64())
            .map_err(|error| error::classify(&self.path, error))
    }

    /// The row of a task.
    fn row(&self, id: TaskId) -> rusqlite::Result<Option<TaskInfo>> {
        self.connection
            .prepare_cached(
                "SELECT prismq_task.id, prismq_queue.name, prismq_lane.type, prismq_lane.requirements, state, priority, attempt, max_attempts,
                        enqueued_at, run_at, lease_expires_at, NULL, error,
                        coalesce(prismq_task.payload, prismq_payload.data, iif(state = 3, x'', NULL))
                 FROM prismq_task JOIN prismq_lane ON prismq_lane.id = prismq_task.lane JOIN prismq_queue ON prismq_queue.id = prismq_lane.queue
                      LEFT JOIN prismq_payload ON prismq_payload.task = prismq_task.id
                 WHERE prismq_task.id = ?1
                 UNION ALL
                 SELECT prismq_kept.task, prismq_queue.name, prismq_lane.type, prismq_lane.requirements, prismq_kept.state, priority, attempt, max_attempts,
                        enqueued_at, run_at, NULL, completed_at, error,
                        coalesce(prismq_kept.payload, prismq_payload.data)
                 FROM prismq_kept JOIN prismq_lane ON prismq_lane.id = prismq_kept.lane JOIN prismq_queue ON prismq_queue.id = prismq_kept.queue
                      LEFT JOIN prismq_payload ON prismq_payload.task = prismq_kept.task
                 WHERE prismq_kept.task = ?1",
            )
            .and_then(|mut select| select.query_row([id.as_i64()], task).optional())
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
        limits::limits(&self.connection).map_err(|error| error::classify(&self.path, error))
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
        read(&self.connection).map_err(|error| error::classify(&self.path, error))
    }
}

/// The highest id of a stored task.
pub(crate) const LAST_ID: &str = "SELECT max(coalesce((SELECT max(id) FROM prismq_task), 0),
                                             coalesce((SELECT max(task) FROM prismq_kept), 0))";

fn task(row: &Row<'_>) -> rusqlite::Result<TaskInfo> {
    Ok(TaskInfo {
        id: TaskId::from_i64(row.get(0)?),
        queue: row.get(1)?,
        task_type: row.get(2)?,
        requirements: Names::from_text(row.get_ref(3)?.as_str()?).to_strings(),
        state: state::loaded(row.get(4)?)?,
        priority: row.get(5)?,
        attempt: row.get(6)?,
        max_attempts: row.get(7)?,
        enqueued_at: Timestamp::from_micros(row.get(8)?),
        run_at: Timestamp::from_micros(row.get(9)?),
        lease_expires_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_micros),
        completed_at: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_micros),
        error: row.get(12)?,
        payload: row.get(13)?,
        scheduled_for: None,
        attempts: Vec::new(),
        result: None,
        progress: None,
        checkpoint: None,
        log: Vec::new(),
    })
}
