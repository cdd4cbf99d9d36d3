//! The one auditor of a queue's file: what it holds at one moment, read by SQL of its own in one transaction, and what
//! is wrong with it by itself.
//!
//! It knows the schema and shares no code with the queue. [`rules`] lists what must hold of every file.

mod digest;
mod rules;

use std::path::Path;
use std::time::Duration;

use prismq::State;
use rusqlite::{Connection, OpenFlags, Row};

use crate::error::{Error, Result};
use crate::history::{key_of_slot, now_ns};

/// How long an audit waits for a process that holds the file's lock.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// A task that is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its id.
    pub task: i64,
    /// The key of its payload, and of its slot if it has one, if the payload is one of [`crate::payload_of`] and whole.
    pub key: Option<u64>,
    /// The slot that a schedule enqueued it for.
    pub slot: Option<i64>,
    /// Its state.
    pub state: State,
    /// Attempts counted so far.
    pub attempt: u32,
    /// Attempts it is allowed.
    pub max_attempts: u32,
}

/// Counters over all queues of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Tasks ever enqueued.
    pub enqueued: u64,
    /// Tasks ever completed.
    pub completed: u64,
    /// Attempts ever failed by their worker.
    pub failed: u64,
    /// Leases that ever expired and were taken back.
    pub reclaimed: u64,
}

/// What a file held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was begun, by [`crate::now_ns`].
    pub t_mono_ns: u64,
    /// Every task in order of id, kept ones among them.
    pub tasks: Vec<StoredTask>,
    /// The counters.
    pub totals: Totals,
    /// A number that two files share exactly if their tables hold the same, but for a hash collision. What differs in
    /// each file by nature does not count: its number and what an opening notes of the machine's boot.
    pub digest: u64,
    /// What is wrong with the file by itself: damage, rows that no queue writes, counters that do not match the rows.
    pub problems: Vec<String>,
}

impl Snapshot {
    /// Audits a queue's file, after SQLite recovered it where that is due. Others may use it meanwhile.
    ///
    /// # Errors
    /// [`Error::Audit`] if the file cannot be read as a queue's.
    pub fn take(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::Audit { path: path.to_owned(), source };
        open(path).and_then(|connection| Self::read(&connection)).map_err(failed)
    }

    /// Audits a queue's file through a connection of the caller's, which must not be in a transaction.
    ///
    /// # Errors
    /// SQLite's, if the file cannot be read as a queue's.
    pub fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let t_mono_ns = now_ns();
        let transaction = connection.unchecked_transaction()?;
        Ok(Self {
            t_mono_ns,
            tasks: collect(&transaction, TASKS, stored)?,
            totals: transaction.query_row(TOTALS, [], totals)?,
            digest: digest::of(&transaction)?,
            problems: rules::problems(&transaction)?,
        })
    }

    /// Whether a task of this id is stored.
    #[must_use]
    pub fn has_task(&self, id: i64) -> bool {
        self.tasks.binary_search_by_key(&id, |task| task.task).is_ok()
    }
}

/// Opens a queue's file for reading by SQL. To be written to, as a file of a dead process must first be recovered;
/// `query_only` keeps statements from writing.
///
/// # Errors
/// SQLite's.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

const TASKS: &str = "
    SELECT prismq_task.id, state, attempt, max_attempts, coalesce(prismq_task.payload, prismq_payload.data), slot
    FROM prismq_task LEFT JOIN prismq_payload ON prismq_payload.task = prismq_task.id
         LEFT JOIN prismq_slot ON prismq_slot.task = prismq_task.id
    UNION ALL
    SELECT prismq_kept.task, prismq_kept.state, attempt, max_attempts, coalesce(prismq_kept.payload, prismq_payload.data), slot
    FROM prismq_kept LEFT JOIN prismq_payload ON prismq_payload.task = prismq_kept.task
         LEFT JOIN prismq_slot ON prismq_slot.task = prismq_kept.task
    ORDER BY 1";

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredTask> {
    let state = match row.get::<_, i64>(1)? {
        // A suspect is ready too.
        0 | 5 => State::Ready,
        1 => State::Scheduled,
        2 => State::Leased,
        3 => State::Dead,
        4 | 7 => State::Completed,
        6 | 8 => State::Cancelled,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    let payload = row.get_ref(4)?.as_blob_or_null()?;
    let slot = row.get(5)?;
    Ok(StoredTask {
        task: row.get(0)?,
        key: payload.and_then(|payload| key_of_slot(payload, slot)),
        slot,
        state,
        attempt: row.get(2)?,
        max_attempts: row.get(3)?,
    })
}

const TOTALS: &str = "
    SELECT coalesce(sum(enqueued), 0), coalesce(sum(completed), 0), coalesce(sum(failed), 0),
           coalesce(sum(reclaimed), 0)
    FROM prismq_queue";

fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    Ok(Totals {
        enqueued: row.get(0)?,
        completed: row.get(1)?,
        failed: row.get(2)?,
        reclaimed: row.get(3)?,
    })
}

fn collect<T>(
    connection: &Connection,
    select: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(select)?.query_map([], read)?.collect()
}
