//! What stands in the file at one moment, read by SQL of the checker's own in one transaction, and what
//! is wrong with it by itself.

use std::path::Path;

use prismq::State;
use rusqlite::{Connection, OpenFlags, Row};

use crate::error::{Error, Result};
use crate::history::key_of;
use crate::history::now_ns;

/// A task that stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub task: i64,
    /// What it was enqueued as, if its payload is whole.
    pub key: Option<u64>,
    /// Where it stands.
    pub state: State,
    /// Attempts counted so far.
    pub attempt: u32,
    /// Attempts it is given.
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
    /// Leases that ever ran out and were taken back.
    pub reclaimed: u64,
}

/// What stood in the file at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was begun, by [`crate::now_ns`].
    pub t_mono_ns: u64,
    /// Every task, kept ones among them.
    pub tasks: Vec<Standing>,
    /// The counters.
    pub totals: Totals,
    /// What is wrong with the file by itself: damage, rows of a shape they must not have, counters that
    /// do not tell what is there.
    pub problems: Vec<String>,
}

/// Statements that find nothing in a sound file: what each finds, and the statement.
const SHAPES: [(&str, &str); 13] = [
    (
        "a task is leased without an expiry or a token, or has an expiry without being leased",
        "SELECT id FROM task WHERE (state = 2) != (lease_expires_at IS NOT NULL)
         OR (state = 2 AND (token < 1 OR attempt < 1))",
    ),
    (
        "a task has a state that there is not",
        "SELECT id FROM task WHERE state NOT IN (0, 1, 2, 3, 5)",
    ),
    (
        "a suspect waits among others, or another among suspects",
        "SELECT id FROM task WHERE suspect NOT IN (0, 1) OR (state NOT IN (1, 2) AND suspect != (state = 5))",
    ),
    (
        "a task has more attempts than it is given, fewer than none, or more than claims",
        "SELECT id FROM task WHERE attempt > max_attempts OR attempt < 0 OR attempt > token",
    ),
    (
        "a task that may run has used up its attempts",
        "SELECT id FROM task WHERE state IN (0, 1, 5) AND attempt >= max_attempts",
    ),
    (
        "a task has an id that was not given away",
        "SELECT id FROM task WHERE id < 1 OR id >= (SELECT next_id FROM file)
         UNION ALL SELECT task FROM kept WHERE task < 1 OR task >= (SELECT next_id FROM file)",
    ),
    (
        "a task is both there and kept as completed",
        "SELECT id FROM task WHERE id IN (SELECT task FROM kept)",
    ),
    (
        "a task's payload is missing",
        "SELECT id FROM task WHERE payload IS NULL AND id NOT IN (SELECT task FROM payload)
         UNION ALL
         SELECT task FROM kept WHERE payload IS NULL AND task NOT IN (SELECT task FROM payload)",
    ),
    (
        "a payload belongs to no task, or to one that has another",
        "SELECT task FROM payload WHERE task NOT IN
             (SELECT id FROM task WHERE payload IS NULL
              UNION ALL SELECT task FROM kept WHERE payload IS NULL)",
    ),
    (
        "a task is in a lane that there is not",
        "SELECT id FROM task WHERE lane NOT IN (SELECT id FROM lane)",
    ),
    (
        "a queue's counters of ready, suspect, scheduled, leased, dead or kept tasks do not tell what is \
         there",
        "SELECT queue.id FROM queue LEFT JOIN
             (SELECT lane.queue AS queue, sum(state IN (0, 5)) AS ready,
                     sum(state = 5) AS suspects, sum(state = 1) AS scheduled,
                     sum(state = 2) AS leased, sum(state = 3) AS dead
              FROM task JOIN lane ON lane.id = task.lane GROUP BY lane.queue) AS there
             ON there.queue = queue.id
         WHERE queue.ready != coalesce(there.ready, 0)
            OR queue.suspects != coalesce(there.suspects, 0)
            OR queue.scheduled != coalesce(there.scheduled, 0)
            OR queue.leased != coalesce(there.leased, 0)
            OR queue.dead != coalesce(there.dead, 0)
            OR queue.kept != (SELECT count(*) FROM kept WHERE kept.queue = queue.id)",
    ),
    (
        "a queue's tasks ever enqueued are not those completed and those still there",
        "SELECT id FROM queue WHERE enqueued != completed + ready + scheduled + leased + dead",
    ),
    ("the next id does not stand in one row", "SELECT count(*) FROM file HAVING count(*) != 1"),
];

impl Snapshot {
    /// Looks into a queue's file. Others may use it meanwhile.
    ///
    /// # Errors
    /// [`Error::Look`] if the file cannot be read as a queue's.
    pub fn take(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        look(path).map_err(|source| Error::Look { path: path.to_owned(), source })
    }

    /// The task of this key.
    #[must_use]
    pub fn task_of(&self, key: u64) -> Option<&Standing> {
        self.tasks.iter().find(|task| task.key == Some(key))
    }
}

fn look(path: &Path) -> rusqlite::Result<Snapshot> {
    let t_mono_ns = now_ns();
    // To be written to, as a file of a dead process must first be recovered; nothing here writes.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "query_only", true)?;
    let transaction = connection.transaction()?;
    let tasks = texts(
        &transaction,
        "SELECT task.id, state, attempt, max_attempts, coalesce(task.payload, payload.data)
         FROM task LEFT JOIN payload ON payload.task = task.id
         UNION ALL
         SELECT kept.task, 4, attempt, max_attempts, coalesce(kept.payload, payload.data)
         FROM kept LEFT JOIN payload ON payload.task = kept.task
         ORDER BY 1",
        standing,
    )?;
    let totals = transaction.query_row(
        "SELECT coalesce(sum(enqueued), 0), coalesce(sum(completed), 0), coalesce(sum(failed), 0),
                coalesce(sum(reclaimed), 0)
         FROM queue",
        [],
        |row| {
            Ok(Totals {
                enqueued: row.get(0)?,
                completed: row.get(1)?,
                failed: row.get(2)?,
                reclaimed: row.get(3)?,
            })
        },
    )?;
    let problems = problems(&transaction)?;
    Ok(Snapshot { t_mono_ns, tasks, totals, problems })
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let state = match row.get::<_, i64>(1)? {
        0 | 5 => State::Ready,
        1 => State::Scheduled,
        2 => State::Leased,
        3 => State::Dead,
        4 => State::Completed,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    let payload = row.get_ref(4)?.as_blob_or_null()?;
    Ok(Standing {
        task: row.get(0)?,
        key: payload.and_then(key_of),
        state,
        attempt: row.get(2)?,
        max_attempts: row.get(3)?,
    })
}

fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = Vec::new();
    let damage = texts(connection, "PRAGMA integrity_check", |row| row.get::<_, String>(0))?;
    problems.extend(damage.into_iter().filter(|found| found != "ok"));
    let strays = texts(connection, "PRAGMA foreign_key_check", |row| {
        Ok(format!(
            "row {} of {} refers to nothing",
            row.get::<_, i64>(1)?,
            row.get::<_, String>(0)?
        ))
    })?;
    problems.extend(strays);
    for (what, select) in SHAPES {
        let found = texts(connection, select, |row| row.get::<_, i64>(0))?;
        if let Some(first) = found.first() {
            problems.push(format!("{what}: {first} and {} more", found.len() - 1));
        }
    }
    Ok(problems)
}

fn texts<T>(
    connection: &Connection,
    select: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(select)?.query_map([], read)?.collect()
}
