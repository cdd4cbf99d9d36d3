//! The file whose queue is moved.
//!
//! It is marked in a transaction that finds no task leased. What is due by then is done before, in the way of a claim:
//! rows of the inbox become tasks, and expired leases are reclaimed.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::parts;
use crate::engine::moving::{Counts, Destination, Mark, Part, RowKey, Rows, Source, count_tasks};
use crate::engine::sqlite::SqliteEngine;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::error;
use crate::engine::sqlite::open::open_marked;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Engine, FileOptions, Operation};
use crate::model::{Claim, Durability, Error, MigrationError, Result, limits};
use crate::time::SystemClock;

const MARK: &str = include_str!("../schema/moved.sql");
const ADD_MARK: &str = "INSERT INTO prismq_moved (one, migration, target, target_number, shift)
     VALUES (1, ?1, ?2, ?3, ?4)";
const READ_MARK: &str =
    "SELECT migration, target, target_number, complete, shift FROM prismq_moved";
const COMPLETE: &str = "UPDATE prismq_moved SET complete = 1 WHERE migration = ?1";
const REMOVE_MARK: &str = "DROP TRIGGER prismq_inbox_moved; DROP TABLE prismq_moved";
const IS_MARKED: &str = "SELECT features & ?1 FROM prismq_meta";
const SET_FEATURE: &str = "UPDATE prismq_meta SET features = features | ?1";
const CLEAR_FEATURE: &str = "UPDATE prismq_meta SET features = features & ~?1";
const LEASED: &str = "SELECT count(*) FROM prismq_task WHERE state = 2";
const INBOX: &str = "SELECT count(*) FROM prismq_inbox";
const NEXT_ID: &str = "SELECT next_id FROM prismq_meta";

/// Tasks by queue and state, and bytes of their payloads.
const COUNT_TASKS: &str = "SELECT q.name, s.state, count(*), sum(s.bytes) FROM (
         SELECT t.lane, CASE t.state WHEN 5 THEN 0 ELSE t.state END AS state,
             coalesce(length(t.payload), (SELECT length(data) FROM prismq_payload AS p WHERE p.task = t.id), 0) AS bytes
         FROM prismq_task AS t
         UNION ALL SELECT k.lane, k.state,
             coalesce(length(k.payload), (SELECT length(data) FROM prismq_payload AS p WHERE p.task = k.task), 0)
         FROM prismq_kept AS k) AS s
     LEFT JOIN prismq_lane AS l ON l.id = s.lane LEFT JOIN prismq_queue AS q ON q.id = l.queue
     GROUP BY q.name, s.state";
/// What else is counted.
const COUNT_ROWS: [(&str, &str); 24] = [
    ("queues", "SELECT count(*) FROM prismq_queue"),
    ("paused queues", "SELECT count(*) FROM prismq_queue WHERE paused = 1"),
    ("depth limits", "SELECT count(*) FROM prismq_depth"),
    (
        "concurrency limits of queues",
        "SELECT count(*) FROM prismq_queue WHERE concurrency NOT NULL",
    ),
    ("limits", "SELECT count(*) FROM prismq_limit"),
    (
        "combinations of queue, type, requirements and limit",
        "SELECT count(*) FROM prismq_lane WHERE id > 0",
    ),
    ("virtual times", "SELECT count(*) FROM prismq_queue WHERE virtual_time <> 0"),
    ("limits of a rate", "SELECT count(*) FROM prismq_limit WHERE tasks NOT NULL"),
    ("keys", "SELECT count(*) FROM prismq_key"),
    ("keys that a task keeps", "SELECT count(*) FROM prismq_key WHERE holder NOT NULL"),
    ("lines of keys", "SELECT count(*) FROM prismq_line"),
    ("tasks with a key", "SELECT count(*) FROM prismq_task WHERE lane < 0"),
    (
        "times to live",
        "SELECT count(*) FROM prismq_expiry AS x JOIN prismq_task AS t ON t.id = x.task",
    ),
    ("schedules", "SELECT count(*) FROM prismq_schedule"),
    (
        "schedules with a next slot",
        "SELECT count(*) FROM prismq_schedule WHERE next_at NOT NULL",
    ),
    ("paused schedules", "SELECT count(*) FROM prismq_schedule WHERE paused = 1"),
    (
        "tasks of schedules",
        "SELECT count(*) FROM prismq_slot AS s WHERE EXISTS (SELECT 1 FROM prismq_task WHERE id = s.task)
             OR EXISTS (SELECT 1 FROM prismq_kept AS k WHERE k.task = s.task)",
    ),
    ("retry policies", "SELECT count(*) FROM prismq_retry"),
    ("retentions of task types", "SELECT count(*) FROM prismq_type_retention"),
    ("failed attempts", "SELECT count(*) FROM prismq_attempt"),
    ("notes", "SELECT count(*) FROM prismq_note"),
    ("log lines", "SELECT count(*) FROM prismq_log"),
    ("unique keys", "SELECT count(*) FROM prismq_unique"),
    ("results", "SELECT count(*) FROM prismq_result"),
];

/// A file whose queue is moved.
#[derive(Debug)]
pub(crate) struct MovingFile {
    path: PathBuf,
    connection: Connection,
    /// What is added to monotonic times; 0 until it is marked.
    shift: i64,
}

impl MovingFile {
    /// Opens a file that holds a queue, one too that is marked.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = open_marked(path, limits::BUSY_WAIT_DEFAULT)?;
        let mut file = Self { path: path_of(&connection).into(), connection, shift: 0 };
        file.shift = file.read_mark()?.map_or(0, |(_, shift)| shift);
        Ok(file)
    }

    fn read_mark(&self) -> Result<Option<(Mark, i64)>> {
        if self.value::<i64>(IS_MARKED, [Features::MOVED])? == 0 {
            return Ok(None);
        }
        let mark = |row: &Row<'_>| {
            let mark = Mark {
                migration: row.get(0)?,
                target: row.get(1)?,
                target_number: row.get(2)?,
                complete: row.get(3)?,
            };
            Ok((mark, row.get(4)?))
        };
        self.connection
            .query_row(READ_MARK, [], mark)
            .optional()
            .map_err(|error| self.failure(error))
    }

    /// Changes the file in a transaction of its own.
    fn change<T>(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let changed = self.connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            let changed = change(&self.connection)?;
            self.connection.execute_batch("COMMIT").map(|()| changed)
        });
        changed.map_err(|error| {
            let error = self.failure(error);
            if !self.connection.is_autocommit() {
                // The first error is the one that counts.
                _ = self.connection.execute_batch("ROLLBACK");
            }
            error
        })
    }

    fn value<T: rusqlite::types::FromSql>(
        &self,
        select: &str,
        params: impl rusqlite::Params,
    ) -> Result<T> {
        let value = self.connection.query_row(select, params, |row| row.get(0));
        value.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: rusqlite::Error) -> Error {
        error::classify(&self.path, error)
    }

    /// The engine of the file, as any program opens it.
    fn engine(&self) -> Result<SqliteEngine> {
        SqliteEngine::open(FileOptions {
            path: self.path.clone(),
            attach: true,
            durability: Durability::Full,
            busy_wait: limits::BUSY_WAIT_DEFAULT,
            free_bytes_max: u64::MAX,
            clock: Arc::new(SystemClock),
        })
    }

    /// Has rows of the inbox become tasks, and reclaims expired leases.
    fn settle(&self, engine: &SqliteEngine) -> Result<()> {
        // It is for no type and finds no task, but what is due before a claim is done.
        let claim = Operation::Claim(Claim::new(Vec::<Arc<str>>::new()));
        let left =
            || -> Result<(u64, u64)> { Ok((self.value(INBOX, [])?, self.value(LEASED, [])?)) };
        let mut before = left()?;
        loop {
            // Each does a bounded part.
            engine.apply(slice::from_ref(&claim))?;
            let after = left()?;
            if after == before {
                return Ok(());
            }
            before = after;
        }
    }
}

impl Source for MovingFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn mark(&self) -> Result<Option<Mark>> {
        Ok(self.read_mark()?.map(|(mark, _)| mark))
    }

    fn begin(&mut self, to: &Destination) -> Result<Mark> {
        let engine = self.engine()?;
        self.settle(&engine)?;
        let shift = to.now.as_micros().saturating_sub(engine.clock().monotonic().as_micros());
        let mark = Mark {
            migration: fastrand::i64(..),
            target: to.label.clone(),
            target_number: to.number,
            complete: false,
        };
        engine.writer().mark_moved(&mark, shift)?;
        self.shift = shift;
        Ok(mark)
    }

    fn rows(&self, part: Part, after: RowKey) -> Result<Option<Rows>> {
        parts::read(&self.connection, part, after, self.shift).map_err(|error| self.failure(error))
    }

    fn next_id(&self) -> Result<i64> {
        self.value(NEXT_ID, [])
    }

    fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::new();
        for (what, select) in COUNT_ROWS {
            counts.insert(what.to_owned(), self.value(select, [])?);
        }
        let mut select =
            self.connection.prepare(COUNT_TASKS).map_err(|error| self.failure(error))?;
        let rows = select.query_map([], |row| {
            let queue: Option<String> = row.get(0)?;
            let (state, tasks, bytes) = (row.get(1)?, row.get(2)?, row.get(3)?);
            count_tasks(&mut counts, &queue.unwrap_or_default(), state, tasks, bytes);
            Ok(())
        });
        rows.and_then(Iterator::collect::<rusqlite::Result<()>>)
            .map_err(|error| self.failure(error))?;
        drop(select);
        Ok(counts)
    }

    fn complete(&mut self, migration: i64) -> Result<bool> {
        if self.read_mark()?.is_none() {
            return Ok(false);
        }
        self.change(|connection| Ok(connection.execute(COMPLETE, [migration])? > 0))
    }

    fn cancel(&mut self) -> Result<()> {
        let Some((mark, _)) = self.read_mark()? else { return Ok(()) };
        if mark.complete {
            let reason = MigrationError::Moved { path: self.path.clone(), target: mark.target };
            return Err(Error::Migration { reason });
        }
        self.change(|connection| {
            connection.execute_batch(REMOVE_MARK)?;
            connection.execute(CLEAR_FEATURE, [Features::MOVED]).map(drop)
        })
    }
}

impl Writer {
    /// Marks the file as one whose queue is moved, in one transaction that finds no task leased and the inbox empty.
    fn mark_moved(&mut self, mark: &Mark, shift: i64) -> Result<()> {
        self.refuse_unusable()?;
        self.wait_for_disk(self.durability == Durability::Full)?;
        self.begin()?;
        if let Err(error) = self.mark_in_transaction(mark, shift) {
            return Err(self.roll_back(error));
        }
        self.commit()
    }

    fn mark_in_transaction(&self, mark: &Mark, shift: i64) -> Result<()> {
        self.read_meta()?;
        let path = || self.path.clone();
        let count = |select| {
            let count: rusqlite::Result<u64> =
                self.connection.query_row(select, [], |row| row.get(0));
            count.map_err(|error| self.failure(error))
        };
        let (leases, rows) = (count(LEASED)?, count(INBOX)?);
        if leases > 0 {
            let reason = MigrationError::LeasesHeld { path: path(), leases };
            return Err(Error::Migration { reason });
        }
        if rows > 0 {
            let reason = MigrationError::InboxNotEmpty { path: path(), rows };
            return Err(Error::Migration { reason });
        }
        self.connection.execute_batch(MARK).map_err(|error| self.failure(error))?;
        self.execute(ADD_MARK, params![mark.migration, mark.target, mark.target_number, shift])?;
        self.execute(SET_FEATURE, [Features::MOVED]).map(drop)
    }
}
