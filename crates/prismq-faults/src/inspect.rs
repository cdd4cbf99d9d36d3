//! What a queue's file says when SQLite alone reads it: its logical state as one number to compare, and
//! what is wrong with it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Result as SqlResult};

use crate::error::{Error, Result};

/// Every table of a queue, and the order its rows are read in; but for the number of its file, which is
/// another in each, and what an opening notes of the machine's boot.
const TABLES: [&str; 6] = [
    "SELECT one, next_id FROM file ORDER BY one",
    "SELECT * FROM queue ORDER BY id",
    "SELECT * FROM lane ORDER BY id",
    "SELECT * FROM task ORDER BY id",
    "SELECT * FROM payload ORDER BY task",
    "SELECT * FROM kept ORDER BY task",
];

/// What must find no row: counters that do not count, rows that no queue can hold.
const MUST_BE_EMPTY: [(&str, &str); 6] = [
    (
        "counters of states",
        "SELECT queue.id FROM queue WHERE
             ready <> (SELECT count(*) FROM task JOIN lane ON lane.id = task.lane
                       WHERE lane.queue = queue.id AND state IN (0, 5))
          OR suspects <> (SELECT count(*) FROM task JOIN lane ON lane.id = task.lane
                          WHERE lane.queue = queue.id AND state = 5)
          OR scheduled <> (SELECT count(*) FROM task JOIN lane ON lane.id = task.lane
                           WHERE lane.queue = queue.id AND state = 1)
          OR leased <> (SELECT count(*) FROM task JOIN lane ON lane.id = task.lane
                        WHERE lane.queue = queue.id AND state = 2)
          OR dead <> (SELECT count(*) FROM task JOIN lane ON lane.id = task.lane
                      WHERE lane.queue = queue.id AND state = 3)
          OR kept <> (SELECT count(*) FROM kept WHERE kept.queue = queue.id)",
    ),
    (
        "conservation",
        "SELECT id FROM queue WHERE enqueued <> completed + ready + scheduled + leased + dead",
    ),
    (
        "a lease and its expiry",
        "SELECT id FROM task WHERE (state = 2) <> (lease_expires_at IS NOT NULL)
             OR (state = 2 AND token < 1) OR attempt > max_attempts",
    ),
    (
        "a suspect and its state",
        "SELECT id FROM task WHERE state NOT IN (1, 2) AND suspect <> (state = 5)",
    ),
    (
        "payloads",
        "SELECT task FROM payload WHERE task NOT IN (SELECT id FROM task)
             AND task NOT IN (SELECT task FROM kept)
         UNION ALL SELECT id FROM task
         WHERE payload IS NULL AND id NOT IN (SELECT task FROM payload)",
    ),
    ("ids that were given away", "SELECT id FROM task WHERE id >= (SELECT next_id FROM file)"),
];

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Equal for two files whose tables hold the same.
    pub digest: u64,
    /// Ids of the tasks there are, those kept as history included.
    pub tasks: Vec<i64>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Reads a queue's file as any program with SQLite would, after recovering it where that is due.
///
/// # Errors
/// SQLite cannot read it.
pub fn inspect(path: &Path) -> Result<State> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|connection| State::read(&connection))
        .map_err(|source| Error::Inspect { path: path.to_owned(), source })
}

impl State {
    /// Reads it through this connection.
    ///
    /// # Errors
    /// SQLite cannot read it.
    pub fn read(connection: &Connection) -> SqlResult<Self> {
        let reading = connection.unchecked_transaction()?;
        let mut hasher = DefaultHasher::new();
        for table in TABLES {
            hash_rows(&reading, table, &mut hasher)?;
        }
        let tasks =
            column(&reading, "SELECT id FROM task UNION ALL SELECT task FROM kept ORDER BY 1")?;
        let mut problems = Vec::new();
        for (what, select) in MUST_BE_EMPTY {
            let rows = column(&reading, select)?;
            if !rows.is_empty() {
                problems.push(format!("{what} of {rows:?}"));
            }
        }
        reading.pragma_query(None, "integrity_check", |row| {
            let said: String = row.get(0)?;
            if said != "ok" {
                problems.push(said);
            }
            Ok(())
        })?;
        reading.pragma_query(None, "foreign_key_check", |row| {
            problems.push(format!("a foreign key of {}", row.get::<_, String>(0)?));
            Ok(())
        })?;
        Ok(Self { digest: hasher.finish(), tasks, problems })
    }
}

fn column(connection: &Connection, select: &str) -> SqlResult<Vec<i64>> {
    connection.prepare(select)?.query_map([], |row| row.get(0))?.collect()
}

fn hash_rows(connection: &Connection, select: &str, hasher: &mut DefaultHasher) -> SqlResult<()> {
    let mut statement = connection.prepare(select)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for index in 0..columns {
            match row.get_ref(index)? {
                ValueRef::Null => 0_u8.hash(hasher),
                ValueRef::Integer(integer) => integer.hash(hasher),
                ValueRef::Real(real) => real.to_bits().hash(hasher),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(hasher),
            }
        }
    }
    columns.hash(hasher);
    Ok(())
}
