//! The version of the file, its schema, and what is checked when it is opened.

pub(crate) mod state;

use std::path::Path;

use rusqlite::Connection;

use crate::model::Error;

/// The application id in the header of a queue's file: the letters `PRMQ`.
pub(crate) const APPLICATION_ID: i32 = 0x5052_4D51;

/// The version this code reads and writes. No earlier one was published, so none is migrated.
pub(crate) const VERSION: i32 = 2;
const SCHEMA: &str = include_str!("0001_initial.sql");

/// What every file of the current version contains.
const OBJECTS: [&str; 12] = [
    "file",
    "queue",
    "lane",
    "task",
    "payload",
    "task_ready",
    "task_scheduled",
    "task_leased",
    "task_suspect",
    "task_dead",
    "kept",
    "kept_order",
];

/// Reads the first page of every table and index a queue works with, so that a damaged root is
/// found before the first write.
const TOUCH: [&str; 10] = [
    "SELECT number FROM file",
    "SELECT name FROM queue LIMIT 1",
    "SELECT type FROM lane LIMIT 1",
    "SELECT order_key FROM task INDEXED BY task_ready WHERE state = 0 LIMIT 1",
    "SELECT run_at FROM task INDEXED BY task_scheduled WHERE state = 1 LIMIT 1",
    "SELECT lease_expires_at FROM task INDEXED BY task_leased WHERE state = 2 LIMIT 1",
    "SELECT order_key FROM task INDEXED BY task_suspect WHERE state = 5 LIMIT 1",
    "SELECT id FROM task INDEXED BY task_dead WHERE state = 3 LIMIT 1",
    "SELECT task FROM payload LIMIT 1",
    "SELECT completion FROM kept INDEXED BY kept_order ORDER BY queue, completion LIMIT 1",
];

pub(crate) fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Application id, version, and whether the file is empty: by one statement, so that all are of one
/// moment while another process creates the file.
pub(crate) fn identity(connection: &Connection) -> rusqlite::Result<(i32, i32, bool)> {
    connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                NOT EXISTS (SELECT 1 FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Refuses a version that this code does not know.
pub(crate) fn refuse_newer(path: &Path, found: i32) -> Result<(), Error> {
    if found > VERSION {
        return Err(Error::SchemaTooNew { path: path.to_owned(), found, supported: VERSION });
    }
    Ok(())
}

/// Makes an empty file a queue inside the transaction in progress.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    if version(connection)? == 0 {
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(())
}

/// A number that changes when a backup is restored into the file, or its schema is migrated.
pub(crate) fn schema_cookie(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
}

/// The random number drawn for this file when it was created.
pub(crate) fn file_number(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT number FROM file")?.query_row([], |row| row.get(0))
}

/// What is wrong with a file of the current version; `None` if nothing is found.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    for object in OBJECTS {
        let mut find = connection.prepare(
            "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'index')",
        )?;
        if !find.exists([object])? {
            return Ok(Some(format!("{object} is missing from its schema")));
        }
    }
    for select in TOUCH {
        connection.prepare(select)?.exists([])?;
    }
    Ok(None)
}
